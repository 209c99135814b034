/* What a handler gets: the request, who asks, the answer to fill, and what the process holds open. */
#ifndef CALL_H
#define CALL_H

#include <stdint.h>

#include "problem.h"
#include "request.h"
#include "response.h"
#include "router.h"

struct app;

struct call {
	struct app *app;
	struct request req;
	struct response res;
	const struct route *route;
	struct route_args args;
	struct field_errors fields; /* what is wrong with the input; see problem.h */
};

/* Answers one request whose parameters are env: routes, authenticates, checks, runs the handler, turns an
 * error into a problem. read_body fills req.body with at most `max` bytes and is called at most once, after
 * the caller is known to be allowed. The call must be freed by call_free. */
typedef const struct err *(*body_reader)(void *stream, struct request *r, size_t max);
void call_answer(struct call *c, struct app *app, char *const *env, body_reader read_body, void *stream);
void call_free(struct call *c);

#endif
