/* Claims, heartbeats and leases: how a worker holds a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_audit.h"
#include "store_run.h"
#include "store_run_row.h"

#include "banned.h"

struct claim {
	int64_t id, attempt, lease_ms, now_ms;
	const char *worker, *nonce;
};

static const struct err *load(struct store *s, int64_t id, struct run *r, char **nonce)
{
	struct stmt *st;
	bool row = false;
	const struct err *e =
	        db_query(store_db(s), &st, "SELECT " RUN_COLUMNS " FROM runs r WHERE r.id = ?1", "i", id);

	memset(r, 0, sizeof(*r));
	*nonce = NULL;
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "run %lld does not exist", (long long)id);
	run_read(st, r);
	*nonce = db_col_dup(st, RUN_COLUMN_NONCE);
	db_done(st);
	return NULL;
}

/* The row becomes the worker's. The unique indexes refuse it when a run that was moved back meets another
 * active one. */
static const struct err *take(struct store *s, const struct run *r, const struct claim *c)
{
	int64_t change = 0;
	struct actor by = {.role = role_name(ROLE_WORKER)};
	char *who = xasprintf("worker:%s", c->worker);
	const struct err *e = store_next_seq(s, &change);

	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE runs SET status = 'running', attempt = attempt + 1, worker = ?2, nonce = ?3, "
		        "lease_until = ?4, seq = 0,"
		        " change_seq = ?5, started_at = COALESCE(started_at, ?6), finished_at = NULL, code = "
		        "NULL, message = NULL,"
		        " not_before = 0, held = 0, cancel = 0 WHERE id = ?1",
		        "issiii", r->id, c->worker, c->nonce, c->now_ms + c->lease_ms, change, c->now_ms);
	if (e != NULL && e->id == ERR_CONFLICT)
		e = err_new(ERR_RUN_ACTIVE,
		        "run %lld: another run of its mailbox or destination account is active",
		        (long long)r->id);
	by.who = who;
	if (e == NULL)
		e = audit_on(s, &by, "run.claim", r->job_id, "run", r->id,
		        xasprintf("{\"attempt\":%lld}", (long long)r->attempt + 1));
	free(who);
	return e;
}

/* An old run file may not set off what nobody sees any more: evidence of a run from before the mailbox was pointed
 * elsewhere counts for nothing, so the gate would not notice what it does. */
static const struct err *check_moved_back(struct store *s, const struct run *r)
{
	int64_t present = 0;
	const struct err *e = db_i64(store_db(s), &present, NULL,
	        "SELECT j.status = 'open' AND (m.id IS NULL OR (m.removed = 0 AND r.id > m.pair_after)) FROM runs r"
	        " JOIN jobs j ON j.id = r.job_id LEFT JOIN mailboxes m ON m.id = r.mailbox_id WHERE r.id = ?1",
	        "i", r->id);

	if (e == NULL && !present)
		e = err_new(ERR_RUN_STALE,
		        "run %lld: its job was closed, or its mailbox removed or given other accounts since",
		        (long long)r->id);
	return e;
}

static const struct err *claim(struct store *s, const struct run *r, const char *nonce, const struct claim *c)
{
	static const struct actor spool = {.who = "spool", .role = ""};
	bool same = run_status_active(r->status) && r->status != RUN_QUEUED && r->attempt == c->attempt + 1 &&
	            strcmp(nonce, c->nonce) == 0 && strcmp(r->worker, c->worker) == 0;
	/* Cancelled in the queue it has no worker: the file of this attempt is not one that was moved back, but the
	 * one that was on its way. */
	bool moved_back =
	        (r->status == RUN_FAILED || r->status == RUN_CANCELLED || r->status == RUN_PARTIAL) &&
	        r->attempt == c->attempt && *r->worker != '\0';
	const struct err *e;

	if (same)
		return db_run(store_db(s), "UPDATE runs SET lease_until = ?2 WHERE id = ?1", "ii", r->id,
		        c->now_ms + c->lease_ms);
	if (moved_back) {
		e = check_moved_back(s, r);
		if (e == NULL)
			e = audit_on(s, &spool, "run.requeue", r->job_id, "run", r->id,
			        xasprintf("{\"attempt\":%lld}", (long long)r->attempt));
		return e != NULL ? e : take(s, r, c);
	}
	if (r->status == RUN_QUEUED && !r->held && !r->pause && r->attempt == c->attempt)
		return take(s, r, c);
	return err_new(ERR_RUN_STALE, "run %lld is %s%s at attempt %lld", (long long)r->id,
	        r->held ? "held, " : "", run_status_name(r->status), (long long)r->attempt);
}

