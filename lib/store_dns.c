#include "store_dns.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "store_evidence.h"
#include "store_watch.h"
#include "str.h"

#include "banned.h"

/* --- the plan --- */

void dns_plan_free(struct dns_plan *p)
{
	free(p->document);
	free(p->key_id);
	free(p->sealed);
	memset(p, 0, sizeof(*p));
}

const struct err *dns_plan_get(struct store *s, int64_t job_id, struct dns_plan *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT document, version, key_id, sealed, updated_at FROM dns_plans WHERE job_id = ?1", "i", job_id);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	out->job_id = job_id;
	if (!row) {
		out->document = xstrdup("{}");
		out->key_id = xstrdup("");
		out->sealed = xstrdup("");
		return NULL;
	}
	out->document = db_col_dup(st, 0);
	out->version = db_col_i64(st, 1);
	out->key_id = db_col_dup(st, 2);
	out->sealed = db_col_dup(st, 3);
	out->updated_at = db_col_i64(st, 4);
	db_done(st);
	return NULL;
}

static const char *or_null(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
}

const struct err *dns_plan_put(struct store *s, const struct dns_plan *p, const struct actor *by)
{
	int64_t now = clock_now_ms(), version = 0;
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_i64(store_db(s), &version, NULL, "SELECT version FROM dns_plans WHERE job_id = ?1", "i", p->job_id);
	if (e == NULL && version != p->version)
		e = err_new(ERR_PRECONDITION, "the DNS plan of job %lld is at version %lld", (long long)p->job_id,
		        (long long)version);
	if (e == NULL)
		e = db_run(store_db(s),
		        "INSERT INTO dns_plans (job_id, document, version, key_id, sealed, updated_by, updated_at)"
		        " VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6) ON CONFLICT (job_id) DO UPDATE SET document = ?2,"
		        " version = version + 1, key_id = ?3, sealed = ?4, updated_by = ?5, updated_at = ?6",
		        "issssi", p->job_id, p->document, or_null(p->key_id), or_null(p->sealed), by->who, now);
	if (e == NULL)
		e = audit_add(s, by, "dns.plan", p->job_id, "", p->document);
	return store_end(s, e);
}

/* --- reads --- */

void dns_read_free(struct dns_read *r)
{
	free(r->domain);
	free(r->document);
	memset(r, 0, sizeof(*r));
}

const struct err *dns_read_get(struct store *s, int64_t job_id, const char *domain, bool first, struct dns_read *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        first ? "SELECT id, run_id, at, moved, domain, document FROM dns_reads WHERE job_id = ?1 AND domain = ?2"
	                " ORDER BY id LIMIT 1"
	              : "SELECT id, run_id, at, moved, domain, document FROM dns_reads WHERE job_id = ?1 AND domain = ?2"
	                " ORDER BY id DESC LIMIT 1",
	        "is", job_id, domain);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*out = (struct dns_read){.id = db_col_i64(st, 0),
	        .run_id = db_col_i64(st, 1),
	        .at = db_col_i64(st, 2),
	        .moved = db_col_i64(st, 3) != 0,
	        .domain = db_col_dup(st, 4),
	        .document = db_col_dup(st, 5)};
	db_done(st);
	return NULL;
}

struct sightings {
	struct dns_sighting *v;
	char **names;
	size_t n;
};

static void read_sighting(struct stmt *st, void *arg)
{
	struct sightings *all = arg;

	all->v = xreallocarray(all->v, all->n + 1, sizeof(*all->v));
	all->names = xreallocarray(all->names, all->n + 1, sizeof(*all->names));
	all->names[all->n] = db_col_dup(st, 1);
	all->v[all->n] = (struct dns_sighting){
	        .at_ms = db_col_i64(st, 0), .server = all->names[all->n], .ttl = db_col_i64(st, 2)};
	all->n++;
}

