/*
 * RFC 9457 answers: application/problem+json with the stable code, the remedy, and a pointer for every field
 * that was wrong. A pointer that begins with '/' is into the body (RFC 6901); "?name" is a query parameter,
 * "path:id" a part of the path, "header:If-Match" a header, "line 4" a line of a CSV body.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "request.h"
#include "response.h"

#define PROBLEM_FIELDS 100 /* what is wrong beyond that is counted, not told */

struct field_error {
	char *pointer, *detail;
	const char *code; /* of err_table.h */
};

struct field_errors {
	struct field_error *items;
	size_t n, more; /* more: beyond PROBLEM_FIELDS */
};

void fields_add(struct field_errors *f, const char *pointer, enum err_id id, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void fields_free(struct field_errors *f);
/* NULL when there are none, else ERR_INPUT that names the first. */
const struct err *fields_verdict(const struct field_errors *f);

/* Makes the response a problem; what a handler had put into it is dropped but for the headers in `keep`
 * (whole lines, NULL: none). fields may be NULL. */
void problem_write(struct response *res, const struct err *e, const struct field_errors *fields, enum lang lang,
	const char *keep);

#endif
