/*
 * After the switch: MX counts as moved (or moved back), and the straggler watch: light looks at each mailbox of
 * the old server until nothing new has come for a number of MX TTLs.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include "conf.h"
#include "store.h"
#include "store_run.h"

#define WATCH_TTLS 3           /* quiet for so many TTLs ends it */
#define WATCH_EVERY_MS 300000  /* between two looks, at most; a tenth of the quiet time where that is less */
#define WATCH_EVERY_LEAST 1000

struct watch {
	int64_t id, job_id, quiet_ms, every_ms, arrived, started_at, last_new_at, ended_at; /* id 0: none */
	char *why;                                                                          /* "" while it lasts */
};
void watch_free(struct watch *w);
/* The last one of the job. */
const struct err *watch_get(struct store *s, int64_t job_id, struct watch *out);

/* MX has moved: the event for the gate (nothing when it says so already) and a watch. `ready`: 1 or 0 what the gate
 * said, -1: look now (with the policy that counts). The first MX TTL of the plan or the last read sets its pace. */
const struct err *watch_applied(struct store *s, int64_t job_id, const char *how, int ready, const char *detail,
        const struct actor *by, int64_t now_ms);
/* MX is back, or on its way back: the event for the gate, and the watch ends. */
const struct err *watch_rolled_back(struct store *s, int64_t job_id, const char *detail, const struct actor *by,
        int64_t now_ms);

/* A straggler run has ended: what it copied came late. In run_report's transaction. */
const struct err *watch_looked(struct store *s, const struct run *r, int64_t copied, int64_t now_ms);

/* The keeper's: queues looks that are due (*v, to be freed by runs_free, are new) and ends watches that were quiet
 * long enough. */
const struct err *watch_tick(struct store *s, int64_t now_ms, size_t *started);

/* What the gate's policy is for `ready` -1; set once a process, before any call. */
struct gate_policy;
void watch_policy(const struct gate_policy *p);

#endif
