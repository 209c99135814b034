#include "store_upload.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "store_audit.h"

#include "banned.h"

#define COLUMNS                                                                                              \
	"u.id, u.token, u.org, u.name, u.kind, u.sha256, u.metadata, u.created_by, u.status, COALESCE(u.size, 0)," \
	" u.received, COALESCE(u.expires_at, 0), u.created_at, u.updated_at"

static const char *const names[UPLOAD_STATUS_COUNT] = {"receiving", "complete", "removed"};

const char *upload_status_name(enum upload_status s)
{
	return names[s];
}

void upload_free(struct upload *u)
{
	free(u->token);
	free(u->org);
	free(u->name);
	free(u->kind);
	free(u->sha256);
	free(u->metadata);
	free(u->created_by);
	memset(u, 0, sizeof(*u));
}

void uploads_free(struct upload *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		upload_free(&v[i]);
	free(v);
}

static void read_row(struct stmt *st, struct upload *u)
{
	const char *status = db_col_text(st, 8);

	*u = (struct upload){.id = db_col_i64(st, 0),
	        .token = db_col_dup(st, 1),
	        .org = db_col_dup(st, 2),
	        .name = db_col_dup(st, 3),
	        .kind = db_col_dup(st, 4),
	        .sha256 = db_col_dup(st, 5),
	        .metadata = db_col_dup(st, 6),
	        .created_by = db_col_dup(st, 7),
	        .size = db_col_i64(st, 9),
	        .received = db_col_i64(st, 10),
	        .expires_at = db_col_i64(st, 11),
	        .created_at = db_col_i64(st, 12),
	        .updated_at = db_col_i64(st, 13)};
	for (int i = 0; i < UPLOAD_STATUS_COUNT; i++)
		if (strcmp(names[i], status) == 0)
			u->status = (enum upload_status)i;
}

/* The first row of a query that had error e. */
static const struct err *one(const struct err *e, struct stmt *st, struct upload *out)
{
	bool row = false;

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "there is no such upload");
	read_row(st, out);
	db_done(st);
	return NULL;
}

static const struct err *all(const struct err *e, struct stmt *st, struct upload **v, size_t *n)
{
	bool row;

	*v = NULL;
	*n = 0;
	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		*v = xreallocarray(*v, *n + 1, sizeof(**v));
		read_row(st, &(*v)[(*n)++]);
	}
	if (e != NULL) {
		uploads_free(*v, *n);
		*v = NULL;
		*n = 0;
	}
	return e;
}

/* Takes detail over. */
static const struct err *tell(struct store *s, const struct actor *by, const char *action, int64_t id, json_t *detail)
{
	char *text = detail != NULL ? js_text(detail) : xstrdup("{}");

	json_decref(detail);
	return audit_on(s, by, action, 0, "upload", id, text);
}

const struct err *upload_insert(struct store *s, struct upload *u, const struct actor *by, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	u->created_at = u->updated_at = now_ms;
	e = db_run(store_db(s),
	        "INSERT INTO uploads (token, org, name, size, metadata, expires_at, created_by, created_at, updated_at)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
	        "sssisisi", u->token, u->org, u->name, u->size, u->metadata, u->expires_at, by->who, now_ms);
	if (e == NULL) {
		u->id = db_last_id(store_db(s));
		e = tell(s, by, "upload.create", u->id,
		        json_pack("{s:s, s:I}", "name", u->name, "size", (json_int_t)u->size));
	}
	return store_end(s, e);
}

const struct err *upload_get(struct store *s, int64_t id, struct upload *out)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st, "SELECT " COLUMNS " FROM uploads u WHERE u.id = ?1", "i", id);

	return one(e, st, out);
}

const struct err *upload_find(struct store *s, const char *token, const char *org, struct upload *out)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM uploads u WHERE u.token = ?1 AND (?2 IS NULL OR u.org = ?2)", "ss", token, org);

	return one(e, st, out);
}

const struct err *upload_list(struct store *s, const char *org, int status, int64_t after, size_t limit, struct upload **v,
        size_t *n)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM uploads u WHERE u.id > ?3 AND u.status <> 'removed' AND (?1 IS NULL OR u.org = ?1)"
	        " AND (?2 IS NULL OR u.status = ?2) ORDER BY u.id LIMIT ?4",
	        "ssii", org, status >= 0 ? names[status] : NULL, after, (int64_t)limit);

	return all(e, st, v, n);
}

