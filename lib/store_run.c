#include "store_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "store_audit.h"
#include "store_evidence.h"
#include "store_run_row.h"
#include "store_upload.h"

#include "banned.h"

void run_free(struct run *r)
{
	free(r->worker);
	free(r->options);
	free(r->result);
	free(r->code);
	free(r->message);
	free(r->created_by);
	free(r->created_role);
	memset(r, 0, sizeof(*r));
}

static void runs_clear(void *item)
{
	run_free(item);
}

void runs_free(struct run *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), runs_clear);
}

void run_read(struct stmt *st, struct run *r)
{
	*r = (struct run){.id = db_col_i64(st, 0),
	        .job_id = db_col_i64(st, 1),
	        .mailbox_id = db_col_i64(st, 2),
	        .held = db_col_i64(st, 7) != 0,
	        .changes_mail = db_col_i64(st, 8) != 0,
	        .cancel = db_col_i64(st, 9) != 0,
	        .pause = db_col_i64(st, 10) != 0,
	        .attempt = db_col_i64(st, 11),
	        .seq = db_col_i64(st, 12),
	        .worker = db_col_dup(st, 13),
	        .options = db_col_dup(st, 14),
	        .result = db_col_dup(st, 15),
	        .code = db_col_dup(st, 16),
	        .message = db_col_dup(st, 17),
	        .lease_until = db_col_i64(st, 18),
	        .not_before = db_col_i64(st, 19),
	        .change_seq = db_col_i64(st, 20),
	        .retry_of = db_col_i64(st, 21),
	        .created_by = db_col_dup(st, 22),
	        .created_role = db_col_dup(st, 23),
	        .created_at = db_col_i64(st, 24),
	        .started_at = db_col_i64(st, 25),
	        .finished_at = db_col_i64(st, 26)};
	run_kind_parse(db_col_text(st, 3), &r->kind);
	if (!db_col_null(st, 4))
		pass_parse(db_col_text(st, 4), &r->pass);
	engine_kind_parse(db_col_text(st, 5), &r->engine);
	run_status_parse(db_col_text(st, 6), &r->status);
}

/* The first row of st, which has been queried with error e. */
static const struct err *one(const struct err *e, struct stmt *st, struct run *out, bool *found)
{
	memset(out, 0, sizeof(*out));
	*found = false;
	if (e == NULL)
		e = db_step(st, found);
	if (e == NULL && *found) {
		run_read(st, out);
		db_done(st);
	}
	return e;
}

static void runs_fill(struct stmt *st, void *item)
{
	run_read(st, item);
}

static const struct err *all(const struct err *e, struct stmt *st, struct run **v, size_t *n)
{

	return db_list(e, st, sizeof(**v), runs_fill, runs_clear, v, n);
}

const struct err *run_get(struct store *s, int64_t id, const char *org, struct run *out)
{
	struct stmt *st = NULL;
	bool found;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " RUN_COLUMNS
	        " FROM runs r JOIN jobs j ON j.id = r.job_id WHERE r.id = ?1 AND (?2 IS NULL OR j.org = ?2)",
	        "is", id, org);

	e = one(e, st, out, &found);
	if (e == NULL && !found)
		e = err_new(ERR_NOT_FOUND, "run %lld does not exist", (long long)id);
	return e;
}

const struct err *run_list(struct store *s, const struct run_filter *f, struct run **v, size_t *n)
{
	static const char by_job[] =
	        "SELECT " RUN_COLUMNS " FROM runs r WHERE r.job_id = ?1 AND (?2 = 0 OR r.mailbox_id = ?2)"
	        " AND (?3 IS NULL OR r.status = ?3) AND (?4 IS NULL OR r.kind = ?4)"
	        " AND (?5 = 0 OR r." RUN_IS_ACTIVE ") AND r.id < ?6 ORDER BY r.id DESC LIMIT ?7";
	static const char by_id[] =
	        "SELECT " RUN_COLUMNS " FROM runs r WHERE ?1 = 0 AND (?2 = 0 OR r.mailbox_id = ?2)"
	        " AND (?3 IS NULL OR r.status = ?3) AND (?4 IS NULL OR r.kind = ?4)"
	        " AND (?5 = 0 OR r." RUN_IS_ACTIVE ") AND r.id < ?6 ORDER BY r.id DESC LIMIT ?7";
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st, f->job_id != 0 ? by_job : by_id, "iissiii",
	        f->job_id, f->mailbox_id, f->status >= 0 ? run_status_name((enum run_status)f->status) : NULL,
	        f->kind >= 0 ? run_kind_name((enum run_kind)f->kind) : NULL, (int64_t)f->active,
	        f->before > 0 ? f->before : INT64_MAX, (int64_t)f->limit);

	return all(e, st, v, n);
}

