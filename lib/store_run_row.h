/* What the parts of the runs' store share: rows, and the two ways out of a run. Included by store_run*.c
 * only. */
#ifndef STORE_RUN_ROW_H
#define STORE_RUN_ROW_H

#include "lifecycle.h"
#include "store_run.h"

/* Reads the statement's present row of RUN_COLUMNS. */
#define RUN_COLUMNS                                                                                          \
	"r.id, r.job_id, COALESCE(r.mailbox_id, 0), r.kind, r.pass, r.engine, r.status, r.held, "            \
	"r.changes_mail,"                                                                                    \
	" r.cancel, r.pause, r.attempt, r.seq, r.worker, r.options, r.result, r.code, r.message,"            \
	" COALESCE(r.lease_until, 0), r.not_before, r.change_seq, COALESCE(r.retry_of, 0), r.created_by,"    \
	" r.created_role, r.created_at, COALESCE(r.started_at, 0), COALESCE(r.finished_at, 0), "             \
	"COALESCE(r.nonce, '')"
#define RUN_COLUMN_NONCE 27
void run_read(struct stmt *st, struct run *r);

#define RUN_IS_ACTIVE "status IN ('queued', 'running', 'paused', 'waiting')"

/* The run comes to its end, or back into the queue, with its audit row; inside a transaction. `pass` goes
 * into the evidence when a mail-changing run that was ever claimed ends (NULL: counts unknown). */
const struct err *run_finish(struct store *s, const struct run *r, enum run_status status, const char *code,
        const char *message, const char *result, int64_t seq, const struct report_pass *pass,
        const struct actor *by, int64_t now_ms);
const struct err *run_requeue(struct store *s, const struct run *r, const char *code, const char *message,
        int64_t delay_ms, const struct actor *by, int64_t now_ms);

/* run_release_held inside a transaction. */
const struct err *run_release(struct store *s, size_t *n);

#endif