const struct err *dns_clock_of(struct store *s, int64_t job_id, const char *domain, int64_t target, int64_t said,
        int64_t now_ms, struct dns_clock *out)
{
	struct sightings all = {0};
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT r.at, g.server, g.ttl FROM dns_reads r JOIN dns_sightings g ON g.read_id = r.id"
	        " WHERE r.job_id = ?1 AND r.domain = ?2 ORDER BY r.id, g.id",
	        "is", job_id, domain);

	if (e == NULL)
		e = db_each(st, read_sighting, &all);
	dns_clock(all.v, all.n, target, said, now_ms, out);
	for (size_t i = 0; i < all.n; i++)
		free(all.names[i]);
	free(all.names);
	free(all.v);
	return e;
}

static bool is_authoritative(const json_t *server)
{
	const char *role = json_string_value(json_object_get(server, "role"));

	return role != NULL && strcmp(role, "authoritative") == 0;
}

static bool is_ok(const json_t *server)
{
	const char *status = json_string_value(json_object_get(server, "status"));

	return status != NULL && strcmp(status, "ok") == 0;
}

/* Whether the planned MX hosts are exactly those of one server's answer. */
static bool gives(const json_t *server, const json_t *wanted)
{
	json_t *have = json_object_get(json_object_get(server, "mx"), "values"), *v, *w;
	size_t i, k, found = 0;

	json_array_foreach(wanted, i, w) {
		const char *host = json_string_value(json_object_get(w, "host"));

		json_array_foreach(have, k, v) {
			const char *text = json_string_value(v), *space = text != NULL ? strchr(text, ' ') : NULL;

			if (space != NULL && host != NULL && str_ieq(space + 1, host)) {
				found++;
				break;
			}
		}
	}
	return found > 0 && found == json_array_size(wanted) && json_array_size(have) == found;
}

bool dns_moved(const json_t *read, const json_t *plan)
{
	const json_t *wanted = json_object_get(plan, "mx");
	size_t i, asked = 0;
	json_t *v;

	json_array_foreach(json_object_get(read, "servers"), i, v) {
		if (!is_authoritative(v))
			continue;
		if (!is_ok(v) || !gives(v, wanted))
			return false;
		asked++;
	}
	return asked > 0;
}

static const struct err *add_sightings(struct store *s, int64_t read_id, const json_t *doc)
{
	const struct err *e = NULL;
	json_t *v, *ttl;
	size_t i;

	json_array_foreach(json_object_get(doc, "servers"), i, v) {
		const char *name = json_string_value(json_object_get(v, "name"));
		const char *address = json_string_value(json_object_get(v, "address"));
		char *server;

		if (e != NULL || !is_authoritative(v))
			continue;
		ttl = json_object_get(json_object_get(v, "mx"), "ttl");
		server = xasprintf("%s %s", name != NULL ? name : "", address != NULL ? address : "");
		e = db_run(store_db(s), "INSERT INTO dns_sightings (read_id, server, ttl) VALUES (?1, ?2, ?3)", "isi",
		        read_id, server, is_ok(v) && json_is_integer(ttl) ? (int64_t)json_integer_value(ttl) : (int64_t)-1);
		free(server);
	}
	return e;
}

/* A read sees MX moved: said once. After a rollback only when a read has seen the old MX since. */
static const struct err *note_moved(struct store *s, int64_t job_id, const char *domain, int64_t read_id,
        const struct actor *by, int64_t now_ms)
{
	int64_t unmoved = 0, applied = 0, events = 0;
	char *detail;
	const struct err *e = db_i64(store_db(s), &events, NULL, "SELECT count(*) FROM dns_events WHERE job_id = ?1",
	        "i", job_id);

	if (e == NULL)
		e = db_i64(store_db(s), &applied, NULL,
		        "SELECT what = 'applied' FROM dns_events WHERE job_id = ?1 ORDER BY id DESC LIMIT 1", "i", job_id);
	if (e == NULL)
		e = db_i64(store_db(s), &unmoved, NULL,
		        "SELECT count(*) FROM dns_reads WHERE job_id = ?1 AND domain = ?2 AND moved = 0 AND at >="
		        " COALESCE((SELECT max(at) FROM dns_events WHERE job_id = ?1), 0)",
		        "is", job_id, domain);
	if (e != NULL || applied || (events > 0 && unmoved == 0))
		return e;
	detail = xasprintf("{\"domain\":\"%s\",\"read_id\":%lld}", domain, (long long)read_id);
	e = watch_applied(s, job_id, "dns_read", -1, detail, by, now_ms);
	free(detail);
	return e;
}

