/*
 * SQLite, through one door. Statements are prepared once a connection and text (compared by content) and
 * reused; db_done puts one back. A process opens a database after it has forked, never before.
 *
 * Errors: ERR_DB_BUSY when the lock was not had within the busy time-out, ERR_CONFLICT for a constraint
 * (msg carries SQLite's text, "UNIQUE constraint failed: jobs.domain"), ERR_DISK_LOW when the disk is full,
 * ERR_DB otherwise.
 */
#ifndef DB_H
#define DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct db;
struct stmt;

enum db_sync { DB_SYNC_OFF, DB_SYNC_NORMAL, DB_SYNC_FULL };

struct db_options {
	bool create;         /* make the file (mode 0600) when it is missing */
	bool readonly;
	enum db_sync sync;
	int busy_ms;         /* 0: 5000 */
};

/* WAL, foreign keys on. */
const struct err *db_open(struct db **out, const char *path, const struct db_options *opt);
void db_close(struct db *db); /* NULL is fine */

const struct err *db_exec(struct db *db, const char *sql); /* one or more statements, no result */

/* `sql` is prepared (or taken from the cache) and its parameters bound from the arguments that `types` names:
 *   i int64_t   s const char * (NULL: null)   b const void *, size_t   d double   n (no argument: null)
 * Text and blobs must live until db_done. */
const struct err *db_query(struct db *db, struct stmt **out, const char *sql, const char *types, ...);
/* *row tells whether there is one; without a row the statement has been put back. */
const struct err *db_step(struct stmt *st, bool *row);
void db_done(struct stmt *st); /* NULL is fine */
/* Every row to fn, and the statement back where it was. */
typedef void db_row_fn(struct stmt *st, void *arg);
const struct err *db_each(struct stmt *st, db_row_fn *fn, void *arg);
/* Rows as an array of items of `size` bytes: each is zeroed, then filled. `e` is what db_query said; with it, or an
 * error of a step, what was read is cleared (item by item) and *(T **)v is NULL, *n 0. */
typedef void db_item_fn(struct stmt *st, void *item);
typedef void db_clear_fn(void *item);
const struct err *db_list(const struct err *e, struct stmt *st, size_t size, db_item_fn *fill, db_clear_fn *clear,
        void *v, size_t *n);
/* Clears n items (clear NULL: they own nothing) and frees the array; NULL is fine. */
void db_list_free(void *v, size_t n, size_t size, db_clear_fn *clear);

/* query + step + done for a statement without a result. */
const struct err *db_run(struct db *db, const char *sql, const char *types, ...);
/* The first column of the first row; *out is left alone when there is none. found may be NULL. */
const struct err *db_i64(struct db *db, int64_t *out, bool *found, const char *sql, const char *types, ...);

int64_t db_col_i64(struct stmt *st, int col);
double db_col_double(struct stmt *st, int col);
bool db_col_null(struct stmt *st, int col);
const char *db_col_text(struct stmt *st, int col);              /* NULL for null; until the next step */
char *db_col_dup(struct stmt *st, int col);                     /* the caller's; "" for null */
const void *db_col_blob(struct stmt *st, int col, size_t *len); /* until the next step */

int64_t db_last_id(struct db *db);
int db_changes(struct db *db);

const struct err *db_begin(struct db *db); /* BEGIN IMMEDIATE */
const struct err *db_commit(struct db *db);
void db_rollback(struct db *db); /* fine when no transaction is open */
/* commit when e is NULL, rollback otherwise; returns e or what commit said. */
const struct err *db_end(struct db *db, const struct err *e);

/* Changes when another connection (or process) has committed: PRAGMA data_version. */
const struct err *db_data_version(struct db *db, int64_t *v);
const struct err *db_user_version(struct db *db, int64_t *v);

/* Brings user_version up to n by running migrations[user_version .. n-1], each in a transaction.
 * ERR_DB_VERSION when the file is newer than n. */
const struct err *db_migrate(struct db *db, const char *const *migrations, int n);

#endif
