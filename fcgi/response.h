/* The answer to one request: status, headers, and a body in memory or a range of an open file. */
#ifndef RESPONSE_H
#define RESPONSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

struct response {
	int status;
	const char *type;   /* Content-Type; a constant */
	struct buf headers; /* "Name: value\r\n" … */
	struct buf body;
	int fd; /* -1, or the file whose bytes [from, from + length) are the body */
	off_t from, length;
	bool cacheable; /* leave out "Cache-Control: no-store" */
};

void response_init(struct response *res);
void response_free(struct response *res);  /* closes fd, wipes the body */
void response_clear(struct response *res); /* back to nothing said: status 200, no headers, no body */

/* Control characters in the value are left out: no header can be split. */
void response_header(struct response *res, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* ETag in quotes, weak when told. */
void response_etag(struct response *res, const char *etag);

/* The text of a status code; "Error" for one without. */
const char *response_reason(int status);

/* Status line, headers and the empty line as CGI wants them; the body is not included. */
void response_head(const struct response *res, struct buf *out);

#endif