const struct err *run_active_of(struct store *s, int64_t mailbox_id, struct run *out, bool *found)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " RUN_COLUMNS " FROM runs r WHERE r.mailbox_id = ?1 AND r." RUN_IS_ACTIVE
	        " ORDER BY r.held, r.id LIMIT 1",
	        "i", mailbox_id);

	return one(e, st, out, found);
}

const struct err *run_last_of(struct store *s, int64_t mailbox_id, struct run *out, bool *found)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " RUN_COLUMNS " FROM runs r WHERE r.mailbox_id = ?1 ORDER BY r.id DESC LIMIT 1", "i",
	        mailbox_id);

	return one(e, st, out, found);
}

const struct err *run_emittable(
        struct store *s, int64_t now_ms, int64_t after, size_t limit, struct run **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " RUN_COLUMNS
	        " FROM runs r WHERE r.status = 'queued' AND r.held = 0 AND r.pause = 0 AND r.not_before <= ?1"
	        " AND r.id > ?2 ORDER BY r.id LIMIT ?3",
	        "iii", now_ms, after, (int64_t)limit);

	return all(e, st, v, n);
}

/* --- queueing
 * ------------------------------------------------------------------------------------------------------ */

static const struct err *check_request(struct store *s, const struct run_request *q, char **dest_account)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = NULL;

	*dest_account = NULL;
	if (q->mailbox_id == 0 && run_kind_needs_mailbox(q->kind))
		return err_new(ERR_INPUT, "a run of kind %s needs a mailbox", run_kind_name(q->kind));
	if ((q->pass != PASS_NONE) != (q->kind == RUN_SYNC))
		return err_new(
		        ERR_INPUT, "a sync needs a pass (initial, delta or final), other kinds have none");
	e = db_query(store_db(s), &st, "SELECT status = 'open' FROM jobs WHERE id = ?1", "i", q->job_id);
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "job %lld does not exist", (long long)q->job_id);
	row = db_col_i64(st, 0) != 0;
	db_done(st);
	if (!row)
		return err_new(ERR_CONFLICT, "job %lld is closed", (long long)q->job_id);
	if (q->mailbox_id == 0)
		return NULL;
	if ((e = upload_check_mailbox(s, q->mailbox_id)) != NULL)
		return e;
	e = db_query(store_db(s), &st,
	        "SELECT dest_account, removed FROM mailboxes WHERE id = ?1 AND job_id = ?2", "ii",
	        q->mailbox_id, q->job_id);
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "mailbox %lld is not in job %lld", (long long)q->mailbox_id,
		        (long long)q->job_id);
	if (db_col_i64(st, 1))
		e = err_new(ERR_CONFLICT, "mailbox %lld was removed", (long long)q->mailbox_id);
	else
		*dest_account = db_col_dup(st, 0);
	db_done(st);
	return e;
}

static const struct err *insert(struct store *s, const struct run_request *q, bool held,
        const char *dest_account, const struct actor *by, int64_t seq, int64_t now)
{
	return db_run(store_db(s),
	        "INSERT INTO runs (job_id, mailbox_id, kind, pass, engine, changes_mail, dest_account, held, "
	        "options, retry_of,"
	        " change_seq, created_by, created_role, created_at) VALUES"
	        " (?1, NULLIF(?2, 0), ?3, NULLIF(?4, ''), ?5, ?6, ?7, ?8, ?9, NULLIF(?10, 0), ?11, ?12, ?13, "
	        "?14)",
	        "iisssisisiissi", q->job_id, q->mailbox_id, run_kind_name(q->kind), pass_name(q->pass),
	        engine_kind_name(q->engine), (int64_t)run_kind_changes_mail(q->kind), dest_account,
	        (int64_t)held, q->options != NULL ? q->options : "{}", q->retry_of, seq, by->who, by->role,
	        now);
}

static bool is_busy(const struct err *e)
{
	return e != NULL && e->id == ERR_CONFLICT && strstr(e->msg, "UNIQUE") != NULL;
}

/* *id 0 and no error: another run is active, and it is not to wait. */
static const struct err *enqueue_one(
        struct store *s, const struct run_request *q, bool queue, const struct actor *by, int64_t *id)
{
	char *dest_account, *detail;
	int64_t seq = 0, now = clock_now_ms();
	const struct err *e = check_request(s, q, &dest_account);
	bool held = false;

