#include "store_watch.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "mem.h"
#include "store_audit.h"
#include "store_dns.h"
#include "store_evidence.h"
#include "store_facts.h"

#include "banned.h"

static struct gate_policy policy = {.enabled = true, .min_ratio = 1000000};

void watch_policy(const struct gate_policy *p)
{
	policy = *p;
}

void watch_free(struct watch *w)
{
	free(w->why);
	memset(w, 0, sizeof(*w));
}

#define COLUMNS "id, job_id, quiet_ms, every_ms, arrived, started_at, last_new_at, COALESCE(ended_at, 0), why"

static void fill(struct stmt *st, void *item)
{
	struct watch *w = item;

	*w = (struct watch){.id = db_col_i64(st, 0),
	        .job_id = db_col_i64(st, 1),
	        .quiet_ms = db_col_i64(st, 2),
	        .every_ms = db_col_i64(st, 3),
	        .arrived = db_col_i64(st, 4),
	        .started_at = db_col_i64(st, 5),
	        .last_new_at = db_col_i64(st, 6),
	        .ended_at = db_col_i64(st, 7),
	        .why = db_col_dup(st, 8)};
}

static void clear(void *item)
{
	watch_free(item);
}

const struct err *watch_get(struct store *s, int64_t job_id, struct watch *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM straggler_watches WHERE job_id = ?1 ORDER BY id DESC LIMIT 1", "i", job_id);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row) {
		fill(st, out);
		db_done(st);
	}
	return e;
}

/* --- the switch --- */

/* Seconds: the highest MX TTL of the last read, and of the last that still saw the old records, is what caches may
 * hold; else the plan's. */
static const struct err *ttl_of(struct store *s, int64_t job_id, int64_t *ttl)
{
	struct dns_plan plan = {0};
	json_t *doc;
	bool found = false;
	const struct err *e = dns_plan_get(s, job_id, &plan);

	*ttl = 0;
	if (e == NULL)
		e = db_i64(store_db(s), ttl, &found,
		        "SELECT max(g.ttl) FROM dns_sightings g JOIN dns_reads r ON r.id = g.read_id WHERE r.job_id = ?1 AND"
		        " g.ttl >= 0 AND r.run_id IN ((SELECT max(run_id) FROM dns_reads WHERE job_id = ?1),"
		        " (SELECT max(run_id) FROM dns_reads WHERE job_id = ?1 AND moved = 0)) HAVING count(*) > 0",
		        "i", job_id);
	if (e == NULL && !found) {
		doc = js_column(plan.document);
		*ttl = json_integer_value(json_object_get(doc, "ttl"));
		json_decref(doc);
	}
	if (*ttl <= 0)
		*ttl = found ? 1 : 3600;
	dns_plan_free(&plan);
	return e;
}

static const struct err *begin(struct store *s, int64_t job_id, const struct actor *by, int64_t now_ms)
{
	int64_t ttl, quiet, every;
	const struct err *e = ttl_of(s, job_id, &ttl);
	char *detail;

	if (e != NULL)
		return e;
	quiet = ttl * 1000 * WATCH_TTLS;
	every = quiet / 10 < WATCH_EVERY_MS ? quiet / 10 : WATCH_EVERY_MS;
	if (every < WATCH_EVERY_LEAST)
		every = WATCH_EVERY_LEAST;
	e = db_run(store_db(s),
	        "INSERT INTO straggler_watches (job_id, quiet_ms, every_ms, started_at, last_new_at)"
	        " VALUES (?1, ?2, ?3, ?4, ?4)",
	        "iiii", job_id, quiet, every, now_ms);
	detail = xasprintf("{\"quiet_seconds\":%lld}", (long long)(quiet / 1000));
	if (e == NULL)
		e = audit_add(s, by, "straggler.start", job_id, "", detail);
	free(detail);
	return e;
}

static const struct err *end(struct store *s, int64_t job_id, const char *why, const struct actor *by, int64_t now_ms)
{
	const struct err *e = db_run(store_db(s),
	        "UPDATE straggler_watches SET ended_at = ?2, why = ?3 WHERE job_id = ?1 AND ended_at IS NULL", "iis",
	        job_id, now_ms, why);
	char *detail;

	if (e != NULL || db_changes(store_db(s)) == 0)
		return e;
	detail = xasprintf("{\"why\":\"%s\"}", why);
	e = audit_add(s, by, "straggler.end", job_id, "", detail);
	free(detail);
	return e;
}

const struct err *watch_applied(struct store *s, int64_t job_id, const char *how, int ready, const char *detail,
        const struct actor *by, int64_t now_ms)
{
	struct gate g = {0};
	bool applied = false;
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = dns_is_applied(s, job_id, &applied);
	if (e != NULL || applied)
		return store_end(s, e);
	if (ready < 0) {
		e = gate_of_job(s, job_id, &policy, now_ms, &g, NULL);
		ready = e == NULL && g.ready;
		gate_free(&g);
	}
	if (e == NULL)
		e = dns_event_add(s, job_id, false, how, ready > 0, detail, by);
	if (e == NULL)
		e = begin(s, job_id, by, now_ms);
	e = store_end(s, e);
	if (e == NULL && ready == 0)
		log_error("job %lld: MX was changed without the gate (%s)", (long long)job_id, how);
	return e;
}

