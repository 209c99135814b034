/*
 * The life of a run, pure: which status may follow which, and what becomes of a run that failed or lost its
 * worker. queued -> running <-> paused | waiting -> succeeded | partial | failed | cancelled any active one
 * -> queued (given back, lease expired, failure that may pass) or an end
 */
#ifndef LIFECYCLE_H
#define LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

bool lifecycle_may(enum run_status from, enum run_status to);

enum lifecycle_event {
	LIFE_FAILED,     /* the worker reports failed with a code */
	LIFE_GIVEN_BACK, /* the worker hands it back with a code (it stops, or says try later) */
	LIFE_LEASE       /* the worker was not heard of in time */
};

struct lifecycle_next {
	enum run_status status; /* RUN_QUEUED, RUN_FAILED or RUN_CANCELLED */
	const char *code; /* of the end: the given one, run.lost or run.cancelled; NULL when queued again */
	int64_t delay_ms; /* queued: no run file earlier than that from now */
};

/* `attempt`: claims so far (at least 1). A failure is tried again by the retry class of its code
 * (RETRY_LATER: up to max_attempts; RETRY_ONCE: one more, if max_attempts allows; RETRY_NEVER and unknown
 * codes: not), after a pause of 5 s that grows fourfold an attempt up to 10 minutes. A lost lease counts as
 * run.lost. A run given back without a failure is queued again always: at once (code NULL), or after 5 s
 * (service.unavailable). With `cancel` asked for: cancelled. A failure of a kind that a person waits for (preflight,
 * discover, dns_read, dns_apply) is the answer: it is not tried again by its code. */
struct lifecycle_next lifecycle_next(enum lifecycle_event ev, enum run_kind kind, const char *code,
        int64_t attempt, int64_t max_attempts, bool cancel);

#endif