	*id = 0;
	if (e == NULL)
		e = store_next_seq(s, &seq);
	if (e == NULL) {
		e = insert(s, q, false, dest_account, by, seq, now);
		held = is_busy(e);
	}
	if (held)
		e = queue ? insert(s, q, true, dest_account, by, seq, now) : NULL;
	free(dest_account);
	if (e != NULL || (held && !queue))
		return e;
	*id = db_last_id(store_db(s));
	detail = xasprintf("{\"kind\":\"%s\",\"pass\":\"%s\",\"held\":%s,\"mailbox_id\":%lld}",
	        run_kind_name(q->kind), pass_name(q->pass), held ? "true" : "false",
	        (long long)q->mailbox_id);
	return audit_on(s, by, "run.queue", q->job_id, "run", *id, detail);
}

const struct err *run_enqueue(struct store *s, const struct run_request *req, size_t n, bool queue,
        const struct actor *by, struct run **v, bool *busy)
{
	const struct err *e;
	struct run *runs = xcalloc(n + 1, sizeof(*runs));
	int64_t *ids = xcalloc(n + 1, sizeof(*ids)), first_busy = 0;

	*v = NULL;
	if ((e = store_begin(s)) != NULL)
		goto done;
	for (size_t i = 0; e == NULL && i < n; i++) {
		e = enqueue_one(s, &req[i], queue, by, &ids[i]);
		if (busy != NULL)
			busy[i] = e == NULL && ids[i] == 0;
		if (e == NULL && ids[i] == 0 && first_busy == 0)
			first_busy = req[i].mailbox_id != 0 ? req[i].mailbox_id : -1;
	}
	if (e == NULL && first_busy != 0)
		e = err_new(ERR_RUN_ACTIVE, "mailbox %lld or its destination account has an active run",
		        (long long)first_busy);
	for (size_t i = 0; e == NULL && i < n; i++)
		e = run_get(s, ids[i], NULL, &runs[i]);
	e = store_end(s, e);
done:
	free(ids);
	if (e != NULL)
		runs_free(runs, n);
	else
		*v = runs;
	return e;
}

/* --- ends
 * ----------------------------------------------------------------------------------------------------------
 */

static char *end_detail(const struct run *r, const char *code)
{
	json_t *o = json_pack("{s:I, s:s?}", "attempt", (json_int_t)r->attempt, "code", code);
	char *text = o != NULL ? js_text(o) : xstrdup("{}");

	json_decref(o);
	return text;
}

const struct err *run_finish(struct store *s, const struct run *r, enum run_status status, const char *code,
        const char *message, const char *result, int64_t seq, const struct report_pass *pass,
        const struct actor *by, int64_t now_ms)
{
	char action[32];
	int64_t change = 0;
	const struct err *e = store_next_seq(s, &change);

	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE runs SET status = ?2, code = ?3, message = ?4, result = COALESCE(?5, "
		        "result), seq = ?6, change_seq = ?7,"
		        " finished_at = ?8, lease_until = NULL, nonce = NULL, held = 0, cancel = 0, pause = "
		        "0 WHERE id = ?1",
		        "issssiii", r->id, run_status_name(status), code, message, result, seq, change,
		        now_ms);
	if (e == NULL && r->changes_mail && r->attempt > 0)
		e = evidence_pass(s, r->id, status, pass, now_ms);
	snprintf(action, sizeof(action), "run.%s", run_status_name(status));
	if (e == NULL)
		e = audit_on(s, by, action, r->job_id, "run", r->id, end_detail(r, code));
	if (e == NULL)
		e = run_release(s, NULL);
	return e;
}

const struct err *run_requeue(struct store *s, const struct run *r, const char *code, const char *message,
        int64_t delay_ms, const struct actor *by, int64_t now_ms)
{
	int64_t change = 0;
	const struct err *e = store_next_seq(s, &change);

	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE runs SET status = 'queued', code = ?2, message = ?3, not_before = ?4, "
		        "change_seq = ?5, seq = 0,"
		        " worker = NULL, nonce = NULL, lease_until = NULL WHERE id = ?1",
		        "issii", r->id, code, message, delay_ms > 0 ? now_ms + delay_ms : 0, change);
	if (e == NULL)
		e = audit_on(s, by, "run.requeue", r->job_id, "run", r->id, end_detail(r, code));
	return e;
}

