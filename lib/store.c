#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/schema_sql.h" /* made from lib/schema/: store_migrations, store_progress_sql */
#include "buf.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

#define SCHEMA_VERSION ((int)(sizeof(store_migrations) / sizeof(store_migrations[0])))

struct store {
	struct db *db, *progress;
	unsigned depth;   /* of store_begin */
	unsigned reading; /* depth of store_read_begin */
	bool failed;      /* something inside the transaction failed */
	char *path;
};

int store_version(void)
{
	return SCHEMA_VERSION;
}

/* A database that root has made belongs to the folder's owner, or the service could not open it. */
static void give_to_owner(const char *dir, const char *file)
{
	struct stat d, f;

	if (geteuid() != 0 || stat(dir, &d) != 0 || stat(file, &f) != 0 || f.st_uid == d.st_uid)
		return;
	if (lchown(file, d.st_uid, d.st_gid) != 0)
		log_warn("%s: its owner could not be set", file);
}

static const struct err *open_progress(struct store *s, const char *dir, enum store_mode mode)
{
	char *path = xasprintf("%s/progress.db", dir);
	struct db_options opt = {
	        .create = mode != STORE_READ, .readonly = mode == STORE_READ, .sync = DB_SYNC_OFF};
	const struct err *e;

	if (mode == STORE_READ && access(path, R_OK) != 0) {
		free(path);
		return NULL;
	}
	e = db_open(&s->progress, path, &opt);
	if (e == NULL && mode != STORE_READ)
		e = db_exec(s->progress, store_progress_sql);
	if (e != NULL && e->id == ERR_DB && mode == STORE_MIGRATE) {
		log_warn("%s: made anew: %s", path, e->msg);
		db_close(s->progress);
		s->progress = NULL;
		unlink(path);
		e = db_open(&s->progress, path, &opt);
		if (e == NULL)
			e = db_exec(s->progress, store_progress_sql);
	}
	if (e == NULL && mode != STORE_READ)
		give_to_owner(dir, path);
	free(path);
	return e;
}

const struct err *store_open(struct store **out, const char *data_path, enum store_mode mode)
{
	struct store *s = xcalloc(1, sizeof(*s));
	struct db_options opt = {
	        .create = mode == STORE_MIGRATE, .readonly = mode == STORE_READ, .sync = DB_SYNC_FULL};
	const struct err *e;
	int64_t v = 0;

	s->path = xasprintf("%s/migration.db", data_path);
	e = db_open(&s->db, s->path, &opt);
	if (e != NULL)
		goto done;
	if (mode == STORE_MIGRATE) {
		give_to_owner(data_path, s->path);
		e = db_migrate(s->db, store_migrations, SCHEMA_VERSION);
	} else if (mode == STORE_USE) {
		e = store_check_version(s);
	} else if ((e = db_user_version(s->db, &v)) == NULL && (v > SCHEMA_VERSION || v < 1)) {
		e = err_new(ERR_DB_VERSION, "%s: version %d, this program knows %d", s->path, (int)v,
		        SCHEMA_VERSION);
	}
	if (e == NULL)
		e = open_progress(s, data_path, mode);
done:
	if (e != NULL) {
		store_close(s);
		s = NULL;
	}
	*out = s;
	return e;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	db_close(s->db);
	db_close(s->progress);
	free(s->path);
	free(s);
}

struct db *store_db(struct store *s)
{
	return s->db;
}

struct db *store_progress(struct store *s)
{
	return s->progress;
}

const struct err *store_check_version(struct store *s)
{
	int64_t v = 0;
	const struct err *e = db_user_version(s->db, &v);

	if (e == NULL && v != SCHEMA_VERSION)
		e = err_new(ERR_DB_VERSION, "%s: version %d, this program needs %d", s->path, (int)v,
		        SCHEMA_VERSION);
	return e;
}

const struct err *store_data_version(struct store *s, int64_t *v)
{
	return db_data_version(s->db, v);
}

const struct err *store_begin(struct store *s)
{
	const struct err *e;

	if (s->depth > 0) {
		s->depth++;
		return NULL;
	}
	if (s->reading > 0)
		return err_new(ERR_INTERNAL, "a change inside a read transaction");
	e = db_begin(s->db);
	if (e == NULL) {
		s->depth = 1;
		s->failed = false;
	}
	return e;
}

const struct err *store_end(struct store *s, const struct err *e)
{
	if (e != NULL)
		s->failed = true;
	if (--s->depth > 0)
		return e;
	if (!s->failed)
		return db_commit(s->db);
	db_rollback(s->db);
	return e != NULL ? e : err_new(ERR_INTERNAL, "a part of the transaction had failed");
}

const struct err *store_read_begin(struct store *s)
{
	const struct err *e = NULL;

	if (s->depth == 0 && s->reading == 0)
		e = db_run(s->db, "BEGIN DEFERRED", "");
	if (e == NULL)
		s->reading++;
	return e;
}

void store_read_end(struct store *s)
{
	if (--s->reading == 0 && s->depth == 0)
		db_rollback(s->db);
}

const struct err *store_next_seq(struct store *s, int64_t *seq)
{
	bool found;
	const struct err *e = db_i64(s->db, seq, &found,
	        "UPDATE counters SET value = value + 1 WHERE name = 'change_seq' RETURNING value", "");

	if (e == NULL && !found)
		e = err_new(ERR_DB, "%s: the counter change_seq is missing", s->path);
	return e;
}

const struct err *store_integrity(struct store *s, char **report)
{
	struct buf b = BUF_INIT;
	struct stmt *st;
	bool row = true;
	const struct err *e = db_query(s->db, &st, "PRAGMA integrity_check(20)", "");

	while (e == NULL && (e = db_step(st, &row)) == NULL && row)
		if (strcmp(db_col_text(st, 0), "ok") != 0)
			buf_addf(&b, "%s%s", b.len > 0 ? "; " : "", db_col_text(st, 0));
	if (e == NULL)
		e = db_query(s->db, &st, "PRAGMA foreign_key_check", "");
	while (e == NULL && (e = db_step(st, &row)) == NULL && row)
		buf_addf(&b, "%s%s row %lld points to a row of %s that is missing", b.len > 0 ? "; " : "",
		        db_col_text(st, 0), (long long)db_col_i64(st, 1), db_col_text(st, 2));
	if (b.len == 0)
		buf_adds(&b, "ok");
	*report = buf_detach(&b);
	return e;
}
