#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

struct state {
	struct db *db;
	int lock;
	bool open; /* a transaction */
	bool peek; /* which is never committed */
	int64_t age_ms;
};

static const char *const migrations[] = {
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;\n"
	"CREATE TABLE folder(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  src BLOB NOT NULL, dst BLOB NOT NULL, -- names as on the wire\n"
	"  src_uidvalidity INTEGER NOT NULL, dst_uidvalidity INTEGER NOT NULL, -- 0: not known yet\n"
	"  done INTEGER NOT NULL,   -- every source UID up to it is settled\n"
	"  floor INTEGER NOT NULL,  -- copies in flight have destination UIDs from here on\n"
	"  active INTEGER NOT NULL, -- 1: there may be copies in flight\n"
	"  modseq INTEGER NOT NULL,\n"
	"  UNIQUE(src, dst)) STRICT;\n"
	"CREATE TABLE copied( -- runs: source UIDs src..src+n-1 are dst..dst+n-1 there\n"
	"  folder INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,\n"
	"  src INTEGER NOT NULL, n INTEGER NOT NULL, dst INTEGER, -- NULL: not known\n"
	"  PRIMARY KEY(folder, src)) STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE pending( -- settled for the stream, but not copied: 1 to be tried alone, 2 refused\n"
	"  folder INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,\n"
	"  src INTEGER NOT NULL, kind INTEGER NOT NULL, code TEXT, words TEXT,\n"
	"  PRIMARY KEY(folder, src)) STRICT, WITHOUT ROWID;\n",
};

static const struct err *begin(struct state *s)
{
	const struct err *e = s->open ? NULL : db_begin(s->db);

	if (e == NULL)
		s->open = true;
	return e;
}

const struct err *state_commit(struct state *s)
{
	if (!s->open || s->peek)
		return NULL;
	s->open = false;
	return db_commit(s->db);
}

bool state_dirty(const struct state *s)
{
	return s->open;
}

static const struct err *lock(struct state *s, const char *path)
{
	char *name = xasprintf("%s.lock", path);
	const struct err *e = NULL;

	s->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		e = err_errno("%s", name);
	else if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
		e = errno == EWOULDBLOCK ? err_new(ERR_STATE_BUSY, "%s: another copy with this state is running", path)
					 : err_errno("lock %s", name);
	free(name);
	return e;
}

/* Of the database or its log, whichever was written last. */
static int64_t age_of(const char *path)
{
	char *wal = xasprintf("%s-wal", path);
	const char *const names[] = {path, wal};
	int64_t last = 0;
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		if (stat(names[i], &st) == 0) {
			int64_t at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;

			last = at > last ? at : last;
		}
	}
	free(wal);
	return last == 0 ? INT64_MAX : clock_now_ms() - last;
}

static const struct err *same_account(struct state *s, const char *key, const char *want)
{
	char *have = NULL;
	const struct err *e = state_noted(s, key, &have);

	if (e == NULL && have == NULL)
		e = state_note(s, key, want);
	else if (e == NULL && strcmp(have, want) != 0)
		e = err_new(ERR_STATE_DAMAGED, "the state file is of another mailbox: %s is %s there, %s here", key, have,
			want);
	free(have);
	return e;
}

static const struct err *try_open(struct state *s, const char *path, const char *from, const char *to)
{
	static const struct db_options opt = {.create = true, .sync = DB_SYNC_NORMAL};
	const struct err *e = db_open(&s->db, path, &opt);
	struct stmt *st;
	bool row = false;

	if (e == NULL && strcmp(path, ":memory:") != 0) {
		e = db_query(s->db, &st, "PRAGMA quick_check(1)", "");
		if (e == NULL && (e = db_step(st, &row)) == NULL && row) {
			if (strcmp(db_col_text(st, 0), "ok") != 0)
				e = err_new(ERR_STATE_DAMAGED, "%s: %s", path, db_col_text(st, 0));
			db_done(st);
		}
	}
	if (e == NULL)
		e = db_migrate(s->db, migrations, sizeof(migrations) / sizeof(migrations[0]));
	if (e == NULL)
		e = same_account(s, "source", from);
	if (e == NULL)
		e = same_account(s, "destination", to);
	if (e == NULL)
		e = state_commit(s);
	return e;
}