const struct err *upload_overdue(struct store *s, int64_t now_ms, int64_t unused_since_ms, struct upload **v, size_t *n)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM uploads u WHERE (u.status = 'receiving' AND u.expires_at <= ?1)"
	        " OR (u.status = 'complete' AND u.updated_at <= ?2 AND NOT EXISTS (SELECT 1 FROM mailboxes m"
	        " WHERE m.source_upload = u.id)) ORDER BY u.id LIMIT 100",
	        "ii", now_ms, unused_since_ms);

	return all(e, st, v, n);
}

const struct err *upload_list_closed(struct store *s, int64_t job_id, int64_t closed_before, struct upload **v, size_t *n)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM uploads u WHERE u.status = 'complete'"
	        " AND u.id IN (SELECT source_upload FROM mailboxes WHERE job_id = ?1)"
	        " AND NOT EXISTS (SELECT 1 FROM mailboxes m JOIN jobs j ON j.id = m.job_id WHERE m.source_upload = u.id"
	        " AND (j.status = 'open' OR j.closed_at > ?2)) ORDER BY u.id LIMIT 100",
	        "ii", job_id, closed_before);

	return all(e, st, v, n);
}

const struct err *upload_extend(struct store *s, int64_t id, int64_t expires_at, int64_t now_ms)
{
	return db_run(store_db(s),
	        "UPDATE uploads SET expires_at = ?2, updated_at = ?3 WHERE id = ?1 AND status = 'receiving'", "iii", id,
	        expires_at, now_ms);
}

const struct err *upload_complete(struct store *s, int64_t id, const char *sha256, enum upload_kind kind,
        const struct actor *by, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "UPDATE uploads SET status = 'complete', received = size, sha256 = ?2, kind = ?3, expires_at = NULL,"
	        " updated_at = ?4 WHERE id = ?1 AND status = 'receiving'",
	        "issi", id, sha256, upload_kind_name(kind), now_ms);
	if (e == NULL && db_changes(store_db(s)) == 1)
		e = tell(s, by, "upload.complete", id,
		        json_pack("{s:s?, s:s}", "sha256", sha256, "kind", upload_kind_name(kind)));
	return store_end(s, e);
}

const struct err *upload_unhashed(struct store *s, struct upload **v, size_t *n)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM uploads u WHERE u.status = 'complete' AND u.sha256 IS NULL ORDER BY u.id LIMIT 100", "");

	return all(e, st, v, n);
}

const struct err *upload_hashed(struct store *s, int64_t id, const char *sha256, const struct actor *by, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "UPDATE uploads SET sha256 = ?2, updated_at = ?3 WHERE id = ?1 AND status = 'complete' AND sha256 IS NULL", "isi",
	        id, sha256, now_ms);
	if (e == NULL && db_changes(store_db(s)) == 1)
		e = tell(s, by, "upload.hash", id, json_pack("{s:s}", "sha256", sha256));
	return store_end(s, e);
}

const struct err *upload_remove(struct store *s, int64_t id, const char *why, const struct actor *by, int64_t now_ms)
{
	int64_t mailbox = 0;
	bool used = false;
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_i64(store_db(s), &mailbox, &used,
	        "SELECT m.id FROM mailboxes m JOIN jobs j ON j.id = m.job_id WHERE m.source_upload = ?1 AND m.removed = 0"
	        " AND j.status = 'open' LIMIT 1",
	        "i", id);
	if (e == NULL && used)
		e = err_new(ERR_CONFLICT, "mailbox %lld reads from this upload", (long long)mailbox);
	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE uploads SET status = 'removed', updated_at = ?2 WHERE id = ?1 AND status <> 'removed'", "ii", id,
		        now_ms);
	if (e == NULL && db_changes(store_db(s)) == 1)
		e = tell(s, by, "upload.remove", id, json_pack("{s:s}", "why", why));
	return store_end(s, e);
}

const struct err *upload_check_mailbox(struct store *s, int64_t mailbox_id)
{
	int64_t complete = 1;
	const struct err *e = db_i64(store_db(s), &complete, NULL,
	        "SELECT u.status = 'complete' FROM mailboxes m JOIN uploads u ON u.id = m.source_upload WHERE m.id = ?1"
	        " AND m.source_kind <> 'imap'",
	        "i", mailbox_id);

	if (e == NULL && !complete)
		e = err_new(ERR_UPLOAD_INCOMPLETE, "the file of mailbox %lld is not here as a whole", (long long)mailbox_id);
	return e;
}
