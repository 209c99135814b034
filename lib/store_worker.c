#include "store_worker.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "store_audit.h"
#include "str.h"
#include "token_key.h"

#include "banned.h"

#define SEEN_EVERY_MS (60 * 1000)

void worker_free(struct worker *w)
{
	free(w->name);
	free(w->public_key);
	free(w->version);
	memset(w, 0, sizeof(*w));
}

static void workers_clear(void *item)
{
	worker_free(item);
}

void workers_free(struct worker *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), workers_clear);
}

static bool name_ok(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n >= 1 && n <= 64 && s[n] == '\0';
}

static void read_row(struct stmt *st, struct worker *w)
{
	*w = (struct worker){.id = db_col_i64(st, 0),
	        .name = db_col_dup(st, 1),
	        .public_key = db_col_dup(st, 2),
	        .revoked = db_col_i64(st, 3) != 0,
	        .version = db_col_dup(st, 4),
	        .seen_at = db_col_i64(st, 5),
	        .created_at = db_col_i64(st, 6)};
}

static const struct err *audit_worker(
        struct store *s, const struct actor *by, const char *action, const char *name)
{
	char *subject = xasprintf("worker:%s", name);
	const struct err *e = audit_add(s, by, action, 0, subject, NULL);

	free(subject);
	return e;
}

const struct err *worker_add(
        struct store *s, const char *name, const char *public_pem, const struct actor *by)
{
	const struct err *e;

	if (!name_ok(name))
		return err_new(ERR_INPUT, "a worker's name has 1 to 64 of A-Z a-z 0-9 . _ -");
	if ((e = token_key_check(TOKEN_ES256, public_pem, strlen(public_pem), false)) != NULL)
		return err_wrap(e, "worker %s", name);
	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "INSERT INTO workers (name, public_key, created_at) VALUES (?1, ?2, ?3)"
	        " ON CONFLICT (name) DO UPDATE SET public_key = ?2, revoked = 0, created_at = ?3, seen_at = "
	        "NULL WHERE revoked = 1",
	        "ssi", name, public_pem, clock_now_ms());
	if (e == NULL && db_changes(store_db(s)) != 1)
		e = err_new(ERR_CONFLICT, "worker %s exists: revoke it first", name);
	if (e == NULL)
		e = audit_worker(s, by, "worker.add", name);
	return store_end(s, e);
}

const struct err *worker_get(struct store *s, const char *name, bool revoked, struct worker *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, name, public_key, revoked, version, COALESCE(seen_at, 0), created_at FROM workers"
	        " WHERE name = ?1 AND (revoked = 0 OR ?2)",
	        "si", name, (int64_t)revoked);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "worker %.64s is not registered", name);
	read_row(st, out);
	db_done(st);
	return NULL;
}

static void workers_fill(struct stmt *st, void *item)
{
	read_row(st, item);
}

const struct err *worker_list(struct store *s, struct worker **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, name, public_key, revoked, version, COALESCE(seen_at, 0), created_at FROM "
	        "workers ORDER BY name",
	        "");

	return db_list(e, st, sizeof(**v), workers_fill, workers_clear, v, n);
}

const struct err *worker_revoke(struct store *s, const char *name, const struct actor *by)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s), "UPDATE workers SET revoked = 1 WHERE name = ?1 AND revoked = 0", "s", name);
	if (e == NULL && db_changes(store_db(s)) != 1)
		e = err_new(ERR_NOT_FOUND, "worker %.64s is not registered", name);
	if (e == NULL)
		e = audit_worker(s, by, "worker.revoke", name);
	return store_end(s, e);
}

const struct err *worker_seen(struct store *s, const char *name, const char *version, int64_t now_ms)
{
	int64_t due = 0;
	const struct err *e = db_i64(store_db(s), &due, NULL,
	        "SELECT COALESCE(seen_at, 0) <= ?2 OR (?3 IS NOT NULL AND version <> ?3) FROM workers WHERE "
	        "name = ?1",
	        "sis", name, now_ms - SEEN_EVERY_MS, version);

	if (e != NULL || !due)
		return e;
	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "UPDATE workers SET seen_at = ?2, version = COALESCE(?3, version) WHERE name = ?1", "sis",
	        name, now_ms, version);
	return store_end(s, e);
}
