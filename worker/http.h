/*
 * HTTP requests on the worker's loop (libcurl's multi interface): keep-alive, no redirects, no proxy from the
 * environment, certificates always checked. Answers are bounded to HTTP_ANSWER_MAX bytes.
 */
#ifndef WORKER_HTTP_H
#define WORKER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "loop.h"

#define HTTP_ANSWER_MAX (64u << 20) /* the facts of a report hold each message that is missing */

struct http;
struct http_call;

struct http_answer {
	const struct err *e; /* the line failed: host.*, tls.*, line.*; then nothing else counts */
	long status;
	const struct buf *body;
};

typedef void http_done_fn(void *arg, const struct http_answer *a);

const struct err *http_new(struct http **out, struct loop *l, const char *ca_file);
void http_free(struct http *h); /* ends what is under way without a callback */

/* Sends it; fn is called exactly once, later, from the loop, unless it is cancelled. `arg` is freed with free()
 * after the callback or at the cancel when `own` is true. The body is copied. headers end with NULL. */
struct http_call *http_send(struct http *h, const char *method, const char *url, const char *const *headers,
	const void *body, size_t len, http_done_fn *fn, void *arg, bool own);
void http_cancel(struct http_call *c); /* without a callback; what was sent may have had its effect */

#endif
