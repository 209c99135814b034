/*
 * Calls to the API as this worker: base address, a token of 60 seconds signed with the worker's own key, JSON in
 * and out.
 */
#ifndef WORKER_API_H
#define WORKER_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "err.h"
#include "loop.h"

struct api;
struct http_call;

struct api_answer {
	/* What went wrong, NULL for 2xx: the line's error, or ERR_UNAVAILABLE, or the row of the problem's code. */
	const struct err *e;
	bool away;          /* nothing was decided: no line, 5xx, 429, or a token that is not accepted (yet) */
	long status;        /* 0 without an answer */
	const char *code;   /* the problem's code, "" when there is none */
	json_t *doc;        /* NULL when the answer holds no JSON; borrowed */
};

typedef void api_fn(void *arg, const struct api_answer *a);

/* MIGRATION_API_URL, MIGRATION_API_CA_FILE, MIGRATION_WORKER_NAME, MIGRATION_WORKER_KEY_FILE,
 * MIGRATION_JWT_AUDIENCE. ERR_CONFIG or ERR_KEY when they will not do. */
const struct err *api_new(struct api **out, struct loop *l, const struct conf *c);
void api_free(struct api *a);
const char *api_worker(const struct api *a); /* the worker's name */

/* path: after /api/v1/migration. fn is called once, from the loop. key: Idempotency-Key or NULL. */
struct http_call *api_send(struct api *a, const char *method, const char *path, const json_t *body, const char *key,
	api_fn *fn, void *arg);
/* A piece of a file; headers end with NULL. */
struct http_call *api_put(struct api *a, const char *path, const char *const *headers, const void *p, size_t n,
	api_fn *fn, void *arg);
void api_cancel(struct http_call *c);

#endif
