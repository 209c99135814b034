#include "store_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "str.h"

#include "banned.h"

#define COLUMNS                                                                                              \
	"id, org, ticket, title, engine, status, source, destination, options, version, created_by, "        \
	"created_at,"                                                                                        \
	" updated_at, COALESCE(closed_at, 0), CASE WHEN pruned_at >= closed_at THEN pruned_at ELSE 0 END"

void job_free(struct job *j)
{
	for (size_t i = 0; i < j->n_domains; i++)
		free(j->domains[i]);
	free(j->domains);
	free(j->org);
	free(j->ticket);
	free(j->title);
	free(j->source);
	free(j->destination);
	free(j->options);
	free(j->created_by);
	memset(j, 0, sizeof(*j));
}

static void jobs_clear(void *item)
{
	job_free(item);
}

void jobs_free(struct job *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), jobs_clear);
}

static void read_row(struct stmt *st, struct job *j)
{
	*j = (struct job){.id = db_col_i64(st, 0),
	        .org = db_col_dup(st, 1),
	        .ticket = db_col_dup(st, 2),
	        .title = db_col_dup(st, 3),
	        .closed = strcmp(db_col_text(st, 5), "closed") == 0,
	        .source = db_col_dup(st, 6),
	        .destination = db_col_dup(st, 7),
	        .options = db_col_dup(st, 8),
	        .version = db_col_i64(st, 9),
	        .created_by = db_col_dup(st, 10),
	        .created_at = db_col_i64(st, 11),
	        .updated_at = db_col_i64(st, 12),
	        .closed_at = db_col_i64(st, 13),
	        .pruned_at = db_col_i64(st, 14)};
	engine_kind_parse(db_col_text(st, 4), &j->engine);
}

static const struct err *read_domains(struct store *s, struct job *j)
{
	struct stmt *st;
	bool row;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT domain FROM job_domains WHERE job_id = ?1 ORDER BY position", "i", j->id);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		j->domains = xreallocarray(j->domains, j->n_domains + 1, sizeof(*j->domains));
		j->domains[j->n_domains++] = db_col_dup(st, 0);
	}
	return e;
}

static const struct err *write_domains(struct store *s, const struct job *j)
{
	const struct err *e = db_run(store_db(s), "DELETE FROM job_domains WHERE job_id = ?1", "i", j->id);

	for (size_t i = 0; e == NULL && i < j->n_domains; i++) {
		e = db_run(store_db(s),
		        "INSERT INTO job_domains (job_id, org, domain, position, open) VALUES (?1, ?2, ?3, "
		        "?4, ?5)",
		        "issii", j->id, j->org, j->domains[i], (int64_t)i, (int64_t)!j->closed);
		if (e != NULL && e->id == ERR_CONFLICT)
			e = err_new(ERR_CONFLICT, "%s belongs to an open job already", j->domains[i]);
	}
	return e;
}

json_t *job_domains_json(const struct job *j)
{
	json_t *list = json_array();

	for (size_t i = 0; i < j->n_domains; i++)
		json_array_append_new(list, json_string(j->domains[i]));
	return list;
}

static char *describe(const struct job *j)
{
	json_t *o = json_object();
	char *text;

	json_object_set_new(o, "domains", job_domains_json(j));
	json_object_set_new(o, "ticket", json_string(j->ticket));
	json_object_set_new(o, "status", json_string(j->closed ? "closed" : "open"));
	json_object_set_new(o, "version", json_integer(j->version));
	text = js_text(o);
	json_decref(o);
	return text;
}

static void put_default(char **text, const char *value)
{
	if (*text == NULL)
		*text = xstrdup(value);
}

const struct err *job_insert(struct store *s, struct job *j, const struct actor *by)
{
	const struct err *e;

	put_default(&j->org, "");
	put_default(&j->ticket, "");
	put_default(&j->title, "");
	put_default(&j->source, "{}");
	put_default(&j->destination, "{}");
	put_default(&j->options, "{}");
	free(j->created_by);
	j->created_by = xstrdup(by->who);
	j->created_at = j->updated_at = clock_now_ms();
	j->version = 1;
	j->closed = false;
	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "INSERT INTO jobs (org, ticket, title, engine, source, destination, options, created_by, "
	        "created_at, updated_at)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
	        "ssssssssi", j->org, j->ticket, j->title, engine_kind_name(j->engine), j->source,
	        j->destination, j->options, j->created_by, j->created_at);
	if (e == NULL) {
		j->id = db_last_id(store_db(s));
		e = write_domains(s, j);
	}
	if (e == NULL)
		e = audit_on(s, by, "job.create", j->id, "job", j->id, describe(j));
	return store_end(s, e);
}

