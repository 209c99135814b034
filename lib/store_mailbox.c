#include "store_mailbox.h"

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
	"m.id, m.job_id, m.source_kind, m.source_host, m.source_port, m.source_tls, m.source_user, "         \
	"m.source_auth,"                                                                                     \
	" COALESCE(m.source_upload, 0), m.dest_host, m.dest_port, m.dest_tls, m.dest_user, m.dest_auth, "    \
	"m.dest_account,"                                                                                    \
	" m.folders, m.removed, m.version, m.pair_after, m.created_by, m.created_at, m.updated_at,"          \
	" EXISTS (SELECT 1 FROM credentials c WHERE c.mailbox_id = m.id AND c.side = 'source'),"             \
	" EXISTS (SELECT 1 FROM credentials c WHERE c.mailbox_id = m.id AND c.side = 'destination')"

static void endpoint_free(struct endpoint *p)
{
	free(p->host);
	free(p->user);
}

void mailbox_free(struct mailbox *m)
{
	endpoint_free(&m->source);
	endpoint_free(&m->dest);
	free(m->dest_account);
	free(m->folders);
	free(m->created_by);
	memset(m, 0, sizeof(*m));
}

static void mailboxes_clear(void *item)
{
	mailbox_free(item);
}

void mailboxes_free(struct mailbox *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), mailboxes_clear);
}

/* Columns host, port, tls, user, auth from col on. */
static void read_endpoint(struct stmt *st, int col, struct endpoint *p)
{
	p->host = db_col_dup(st, col);
	p->port = db_col_i64(st, col + 1);
	tls_mode_parse(db_col_text(st, col + 2), &p->tls);
	p->user = db_col_dup(st, col + 3);
	auth_kind_parse(db_col_text(st, col + 4), &p->auth);
}

static void read_row(struct stmt *st, struct mailbox *m)
{
	*m = (struct mailbox){.id = db_col_i64(st, 0),
	        .job_id = db_col_i64(st, 1),
	        .source_upload = db_col_i64(st, 8),
	        .dest_account = db_col_dup(st, 14),
	        .folders = db_col_dup(st, 15),
	        .removed = db_col_i64(st, 16) != 0,
	        .version = db_col_i64(st, 17),
	        .pair_after = db_col_i64(st, 18),
	        .created_by = db_col_dup(st, 19),
	        .created_at = db_col_i64(st, 20),
	        .updated_at = db_col_i64(st, 21),
	        .source_secret = db_col_i64(st, 22) != 0,
	        .dest_secret = db_col_i64(st, 23) != 0};
	source_kind_parse(db_col_text(st, 2), &m->source_kind);
	read_endpoint(st, 3, &m->source);
	read_endpoint(st, 9, &m->dest);
}

/* Host names in lower case; the account that at most one mail-changing run may have. */
static void normalise(struct mailbox *m)
{
	if (m->source.host == NULL)
		m->source.host = xstrdup("");
	if (m->source.user == NULL)
		m->source.user = xstrdup("");
	if (m->folders == NULL)
		m->folders = xstrdup("{}");
	str_lower(m->source.host);
	str_lower(m->dest.host);
	free(m->dest_account);
	m->dest_account = xasprintf("%s|%s", m->dest.host, m->dest.user);
	str_lower(m->dest_account);
}

static json_t *endpoint_json(const struct endpoint *p)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s}", "host", p->host, "port", (json_int_t)p->port, "tls",
	        tls_mode_name(p->tls), "user", p->user, "auth", auth_kind_name(p->auth));
}

static char *describe(const struct mailbox *m)
{
	json_t *o = json_pack("{s:o?, s:o?, s:I}", "source", endpoint_json(&m->source), "destination",
	        endpoint_json(&m->dest), "version", (json_int_t)m->version);
	char *text = o != NULL ? js_text(o) : xstrdup("{}");

	json_decref(o);
	return text;
}

static const struct err *check_job_open(struct store *s, int64_t job_id)
{
	int64_t open = 0;
	bool found;
	const struct err *e = db_i64(
	        store_db(s), &open, &found, "SELECT status = 'open' FROM jobs WHERE id = ?1", "i", job_id);

	if (e == NULL && !found)
		e = err_new(ERR_NOT_FOUND, "job %lld does not exist", (long long)job_id);
	else if (e == NULL && !open)
		e = err_new(ERR_CONFLICT, "job %lld is closed", (long long)job_id);
	return e;
}

