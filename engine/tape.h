/*
 * The bytes of a file, gzipped or not, as a tape that can be wound back: the last TAPE_KEPT bytes at least are kept, so
 * that going back among them costs nothing; farther back it goes by the points of gunzip.h.
 */
#ifndef TAPE_H
#define TAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define TAPE_KEPT (8u << 20)
#define TAPE_STRETCH (6u << 20) /* so much from a multiple of it on, and what a message reaches beyond, can be read in any order */

struct tape;

const struct err *tape_open(struct tape **out, const char *path);
/* The next bytes, good until the next call; 0 at the end; -1: tape_why says what is wrong. */
ssize_t tape_read(struct tape *t, const void **out);
bool tape_seek(struct tape *t, uint64_t at); /* false: tape_why */
const char *tape_why(const struct tape *t);
void tape_close(struct tape *t); /* NULL is fine */

#endif
