/* SHA-256 that can be put down as text and taken up by another process: the hash of an upload. */
#ifndef UPLOAD_HASH_H
#define UPLOAD_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct upload_hash {
	uint64_t length; /* bytes fed */
	uint32_t h[8];
	unsigned char rest[64]; /* the last length % 64 bytes */
};

void upload_hash_init(struct upload_hash *s);
void upload_hash_feed(struct upload_hash *s, const void *p, size_t n);
/* Appends the digest in hex; s stays as it is. */
void upload_hash_hex(const struct upload_hash *s, struct buf *out);

/* "LENGTH STATE REST" in decimal, hex and hex ("-" for none); false when it is not of this form. */
void upload_hash_write(const struct upload_hash *s, struct buf *out);
bool upload_hash_parse(struct upload_hash *s, const char *text);

#endif