/* The unique index's words say nothing to a technician. */
static const struct err *explain(const struct err *e, const struct mailbox *m)
{
	if (e != NULL && e->id == ERR_CONFLICT && strstr(e->msg, "UNIQUE") != NULL)
		return err_new(ERR_CONFLICT, "the job has the mailbox %s to %s already", m->source.user,
		        m->dest.user);
	return e;
}

const struct err *mailbox_insert(struct store *s, struct mailbox *m, const struct actor *by)
{
	const struct err *e;

	normalise(m);
	free(m->created_by);
	m->created_by = xstrdup(by->who);
	m->created_at = m->updated_at = clock_now_ms();
	m->version = 1;
	if ((e = store_begin(s)) != NULL)
		return e;
	e = check_job_open(s, m->job_id);
	if (e == NULL)
		e = explain(
		        db_run(store_db(s),
		                "INSERT INTO mailboxes (job_id, source_kind, source_host, source_port, "
		                "source_tls, source_user,"
		                " source_auth, source_upload, dest_host, dest_port, dest_tls, dest_user, "
		                "dest_auth, dest_account,"
		                " folders, created_by, created_at, updated_at) VALUES"
		                " (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, 0), ?9, ?10, ?11, ?12, ?13, ?14, "
		                "?15, ?16, ?17, ?17)",
		                "ississsisissssssi", m->job_id, source_kind_name(m->source_kind),
		                m->source.host, m->source.port, tls_mode_name(m->source.tls), m->source.user,
		                auth_kind_name(m->source.auth), m->source_upload, m->dest.host, m->dest.port,
		                tls_mode_name(m->dest.tls), m->dest.user, auth_kind_name(m->dest.auth),
		                m->dest_account, m->folders, m->created_by, m->created_at),
		        m);
	if (e == NULL) {
		m->id = db_last_id(store_db(s));
		e = audit_on(s, by, "mailbox.create", m->job_id, "mailbox", m->id, describe(m));
	}
	return store_end(s, e);
}

const struct err *mailbox_get(struct store *s, int64_t id, const char *org, struct mailbox *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM mailboxes m JOIN jobs j ON j.id = m.job_id WHERE m.id = ?1 AND (?2 "
	                          "IS NULL OR j.org = ?2)",
	        "is", id, org);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "mailbox %lld does not exist", (long long)id);
	read_row(st, out);
	db_done(st);
	return NULL;
}

static void mailboxes_fill(struct stmt *st, void *item)
{
	read_row(st, item);
}

const struct err *mailbox_list(struct store *s, int64_t job_id, bool removed, int64_t after, size_t limit,
        struct mailbox **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM mailboxes m WHERE m.job_id = ?1 AND m.id > ?2 AND (m.removed = 0 OR "
	                          "?3) ORDER BY m.id LIMIT ?4",
	        "iiii", job_id, after, (int64_t)removed, (int64_t)limit);

	return db_list(e, st, sizeof(**v), mailboxes_fill, mailboxes_clear, v, n);
}

static bool side_moved(const struct endpoint *a, const struct endpoint *b)
{
	return strcmp(a->host, b->host) != 0 || a->port != b->port || a->tls != b->tls ||
	       strcmp(a->user, b->user) != 0;
}

static const struct err *drop_credential(struct store *s, int64_t mailbox_id, const char *side)
{
	return db_run(store_db(s),
	        "DELETE FROM credentials WHERE mailbox_id = ?1 AND (?2 IS NULL OR side = ?2)", "is",
	        mailbox_id, side);
}

static const struct err *check_idle(struct store *s, int64_t id)
{
	int64_t run = 0;
	bool found;
	const struct err *e = db_i64(store_db(s), &run, &found,
	        "SELECT id FROM runs WHERE mailbox_id = ?1 AND status IN ('queued', 'running', 'paused', "
	        "'waiting') LIMIT 1",
	        "i", id);

	if (e == NULL && found)
		e = err_new(
		        ERR_RUN_ACTIVE, "run %lld of mailbox %lld is active", (long long)run, (long long)id);
	return e;
}