static const struct err *read_ended(struct store *s, const struct run *r, const json_t *dns, const struct actor *by,
        int64_t now_ms)
{
	struct dns_plan plan = {0};
	json_t *doc, *plan_doc;
	size_t i;
	const struct err *e = dns_plan_get(s, r->job_id, &plan);

	plan_doc = js_column(plan.document);
	json_array_foreach(json_object_get(dns, "domains"), i, doc) {
		const char *domain = json_string_value(json_object_get(doc, "domain"));
		bool moved = dns_moved(doc, plan_doc);
		int64_t id;
		char *text;

		if (e != NULL || domain == NULL)
			continue;
		text = js_text(doc);
		e = db_run(store_db(s),
		        "INSERT INTO dns_reads (job_id, run_id, domain, moved, document, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		        "iisisi", r->job_id, r->id, domain, (int64_t)moved, text, now_ms);
		free(text);
		id = db_last_id(store_db(s));
		if (e == NULL)
			e = add_sightings(s, id, doc);
		if (e == NULL && moved)
			e = note_moved(s, r->job_id, domain, id, by, now_ms);
	}
	json_decref(plan_doc);
	dns_plan_free(&plan);
	return e;
}

/* --- events, saved sets, webhooks --- */

static void clear_event(void *item)
{
	struct dns_event *v = item;

	free(v->how);
	free(v->detail);
}

static void fill_event(struct stmt *st, void *item)
{
	struct dns_event *v = item;

	*v = (struct dns_event){.id = db_col_i64(st, 0),
	        .at = db_col_i64(st, 1),
	        .rolled_back = db_col_i64(st, 2) != 0,
	        .was_ready = db_col_i64(st, 3) != 0,
	        .how = db_col_dup(st, 4),
	        .detail = db_col_dup(st, 5)};
}

const struct err *dns_event_list(struct store *s, int64_t job_id, struct dns_event **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, at, what = 'rolled_back', was_ready, how, detail FROM dns_events WHERE job_id = ?1 ORDER BY id",
	        "i", job_id);

	return db_list(e, st, sizeof(**v), fill_event, clear_event, v, n);
}

void dns_events_free(struct dns_event *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), clear_event);
}

const struct err *dns_is_applied(struct store *s, int64_t job_id, bool *applied)
{
	int64_t yes = 0;
	const struct err *e = db_i64(store_db(s), &yes, NULL,
	        "SELECT what = 'applied' FROM dns_events WHERE job_id = ?1 ORDER BY id DESC LIMIT 1", "i", job_id);

	*applied = yes != 0;
	return e;
}

const struct err *dns_saved_put(struct store *s, const struct run *r, const char *records, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "INSERT OR IGNORE INTO dns_saved (job_id, run_id, records, at) VALUES (?1, ?2, ?3, ?4)", "iisi",
	        r->job_id, r->id, records, now_ms);
	return store_end(s, e);
}

const struct err *dns_saved_last(struct store *s, int64_t job_id, char **records)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT d.records FROM dns_saved d JOIN runs r ON r.id = d.run_id WHERE d.job_id = ?1"
	        " AND json_extract(r.options, '$.action') = 'apply' AND COALESCE(json_extract(r.result, '$.dns.set'), '')"
	        " <> 'old' ORDER BY d.id DESC LIMIT 1",
	        "i", job_id);

	*records = NULL;
	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row) {
		*records = db_col_dup(st, 0);
		db_done(st);
	}
	return e;
}