const struct err *job_get(struct store *s, int64_t id, const char *org, struct job *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM jobs WHERE id = ?1 AND (?2 IS NULL OR org = ?2)", "is", id, org);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "job %lld does not exist", (long long)id);
	read_row(st, out);
	db_done(st);
	e = read_domains(s, out);
	if (e != NULL)
		job_free(out);
	return e;
}

static const struct err *check_closable(struct store *s, int64_t id)
{
	int64_t active = 0;
	const struct err *e = db_i64(store_db(s), &active, NULL,
	        "SELECT count(*) FROM runs WHERE job_id = ?1 AND status IN ('queued', 'running', 'paused', "
	        "'waiting')",
	        "i", id);

	if (e == NULL && active > 0)
		e = err_new(ERR_RUN_ACTIVE, "job %lld has %lld active runs: cancel them first", (long long)id,
		        (long long)active);
	return e;
}

const struct err *job_update(struct store *s, struct job *j, const struct actor *by)
{
	const struct err *e;
	int64_t now = clock_now_ms();

	if ((e = store_begin(s)) != NULL)
		return e;
	if (j->closed)
		e = check_closable(s, j->id);
	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE jobs SET ticket = ?3, title = ?4, engine = ?5, source = ?6, destination = "
		        "?7, options = ?8,"
		        " closed_at = CASE WHEN ?9 = 'open' THEN NULL WHEN status = 'open' THEN ?10 ELSE "
		        "closed_at END,"
		        " updated_at = ?10, version = version + 1 WHERE id = ?1 AND version = ?2",
		        "iisssssssi", j->id, j->version, j->ticket, j->title, engine_kind_name(j->engine),
		        j->source, j->destination, j->options, j->closed ? "closed" : "open", now);
	if (e == NULL && db_changes(store_db(s)) != 1)
		e = err_new(ERR_PRECONDITION, "job %lld is not at version %lld any more", (long long)j->id,
		        (long long)j->version);
	/* The domains first: the trigger on status then finds those that a closed job gives up or a reopened
	 * one claims. */
	if (e == NULL)
		e = write_domains(s, j);
	if (e == NULL)
		e = db_run(store_db(s), "UPDATE jobs SET status = ?2 WHERE id = ?1 AND status <> ?2", "is",
		        j->id, j->closed ? "closed" : "open");
	if (e == NULL) {
		j->version++;
		j->updated_at = now;
		e = audit_on(s, by, j->closed ? "job.close" : "job.update", j->id, "job", j->id, describe(j));
	}
	return store_end(s, e);
}

/* `text` as a LIKE pattern for "contains", with its own wildcards escaped. */
static char *like(const char *text)
{
	struct buf b = BUF_INIT;

	buf_addc(&b, '%');
	for (; *text != '\0'; text++) {
		if (strchr("%_\\", *text) != NULL)
			buf_addc(&b, '\\');
		buf_addc(&b, *text);
	}
	buf_addc(&b, '%');
	return buf_detach(&b);
}

static void jobs_fill(struct stmt *st, void *item)
{
	read_row(st, item);
}

const struct err *job_list(struct store *s, const struct job_filter *f, struct job **v, size_t *n)
{
	static const char sql[] =
	        "SELECT " COLUMNS " FROM jobs WHERE id < ?1 AND (?2 IS NULL OR org = ?2)"
	        " AND (?3 IS NULL OR status = ?3)"
	        " AND (?4 IS NULL OR id IN (SELECT job_id FROM job_domains WHERE domain = ?4))"
	        " AND (?5 IS NULL OR ticket LIKE ?5 ESCAPE '\\' OR title LIKE ?5 ESCAPE '\\' OR id IN"
	        "  (SELECT job_id FROM job_domains WHERE domain LIKE ?5 ESCAPE '\\'))"
	        " ORDER BY id DESC LIMIT ?6";
	char *pattern = f->q != NULL ? like(f->q) : NULL;
	const char *status = f->closed < 0 ? NULL : f->closed ? "closed" : "open";
	const struct err *e;
	struct stmt *st = NULL;

	e = db_query(store_db(s), &st, sql, "issssi", f->before > 0 ? f->before : INT64_MAX, f->org, status,
	        f->domain, pattern, (int64_t)f->limit);
	e = db_list(e, st, sizeof(**v), jobs_fill, jobs_clear, v, n);
	for (size_t i = 0; e == NULL && i < *n; i++)
		e = read_domains(s, &(*v)[i]);
	free(pattern);
	if (e != NULL) {
		jobs_free(*v, *n);
		*v = NULL;
		*n = 0;
	}
	return e;
}