/* Keeps the bad file for whoever wants to look at it. */
static const struct err *set_aside(const char *path)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	const struct err *e = NULL;

	for (size_t i = 0; i < 3; i++) {
		char *from = xasprintf("%s%s", path, tails[i]), *to = xasprintf("%s.old%s", path, tails[i]);

		if (rename(from, to) != 0 && errno != ENOENT && e == NULL)
			e = err_errno("rename %s", from);
		free(from);
		free(to);
	}
	return e;
}

static bool is_damage(const struct err *e)
{
	return e->id == ERR_STATE_DAMAGED || e->id == ERR_DB || e->id == ERR_DB_VERSION;
}

static void drop(struct state *s)
{
	if (s->db != NULL)
		db_rollback(s->db);
	s->open = false;
	db_close(s->db);
	s->db = NULL;
}

const struct err *state_open(struct state **out, const char *path, const char *from, const char *to,
	const struct err **rebuilt)
{
	struct state *s = xcalloc(1, sizeof(*s));
	const struct err *e = NULL, *bad;

	*rebuilt = NULL;
	s->lock = -1;
	s->age_ms = INT64_MAX;
	if (path != NULL && (e = lock(s, path)) != NULL)
		goto done;
	if (path != NULL)
		s->age_ms = age_of(path);
	bad = e = try_open(s, path != NULL ? path : ":memory:", from, to);
	if (e != NULL && path != NULL && is_damage(e)) {
		*rebuilt = err_new(ERR_STATE_DAMAGED, "%s (kept as %s.old)", bad->msg, path);
		drop(s);
		e = set_aside(path);
		if (e == NULL)
			e = try_open(s, path, from, to);
	}
done:
	if (e != NULL) {
		s->open = false;
		state_close(s);
		s = NULL;
	}
	*out = s;
	return e;
}

const struct err *state_peek(struct state **out, const char *path, const char *from, const char *to,
	const struct err **rebuilt)
{
	struct state *s = xcalloc(1, sizeof(*s));
	const struct err *e = NULL;

	*rebuilt = NULL;
	s->lock = -1;
	s->peek = true;
	s->age_ms = INT64_MAX;
	if (path != NULL && access(path, F_OK) != 0)
		path = NULL;
	if (path != NULL && (e = lock(s, path)) == NULL) {
		s->age_ms = age_of(path);
		e = try_open(s, path, from, to);
	}
	if (e != NULL && is_damage(e)) {
		*rebuilt = err_new(ERR_STATE_DAMAGED, "%s: it counts as empty", e->msg);
		drop(s);
		e = NULL;
	}
	if (e == NULL && s->db == NULL)
		e = try_open(s, ":memory:", from, to);
	if (e != NULL) {
		state_close(s);
		s = NULL;
	}
	*out = s;
	return e;
}

void state_close(struct state *s)
{
	const struct err *e;

	if (s == NULL)
		return;
	if (s->peek && s->db != NULL)
		db_rollback(s->db);
	if (s->db != NULL && (e = state_commit(s)) != NULL)
		log_error("%s", e->msg);
	db_close(s->db);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
}

int64_t state_age_ms(const struct state *s)
{
	return s->age_ms;
}

const struct err *state_folder_get(struct state *s, const char *src, size_t src_len, const char *dst,
	struct state_folder *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(s->db, &st,
		"SELECT id, src_uidvalidity, dst_uidvalidity, done, floor, active, modseq FROM folder WHERE src=? AND dst=?",
		"bb", src, src_len, dst, strlen(dst));

	memset(out, 0, sizeof(*out));
	out->floor = 1;
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	out->id = db_col_i64(st, 0);
	out->src_uidvalidity = (uint32_t)db_col_i64(st, 1);
	out->dst_uidvalidity = (uint32_t)db_col_i64(st, 2);
	out->done = (uint32_t)db_col_i64(st, 3);
	out->floor = (uint32_t)db_col_i64(st, 4);
	out->active = db_col_i64(st, 5) != 0;
	out->modseq = (uint64_t)db_col_i64(st, 6);
	db_done(st);
	return NULL;
}

