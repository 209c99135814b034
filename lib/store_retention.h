/*
 * MIGRATION_RETENTION_DAYS: which files go once their job has been closed for longer. `before` is the instant that
 * lies so many days back: a job is due when it was closed by then and its files were not removed since.
 *
 * What the database holds stays: counts, folders, missing and refused messages, decisions, the audit trail. Of the
 * files stay those of the runs that made reports, and the logs and events of the runs that the job's evidence rests
 * on: each mailbox's last pass and last verification.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "store.h"

/* The job that has been due for longest, another than `but`; *job_id 0 when there is none. */
const struct err *retention_next(struct store *s, int64_t before, int64_t but, int64_t *job_id);
/* Inside a transaction: *due as long as nobody has opened the job again. */
const struct err *retention_due(struct store *s, int64_t job_id, int64_t before, bool *due);
/* How many jobs are due, and of how many the files were removed: for migrationctl doctor. */
const struct err *retention_count(struct store *s, int64_t before, int64_t *due, int64_t *pruned);

enum retention_keep { KEEP_NOTHING, KEEP_LEDGER, KEEP_ALL };
struct retention_run {
	int64_t id;
	enum retention_keep keep;
};
/* The job's runs by id; *v is the caller's to free. */
const struct err *retention_runs(
	struct store *s, int64_t job_id, int64_t after, size_t limit, struct retention_run **v, size_t *n);
/* All of the job's files are gone, so many with so many bytes: noted, and in the audit trail. */
const struct err *retention_done(
	struct store *s, int64_t job_id, int64_t files, int64_t bytes, const struct actor *by, int64_t now_ms);

/* For workers: a run, a mailbox of a job that has been closed for so long, its files removed or not. */
const struct err *retention_over_run(struct store *s, int64_t run_id, int64_t before, bool *over);
const struct err *retention_over_mailbox(struct store *s, int64_t mailbox_id, int64_t before, bool *over);
/* When the files of the run's job were removed, if that was after the run began; 0: they were not. */
const struct err *retention_removed_at(struct store *s, int64_t run_id, int64_t *at);

#endif
