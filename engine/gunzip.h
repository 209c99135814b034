/*
 * A gzip file of one or many members as a stream of bytes, check sums compared. Other than zlib's gzread it gives
 * what could be unpacked before a mistake; and a file that is no gzip as it is.
 */
#ifndef GUNZIP_H
#define GUNZIP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct gunzip;

const struct err *gunzip_open(struct gunzip **out, const char *path);
/* Bytes read; 0 at the end; -1: gunzip_why says what is wrong. */
ssize_t gunzip_read(struct gunzip *g, void *p, size_t n);
const char *gunzip_why(const struct gunzip *g);
void gunzip_close(struct gunzip *g); /* NULL is fine */

#endif