const struct err *state_folder_put(struct state *s, const char *src, size_t src_len, const char *dst,
	struct state_folder *f)
{
	const struct err *e = begin(s);

	if (e != NULL)
		return e;
	if (f->id == 0) {
		e = db_run(s->db,
			"INSERT INTO folder(src, dst, src_uidvalidity, dst_uidvalidity, done, floor, active, modseq)"
			" VALUES(?,?,?,?,?,?,?,?)",
			"bbiiiiii", src, src_len, dst, strlen(dst), (int64_t)f->src_uidvalidity,
			(int64_t)f->dst_uidvalidity, (int64_t)f->done, (int64_t)f->floor, (int64_t)f->active,
			(int64_t)f->modseq);
		if (e == NULL)
			f->id = db_last_id(s->db);
		return e;
	}
	return db_run(s->db,
		"UPDATE folder SET src_uidvalidity=?, dst_uidvalidity=?, done=?, floor=?, active=?, modseq=? WHERE id=?",
		"iiiiiii", (int64_t)f->src_uidvalidity, (int64_t)f->dst_uidvalidity, (int64_t)f->done, (int64_t)f->floor,
		(int64_t)f->active, (int64_t)f->modseq, f->id);
}

const struct err *state_folder_reset(struct state *s, struct state_folder *f)
{
	const struct err *e = begin(s);

	if (e == NULL)
		e = db_run(s->db, "DELETE FROM copied WHERE folder=?", "i", f->id);
	if (e == NULL)
		e = db_run(s->db, "DELETE FROM pending WHERE folder=?", "i", f->id);
	f->done = 0;
	f->floor = 1;
	f->modseq = 0;
	f->active = true;
	return e;
}

static const struct err *add_run(struct state *s, int64_t folder, uint32_t src, uint32_t n, uint32_t dst)
{
	return db_run(s->db, "INSERT OR REPLACE INTO copied(folder, src, n, dst) VALUES(?,?,?,nullif(?,0))", "iiii", folder,
		(int64_t)src, (int64_t)n, (int64_t)dst);
}

const struct err *state_copied_add(struct state *s, int64_t folder, const struct uidset *src, const struct uidset *dst)
{
	const struct err *e = begin(s);
	size_t j = 0;
	uint32_t used = 0; /* of dst->r[j] */

	for (size_t i = 0; i < src->n && e == NULL; i++) {
		uint32_t at = src->r[i].lo, left = src->r[i].hi - at + 1;

		if (dst == NULL || dst->n == 0) {
			e = add_run(s, folder, at, left, 0);
			continue;
		}
		while (left > 0 && j < dst->n && e == NULL) {
			uint32_t room = dst->r[j].hi - dst->r[j].lo + 1 - used, n = left < room ? left : room;

			e = add_run(s, folder, at, n, dst->r[j].lo + used);
			at += n;
			left -= n;
			used += n;
			if (used == dst->r[j].hi - dst->r[j].lo + 1) {
				j++;
				used = 0;
			}
		}
		if (left > 0 && e == NULL)
			e = add_run(s, folder, at, left, 0);
	}
	return e;
}

/* The run that begins at `src` is kept without its part lo..hi. */
static const struct err *cut_run(struct state *s, int64_t folder, const int64_t run[3], uint32_t lo, uint32_t hi)
{
	int64_t src = run[0], n = run[1], dst = run[2], end = src + n - 1;
	const struct err *e = db_run(s->db, "DELETE FROM copied WHERE folder=? AND src=?", "ii", folder, src);

	if (e == NULL && src < lo)
		e = add_run(s, folder, (uint32_t)src, (uint32_t)(lo - src), (uint32_t)dst);
	if (e == NULL && end > hi)
		e = add_run(s, folder, hi + 1, (uint32_t)(end - hi), (uint32_t)(dst != 0 ? dst + (hi + 1 - src) : 0));
	return e;
}

