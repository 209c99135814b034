/* Idempotency-Key: a POST that is sent twice happens once, and both get the same answer. */
#ifndef IDEMPOTENCY_H
#define IDEMPOTENCY_H

#include "call.h"

/* Runs the handler in one transaction with the note of its answer, or repeats the answer of the first time
 * (Idempotency-Replayed: true). ERR_INPUT for the same key with another request. Without the header the
 * handler is simply run. Keys are each principal's own; all workers are one. */
const struct err *idempotency_run(struct call *c);

#endif
