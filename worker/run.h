/*
 * One run in the worker's hands, from its folder in running/ to its file in done/ or failed/:
 *
 *   CLAIMING -> READY -> EXECUTING -> ENDING (outbox, delivery) -> gone
 *               READY: waits for a slot, for a host, for disk space
 *               EXECUTING <-> PAUSED
 *   any -> gone at once when the API says that the attempt is over (run.stale)
 *
 * When the worker stops, tools are stopped and the folder stays in running/: the next start takes it up again with
 * the nonce of the same claim.
 */
#ifndef WORKER_RUN_H
#define WORKER_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "runfile.h"
#include "spool.h"
#include "supervisor.h"

struct run;

/* Take over `own` and `file`. */
void run_claim(struct supervisor *sup, struct spool_run *own, struct runfile *file); /* begins with the claim */
void run_deliver(struct supervisor *sup, struct spool_run *own); /* begins with what its outbox file holds */

struct run *run_next(const struct run *r); /* the list that starts at supervisor's runs */
int64_t run_id(const struct run *r);
int64_t run_file_attempt(const struct run *r); /* of the run file, 0: not known */
bool run_has_slot(const struct run *r);

/* Its item for PATCH /runs, or NULL when it holds no lease; the caller's. */
json_t *run_beat(struct run *r);
bool run_changed(const struct run *r); /* something new to report */
/* The API's answer to it. */
void run_beaten(struct run *r, int64_t attempt, const json_t *answer);

void run_tick(struct run *r);     /* once a second: cancel files, locks */
void run_continue(struct run *r); /* a slot or a host may be free, or the API back */
void run_shutdown(struct run *r); /* the worker stops */

#endif
