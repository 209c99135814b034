/*
 * The databases of a service: migration.db (what must not be lost) and progress.db (live counters,
 * disposable), both under MIGRATION_DATA_PATH. All SQL is in store_*.c. A process opens the store after it
 * has forked.
 *
 * Every function that changes something does it, with its audit row, in one BEGIN IMMEDIATE. They nest:
 * between store_begin and store_end several make one transaction; after one of them has failed the whole can
 * only be rolled back. Texts in structs are owned by the struct and never NULL unless said; X_free frees the
 * content and leaves zeros. Errors are db.h's, and ERR_NOT_FOUND, ERR_CONFLICT, ERR_PRECONDITION where a
 * function says so.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "err.h"
#include "principal.h"

struct store;

enum store_mode {
	STORE_USE,     /* both must exist and have the right version: ERR_DB_VERSION otherwise */
	STORE_MIGRATE, /* create what is missing and bring it up to date: the keeper's and migrationctl's */
	STORE_READ     /* read-only, any version up to ours */
};

const struct err *store_open(struct store **out, const char *data_path, enum store_mode mode);
void store_close(struct store *s); /* NULL is fine */

struct db *store_db(struct store *s);
struct db *store_progress(struct store *s); /* NULL with STORE_READ when there is no such file */

int store_version(void); /* user_version that this program knows */
/* ERR_DB_VERSION when the file has another one by now (a process that sees this ends). One cheap statement.
 */
const struct err *store_check_version(struct store *s);
/* Changes whenever another connection has committed to migration.db. */
const struct err *store_data_version(struct store *s, int64_t *v);

const struct err *store_begin(struct store *s);
/* Commits when e is NULL and nothing inside failed, else rolls back; returns the first error. */
const struct err *store_end(struct store *s, const struct err *e);

/* One snapshot for several reads (BEGIN DEFERRED); nests, also inside store_begin. No store_begin inside it.
 */
const struct err *store_read_begin(struct store *s);
void store_read_end(struct store *s);

/* The next value of counters.change_seq; inside a transaction only. */
const struct err *store_next_seq(struct store *s, int64_t *seq);

/* PRAGMA integrity_check and foreign_key_check: *report (the caller's) is "ok" or what is wrong. */
const struct err *store_integrity(struct store *s, char **report);

#endif
