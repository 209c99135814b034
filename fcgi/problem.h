/*
 * RFC 9457 answers: application/problem+json with the stable code, the remedy, and a pointer for every field
 * that was wrong. A pointer that begins with '/' is into the body (RFC 6901; "" is the body itself); "?name"
 * is a query parameter, "path:id" a part of the path, "header:If-Match" a header, "line 4" a line of a CSV
 * body.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "err.h"
#include "json.h"
#include "request.h"
#include "response.h"

/* Makes the response a problem; what a handler had put into it is dropped. fields may be NULL. An error that
 * is the service's own fault (status 500) is logged, and only its code is told. `extra` is a member with its
 * name (`"gate":{…}`) or NULL. */
void problem_write(struct response *res, const struct err *e, const struct js_problems *fields,
	enum lang lang, const char *extra);

#endif
