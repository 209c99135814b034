/*
 * One execution of a tool for a claimed run: credentials opened, folders made, the tool started and watched, its
 * output kept with secrets masked, its events understood. A run that is paused and goes on has several.
 *
 * Files in running/RUN: log, events.jsonl, more.jsonl (messages beyond one report), tool (locked by the tool's
 * processes as long as one of them lives; holds their session's number).
 */
#ifndef WORKER_EXECUTION_H
#define WORKER_EXECUTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "claim.h"
#include "conf.h"
#include "err.h"
#include "loop.h"
#include "spool.h"
#include "tool.h"
#include "unseal.h"

struct execution;

typedef void execution_fn(void *arg, const struct outcome *out); /* the tool and all its processes have ended */

struct execution_env {
	struct loop *loop;
	const struct conf *conf;
	const struct spool *spool;
	const struct keyring *keys;
};

/* Kills what a worker that died has left of this run's tool; *busy while something of it still lives. */
const struct err *execution_clear(const char *dir, bool *busy);

/* `dir` is running/RUN. The claim must outlive the execution. Errors are the run's end: credential.*, tool.*,
 * unsupported, disk.low … */
const struct err *execution_start(struct execution **out, const struct execution_env *env, const struct claim *c,
	const char *dir, int connections, execution_fn *fn, void *arg);
void execution_free(struct execution *x); /* NULL is fine; a tool that still runs is killed */

/* TERM now, KILL after grace_ms. */
void execution_stop(struct execution *x, int64_t grace_ms);

bool execution_changed(const struct execution *x); /* progress since the last execution_progress */
json_t *execution_progress(struct execution *x);   /* null while nothing is known */
/* Adds result, pass, verification, missing, refusals to a report's body. */
void execution_report(struct execution *x, const char *status, json_t *body);

#endif
