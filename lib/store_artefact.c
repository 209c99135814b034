#include "store_artefact.h"

#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "mem.h"

#include "banned.h"

void artefact_free(struct artefact *a)
{
	free(a->name);
	free(a->sha256);
	memset(a, 0, sizeof(*a));
}

static void clear(void *item)
{
	artefact_free(item);
}

void artefacts_free(struct artefact *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), clear);
}

static const struct err *check_run(struct store *s, int64_t run_id, const char *worker, int64_t attempt)
{
	int64_t mine = 0;
	bool found;
	const struct err *e = db_i64(store_db(s), &mine, &found,
	        "SELECT attempt = ?3 AND COALESCE(worker, '') = ?2 FROM runs WHERE id = ?1", "isi", run_id,
	        worker, attempt);

	if (e == NULL && !found)
		e = err_new(ERR_NOT_FOUND, "run %lld does not exist", (long long)run_id);
	else if (e == NULL && !mine)
		e = err_new(ERR_RUN_STALE, "run %lld is not at attempt %lld of worker %s", (long long)run_id,
		        (long long)attempt, worker);
	return e;
}

const struct err *artefact_put(struct store *s, int64_t run_id, const char *worker, int64_t attempt,
        const char *name, int64_t size, bool complete, const char *sha256, int64_t lease_ms,
        int64_t now_ms)
{
	const struct err *e;

	if (!fs_safe_name(name))
		return err_new(ERR_INPUT, "not a file name");
	if ((e = store_begin(s)) != NULL)
		return e;
	e = check_run(s, run_id, worker, attempt);
	if (e == NULL)
		e = db_run(store_db(s),
		        "INSERT INTO artefacts (run_id, name, size, complete, sha256, at) VALUES (?1, ?2, "
		        "?3, ?4, ?5, ?6)"
		        " ON CONFLICT (run_id, name) DO UPDATE SET size = ?3, complete = max(complete, ?4), "
		        "sha256 = COALESCE(sha256, ?5), at = ?6"
		        " WHERE complete = 0 OR size = ?3",
		        "isiisi", run_id, name, size, (int64_t)complete, sha256, now_ms);
	if (e == NULL && db_changes(store_db(s)) != 1)
		e = err_new(ERR_CONFLICT, "%s of run %lld is complete already", name, (long long)run_id);
	/* whoever hands over files is alive, even if that takes longer than a lease */
	if (e == NULL)
		e = db_run(store_db(s),
		        "UPDATE runs SET lease_until = ?2 WHERE id = ?1 AND status IN ('running', 'paused', 'waiting')"
		        " AND lease_until < ?2",
		        "ii", run_id, now_ms + lease_ms);
	return store_end(s, e);
}

static void read_row(struct stmt *st, void *item)
{
	*(struct artefact *)item = (struct artefact){.id = db_col_i64(st, 0),
	        .run_id = db_col_i64(st, 1),
	        .name = db_col_dup(st, 2),
	        .size = db_col_i64(st, 3),
	        .complete = db_col_i64(st, 4) != 0,
	        .sha256 = db_col_dup(st, 5),
	        .at = db_col_i64(st, 6)};
}

const struct err *artefact_get(struct store *s, int64_t run_id, const char *name, struct artefact *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, run_id, name, size, complete, sha256, at FROM artefacts WHERE run_id = ?1 AND "
	        "name = ?2",
	        "is", run_id, name);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "run %lld has no file of this name", (long long)run_id);
	read_row(st, out);
	db_done(st);
	return NULL;
}

const struct err *artefact_list(struct store *s, int64_t run_id, struct artefact **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, run_id, name, size, complete, sha256, at FROM artefacts WHERE run_id = ?1 ORDER "
	        "BY name",
	        "i", run_id);

	return db_list(e, st, sizeof(**v), read_row, clear, v, n);
}

const struct err *artefact_list_named(struct store *s, const char *name, struct artefact **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, run_id, name, size, complete, sha256, at FROM artefacts WHERE complete = 1"
	        " AND (name = ?1 OR name GLOB 'a[0-9]*-' || ?1) ORDER BY id",
	        "s", name);

	return db_list(e, st, sizeof(**v), read_row, clear, v, n);
}
