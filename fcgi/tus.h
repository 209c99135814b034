/* tus 1.0 (tus.io/protocols/resumable-upload): what its headers say. Pure. */
#ifndef TUS_H
#define TUS_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "json.h"

#define TUS_VERSION "1.0.0"
#define TUS_EXTENSIONS "creation,creation-with-upload,checksum,termination,expiration"
#define TUS_CHECKSUMS "sha1,sha256,sha512,md5"
#define TUS_METADATA_MAX 4096
#define TUS_NAME_MAX 255

/* Upload-Metadata, "key base64,key base64,key": an object of texts; the caller's. ERR_INPUT. */
const struct err *tus_metadata(const char *header, json_t **out);
/* The file's name in it; "upload" when there is none. Cleaned: never a path, one line, UTF-8; the caller's. */
char *tus_name(const json_t *metadata);

/* Upload-Checksum, "sha1 BASE64", and the sum itself. */
struct tus_sum;
/* ERR_INPUT for another algorithm or form. header NULL: *out is NULL, which all others take. */
const struct err *tus_sum_new(struct tus_sum **out, const char *header);
void tus_sum_feed(struct tus_sum *s, const void *p, size_t n);
bool tus_sum_fits(struct tus_sum *s); /* once, at the end */
void tus_sum_free(struct tus_sum *s);

#endif
