/* What a handler gets: the request, who asks, the answer to fill, and what the process holds open. */
#ifndef CALL_H
#define CALL_H

#include <stdint.h>

#include "app.h"
#include "body.h"
#include "json.h"
#include "principal.h"
#include "problem.h"
#include "request.h"
#include "response.h"
#include "router.h"
#include "store_run.h"

struct call {
	struct app *app;
	struct request req;
	struct response res;
	const struct route *route;
	struct route_args args;
	int64_t now_ms;

	struct principal who; /* role ROLE_NONE: nobody asked for a name */
	char *who_text;       /* principal_text, for audit and created_by */
	struct actor by;

	json_t *json;           /* the body, once call_json was asked for it */
	struct js_problems bad; /* what is wrong with the input */
	char *extra;            /* a member to add to the problem, `"gate":{…}` */
	const struct body *in;  /* ROUTE_STREAM: the handler reads the body itself */
	struct run *emit;       /* runs whose files are written once everything is committed */
	size_t n_emit;
};

/* Answers one request whose parameters are env: routes, authenticates, checks, runs the handler, turns an
 * error into a problem. The body is read once the caller is known to be allowed. The call must be freed by
 * call_free. */
void call_answer(struct call *c, struct app *app, char *const *env, const struct body *body);
void call_free(struct call *c);

/* --- for handlers --- */

/* The body as a JSON object; *root is the place that getters start from. ERR_JSON, ERR_INPUT. The second
 * takes a request without a body for {}. */
const struct err *call_json(struct call *c, struct js_at *root);
const struct err *call_json_or_empty(struct call *c, struct js_at *root);
/* For routes that take no parameters: no body, or {}. ERR_JSON, ERR_INPUT. */
const struct err *call_nothing(struct call *c);
/* A body that may hold the boolean `name` and nothing else, or none; *v stays when it says nothing. */
const struct err *call_flag(struct call *c, const char *name, bool *v);
/* call_json for an object or an array. */
const struct err *call_json_any(struct call *c, struct js_at *root);
/* NULL, or ERR_INPUT when the getters have found something. */
const struct err *call_bad(const struct call *c);
/* Adds a problem that is not of the body ("?limit", "header:If-Match"). */
void call_problem(struct call *c, const char *pointer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ERR_FORBIDDEN unless the worker that the body names (NULL: none) is the token's: nobody speaks for another. */
const struct err *call_worker(const struct call *c, const char *name);

/* Organisation whose rows this caller may see; NULL: all. */
const char *call_org(const struct call *c);

/* Takes the runs over; their files are written after the commit. The answer does not depend on it. */
void call_emit(struct call *c, struct run *v, size_t n);

/* ?limit and ?cursor; what is wrong with them goes to c->bad. *after is 0 for the first page. */
void call_page(struct call *c, size_t *limit, int64_t *after);

/* ETag of the answer, without quotes; turns the answer into 304 when If-None-Match names it. */
void call_etag(struct call *c, const char *etag);
/* The same, computed over the body as it stands; `prefix` comes before ("v3-"). */
void call_etag_body(struct call *c, const char *prefix);
/* If-Match without quotes; NULL: not given. ERR_INPUT in c->bad for a form that names no single tag. */
const char *call_if_match(struct call *c);
/* The version in If-Match "v3-…", "v3" or "3". ERR_PRECONDITION_REQUIRED, ERR_PRECONDITION for another form.
 */
const struct err *call_if_match_version(struct call *c, int64_t *version);

/* 201 with Location API_PREFIX + path. */
void call_created(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
