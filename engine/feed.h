/*
 * A file as the source of a run, seen from the engine: each connection is a confined child of its own that reads the
 * file (source.h) and speaks IMAP over a socket pair. A crash of a reader is a lost line, no more. What children say
 * of the file (damage, what is no mail) becomes events, each once.
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "event.h"
#include "imap_resp.h"
#include "url.h"

struct feed;

const struct err *feed_new(struct feed **out, const struct endpoint *ep, struct events *ev);
void feed_free(struct feed *f); /* waits for its children; NULL is fine */

/* Starts a child; *fd is our end, non-blocking, the caller's to close. */
const struct err *feed_connect(struct feed *f, int *fd);

/* Is it a note? Then it has been dealt with. */
bool feed_note(struct feed *f, const struct imap_resp *r);
/*
 * Turns: stretches of a file, as many bytes as its reader goes back over for nothing. Messages of one turn, of whatever
 * folders, are best asked for together. A reader whose file can be read in any order tells none.
 */
struct feed_turns;
const struct feed_turns *feed_turns(const struct feed *f, const char *folder); /* as on the wire; NULL: none */
uint32_t feed_turn_of(const struct feed_turns *t, uint32_t uid);
uint32_t feed_turn_last(const struct feed_turns *t, uint32_t turn); /* the highest UID up to the turn's end */

/* NULL, or what [DESKERR …] says. */
const struct err *feed_error(const struct imap_resp *r);

/* Something of the file is damaged: the run cannot end better than partial. NULL is fine. */
bool feed_damaged(const struct feed *f);

#endif
