/*
 * Runs: queued, claimed by a worker (compare-and-set), reported on, ended. The rules of who may follow whom
 * are lifecycle.h's; uniqueness (one active run a mailbox, one mail-changing run a destination account) is
 * the database's.
 */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include "report.h"
#include "store.h"

struct run {
	int64_t id, job_id, mailbox_id; /* mailbox_id 0: none */
	enum run_kind kind;
	enum pass pass;
	enum engine_kind engine;
	enum run_status status;
	bool held, changes_mail, cancel, pause;
	int64_t attempt, seq;
	char *worker;                                          /* "" while none has it */
	char *options, *result;                                /* JSON objects */
	char *code, *message;                                  /* "" */
	int64_t lease_until, not_before, change_seq, retry_of; /* 0: none */
	char *created_by, *created_role;
	int64_t created_at, started_at, finished_at; /* ms, 0: not yet */
};
void run_free(struct run *r);
void runs_free(struct run *v, size_t n);

struct run_request {
	int64_t job_id, mailbox_id;
	enum run_kind kind;
	enum pass pass;
	enum engine_kind engine;
	const char *options; /* JSON object's text or NULL */
	int64_t retry_of;
};

/* All or none. *v are the new runs (runs_free). Without `queue`: ERR_RUN_ACTIVE when a mailbox or a
 * destination account is busy, and *busy (n requests long, or NULL) tells which. With `queue` those are
 * inserted as held, and released when their turn comes. ERR_NOT_FOUND, ERR_CONFLICT (job closed, mailbox
 * removed), ERR_UPLOAD_INCOMPLETE, ERR_INPUT (kind needs a mailbox). */
const struct err *run_enqueue(struct store *s, const struct run_request *req, size_t n, bool queue,
        const struct actor *by, struct run **v, bool *busy);

/* org NULL: of any job. */
const struct err *run_get(struct store *s, int64_t id, const char *org, struct run *out);

struct run_filter {
	int64_t job_id, mailbox_id; /* 0: any */
	int status;                 /* enum run_status, -1: any */
	int kind;                   /* enum run_kind, -1: any */
	bool active;                /* only active ones */
	int64_t before;             /* ids below this; 0: from the newest */
	size_t limit;
};
/* Newest first. */
const struct err *run_list(struct store *s, const struct run_filter *f, struct run **v, size_t *n);
/* found is false and *out zero when there is none. */
const struct err *run_active_of(struct store *s, int64_t mailbox_id, struct run *out, bool *found);
const struct err *run_last_of(struct store *s, int64_t mailbox_id, struct run *out, bool *found);

/* Queued, not held, not_before passed; oldest first, ids above `after`: what the keeper emits. */
const struct err *run_emittable(
        struct store *s, int64_t now_ms, int64_t after, size_t limit, struct run **v, size_t *n);

/* The compare-and-set of a claim. ERR_RUN_STALE (drop the run file), ERR_NOT_FOUND.
 * queued and row.attempt == attempt: running, attempt + 1. Held with this nonce, worker and row.attempt ==
 * attempt + 1: the same answer again (the worker's seq goes on rising). failed, cancelled or partial and
 * row.attempt == attempt (a run file that was moved back by hand): queued again and claimed, audited as
 * `spool`; ERR_RUN_ACTIVE when another run is active now. Not so when it was cancelled before a worker had it,
 * when its job is closed, or its mailbox was removed or given other accounts: ERR_RUN_STALE. */
const struct err *run_claim(struct store *s, int64_t id, const char *worker, int64_t attempt,
        const char *nonce, int64_t lease_ms, int64_t now_ms, struct run *out);

/* A heartbeat of one run. Progress goes to progress.db; the row is written only when the status changes or
 * less than half of the lease is left, so that polling caches live. */
struct run_beat {
	int64_t id, attempt, seq;
	enum run_status status; /* running, paused or waiting */
	const char *progress;   /* JSON object's text, NULL: none */
	/* out */
	bool accepted, cancel, pause;
	enum err_id refused; /* ERR_NONE, ERR_RUN_STALE or ERR_NOT_FOUND */
};
const struct err *run_beats(
        struct store *s, const char *worker, struct run_beat *v, size_t n, int64_t lease_ms, int64_t now_ms);

struct run_reported {
	bool accepted; /* false: this seq was known already */
	bool requeued, cancel, pause;
	enum run_status status; /* of the row now */
};
/* A report of one run (report.h). ERR_RUN_STALE when attempt or worker is not the row's, or the run has ended
 * otherwise. An end of a mail-changing run becomes a pass, a verification becomes evidence, in the same
 * transaction. Failed and given back runs are queued again as lifecycle.h says. After the end the same
 * attempt may still add missing and refusals (seq rising, status as it ended or running). */
const struct err *run_report(struct store *s, int64_t id, const struct report *r, int64_t max_attempts,
        int64_t now_ms, struct run_reported *out);

/* What people ask for; *out is the run as it is then. A queued run is cancelled at once, an active one gets
 * the flag. ERR_CONFLICT when it has ended, or there is nothing to resume. */
const struct err *run_cancel(struct store *s, int64_t id, const struct actor *by, struct run *out);
const struct err *run_pause(struct store *s, int64_t id, const struct actor *by, struct run *out);
const struct err *run_resume(struct store *s, int64_t id, const struct actor *by, struct run *out);
/* A new run like the ended one `id`. */
const struct err *run_retry(struct store *s, int64_t id, bool queue, const struct actor *by, struct run *out);

/* The keeper's: leases that ran out (at most `limit`), and held runs whose turn has come. *n: how many. */
const struct err *run_expire_leases(struct store *s, int64_t now_ms, int64_t max_attempts, size_t *n);
const struct err *run_release_held(struct store *s, size_t *n);
/* While nobody took heartbeats nobody could keep a lease: those that ended meanwhile, or end before the workers can
 * be heard, last lease_ms from now on. For the keeper's start. */
const struct err *run_extend_leases(struct store *s, int64_t lease_ms, int64_t now_ms);

struct run_progress {
	int64_t attempt, seq, at;
	char *totals; /* JSON object */
};
/* totals is NULL when nothing was reported. */
const struct err *run_progress_get(struct store *s, int64_t run_id, struct run_progress *out);
void run_progress_free(struct run_progress *p);
/* Forgets progress of runs that ended long ago. */
const struct err *run_progress_prune(struct store *s, int64_t older_than_ms);

#endif
