#include "db.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "mem.h"

#include "banned.h"

struct stmt {
	struct db *db;
	struct stmt *next;
	sqlite3_stmt *raw;
	char *sql;
	bool busy; /* handed out and not put back */
};

struct db {
	sqlite3 *raw;
	char *path;
	struct stmt *cache; /* most recent first: a handful to a few dozen */
};

static const struct err *fail(struct db *db, int rc, const char *what)
{
	enum err_id id = ERR_DB;
	int primary = rc & 0xff;

	if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
		id = ERR_DB_BUSY;
	else if (primary == SQLITE_CONSTRAINT)
		id = ERR_CONFLICT;
	else if (primary == SQLITE_FULL)
		id = ERR_DISK_LOW;
	return err_new(id, "%s: %s: %s", db->path, what, db->raw != NULL ? sqlite3_errmsg(db->raw) : sqlite3_errstr(rc));
}

/* Of several connections that switch a new file to WAL together all but one get "locked" at once: SQLite does not
 * call its busy handler there, since waiting with a shared lock in hand would be a deadlock. So ask again. */
static const struct err *to_wal(struct db *db, int busy_ms)
{
	const struct err *e;
	int waited = 0;

	while ((e = db_exec(db, "PRAGMA journal_mode=WAL")) != NULL && e->id == ERR_DB_BUSY && waited < busy_ms)
		waited += sqlite3_sleep(5);
	return e;
}

const struct err *db_open(struct db **out, const char *path, const struct db_options *opt)
{
	static const char *const sync_sql[] = {"PRAGMA synchronous=OFF", "PRAGMA synchronous=NORMAL",
		"PRAGMA synchronous=FULL"};
	struct db *db = xcalloc(1, sizeof(*db));
	const struct err *e = NULL;
	mode_t old;
	int flags = opt->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (opt->create ? SQLITE_OPEN_CREATE : 0);
	int busy_ms = opt->busy_ms > 0 ? opt->busy_ms : 5000;
	int rc;

	db->path = xstrdup(path);
	old = umask(0077);
	rc = sqlite3_open_v2(path, &db->raw, flags | SQLITE_OPEN_NOMUTEX, NULL);
	umask(old);
	if (rc != SQLITE_OK) {
		e = fail(db, rc, "open");
		goto done;
	}
	sqlite3_extended_result_codes(db->raw, 1);
	sqlite3_busy_timeout(db->raw, busy_ms);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (!opt->readonly)
		e = to_wal(db, busy_ms);
	if (e == NULL)
		e = db_exec(db, sync_sql[opt->sync]);
	if (e == NULL)
		e = db_exec(db, "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY");
done:
	if (e != NULL) {
		db_close(db);
		db = NULL;
	}
	*out = db;
	return e;
}

void db_close(struct db *db)
{
	struct stmt *st, *next;

	if (db == NULL)
		return;
	for (st = db->cache; st != NULL; st = next) {
		next = st->next;
		sqlite3_finalize(st->raw);
		free(st->sql);
		free(st);
	}
	if (sqlite3_close(db->raw) != SQLITE_OK)
		log_error("%s: closed with statements open", db->path);
	free(db->path);
	free(db);
}

const struct err *db_exec(struct db *db, const char *sql)
{
	int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? NULL : fail(db, rc, "exec");
}

static const struct err *prepare(struct db *db, const char *sql, struct stmt **out)
{
	struct stmt *st;
	int rc;

	for (st = db->cache; st != NULL; st = st->next)
		if (!st->busy && strcmp(st->sql, sql) == 0)
			break;
	if (st == NULL) {
		st = xcalloc(1, sizeof(*st));
		st->db = db;
		rc = sqlite3_prepare_v3(db->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->raw, NULL);
		if (rc != SQLITE_OK || st->raw == NULL) {
			free(st);
			return fail(db, rc, sql);
		}
		st->sql = xstrdup(sql);
		st->next = db->cache;
		db->cache = st;
	}
	st->busy = true;
	*out = st;
	return NULL;
}

static int bind_one(struct stmt *st, int at, char type, va_list *ap)
{
	const void *p;
	const char *s;
	size_t n;

	switch (type) {
	case 'i':
		return sqlite3_bind_int64(st->raw, at, va_arg(*ap, int64_t));
	case 'd':
		return sqlite3_bind_double(st->raw, at, va_arg(*ap, double));
	case 's':
		s = va_arg(*ap, const char *);
		return s == NULL ? sqlite3_bind_null(st->raw, at) : sqlite3_bind_text(st->raw, at, s, -1, SQLITE_STATIC);
	case 'b':
		p = va_arg(*ap, const void *);
		n = va_arg(*ap, size_t);
		return sqlite3_bind_blob64(st->raw, at, p != NULL ? p : "", n, SQLITE_STATIC);
	case 'n':
		return sqlite3_bind_null(st->raw, at);
	default:
		return SQLITE_MISUSE;
	}
}

static const struct err *query_v(struct db *db, struct stmt **out, const char *sql, const char *types, va_list *ap)
{
	const struct err *e = prepare(db, sql, out);
	int rc = SQLITE_OK, i;

	if (e != NULL)
		return e;
	for (i = 0; types[i] != '\0' && rc == SQLITE_OK; i++)
		rc = bind_one(*out, i + 1, types[i], ap);
	if (rc == SQLITE_OK && i != sqlite3_bind_parameter_count((*out)->raw))
		rc = SQLITE_RANGE;
	if (rc == SQLITE_OK)
		return NULL;
	e = err_new(ERR_INTERNAL, "binding \"%s\" to %s: %s", types, sql, sqlite3_errstr(rc));
	db_done(*out);
	*out = NULL;
	return e;
}

