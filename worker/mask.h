/*
 * Takes secrets out of a stream of text before it is kept: each occurrence, also one cut in two by a read, is
 * written as ********. Known forms: as it is, percent-encoded, base64 (also inside a SASL PLAIN answer).
 * The secrets live in locked memory that is wiped by mask_free.
 */
#ifndef WORKER_MASK_H
#define WORKER_MASK_H

#include <stddef.h>

#include "buf.h"

#define MASK_MIN 4 /* bytes; masking a shorter text would take ordinary words out of the log */

struct mask;

struct mask *mask_new(void);
void mask_free(struct mask *m); /* NULL is fine */
void mask_secret(struct mask *m, const char *secret, size_t len);

/* Appends to out what of the stream so far is certain to hold no secret; keeps back what might start one. */
void mask_feed(struct mask *m, const char *p, size_t n, struct buf *out);
/* The stream has ended (or pauses at a line's end): appends what was kept back. */
void mask_flush(struct mask *m, struct buf *out);
/* A text that is no part of the stream. */
void mask_text(const struct mask *m, const char *p, size_t n, struct buf *out);

#endif
