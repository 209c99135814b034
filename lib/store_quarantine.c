#include "store_quarantine.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

static const char *const names[QUARANTINE_STATE_COUNT] = {"open", "retrying", "moved"};

const char *quarantine_state_name(enum quarantine_state s)
{
	return names[s];
}

bool quarantine_state_parse(const char *s, enum quarantine_state *out)
{
	for (int i = 0; i < QUARANTINE_STATE_COUNT; i++)
		if (strcmp(names[i], s) == 0) {
			*out = (enum quarantine_state)i;
			return true;
		}
	return false;
}

void quarantine_free(struct quarantine *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].refusal.folder);
		free(v[i].refusal.code);
		free(v[i].refusal.server);
		free(v[i].refusal.file);
	}
	free(v);
}

/* A pass tries everything that was refused before; a recopy what its options name. What such a run did not refuse
 * again it has moved. */
#define TRIED                                                                                                \
	"(x.kind = 'sync' AND json_extract(x.options, '$.dry_run') IS NOT 1 OR r.id IN (SELECT value FROM "  \
	"json_each(x.options, '$.refusals')))"

/* ?1 mailbox, ?3 after this number, ?4 this number alone (0: any) */
#define SEEN                                                                                                 \
	"WITH last AS (SELECT max(id) AS id FROM refusals WHERE mailbox_id = ?1"                             \
	"  AND run_id > (SELECT pair_after FROM mailboxes WHERE id = ?1) GROUP BY folder, uid),"             \
	" seen AS (SELECT r.*, CASE"                                                                         \
	"  WHEN EXISTS (SELECT 1 FROM passes p JOIN runs x ON x.id = p.run_id WHERE p.mailbox_id = ?1"       \
	"    AND p.status IN ('succeeded', 'partial') AND " TRIED                                            \
	"    AND (p.run_id > r.run_id OR p.run_id = r.run_id AND p.at > r.at AND p.refused = 0)) THEN 2"     \
	"  WHEN EXISTS (SELECT 1 FROM runs x WHERE x.mailbox_id = ?1 AND x.id > r.run_id"                    \
	"    AND x.status IN ('queued', 'running', 'paused', 'waiting') AND " TRIED ") THEN 1"               \
	"  ELSE 0 END AS state FROM refusals r WHERE r.id IN (SELECT id FROM last) AND r.id > ?3"            \
	"  AND (?4 = 0 OR r.id = ?4))"

static const char sql[] =
        SEEN " SELECT id, run_id, uid, size, at, folder, code, server, file, state FROM seen"
             " WHERE ?2 < 0 OR state = ?2 ORDER BY id LIMIT ?5";

static const struct err *read_rows(struct store *s, int64_t mailbox_id, int state, int64_t after, int64_t id,
        size_t limit, struct quarantine **v, size_t *n)
{
	struct stmt *st;
	bool row;
	const struct err *e = db_query(store_db(s), &st, sql, "iiiii", mailbox_id, (int64_t)state, after, id,
	        (int64_t)limit);

	*v = NULL;
	*n = 0;
	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		*v = xreallocarray(*v, *n + 1, sizeof(**v));
		(*v)[(*n)++] = (struct quarantine){.refusal = {.id = db_col_i64(st, 0),
		                                           .run_id = db_col_i64(st, 1),
		                                           .uid = db_col_i64(st, 2),
		                                           .size = db_col_i64(st, 3),
		                                           .at = db_col_i64(st, 4),
		                                           .folder = db_col_dup(st, 5),
		                                           .code = db_col_dup(st, 6),
		                                           .server = db_col_dup(st, 7),
		                                           .file = db_col_dup(st, 8)},
		        .state = (enum quarantine_state)db_col_i64(st, 9)};
	}
	if (e != NULL) {
		quarantine_free(*v, *n);
		*v = NULL;
		*n = 0;
	}
	return e;
}

const struct err *quarantine_list(struct store *s, int64_t mailbox_id, int state, int64_t after, size_t limit,
        struct quarantine **v, size_t *n)
{
	return read_rows(s, mailbox_id, state, after, 0, limit, v, n);
}

const struct err *quarantine_get(struct store *s, int64_t mailbox_id, int64_t id, struct quarantine **out)
{
	size_t n;
	const struct err *e = read_rows(s, mailbox_id, -1, 0, id, 1, out, &n);

	if (e == NULL && n == 0)
		e = err_new(ERR_NOT_FOUND, "the quarantine of mailbox %lld has no number %lld", (long long)mailbox_id,
		        (long long)id);
	return e;
}

static void count_clear(void *item)
{
	free(((struct quarantine_count *)item)->folder);
}

void quarantine_counts_free(struct quarantine_count *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), count_clear);
}

static void count_fill(struct stmt *st, void *item)
{
	*(struct quarantine_count *)item =
	        (struct quarantine_count){.folder = db_col_dup(st, 0), .count = db_col_i64(st, 1)};
}

const struct err *quarantine_counts(
        struct store *s, int64_t mailbox_id, struct quarantine_count **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        SEEN " SELECT folder, count(*) FROM seen WHERE state < ?2 GROUP BY folder ORDER BY folder", "iiii",
	        mailbox_id, (int64_t)QUARANTINE_MOVED, INT64_C(0), INT64_C(0));

	return db_list(e, st, sizeof(**v), count_fill, count_clear, v, n);
}
