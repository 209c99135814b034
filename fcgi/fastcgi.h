/*
 * FastCGI 1.0 as a responder hears it: one request on one connection.
 *
 *   record   version 1, type, request id (2), length (2), padding (1), 0 | content | padding
 *   in       BEGIN_REQUEST, PARAMS … PARAMS empty, STDIN … STDIN empty (or ABORT_REQUEST)
 *   out      STDOUT …, STDOUT empty, END_REQUEST; then the connection is closed
 *
 * Bodies come in pieces straight out of the one input buffer, which is wiped after each request: nothing of a request
 * stays behind in the process, and the size of a body does not matter.
 */
#ifndef FASTCGI_H
#define FASTCGI_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct fastcgi;

/* One for all requests of a process, one after the other. */
struct fastcgi *fastcgi_new(void);
void fastcgi_free(struct fastcgi *f);

/* Takes fd over (blocking) and reads until all parameters are there. ERR_LINE_LOST, ERR_TIMEOUT, ERR_PROTOCOL,
 * ERR_TOO_LARGE. fastcgi_end is needed in every case. */
const struct err *fastcgi_begin(struct fastcgi *f, int fd);
/* NAME=VALUE …, ended by NULL; valid until fastcgi_end. */
char *const *fastcgi_env(const struct fastcgi *f);

/* The next bytes of the body, valid until the next call; *n is 0 at its end. ERR_TIMEOUT when none came for wait_ms
 * (it may be called again), ERR_LINE_LOST when the web server gave the request up, ERR_PROTOCOL. */
const struct err *fastcgi_body(struct fastcgi *f, int64_t wait_ms, const char **p, size_t *n);

/* The answer, as CGI has it. ERR_LINE_LOST when nobody takes it; later calls do nothing. */
const struct err *fastcgi_write(struct fastcgi *f, const void *p, size_t n);

/* Ends the answer, closes the connection and wipes what was read. */
void fastcgi_end(struct fastcgi *f);

#endif
