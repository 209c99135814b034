/*
 * Puts server responses together from tokens. FETCH items are read into struct imap_fetch as they come, so that a
 * body can be streamed the moment its literal starts. Everything is bounded.
 */
#ifndef IMAP_READER_H
#define IMAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "imap_resp.h"

/* A body section of a FETCH, streamed. begin sees what of the FETCH has been read so far: a server may send
 * UID, FLAGS or INTERNALDATE after the body. data comes as bytes arrive; end when all `size` have been. */
struct imap_body_ops {
	void (*begin)(void *arg, const struct imap_fetch *f, const char *section, uint64_t size);
	void (*data)(void *arg, const void *p, size_t n);
	void (*end)(void *arg);
};

struct imap_reader; /* a parser and the response being built */

struct imap_reader *imap_reader_new(void);
void imap_reader_free(struct imap_reader *r);
/* Takes from the n bytes at p at most up to the end of one response; *used says how many. *done: *resp is
 * complete and stands until the next call. Called again with what is left and what has arrived since.
 * `body` may be NULL (sections are then ordinary values in v, at most 1 MiB a response). Stops early, without
 * error, when *pause becomes true inside a body callback. ERR_PROTOCOL otherwise. */
const struct err *imap_reader_feed(struct imap_reader *r, const char *p, size_t n, size_t *used, bool *done,
	const struct imap_resp **resp, const struct imap_body_ops *body, void *arg, const bool *pause);

#endif
