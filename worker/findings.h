/*
 * What a run's events say, gathered for the final report: per-folder state of the pass, the verification, checks,
 * missing and refused messages. The vocabulary is the engine's (migration-events.7); tools that speak another
 * language translate. Lists of messages beyond FINDINGS_LIST_MAX go to a file, one JSON object a line, so that
 * memory stays bounded.
 */
#ifndef WORKER_FINDINGS_H
#define WORKER_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "claim.h"
#include "err.h"

#define FINDINGS_LIST_MAX 1000 /* messages in one report */

struct findings;

/* `overflow`: path of the file for what does not fit; made when it is needed, truncated first. `prefix` is put
 * before names of quarantined files. */
struct findings *findings_new(const char *overflow, const char *prefix);
void findings_free(struct findings *f); /* NULL is fine */

void findings_event(struct findings *f, const json_t *event);
/* The `done` event, or NULL while none came. */
const json_t *findings_done(const struct findings *f);
/* No more events: the first error that was met while writing the overflow file, NULL when none. */
const struct err *findings_end(struct findings *f);

/* Adds result, pass, verification, missing and refusals to the report's body. `status`: of the run's end. */
void findings_report(struct findings *f, const struct claim *c, const char *status, json_t *body);

#endif
