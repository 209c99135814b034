#include "store_audit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define HASH_BYTES 32
#define HASH_TEXT AUDIT_HASH

struct fields {
	const char *previous, *actor, *role, *action, *subject, *detail;
	int64_t id, at, job_id;
};

static void feed(crypto_generichash_state *st, const char *s)
{
	char len[24];
	int n = snprintf(len, sizeof(len), "%zu:", strlen(s));

	crypto_generichash_update(st, (const unsigned char *)len, (unsigned long long)n);
	crypto_generichash_update(st, (const unsigned char *)s, strlen(s));
}

static void feed_i64(crypto_generichash_state *st, int64_t v, bool empty)
{
	char text[24] = "";

	if (!empty)
		snprintf(text, sizeof(text), "%lld", (long long)v);
	feed(st, text);
}

static void hash_row(const struct fields *f, char out[HASH_TEXT])
{
	crypto_generichash_state st;
	unsigned char h[HASH_BYTES];

	crypto_generichash_init(&st, NULL, 0, sizeof(h));
	feed(&st, f->previous);
	feed_i64(&st, f->id, false);
	feed_i64(&st, f->at, false);
	feed(&st, f->actor);
	feed(&st, f->role);
	feed(&st, f->action);
	feed_i64(&st, f->job_id, f->job_id == 0);
	feed(&st, f->subject);
	feed(&st, f->detail);
	crypto_generichash_final(&st, h, sizeof(h));
	sodium_bin2hex(out, HASH_TEXT, h, sizeof(h));
}

/* The id and hash of the last row ever written: a row that was cut off the end is missed by its number. */
const struct err *audit_head(struct store *s, int64_t *id, char hash[AUDIT_HASH])
{
	struct stmt *st;
	bool row = false;
	const struct err *e;

	*id = 0;
	hash[0] = '\0';
	e = db_query(store_db(s), &st, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", "");
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*id = db_col_i64(st, 0);
	snprintf(hash, HASH_TEXT, "%s", db_col_text(st, 1));
	db_done(st);
	return NULL;
}

const struct err *audit_hash_of(struct store *s, int64_t id, char hash[AUDIT_HASH])
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st, "SELECT hash FROM audit WHERE id = ?1", "i", id);

	hash[0] = '\0';
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	snprintf(hash, AUDIT_HASH, "%s", db_col_text(st, 0));
	db_done(st);
	return NULL;
}

const struct err *audit_add(struct store *s, const struct actor *by, const char *action, int64_t job_id,
        const char *subject, const char *detail)
{
	char previous[HASH_TEXT], hash[HASH_TEXT];
	struct fields f = {.previous = previous,
	        .actor = by->who,
	        .role = by->role,
	        .action = action,
	        .job_id = job_id,
	        .subject = subject != NULL ? subject : "",
	        .detail = detail != NULL ? detail : "{}",
	        .at = clock_now_ms()};
	const struct err *e;
	int64_t sequence = 0;

	if ((e = audit_head(s, &f.id, previous)) != NULL)
		return e;
	e = db_i64(store_db(s), &sequence, NULL, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", "");
	if (e != NULL)
		return e;
	f.id = (sequence > f.id ? sequence : f.id) + 1;
	hash_row(&f, hash);
	return db_run(store_db(s),
	        "INSERT INTO audit (id, at, actor, role, action, job_id, subject, detail, previous, hash)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, NULLIF(?6, 0), ?7, ?8, ?9, ?10)",
	        "iisssissss", f.id, f.at, f.actor, f.role, f.action, f.job_id, f.subject, f.detail,
	        f.previous, hash);
}

const struct err *audit_on(struct store *s, const struct actor *by, const char *action, int64_t job_id,
        const char *kind, int64_t id, char *detail)
{
	char subject[64];
	const struct err *e;

	snprintf(subject, sizeof(subject), "%s:%lld", kind, (long long)id);
	e = audit_add(s, by, action, job_id, subject, detail);
	free(detail);
	return e;
}

static void audit_rows_clear(void *item)
{
	struct audit_row *p = item;

	free(p->actor);
	free(p->role);
	free(p->action);
	free(p->subject);
	free(p->detail);
	free(p->hash);
}

void audit_rows_free(struct audit_row *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), audit_rows_clear);
}