/* Another pair of accounts: what was proven of the old one proves nothing of it. */
static const struct err *change_pair(struct store *s, const struct mailbox *old, const struct mailbox *m)
{
	bool source = side_moved(&old->source, &m->source) || old->source_upload != m->source_upload ||
	              old->source_kind != m->source_kind;
	bool dest = side_moved(&old->dest, &m->dest);
	const struct err *e = NULL;

	if (!source && !dest)
		return NULL;
	if ((e = check_idle(s, m->id)) != NULL)
		return e;
	if (source)
		e = drop_credential(s, m->id, "source");
	if (e == NULL && dest)
		e = drop_credential(s, m->id, "destination");
	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE mailboxes SET pair_after = (SELECT COALESCE(max(id), 0) FROM runs WHERE "
		        "mailbox_id = ?1) WHERE id = ?1",
		        "i", m->id);
	return e;
}

static const struct err *stale(const struct mailbox *m)
{
	return err_new(ERR_PRECONDITION, "mailbox %lld is not at version %lld any more", (long long)m->id,
	        (long long)m->version);
}

const struct err *mailbox_update(struct store *s, struct mailbox *m, const struct actor *by)
{
	struct mailbox old = {0};
	const struct err *e;
	int64_t now = clock_now_ms();

	normalise(m);
	if ((e = store_begin(s)) != NULL)
		return e;
	e = mailbox_get(s, m->id, NULL, &old);
	if (e == NULL && old.removed)
		e = err_new(ERR_CONFLICT, "mailbox %lld was removed", (long long)m->id);
	if (e == NULL && old.version != m->version)
		e = stale(m);
	if (e == NULL)
		e = check_job_open(s, old.job_id);
	if (e == NULL)
		e = change_pair(s, &old, m);
	if (e == NULL)
		e = explain(db_run(store_db(s),
		                    "UPDATE mailboxes SET source_kind = ?2, source_host = ?3, source_port = "
		                    "?4, source_tls = ?5,"
		                    " source_user = ?6, source_auth = ?7, source_upload = NULLIF(?8, 0), "
		                    "dest_host = ?9,"
		                    " dest_port = ?10, dest_tls = ?11, dest_user = ?12, dest_auth = ?13, "
		                    "dest_account = ?14,"
		                    " folders = ?15, updated_at = ?16, version = version + 1 WHERE id = ?1",
		                    "ississsisisssssi", m->id, source_kind_name(m->source_kind),
		                    m->source.host, m->source.port, tls_mode_name(m->source.tls),
		                    m->source.user, auth_kind_name(m->source.auth), m->source_upload,
		                    m->dest.host, m->dest.port, tls_mode_name(m->dest.tls), m->dest.user,
		                    auth_kind_name(m->dest.auth), m->dest_account, m->folders, now),
		        m);
	if (e == NULL) {
		m->version++;
		m->updated_at = now;
		e = audit_on(s, by, "mailbox.update", m->job_id, "mailbox", m->id, describe(m));
	}
	mailbox_free(&old);
	return store_end(s, e);
}

const struct err *mailbox_remove(
        struct store *s, int64_t id, int64_t version, const char *reason, const struct actor *by)
{
	struct mailbox m = {0};
	const struct err *e;
	int64_t now = clock_now_ms();

	if ((e = store_begin(s)) != NULL)
		return e;
	e = mailbox_get(s, id, NULL, &m);
	if (e == NULL && m.removed)
		e = err_new(ERR_CONFLICT, "mailbox %lld was removed already", (long long)id);
	if (e == NULL && version != 0 && version != m.version)
		e = stale(&(struct mailbox){.id = id, .version = version});
	if (e == NULL)
		e = check_job_open(s, m.job_id);
	if (e == NULL)
		e = check_idle(s, id);
	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE mailboxes SET removed = 1, updated_at = ?2, version = version + 1 WHERE id = "
		        "?1",
		        "ii", id, now);
	if (e == NULL)
		e = db_run(store_db(s),
		        "INSERT INTO removals (mailbox_id, job_id, reason, by_sub, at) VALUES (?1, ?2, ?3, "
		        "?4, ?5)",
		        "iissi", id, m.job_id, reason != NULL ? reason : "", by->who, now);
	if (e == NULL)
		e = drop_credential(s, id, NULL);
	if (e == NULL) {
		json_t *o = json_pack("{s:s}", "reason", reason != NULL ? reason : "");

		e = audit_on(s, by, "mailbox.remove", m.job_id, "mailbox", id, js_text(o));
		json_decref(o);
	}
	mailbox_free(&m);
	return store_end(s, e);
}