const struct err *watch_rolled_back(struct store *s, int64_t job_id, const char *detail, const struct actor *by,
        int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = dns_event_add(s, job_id, true, "rollback", false, detail, by);
	if (e == NULL)
		e = end(s, job_id, "rolled_back", by, now_ms);
	return store_end(s, e);
}

/* --- the watch --- */

const struct err *watch_looked(struct store *s, const struct run *r, int64_t copied, int64_t now_ms)
{
	if (r->kind != RUN_STRAGGLER || copied <= 0)
		return NULL;
	return db_run(store_db(s),
	        "UPDATE straggler_watches SET arrived = arrived + ?2, last_new_at = ?3 WHERE job_id = ?1 AND id ="
	        " (SELECT max(id) FROM straggler_watches WHERE job_id = ?1)",
	        "iii", r->job_id, copied, now_ms);
}

/* Mailboxes that can still get mail at the old server, and are due for a look: none since `since`. */
static const char due_sql[] =
        "SELECT m.id FROM mailboxes m WHERE m.job_id = ?1 AND m.removed = 0 AND m.source_kind = 'imap'"
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.mailbox_id = m.id AND r.status IN"
        "  ('queued', 'running', 'paused', 'waiting'))"
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.mailbox_id = m.id AND r.kind = 'straggler'"
        "  AND r.created_at > ?2) ORDER BY m.id LIMIT 500";

/* The job's options, and of all folders only the one that mail arrives in. */
static const struct err *inbox_only(struct store *s, int64_t job_id, char **options)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT json_set(options, '$.include', json('[\"INBOX\"]')) FROM jobs WHERE id = ?1", "i", job_id);

	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row) {
		*options = db_col_dup(st, 0);
		db_done(st);
	}
	return e;
}

static const struct err *look(struct store *s, const struct watch *w, int64_t now_ms, size_t *started)
{
	struct run_request q = {.job_id = w->job_id,
	        .kind = RUN_STRAGGLER,
	        .engine = ENGINE_NATIVE,
	        .options = NULL};
	char *options = NULL;
	int64_t ids[500];
	struct stmt *st;
	size_t n = 0;
	bool row;
	const struct err *e = db_query(store_db(s), &st, due_sql, "ii", w->job_id, now_ms - w->every_ms);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row)
		ids[n++] = db_col_i64(st, 0);
	if (e == NULL && n > 0)
		e = inbox_only(s, w->job_id, &options);
	q.options = options;
	for (size_t i = 0; e == NULL && i < n; i++) {
		struct run *v = NULL;

		q.mailbox_id = ids[i];
		e = run_enqueue(s, &q, 1, false, &actor_system, &v, NULL);
		if (e == NULL)
			(*started)++;
		runs_free(v, e == NULL);
	}
	free(options);
	return e;
}

/* Quiet: in every mailbox a look that began after the quiet time was over found nothing new. */
static const char quiet_sql[] =
        "SELECT count(*) FROM mailboxes m WHERE m.job_id = ?1 AND m.removed = 0 AND m.source_kind = 'imap'"
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.mailbox_id = m.id AND r.kind = 'straggler'"
        "  AND r.status = 'succeeded' AND r.started_at >= ?2)";

static const struct err *tick_one(struct store *s, const struct watch *w, int64_t now_ms, size_t *started)
{
	int64_t unseen = 1, open = 0;
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_i64(store_db(s), &open, NULL, "SELECT status = 'open' FROM jobs WHERE id = ?1", "i", w->job_id);
	if (e == NULL && !open)
		return store_end(s, end(s, w->job_id, "closed", &actor_system, now_ms));
	if (e == NULL && now_ms >= w->last_new_at + w->quiet_ms)
		e = db_i64(store_db(s), &unseen, NULL, quiet_sql, "ii", w->job_id, w->last_new_at + w->quiet_ms);
	if (e == NULL)
		e = unseen == 0 ? end(s, w->job_id, "quiet", &actor_system, now_ms) : look(s, w, now_ms, started);
	return store_end(s, e);
}

const struct err *watch_tick(struct store *s, int64_t now_ms, size_t *started)
{
	struct watch *v = NULL;
	struct stmt *st = NULL;
	size_t n = 0;
	const struct err *e = db_query(
	        store_db(s), &st, "SELECT " COLUMNS " FROM straggler_watches WHERE ended_at IS NULL ORDER BY id", "");

	*started = 0;
	e = db_list(e, st, sizeof(*v), fill, clear, &v, &n);
	for (size_t i = 0; e == NULL && i < n; i++)
		e = tick_one(s, &v[i], now_ms, started);
	db_list_free(v, n, sizeof(*v), clear);
	return e;
}