/* What each mailbox's live run says, from progress.db. */
static const struct err *add_live(struct store *s, int64_t run_id, struct job_summary *out, bool *live)
{
	struct stmt *st;
	bool row = false;
	const struct err *e;

	*live = false;
	if (store_progress(s) == NULL)
		return NULL;
	e = db_query(store_progress(s), &st,
	        "SELECT COALESCE(json_extract(totals, '$.messages_total'), 0), COALESCE(json_extract(totals, "
	        "'$.messages_done'), 0),"
	        " COALESCE(json_extract(totals, '$.bytes_total'), 0), COALESCE(json_extract(totals, "
	        "'$.bytes_done'), 0)"
	        " FROM progress WHERE run_id = ?1",
	        "i", run_id);
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	out->messages_total += db_col_i64(st, 0);
	out->messages_done += db_col_i64(st, 1);
	out->bytes_total += db_col_i64(st, 2);
	out->bytes_done += db_col_i64(st, 3);
	db_done(st);
	*live = true;
	return NULL;
}

const struct err *job_summary(struct store *s, int64_t id, struct job_summary *out)
{
	/* of each mailbox: its active sync (or -1), and what its last pass counted */
	static const char sql[] =
	        "SELECT COALESCE((SELECT r.id FROM runs r WHERE r.mailbox_id = m.id AND r.kind = 'sync'"
	        "   AND r.status IN ('running', 'paused', 'waiting') ORDER BY r.id DESC LIMIT 1), -1),"
	        " COALESCE(p.messages, 0), COALESCE(p.copied + p.present, 0),"
	        " COALESCE((SELECT sum(f.bytes) FROM pass_folders f WHERE f.pass_id = p.id), 0),"
	        " EXISTS (SELECT 1 FROM runs d WHERE d.mailbox_id = m.id AND d.kind = 'sync' AND d.id > m.pair_after"
	        "   AND d.status IN ('succeeded', 'partial'))"
	        " FROM mailboxes m LEFT JOIN passes p ON p.id = (SELECT max(q.id) FROM passes q WHERE "
	        "q.mailbox_id = m.id"
	        "   AND q.kind = 'sync' AND q.run_id > m.pair_after)"
	        " WHERE m.job_id = ?1 AND m.removed = 0";
	const struct err *e;
	struct stmt *st = NULL;
	bool row, live;

	memset(out, 0, sizeof(*out));
	e = db_i64(store_db(s), &out->active_runs, NULL,
	        "SELECT count(*) FROM runs WHERE job_id = ?1 AND status IN ('queued', 'running', 'paused', "
	        "'waiting')",
	        "i", id);
	if (e == NULL)
		e = db_query(store_db(s), &st, sql, "i", id);
	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		out->mailboxes++;
		out->copied += db_col_i64(st, 4);
		live = false;
		if (db_col_i64(st, 0) > 0 && (e = add_live(s, db_col_i64(st, 0), out, &live)) != NULL)
			break;
		if (live)
			continue;
		out->messages_total += db_col_i64(st, 1);
		out->messages_done += db_col_i64(st, 2);
		out->bytes_total += db_col_i64(st, 3);
		/* a pass counts the bytes that it copied, not those that were there: the share of the
		 * messages stands in */
		if (db_col_i64(st, 1) > 0)
			out->bytes_done += (int64_t)((double)db_col_i64(st, 3) * (double)db_col_i64(st, 2) /
			                             (double)db_col_i64(st, 1));
	}
	if (e != NULL)
		db_done(st);
	return e;
}
