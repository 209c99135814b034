/* A set of UIDs as sorted, disjoint, non-touching ranges: a folder of a million messages is one range. */
#ifndef UIDSET_H
#define UIDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct uid_range {
	uint32_t lo, hi; /* both inside */
};

struct uidset {
	struct uid_range *r;
	size_t n, cap;
};

#define UIDSET_INIT                                                                                                    \
	{                                                                                                              \
		.r = NULL                                                                                              \
	}

void uidset_free(struct uidset *s); /* back to UIDSET_INIT */
void uidset_clear(struct uidset *s);
void uidset_add(struct uidset *s, uint32_t lo, uint32_t hi); /* cheapest in rising order; lo > hi adds nothing */
void uidset_add_set(struct uidset *s, const struct uidset *more);
void uidset_sub(struct uidset *s, const struct uidset *less);
void uidset_clip(struct uidset *s, uint32_t lo, uint32_t hi); /* keeps what lies in lo..hi */
bool uidset_has(const struct uidset *s, uint32_t uid);
uint64_t uidset_count(const struct uidset *s);

/* RFC 9051 sequence-set without "*"; false (and s unchanged or partly filled) when it is none. */
bool uidset_parse(struct uidset *s, const char *p, size_t n);
/* Appends ranges from index *at on until the text would exceed max bytes; moves *at. False: nothing left. */
bool uidset_format(const struct uidset *s, size_t *at, size_t max, struct buf *out);
/* The i-th UID (from 0) in rising order; 0 when there is none. */
uint32_t uidset_at(const struct uidset *s, uint64_t i);

#endif
