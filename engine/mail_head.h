/*
 * What the header of a message in a file says of the message: when it came, flags, keywords, labels. Pure; memory
 * bounded. Lines in, one after the other, without their ends.
 */
#ifndef MAIL_HEAD_H
#define MAIL_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum mail_field {
	MAIL_DATE,
	MAIL_RECEIVED, /* the first: the last hop */
	MAIL_LENGTH,
	MAIL_STATUS,
	MAIL_X_STATUS,
	MAIL_MOZILLA_STATUS,
	MAIL_MOZILLA_KEYS,
	MAIL_KEYWORDS,
	MAIL_LABELS,
	MAIL_FIELDS
};

struct mail_head {
	struct buf v[MAIL_FIELDS]; /* unfolded; empty: not there */
	int at;                    /* the field that a folded line goes on; -1: none that matters */
	bool any;                  /* a line that looks like a field was there */
};

void mail_head_init(struct mail_head *h);
void mail_head_reset(struct mail_head *h);
void mail_head_free(struct mail_head *h);

void mail_head_line(struct mail_head *h, const char *p, size_t n);

/* The lines of the first n bytes of a message, as far as its header goes. */
void mail_head_text(struct mail_head *h, const char *p, size_t n);

/* From Received, else Date. False: neither says. */
bool mail_head_date(const struct mail_head *h, int64_t *out);
/* enum source_flag. *gone: Thunderbird has deleted it and not yet taken it out of the file. */
uint32_t mail_head_flags(const struct mail_head *h, bool *gone);
/* X-Keywords and X-Mozilla-Keys as a set for source_words: each with a space before it. */
void mail_head_words(const struct mail_head *h, struct buf *out);
/* Adds the word to the set as a keyword that IMAP can carry (RFC 9051 flag-keyword), if any of it can. */
void mail_word_add(struct buf *set, const char *p, size_t n);

#endif