const struct err *run_release(struct store *s, size_t *n)
{
	struct run *v;
	size_t count, released = 0;
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " RUN_COLUMNS " FROM runs r WHERE r.status = 'queued' AND r.held = 1 ORDER BY r.id",
	        "");

	e = all(e, st, &v, &count);
	for (size_t i = 0; e == NULL && i < count; i++) {
		e = db_run(store_db(s), "UPDATE OR IGNORE runs SET held = 0 WHERE id = ?1 AND held = 1", "i",
		        v[i].id);
		if (e != NULL || db_changes(store_db(s)) == 0)
			continue;
		released++;
		e = audit_on(s, &actor_system, "run.release", v[i].job_id, "run", v[i].id, xstrdup("{}"));
	}
	runs_free(v, count);
	if (n != NULL)
		*n = released;
	return e;
}

/* --- what people ask for
 * -------------------------------------------------------------------------------------------- */

static const struct err *set_flag(
        struct store *s, const struct run *r, const char *sql, const char *action, const struct actor *by)
{
	const struct err *e = db_run(store_db(s), sql, "i", r->id);

	return e != NULL ? e : audit_on(s, by, action, r->job_id, "run", r->id, xstrdup("{}"));
}

static const struct err *ended(const struct run *r)
{
	return err_new(ERR_CONFLICT, "run %lld has ended: %s", (long long)r->id, run_status_name(r->status));
}

static const struct err *do_cancel(struct store *s, const struct run *r, const struct actor *by)
{
	if (!run_status_active(r->status))
		return ended(r);
	if (r->status == RUN_QUEUED)
		return run_finish(s, r, RUN_CANCELLED, "run.cancelled", "cancelled before it started", NULL,
		        r->seq, NULL, by, clock_now_ms());
	return r->cancel ? NULL
	                 : set_flag(s, r, "UPDATE runs SET cancel = 1 WHERE id = ?1", "run.cancel", by);
}

static const struct err *do_pause(struct store *s, const struct run *r, const struct actor *by)
{
	if (!run_status_active(r->status))
		return ended(r);
	return r->pause ? NULL : set_flag(s, r, "UPDATE runs SET pause = 1 WHERE id = ?1", "run.pause", by);
}

static const struct err *do_resume(struct store *s, const struct run *r, const struct actor *by)
{
	if (!run_status_active(r->status))
		return ended(r);
	if (!r->pause)
		return err_new(ERR_CONFLICT, "run %lld is not paused", (long long)r->id);
	return set_flag(s, r, "UPDATE runs SET pause = 0 WHERE id = ?1", "run.resume", by);
}

static const struct err *ask(struct store *s, int64_t id, const struct actor *by,
        const struct err *(*deed)(struct store *, const struct run *, const struct actor *), struct run *out)
{
	struct run r = {0};
	const struct err *e;

	memset(out, 0, sizeof(*out));
	if ((e = store_begin(s)) != NULL)
		return e;
	e = run_get(s, id, NULL, &r);
	if (e == NULL)
		e = deed(s, &r, by);
	run_free(&r);
	if (e == NULL)
		e = run_get(s, id, NULL, out);
	e = store_end(s, e);
	if (e != NULL)
		run_free(out);
	return e;
}

const struct err *run_cancel(struct store *s, int64_t id, const struct actor *by, struct run *out)
{
	return ask(s, id, by, do_cancel, out);
}

const struct err *run_pause(struct store *s, int64_t id, const struct actor *by, struct run *out)
{
	return ask(s, id, by, do_pause, out);
}

const struct err *run_resume(struct store *s, int64_t id, const struct actor *by, struct run *out)
{
	return ask(s, id, by, do_resume, out);
}

const struct err *run_retry(struct store *s, int64_t id, bool queue, const struct actor *by, struct run *out)
{
	struct run old = {0}, *v = NULL;
	const struct err *e;

	memset(out, 0, sizeof(*out));
	if ((e = store_begin(s)) != NULL)
		return e;
	e = run_get(s, id, NULL, &old);
	if (e == NULL && run_status_active(old.status))
		e = err_new(ERR_CONFLICT, "run %lld is still active", (long long)id);
	if (e == NULL)
		e = run_enqueue(s,
		        &(struct run_request){.job_id = old.job_id,
		                .mailbox_id = old.mailbox_id,
		                .kind = old.kind,
		                .pass = old.pass,
		                .engine = old.engine,
		                .options = old.options,
		                .retry_of = id},
		        1, queue, by, &v, NULL);
	if (e == NULL) {
		*out = v[0];
		free(v);
	}
	run_free(&old);
	e = store_end(s, e);
	if (e != NULL)
		run_free(out);
	return e;
}