static void audit_rows_fill(struct stmt *st, void *item)
{
	*(struct audit_row *)item = (struct audit_row){.id = db_col_i64(st, 0),
	        .at = db_col_i64(st, 1),
	        .actor = db_col_dup(st, 2),
	        .role = db_col_dup(st, 3),
	        .action = db_col_dup(st, 4),
	        .job_id = db_col_i64(st, 5),
	        .subject = db_col_dup(st, 6),
	        .detail = db_col_dup(st, 7),
	        .hash = db_col_dup(st, 8)};
}

const struct err *audit_list(
        struct store *s, int64_t job_id, int64_t before, size_t limit, struct audit_row **v, size_t *n)
{
	const struct err *e;
	struct stmt *st = NULL;

	if (before == 0)
		before = INT64_MAX;
	e = job_id != 0 ? db_query(store_db(s), &st,
	                          "SELECT id, at, actor, role, action, COALESCE(job_id, 0), subject, detail, "
	                          "hash FROM audit"
	                          " WHERE job_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
	                          "iii", job_id, before, (int64_t)limit)
	                : db_query(store_db(s), &st,
	                          "SELECT id, at, actor, role, action, COALESCE(job_id, 0), subject, detail, "
	                          "hash FROM audit"
	                          " WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
	                          "ii", before, (int64_t)limit);
	return db_list(e, st, sizeof(**v), audit_rows_fill, audit_rows_clear, v, n);
}

static void bad(struct audit_check *out, int64_t id, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
static void bad(struct audit_check *out, int64_t id, const char *fmt, ...)
{
	va_list ap;

	out->ok = false;
	out->bad_id = id;
	va_start(ap, fmt);
	vsnprintf(out->what, sizeof(out->what), fmt, ap);
	va_end(ap);
}

static void check_row(struct stmt *st, const char *previous, int64_t expected_id, struct audit_check *out,
        char hash[HASH_TEXT])
{
	struct fields f = {.id = db_col_i64(st, 0),
	        .at = db_col_i64(st, 1),
	        .actor = db_col_text(st, 2),
	        .role = db_col_text(st, 3),
	        .action = db_col_text(st, 4),
	        .job_id = db_col_i64(st, 5),
	        .subject = db_col_text(st, 6),
	        .detail = db_col_text(st, 7),
	        .previous = db_col_text(st, 8)};

	hash_row(&f, hash);
	if (f.id != expected_id)
		bad(out, expected_id, "rows %lld to %lld are missing", (long long)expected_id,
		        (long long)f.id - 1);
	else if (strcmp(hash, db_col_text(st, 9)) != 0)
		bad(out, f.id, "row %lld: its content was changed", (long long)f.id);
	else if (strcmp(f.previous, previous) != 0)
		bad(out, f.id, "row %lld does not follow the row before it: one of them was replaced",
		        (long long)f.id);
	else
		out->rows++;
}

const struct err *audit_verify(struct store *s, struct audit_check *out)
{
	char previous[HASH_TEXT] = "", hash[HASH_TEXT];
	const struct err *e;
	struct stmt *st;
	int64_t sequence = 0;
	bool row;

	*out = (struct audit_check){.ok = true};
	e = db_query(store_db(s), &st,
	        "SELECT id, at, actor, role, action, COALESCE(job_id, 0), subject, detail, previous, hash "
	        "FROM audit"
	        " ORDER BY id",
	        "");
	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		check_row(st, previous, out->rows + 1, out, hash);
		if (!out->ok) {
			db_done(st);
			return NULL;
		}
		memcpy(previous, hash, sizeof(previous));
	}
	if (e == NULL)
		e = db_i64(store_db(s), &sequence, NULL,
		        "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", "");
	if (e == NULL && sequence != out->rows)
		bad(out, out->rows + 1, "rows %lld to %lld are missing at the end", (long long)out->rows + 1,
		        (long long)sequence);
	return e;
}