/* --- credentials
 * --------------------------------------------------------------------------------------------------- */

static void credentials_clear(void *item)
{
	struct credential *p = item;

	free(p->side);
	free(p->key_id);
	free(p->sealed);
}

void credentials_free(struct credential *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), credentials_clear);
}

static const struct err *audit_credential(struct store *s, const struct actor *by, const char *action,
        int64_t mailbox_id, const char *side, const char *key_id)
{
	json_t *o = json_pack("{s:s, s:s}", "side", side, "key_id", key_id);
	int64_t job_id = 0;
	char *detail = o != NULL ? js_text(o) : xstrdup("{}");
	const struct err *e = db_i64(
	        store_db(s), &job_id, NULL, "SELECT job_id FROM mailboxes WHERE id = ?1", "i", mailbox_id);

	json_decref(o);
	if (e != NULL) {
		free(detail);
		return e;
	}
	return audit_on(s, by, action, job_id, "mailbox", mailbox_id, detail);
}

const struct err *credential_put(struct store *s, int64_t mailbox_id, const char *side, const char *key_id,
        const char *sealed, const struct actor *by)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "INSERT INTO credentials (mailbox_id, side, key_id, sealed, created_by, updated_at) VALUES "
	        "(?1, ?2, ?3, ?4, ?5, ?6)"
	        " ON CONFLICT (mailbox_id, side) DO UPDATE SET key_id = ?3, sealed = ?4, created_by = ?5, "
	        "updated_at = ?6,"
	        " version = version + 1",
	        "issssi", mailbox_id, side, key_id, sealed, by->who, clock_now_ms());
	if (e == NULL)
		e = audit_credential(s, by, "credential.put", mailbox_id, side, key_id);
	return store_end(s, e);
}

const struct err *credential_replace(struct store *s, int64_t id, int64_t version, const char *key_id,
        const char *sealed, const struct actor *by, int64_t *new_version)
{
	int64_t mailbox_id = 0, now_at = 0;
	char *side = NULL;
	const struct err *e;
	struct stmt *st;
	bool row = false;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_query(
	        store_db(s), &st, "SELECT mailbox_id, side, version FROM credentials WHERE id = ?1", "i", id);
	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && !row)
		e = err_new(ERR_NOT_FOUND, "credential %lld does not exist", (long long)id);
	if (e == NULL) {
		mailbox_id = db_col_i64(st, 0);
		side = db_col_dup(st, 1);
		now_at = db_col_i64(st, 2);
		db_done(st);
	}
	if (e == NULL && now_at != version)
		e = err_new(ERR_PRECONDITION, "credential %lld is at version %lld", (long long)id,
		        (long long)now_at);
	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE credentials SET key_id = ?2, sealed = ?3, created_by = ?4, updated_at = ?5, "
		        "version = version + 1"
		        " WHERE id = ?1",
		        "isssi", id, key_id, sealed, by->who, clock_now_ms());
	if (e == NULL)
		e = audit_credential(s, by, "credential.replace", mailbox_id, side, key_id);
	if (e == NULL && new_version != NULL)
		*new_version = version + 1;
	free(side);
	return store_end(s, e);
}

static void credentials_fill(struct stmt *st, void *item)
{
	*(struct credential *)item = (struct credential){.id = db_col_i64(st, 0),
	        .mailbox_id = db_col_i64(st, 1),
	        .side = db_col_dup(st, 2),
	        .key_id = db_col_dup(st, 3),
	        .sealed = db_col_dup(st, 4),
	        .version = db_col_i64(st, 5),
	        .updated_at = db_col_i64(st, 6)};
}

const struct err *credential_list(struct store *s, int64_t mailbox_id, struct credential **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, mailbox_id, side, key_id, sealed, version, updated_at FROM credentials WHERE "
	        "mailbox_id = ?1"
	        " ORDER BY side DESC",
	        "i", mailbox_id);

	return db_list(e, st, sizeof(**v), credentials_fill, credentials_clear, v, n);
}
