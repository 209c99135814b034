/*
 * A terminal for a program that asks for its password there and nowhere else. The program gets the other end as its
 * controlling terminal; when the prompt appears, the secret is typed, once.
 */
#ifndef WORKER_TERMINAL_H
#define WORKER_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct terminal;

/* Keeps a copy of the secret, in locked memory, until it has been typed. ERR_UNSUPPORTED: no line of a terminal can
 * carry it. */
const struct err *terminal_open(struct terminal **out, const char *prompt, const char *secret, size_t len);
void terminal_free(struct terminal *t); /* hangs up; NULL is fine */
int terminal_fd(const struct terminal *t); /* non-blocking, to be watched for reading */

/* In the child, after setsid: async-signal-safe; false with errno. */
bool terminal_take(const struct terminal *t);

/* Something can be read. False when it asks a second time: hang up. */
bool terminal_read(struct terminal *t);

#endif
