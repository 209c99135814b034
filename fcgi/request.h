/*
 * One HTTP request as FastCGI hands it over: method, path segments, query, headers, cookies, body.
 *
 * Pure: it reads an array of NAME=VALUE strings and a body that somebody else has read, so that tests need no
 * web server. Everything is checked once, here: what a handler sees is UTF-8 without control characters and
 * within the limits below.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define API_PREFIX "/api/v1/migration"
#define REQUEST_SEGMENTS 8      /* path segments after the prefix */
#define REQUEST_SEGMENT_MAX 200 /* bytes of one, decoded */
#define REQUEST_QUERIES 16
#define REQUEST_QUERY_MAX 1024  /* bytes of one value, decoded */
#define REQUEST_HEADER_MAX 1024 /* bytes of a header's value */
#define REQUEST_BEARER_MAX 8192 /* bytes of Authorization's value */

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_OTHER };
enum lang { LANG_EN, LANG_PT };

struct query {
	const char *name, *value; /* decoded */
};

struct request {
	char *const *env; /* borrowed */
	enum method method;
	bool head;                        /* HEAD: a GET whose answer has no body */
	enum lang lang;                   /* Accept-Language */
	char *segments[REQUEST_SEGMENTS]; /* decoded; after the prefix */
	int n_segments; /* -1: outside the prefix, too deep or not decodable: no route can match */
	struct query queries[REQUEST_QUERIES];
	int n_queries;
	int64_t content_length; /* -1: not announced */
	struct buf body;        /* filled by the reader, not by request_parse */
	struct buf text;        /* memory of segments and queries */
};

/* Reads the parameters; env stays the caller's and must outlive the request. Errors: ERR_INPUT for a query or
 * header that is too long, not UTF-8 or holds control characters, ERR_JSON for a Content-Length that is no
 * number. The request must be freed in every case. */
const struct err *request_parse(struct request *r, char *const *env);
void request_free(struct request *r);

/* A FastCGI parameter ("REMOTE_ADDR"); NULL when missing. */
const char *request_param(const struct request *r, const char *name);
/* A header by its FastCGI name without HTTP_ ("IF_MATCH"); NULL when missing or empty. */
const char *request_header(const struct request *r, const char *name);
/* A query value; NULL when missing. */
const char *request_query(const struct request *r, const char *name);
/* Appends a cookie's value to out; false when there is none. */
bool request_cookie(const struct request *r, const char *name, struct buf *out);
/* The content type without parameters equals `type`, ASCII case ignored. */
bool request_is_type(const struct request *r, const char *type);
/* The token after "Bearer "; NULL when there is no such header. */
const char *request_bearer(const struct request *r);

const char *method_name(enum method m); /* METHOD_OTHER: "" */

#endif
