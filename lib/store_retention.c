#include "store_retention.h"

#include "json.h"
#include "store_audit.h"

#include "banned.h"

#define DUE "status = 'closed' AND (pruned_at IS NULL OR pruned_at < closed_at) AND closed_at <= "

const struct err *retention_next(struct store *s, int64_t before, int64_t but, int64_t *job_id)
{
	*job_id = 0;
	return db_i64(store_db(s), job_id, NULL,
		"SELECT id FROM jobs WHERE " DUE "?1 AND id <> ?2 ORDER BY closed_at LIMIT 1", "ii", before,
		but);
}

static const struct err *over(struct store *s, const char *sql, int64_t id, int64_t before, bool *out)
{
	int64_t one = 0;
	const struct err *e = db_i64(store_db(s), &one, NULL, sql, "ii", id, before);

	*out = one != 0;
	return e;
}

const struct err *retention_due(struct store *s, int64_t job_id, int64_t before, bool *due)
{
	return over(s, "SELECT 1 FROM jobs WHERE id = ?1 AND " DUE "?2", job_id, before, due);
}

const struct err *retention_count(struct store *s, int64_t before, int64_t *due, int64_t *pruned)
{
	const struct err *e =
		db_i64(store_db(s), due, NULL, "SELECT count(*) FROM jobs WHERE " DUE "?1", "i", before);

	if (e == NULL)
		e = db_i64(store_db(s), pruned, NULL,
			"SELECT count(*) FROM jobs WHERE status = 'closed' AND pruned_at >= closed_at", "");
	return e;
}

static void read_run(struct stmt *st, void *item)
{
	*(struct retention_run *)item = (struct retention_run){
		.id = db_col_i64(st, 0), .keep = (enum retention_keep)db_col_i64(st, 1)};
}

const struct err *retention_runs(
	struct store *s, int64_t job_id, int64_t after, size_t limit, struct retention_run **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
		"SELECT r.id, CASE WHEN r.kind = 'report' THEN 2"
		" WHEN r.id = (SELECT p.run_id FROM passes p WHERE p.mailbox_id = r.mailbox_id"
		" ORDER BY p.id DESC LIMIT 1) THEN 1"
		" WHEN r.id = (SELECT f.run_id FROM verifications f WHERE f.mailbox_id = r.mailbox_id"
		" ORDER BY f.id DESC LIMIT 1)"
		" THEN 1 ELSE 0 END FROM runs r WHERE r.job_id = ?1 AND r.id > ?2 ORDER BY r.id LIMIT ?3",
		"iii", job_id, after, (int64_t)limit);

	return db_list(e, st, sizeof(**v), read_run, NULL, v, n);
}

const struct err *retention_done(
	struct store *s, int64_t job_id, int64_t files, int64_t bytes, const struct actor *by, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s), "UPDATE jobs SET pruned_at = ?2 WHERE id = ?1 AND status = 'closed'", "ii",
		job_id, now_ms);
	if (e == NULL && db_changes(store_db(s)) == 1) {
		json_t *detail =
			json_pack("{s:I, s:I}", "files", (json_int_t)files, "bytes", (json_int_t)bytes);

		e = audit_on(s, by, "job.prune", job_id, "job", job_id, js_text(detail));
		json_decref(detail);
	}
	return store_end(s, e);
}

const struct err *retention_over_run(struct store *s, int64_t run_id, int64_t before, bool *out)
{
	return over(s,
		"SELECT 1 FROM runs r JOIN jobs j ON j.id = r.job_id WHERE r.id = ?1 AND j.status = 'closed'"
		" AND j.closed_at <= ?2 AND r.status IN ('succeeded', 'partial', 'failed', 'cancelled')",
		run_id, before, out);
}

const struct err *retention_over_mailbox(struct store *s, int64_t mailbox_id, int64_t before, bool *out)
{
	return over(s,
		"SELECT 1 FROM mailboxes m JOIN jobs j ON j.id = m.job_id WHERE m.id = ?1 AND"
		" j.status = 'closed' AND j.closed_at <= ?2",
		mailbox_id, before, out);
}

const struct err *retention_removed_at(struct store *s, int64_t run_id, int64_t *at)
{
	*at = 0;
	return db_i64(store_db(s), at, NULL,
		"SELECT j.pruned_at FROM runs r JOIN jobs j ON j.id = r.job_id WHERE r.id = ?1 AND "
		"j.pruned_at >= r.created_at",
		"i", run_id);
}