const struct err *dns_webhook_take(struct store *s, const char *message, int64_t job_id, const char *body_hash,
        int64_t now_ms, bool *repeated)
{
	struct stmt *st;
	bool same = false;
	const struct err *e;

	*repeated = false;
	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_query(store_db(s), &st, "SELECT body_hash FROM dns_webhooks WHERE message = ?1", "s", message);
	if (e == NULL)
		e = db_step(st, repeated);
	if (e == NULL && *repeated) {
		same = strcmp(db_col_text(st, 0), body_hash) == 0;
		db_done(st);
		if (!same)
			e = err_new(ERR_CONFLICT, "the message %s was sent before with another text", message);
	} else if (e == NULL) {
		e = db_run(store_db(s), "INSERT INTO dns_webhooks (message, job_id, body_hash, at) VALUES (?1, ?2, ?3, ?4)",
		        "sisi", message, job_id, body_hash, now_ms);
	}
	return store_end(s, e);
}

/* --- changes --- */

const struct err *dns_apply_idle(struct store *s, int64_t job_id)
{
	int64_t id = 0;
	const struct err *e = db_i64(store_db(s), &id, NULL,
	        "SELECT id FROM runs WHERE job_id = ?1 AND kind = 'dns_apply' AND status IN"
	        " ('queued', 'running', 'paused', 'waiting')",
	        "i", job_id);

	if (e == NULL && id != 0)
		e = err_new(ERR_RUN_ACTIVE, "run %lld is changing DNS for this job already", (long long)id);
	return e;
}

const struct err *dns_permit_check(struct store *s, int64_t run_id, const char *permit, struct run *out)
{
	struct stmt *st;
	char *nonce = NULL;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st, "SELECT nonce FROM runs WHERE id = ?1", "i", run_id);

	if (e == NULL)
		e = db_step(st, &row);
	if (e == NULL && row) {
		nonce = db_col_dup(st, 0);
		db_done(st);
	}
	if (e == NULL && (nonce == NULL || *nonce == '\0' || strlen(nonce) != strlen(permit) ||
	                         sodium_memcmp(nonce, permit, strlen(nonce)) != 0))
		e = err_new(ERR_FORBIDDEN, "the permit is not of the claim that holds run %lld", (long long)run_id);
	free(nonce);
	if (e == NULL)
		e = run_get(s, run_id, NULL, out);
	if (e == NULL && (out->kind != RUN_DNS_APPLY || out->status != RUN_RUNNING))
		e = err_new(ERR_RUN_STALE, "run %lld is %s", (long long)run_id, run_status_name(out->status));
	if (e == NULL && out->cancel)
		e = err_new(ERR_RUN_CANCELLED, "run %lld was cancelled", (long long)run_id);
	return e;
}

static const struct err *apply_ended(struct store *s, const struct run *r, const json_t *dns, const struct actor *by,
        int64_t now_ms)
{
	json_t *options = js_column(r->options);
	const char *action = json_string_value(json_object_get(options, "action"));
	bool restore = action != NULL && strcmp(action, "restore") == 0, applied = false;
	char *detail = js_text(dns);
	const struct err *e = dns_is_applied(s, r->job_id, &applied);

	if (e == NULL && !restore)
		e = watch_applied(s, r->job_id, "dns_apply", 1, detail, by, now_ms);
	else if (e == NULL && applied)
		e = watch_rolled_back(s, r->job_id, detail, by, now_ms);
	free(detail);
	json_decref(options);
	return e;
}

const struct err *dns_run_ended(struct store *s, const struct run *r, enum run_status status, const char *result,
        const struct actor *by, int64_t now_ms)
{
	json_t *o;
	const json_t *dns;
	const struct err *e = NULL;

	if ((r->kind != RUN_DNS_READ && r->kind != RUN_DNS_APPLY) || status != RUN_SUCCEEDED)
		return NULL;
	o = js_column(result);
	dns = json_object_get(o, "dns");
	if (json_is_object(dns))
		e = r->kind == RUN_DNS_READ ? read_ended(s, r, dns, by, now_ms) : apply_ended(s, r, dns, by, now_ms);
	json_decref(o);
	return e;
}