const struct err *db_query(struct db *db, struct stmt **out, const char *sql, const char *types, ...)
{
	const struct err *e;
	va_list ap;

	va_start(ap, types);
	e = query_v(db, out, sql, types, &ap);
	va_end(ap);
	return e;
}

const struct err *db_step(struct stmt *st, bool *row)
{
	int rc = sqlite3_step(st->raw);
	const struct err *e = NULL;

	*row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW)
		return NULL;
	if (rc != SQLITE_DONE)
		e = fail(st->db, rc, st->sql);
	db_done(st);
	return e;
}

void db_done(struct stmt *st)
{
	if (st == NULL || !st->busy)
		return;
	sqlite3_reset(st->raw);
	sqlite3_clear_bindings(st->raw);
	st->busy = false;
}

const struct err *db_each(struct stmt *st, db_row_fn *fn, void *arg)
{
	const struct err *e;
	bool row;

	while ((e = db_step(st, &row)) == NULL && row)
		fn(st, arg);
	return e;
}

void db_list_free(void *v, size_t n, size_t size, db_clear_fn *clear)
{
	for (size_t i = 0; clear != NULL && i < n; i++)
		clear((char *)v + i * size);
	free(v);
}

const struct err *db_list(const struct err *e, struct stmt *st, size_t size, db_item_fn *fill, db_clear_fn *clear,
        void *v, size_t *n)
{
	size_t count = 0, room = 0;
	char *items = NULL;
	bool row;

	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		if (count == room) {
			room = room == 0 ? 8 : room * 2;
			items = xreallocarray(items, room, size);
		}
		memset(items + count * size, 0, size);
		fill(st, items + count++ * size);
	}
	if (e != NULL) {
		db_list_free(items, count, size, clear);
		items = NULL;
		count = 0;
	}
	memcpy(v, &items, sizeof(items));
	*n = count;
	return e;
}

const struct err *db_run(struct db *db, const char *sql, const char *types, ...)
{
	const struct err *e;
	struct stmt *st;
	va_list ap;
	bool row = false;

	va_start(ap, types);
	e = query_v(db, &st, sql, types, &ap);
	va_end(ap);
	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row)
		db_done(st);
	return e;
}

const struct err *db_i64(struct db *db, int64_t *out, bool *found, const char *sql, const char *types, ...)
{
	const struct err *e;
	struct stmt *st;
	va_list ap;
	bool row = false;

	va_start(ap, types);
	e = query_v(db, &st, sql, types, &ap);
	va_end(ap);
	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row) {
		*out = db_col_i64(st, 0);
		db_done(st);
	}
	if (found != NULL)
		*found = row;
	return e;
}

int64_t db_col_i64(struct stmt *st, int col)
{
	return sqlite3_column_int64(st->raw, col);
}

double db_col_double(struct stmt *st, int col)
{
	return sqlite3_column_double(st->raw, col);
}

bool db_col_null(struct stmt *st, int col)
{
	return sqlite3_column_type(st->raw, col) == SQLITE_NULL;
}

const char *db_col_text(struct stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st->raw, col);
}

char *db_col_dup(struct stmt *st, int col)
{
	const char *s = db_col_text(st, col);

	return xstrdup(s != NULL ? s : "");
}

const void *db_col_blob(struct stmt *st, int col, size_t *len)
{
	const void *p = sqlite3_column_blob(st->raw, col);

	*len = (size_t)sqlite3_column_bytes(st->raw, col);
	return p;
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->raw);
}

int db_changes(struct db *db)
{
	return sqlite3_changes(db->raw);
}

const struct err *db_begin(struct db *db)
{
	return db_run(db, "BEGIN IMMEDIATE", "");
}

const struct err *db_commit(struct db *db)
{
	const struct err *e = db_run(db, "COMMIT", "");

	if (e != NULL)
		db_rollback(db);
	return e;
}

void db_rollback(struct db *db)
{
	const struct err *e;

	if (sqlite3_get_autocommit(db->raw))
		return;
	for (struct stmt *st = db->cache; st != NULL; st = st->next)
		db_done(st);
	e = db_run(db, "ROLLBACK", "");
	if (e != NULL)
		log_error("%s", e->msg);
}

const struct err *db_end(struct db *db, const struct err *e)
{
	if (e == NULL)
		return db_commit(db);
	db_rollback(db);
	return e;
}

const struct err *db_data_version(struct db *db, int64_t *v)
{
	return db_i64(db, v, NULL, "PRAGMA data_version", "");
}

const struct err *db_user_version(struct db *db, int64_t *v)
{
	return db_i64(db, v, NULL, "PRAGMA user_version", "");
}

const struct err *db_migrate(struct db *db, const char *const *migrations, int n)
{
	const struct err *e = NULL;

	while (e == NULL) {
		int64_t at = 0;
		char sql[64];

		if ((e = db_begin(db)) != NULL || (e = db_user_version(db, &at)) != NULL)
			break;
		if (at == n) {
			db_rollback(db);
			return NULL;
		}
		if (at > n) {
			e = err_new(ERR_DB_VERSION, "%s: version %d, this program knows %d", db->path, (int)at, n);
			break;
		}
		snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", (int)at + 1);
		if ((e = db_exec(db, migrations[at])) == NULL)
			e = db_exec(db, sql);
		if (e == NULL)
			e = db_commit(db);
		if (e != NULL)
			e = err_wrap(e, "migration %04d", (int)at + 1);
	}
	db_rollback(db);
	return e;
}
