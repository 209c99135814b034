/* What the files of a run share; nobody else includes this. */
#ifndef WORKER_RUN_IMPL_H
#define WORKER_RUN_IMPL_H

#include "deliver.h"
#include "execution.h"
#include "run.h"
#include "tail.h"

#define RUN_RETRY_MIN_MS 1000 /* between tries to reach the API */
#define RUN_RETRY_MAX_MS 30000
#define RUN_WAIT_MS 5000 /* for what may be free later */

enum run_state { CLAIMING, READY, EXECUTING, PAUSED, ENDING };
enum run_stop { STOP_NONE, STOP_CANCEL, STOP_PAUSE, STOP_DEADLINE, STOP_STALE, STOP_SHUTDOWN };

struct run {
	struct run *next;
	struct supervisor *sup;
	enum run_state state;
	enum run_stop stop;
	struct spool_run own;
	struct runfile file;
	struct claim claim;
	struct http_call *call;
	struct timer *timer, *deadline;
	int64_t pause_ms; /* between tries of a claim */
	int64_t attempt, seq, seq_final;
	bool cancel, pause, said; /* said: the last heartbeat told this state */
	const char *waits;        /* for what, NULL */
	struct execution *exec;
	struct tail *tail; /* while a tool works */
	int connections;
	struct delivery *delivery;
	json_t *report, *last; /* not yet in the outbox: the end, and the last heartbeat */
};

/* --- run.c --- */

/* Out of the worker's hands; the folder was dropped, or stays for the next start. */
void run_let_go(struct run *r);
void run_drop(struct run *r);
void run_give_hosts(struct run *r);
/* Goes on as far as it can: executes, pauses, waits, ends. */
void run_ready(struct run *r);

/* Numbers kept in files beside the run; 0 when there is none. */
int64_t run_read_number(const struct run *r, const char *name);
const struct err *run_write_number(const struct run *r, const char *name, int64_t n);

/* --- run_claim.c --- */

void run_send_claim(struct run *r);

/* --- run_end.c --- */

void run_end_with(struct run *r, const struct outcome *out);
void run_end_failed(struct run *r, const struct err *e);
void run_end_cancelled(struct run *r);
void run_post(struct run *r); /* the report: into the outbox, then out */

#endif