const struct err *run_claim(struct store *s, int64_t id, const char *worker, int64_t attempt,
        const char *nonce, int64_t lease_ms, int64_t now_ms, struct run *out)
{
	struct claim c = {.id = id,
	        .attempt = attempt,
	        .lease_ms = lease_ms,
	        .now_ms = now_ms,
	        .worker = worker,
	        .nonce = nonce};
	struct run r = {0};
	char *held_nonce = NULL;
	const struct err *e;

	memset(out, 0, sizeof(*out));
	if ((e = store_begin(s)) != NULL)
		return e;
	e = load(s, id, &r, &held_nonce);
	if (e == NULL)
		e = claim(s, &r, held_nonce, &c);
	free(held_nonce);
	run_free(&r);
	if (e == NULL)
		e = run_get(s, id, NULL, out);
	e = store_end(s, e);
	if (e != NULL)
		run_free(out);
	return e;
}

/* --- heartbeats
 * ---------------------------------------------------------------------------------------------------- */

enum row_write { ROW_NONE, ROW_LEASE, ROW_STATUS };

static const struct err *check_beat(struct store *s, const char *worker, struct run_beat *b, int64_t lease_ms,
        int64_t now_ms, enum row_write *write)
{
	struct run r;
	char *nonce;
	int64_t seen = 0;
	bool found = false;
	const struct err *e = load(s, b->id, &r, &nonce);

	*write = ROW_NONE;
	b->accepted = b->cancel = b->pause = false;
	b->refused = ERR_NONE;
	free(nonce);
	if (e != NULL && e->id == ERR_NOT_FOUND) {
		b->refused = ERR_NOT_FOUND;
		return NULL;
	}
	if (e != NULL)
		return e;
	if (!run_status_active(r.status) || r.status == RUN_QUEUED || r.attempt != b->attempt ||
	        strcmp(r.worker, worker) != 0) {
		b->refused = ERR_RUN_STALE;
	} else {
		b->cancel = r.cancel;
		b->pause = r.pause;
		e = db_i64(store_progress(s), &seen, &found,
		        "SELECT seq FROM progress WHERE run_id = ?1 AND attempt = ?2", "ii", b->id,
		        b->attempt);
		b->accepted = b->seq > r.seq && (!found || b->seq > seen);
		if (b->accepted && r.status != b->status)
			*write = ROW_STATUS;
		else if (b->accepted && r.lease_until - now_ms < lease_ms / 2)
			*write = ROW_LEASE;
	}
	run_free(&r);
	return e;
}

static const struct err *write_row(struct store *s, const char *worker, const struct run_beat *b,
        int64_t lease_ms, int64_t now_ms, enum row_write write)
{
	int64_t change = 0, job_id = 0;
	bool found;
	char action[32], *who;
	const struct err *e;

	if (write == ROW_LEASE)
		return db_run(store_db(s),
		        "UPDATE runs SET lease_until = ?4 WHERE id = ?1 AND attempt = ?2 AND worker = ?3"
		        " AND status IN ('running', 'paused', 'waiting')",
		        "iisi", b->id, b->attempt, worker, now_ms + lease_ms);
	e = store_next_seq(s, &change);
	if (e == NULL)
		e = db_i64(store_db(s), &job_id, &found,
		        "UPDATE runs SET status = ?4, lease_until = ?5, change_seq = ?6 WHERE id = ?1 AND "
		        "attempt = ?2 AND worker = ?3"
		        " AND status IN ('running', 'paused', 'waiting') RETURNING job_id",
		        "iissii", b->id, b->attempt, worker, run_status_name(b->status), now_ms + lease_ms,
		        change);
	if (e != NULL || !found)
		return e;
	snprintf(action, sizeof(action), "run.%s", run_status_name(b->status));
	who = xasprintf("worker:%s", worker);
	e = audit_on(s, &(struct actor){.who = who, .role = role_name(ROLE_WORKER)}, action, job_id, "run",
	        b->id, xstrdup("{}"));
	free(who);
	return e;
}

static const struct err *write_progress(struct store *s, const struct run_beat *v, size_t n, int64_t now_ms)
{
	struct db *db = store_progress(s);
	const struct err *e = db_begin(db);

	if (e != NULL)
		return e;
	for (size_t i = 0; e == NULL && i < n; i++)
		if (v[i].accepted)
			e = db_run(db,
			        "INSERT INTO progress (run_id, attempt, seq, at, totals) VALUES (?1, ?2, ?3, "
			        "?4, COALESCE(?5, '{}'))"
			        " ON CONFLICT (run_id) DO UPDATE SET seq = ?3, at = ?4,"
			        " totals = CASE WHEN ?5 IS NOT NULL THEN ?5 WHEN attempt = ?2 THEN totals "
			        "ELSE '{}' END, attempt = ?2",
			        "iiiis", v[i].id, v[i].attempt, v[i].seq, now_ms, v[i].progress);
	return db_end(db, e);
}

