/*
 * Answers of GET /gate, by organisation and domain, kept while nothing can have changed them: no other
 * connection has committed (data_version), this child has written nothing, and no override has run out. The
 * gate itself is never stored; a child that restarts begins with nothing.
 */
#ifndef GATE_CACHE_H
#define GATE_CACHE_H

#include <stdint.h>

#include "app.h"

struct gate_cache;

struct gate_answer {
	char *body; /* JSON */
	size_t len;
	char etag[33];
};

struct gate_cache *gate_cache_new(void);
void gate_cache_free(struct gate_cache *g); /* NULL is fine */

/* NULL: not known, or no longer true. Lives until the next call. */
const struct gate_answer *gate_cache_find(
	struct app *app, const char *org, const char *domain, int64_t now_ms);
/* Copies body; recheck_at: ms when the answer may change by itself, 0: never. Nothing is kept for a body that
 * is too big. */
void gate_cache_put(struct app *app, const char *org, const char *domain, const char *body, size_t len,
	const char *etag, int64_t recheck_at);

#endif
