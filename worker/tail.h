/* The log of a run that works, handed to the API as it grows, so that people see its end. What is on its way when the run
 * ends, and what comes after, is the delivery's (deliver.h), which goes on where the API's copy ends. */
#ifndef WORKER_TAIL_H
#define WORKER_TAIL_H

#include <stdint.h>

#include "api.h"
#include "loop.h"

struct tail;

/* dir: running/RUN, which outlives it. */
struct tail *tail_start(struct loop *l, struct api *a, int64_t run, int64_t attempt, const char *dir);
void tail_stop(struct tail *t); /* and frees; NULL is fine */

#endif
