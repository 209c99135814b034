/*
 * A gzip file of one or many members as a stream of bytes, check sums compared. Other than zlib's gzread it gives
 * what could be unpacked before a mistake; and a file that is no gzip as it is.
 *
 * While it is read for the first time, points are kept from which reading can begin again: what inflate needs at a
 * block's end is the 32 KiB before it (zlib's examples/zran.c). Together they take GUNZIP_POINTS_MAX of memory at most;
 * the longer the stream, the further they lie apart. Check sums are compared only where a member is read from its start.
 */
#ifndef GUNZIP_H
#define GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define GUNZIP_POINTS_MAX (8u << 20)

struct gunzip;

const struct err *gunzip_open(struct gunzip **out, const char *path);
/* Bytes read; 0 at the end; -1: gunzip_why says what is wrong. */
ssize_t gunzip_read(struct gunzip *g, void *p, size_t n);
uint64_t gunzip_at(const struct gunzip *g); /* bytes of the stream before the next one */
/* Goes to that place of the stream, from the nearest point before it. False: it cannot be reached, gunzip_why says why. */
bool gunzip_seek(struct gunzip *g, uint64_t at);
const char *gunzip_why(const struct gunzip *g);
void gunzip_close(struct gunzip *g); /* NULL is fine */

#endif