static const struct err *drop_range(struct state *s, int64_t folder, uint32_t lo, uint32_t hi)
{
	const struct err *e = NULL;
	bool row = true;

	while (e == NULL && row) {
		struct stmt *st;
		int64_t run[3];

		e = db_query(s->db, &st, "SELECT src, n, coalesce(dst, 0) FROM copied WHERE folder=? AND src<=? AND src+n-1>=?"
			" LIMIT 1", "iii", folder, (int64_t)hi, (int64_t)lo);
		if (e == NULL)
			e = db_step(st, &row);
		if (e != NULL || !row)
			break;
		for (int i = 0; i < 3; i++)
			run[i] = db_col_i64(st, i);
		db_done(st);
		e = cut_run(s, folder, run, lo, hi);
	}
	return e;
}

const struct err *state_copied_drop(struct state *s, int64_t folder, const struct uidset *src)
{
	const struct err *e = begin(s);

	for (size_t i = 0; i < src->n && e == NULL; i++)
		e = drop_range(s, folder, src->r[i].lo, src->r[i].hi);
	return e;
}

const struct err *state_copied(struct state *s, int64_t folder, uint32_t above, struct uidset *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(s->db, &st, "SELECT src, n FROM copied WHERE folder=? AND src+n-1>? ORDER BY src", "ii",
		folder, (int64_t)above);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		uint32_t lo = (uint32_t)db_col_i64(st, 0);

		uidset_add(out, lo, lo + (uint32_t)db_col_i64(st, 1) - 1);
	}
	return e;
}

const struct err *state_copied_runs(struct state *s, int64_t folder, state_run_fn *fn, void *arg)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(s->db, &st,
		"SELECT src, n, dst FROM copied WHERE folder=? AND dst IS NOT NULL ORDER BY src", "i", folder);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row)
		fn(arg, (uint32_t)db_col_i64(st, 0), (uint32_t)db_col_i64(st, 1), (uint32_t)db_col_i64(st, 2));
	return e;
}

const struct err *state_pending_add(struct state *s, int64_t folder, uint32_t src, enum state_pending kind,
	const char *code, const char *words)
{
	const struct err *e = begin(s);

	if (e == NULL)
		e = db_run(s->db, "INSERT OR REPLACE INTO pending(folder, src, kind, code, words) VALUES(?,?,?,?,?)", "iiiss",
			folder, (int64_t)src, (int64_t)kind, code, words);
	return e;
}

const struct err *state_pending_clear(struct state *s, int64_t folder)
{
	const struct err *e = begin(s);

	return e != NULL ? e : db_run(s->db, "DELETE FROM pending WHERE folder=?", "i", folder);
}

const struct err *state_pending_drop(struct state *s, int64_t folder, const struct uidset *src)
{
	const struct err *e = begin(s);

	for (size_t i = 0; i < src->n && e == NULL; i++)
		e = db_run(s->db, "DELETE FROM pending WHERE folder=? AND src BETWEEN ? AND ?", "iii", folder,
			(int64_t)src->r[i].lo, (int64_t)src->r[i].hi);
	return e;
}

const struct err *state_pending(struct state *s, int64_t folder, struct uidset *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(s->db, &st, "SELECT src FROM pending WHERE folder=? ORDER BY src", "i", folder);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row)
		uidset_add(out, (uint32_t)db_col_i64(st, 0), (uint32_t)db_col_i64(st, 0));
	return e;
}

const struct err *state_note(struct state *s, const char *key, const char *value)
{
	const struct err *e = begin(s);

	return e != NULL ? e : db_run(s->db, "INSERT OR REPLACE INTO meta(key, value) VALUES(?,?)", "ss", key, value);
}

const struct err *state_noted(struct state *s, const char *key, char **out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(s->db, &st, "SELECT value FROM meta WHERE key=?", "s", key);

	*out = NULL;
	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row) {
		*out = xstrdup(db_col_text(st, 0));
		db_done(st);
	}
	return e;
}