const struct err *run_beats(
        struct store *s, const char *worker, struct run_beat *v, size_t n, int64_t lease_ms, int64_t now_ms)
{
	enum row_write *write = xcalloc(n + 1, sizeof(*write));
	const struct err *e = NULL;
	bool any = false;

	for (size_t i = 0; e == NULL && i < n; i++) {
		e = check_beat(s, worker, &v[i], lease_ms, now_ms, &write[i]);
		any = any || write[i] != ROW_NONE;
	}
	if (e == NULL && any && (e = store_begin(s)) == NULL) {
		for (size_t i = 0; e == NULL && i < n; i++)
			if (write[i] != ROW_NONE)
				e = write_row(s, worker, &v[i], lease_ms, now_ms, write[i]);
		e = store_end(s, e);
	}
	if (e == NULL)
		e = write_progress(s, v, n, now_ms);
	free(write);
	return e;
}

const struct err *run_progress_get(struct store *s, int64_t run_id, struct run_progress *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e;

	memset(out, 0, sizeof(*out));
	if (store_progress(s) == NULL)
		return NULL;
	e = db_query(store_progress(s), &st,
	        "SELECT attempt, seq, at, totals FROM progress WHERE run_id = ?1", "i", run_id);
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*out = (struct run_progress){.attempt = db_col_i64(st, 0),
	        .seq = db_col_i64(st, 1),
	        .at = db_col_i64(st, 2),
	        .totals = db_col_dup(st, 3)};
	db_done(st);
	return NULL;
}

void run_progress_free(struct run_progress *p)
{
	free(p->totals);
	memset(p, 0, sizeof(*p));
}

const struct err *run_progress_prune(struct store *s, int64_t older_than_ms)
{
	return db_run(store_progress(s), "DELETE FROM progress WHERE at < ?1", "i", older_than_ms);
}

/* --- the keeper's
 * --------------------------------------------------------------------------------------------------- */

static const struct err *expire(struct store *s, int64_t id, int64_t now_ms, int64_t max_attempts, size_t *n)
{
	static const char lost[] = "the worker was not heard of in time";
	struct run r = {0};
	struct lifecycle_next next;
	char *nonce = NULL;
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = load(s, id, &r, &nonce);
	free(nonce);
	if (e == NULL && run_status_active(r.status) && r.status != RUN_QUEUED && r.lease_until < now_ms) {
		next = lifecycle_next(LIFE_LEASE, r.kind, NULL, r.attempt, max_attempts, r.cancel);
		if (next.status == RUN_QUEUED)
			e = run_requeue(s, &r, "run.lost", lost, next.delay_ms, &actor_system, now_ms);
		else
			e = run_finish(s, &r, next.status, next.code, lost, NULL, r.seq, NULL, &actor_system,
			        now_ms);
		(*n)++;
	}
	run_free(&r);
	return store_end(s, e);
}

const struct err *run_expire_leases(struct store *s, int64_t now_ms, int64_t max_attempts, size_t *n)
{
	int64_t ids[64];
	size_t count = 0;
	struct stmt *st;
	bool row;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id FROM runs WHERE status IN ('running', 'paused', 'waiting') AND lease_until < ?1 "
	        "ORDER BY id LIMIT 64",
	        "i", now_ms);

	*n = 0;
	while (e == NULL && (e = db_step(st, &row)) == NULL && row)
		ids[count++] = db_col_i64(st, 0);
	for (size_t i = 0; e == NULL && i < count; i++)
		e = expire(s, ids[i], now_ms, max_attempts, n);
	return e;
}

const struct err *run_extend_leases(struct store *s, int64_t lease_ms, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	return store_end(s,
	        db_run(store_db(s),
	                "UPDATE runs SET lease_until = ?1 WHERE status IN ('running', 'paused', 'waiting')"
	                " AND lease_until < ?1",
	                "i", now_ms + lease_ms));
}

const struct err *run_release_held(struct store *s, size_t *n)
{
	int64_t held = 0;
	const struct err *e;

	*n = 0;
	/* Looked at first without a transaction: mostly there is none. */
	e = db_i64(store_db(s), &held, NULL, "SELECT count(*) FROM runs WHERE status = 'queued' AND held = 1",
	        "");
	if (e != NULL || held == 0)
		return e;
	if ((e = store_begin(s)) != NULL)
		return e;
	return store_end(s, run_release(s, n));
}
