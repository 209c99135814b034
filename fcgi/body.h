/* The body of a request, piece by piece, wherever it comes from. */
#ifndef BODY_H
#define BODY_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "request.h"

struct body {
	/* As fastcgi_body: *n is 0 at the end, ERR_TIMEOUT after wait_ms without a byte. */
	const struct err *(*next)(void *stream, int64_t wait_ms, const char **p, size_t *n);
	void *stream;
};

/* Reads all of it into r->body. ERR_TOO_LARGE over `max` bytes, ERR_JSON when it is not as long as announced;
 * without Content-Length (a chunked request that the proxy does not buffer) the end of the stream is the end. */
const struct err *body_read(const struct body *b, struct request *r, size_t max);

#endif
