/*
 * Where the messages of an mbox begin and end. Pure: bytes in, messages out; memory bounded. One look-ahead is
 * needed where a Content-Length is to be believed: `peek` reads the file at a place.
 *
 * A message begins at a "From " line that has a date (or is Mozilla's "From -") or is followed by a header; both where
 * no empty line stands before it. The dialects: a Content-Length that leads exactly to the next "From " line or the end (mboxcl,
 * mboxcl2) is believed, and such a body is verbatim; elsewhere ">From " is a quoted "From " and ">>From " a quoted
 * ">From " (mboxrd; mboxo quotes the first only, which reads the same). The empty line behind a message is the
 * file's.
 */
#ifndef MBOX_SCAN_H
#define MBOX_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail_head.h"

struct mbox_message {
	uint64_t at;   /* behind its From_ line */
	uint64_t raw;  /* bytes in the file */
	uint64_t size; /* unquoted, lines ended by CRLF */
	bool verbatim; /* nothing is quoted in it */
	bool dated;
	int64_t date; /* the best of From_ line, Received and Date */
	const struct mail_head *head;
};

struct mbox_scan;
typedef void mbox_scan_fn(void *arg, const struct mbox_message *m);
/* Up to n bytes at `at`; how many there are. */
typedef size_t mbox_peek_fn(void *arg, uint64_t at, void *p, size_t n);

struct mbox_scan *mbox_scan_new(mbox_scan_fn *fn, mbox_peek_fn *peek, void *arg);
void mbox_scan_feed(struct mbox_scan *s, const char *p, size_t n);
/* The end of the file. What stood before the first From_ line: *before bytes. */
void mbox_scan_end(struct mbox_scan *s, uint64_t *before);
void mbox_scan_free(struct mbox_scan *s);

/* Takes one ">" from each line of ">From ", ">>From " …; state 0 at the start of a message. out: at most n bytes. */
struct mbox_unquote {
	bool inside;   /* not at the start of a line */
	unsigned held; /* ">" seen at the start of a line */
	unsigned word; /* letters of "From " seen behind them */
};
struct buf;
void mbox_unquote(struct mbox_unquote *u, const char *p, size_t n, struct buf *out);
void mbox_unquote_end(struct mbox_unquote *u, struct buf *out);

#endif
