/*
 * DEFLATE as COMPRESS (RFC 4978) speaks it: raw streams without a header, both directions at once, flushed so that
 * nothing said waits for more.
 */
#ifndef DEFLATE_H
#define DEFLATE_H

#include "buf.h"
#include "err.h"

struct deflate;

struct deflate *deflate_new(void);
void deflate_free(struct deflate *z); /* NULL is fine */

/* Compresses n bytes to the end of out, up to a byte that the other side can decode it all from. */
void deflate_add(struct deflate *z, const void *p, size_t n, struct buf *out);

/* Decompresses at most size bytes into p from the *n bytes at *in, and moves both past what it used. *got 0: it needs
 * more input. ERR_PROTOCOL: what came is no such stream, or the stream has ended. */
const struct err *deflate_take(struct deflate *z, const char **in, size_t *n, void *p, size_t size, size_t *got);

#endif
