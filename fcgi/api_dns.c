/* DNS of a job: the plan, a look at what name servers say, the clock, and the exact records to enter. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "dns_plan.h"
#include "mem.h"
#include "seal.h"
#include "store_watch.h"
#include "view.h"

#include "banned.h"

static const struct err *seal_token(struct call *c, int64_t job_id, const struct dns_place *p, const char *secret,
	struct dns_plan *plan)
{
	const struct seal_key *key = &c->app->service->seal;

	if (!c->app->service->can_seal)
		return err_new(ERR_KEY, "MIGRATION_SEAL_PUBLIC_KEYS is not set: secrets cannot be kept");
	free(plan->key_id);
	free(plan->sealed);
	plan->sealed = NULL;
	plan->key_id = xstrdup(key->id);
	return seal_document(key,
		&(struct seal_doc){.mailbox_id = job_id,
			.side = "dns",
			.host = p->host,
			.port = p->port,
			.tls = p->tls,
			.user = p->user,
			.auth = AUTH_PASSWORD,
			.secret = secret},
		&plan->sealed);
}

static bool same_place(const struct dns_place *a, const struct dns_place *b)
{
	return a->host != NULL && b->host != NULL && strcmp(a->host, b->host) == 0 && a->port == b->port &&
	       a->tls == b->tls && strcmp(a->user, b->user) == 0;
}

const struct err *api_dns_plan(struct call *c)
{
	struct dns_plan plan = {0};
	struct job j = {0};
	const char *secret;
	char *document = NULL;
	json_t *was = NULL, *now = NULL;
	struct dns_place from, to;
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);

	if (e == NULL)
		e = dns_plan_read(c, &document, &secret);
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e != NULL)
		goto done;
	e = dns_plan_get(c->app->store, j.id, &plan);
	if (e == NULL) {
		was = js_column(plan.document);
		now = js_column(document);
		from = dns_place_of(was, c->app->service->conf);
		to = dns_place_of(now, c->app->service->conf);
		if (!same_place(&from, &to) && plan.sealed != NULL)
			plan.sealed[0] = plan.key_id[0] = '\0'; /* the token was given for another place */
		if (secret != NULL && to.host != NULL)
			e = seal_token(c, j.id, &to, secret, &plan);
	}
	if (e == NULL) {
		free(plan.document);
		plan.document = document;
		document = NULL;
		e = dns_plan_put(c->app->store, &plan, &c->by);
	}
	e = store_end(c->app->store, e);
	if (e == NULL)
		e = api_dns(c);
done:
	free(document);
	json_decref(was);
	json_decref(now);
	dns_plan_free(&plan);
	job_free(&j);
	return e;
}

const struct err *api_dns_read(struct call *c)
{
	struct run_request q = {.kind = RUN_DNS_READ, .engine = ENGINE_NATIVE};
	struct dns_plan plan = {0};
	struct run *v = NULL;
	struct job j = {0};
	json_t *o = NULL, *doc;
	char *options = NULL;
	bool autodiscover = false;
	const struct err *e = call_flag(c, "autodiscover", &autodiscover);

	if (e == NULL)
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	if (e == NULL)
		e = dns_plan_get(c->app->store, j.id, &plan);
	if (e == NULL) {
		doc = js_column(plan.document);
		o = json_object();
		json_object_set_new(o, "domains", job_domains_json(&j));
		json_object_set(o, "selectors", json_object_get(doc, "selectors"));
		json_object_set(o, "mx", json_object_get(doc, "mx"));
		if (autodiscover)
			json_object_set_new(o, "autodiscover", json_true());
		options = js_text(o);
		json_decref(doc);
		q.job_id = j.id;
		q.options = options;
		e = run_enqueue(c->app->store, &q, 1, false, &c->by, &v, NULL);
	}
	if (e == NULL)
		e = view_run_accepted(c, v);
	json_decref(o);
	free(options);
	dns_plan_free(&plan);
	job_free(&j);
	return e;
}

/* --- GET --- */

static void say_clock(struct writer *w, const struct dns_clock *k)
{
	w_object(w, "clock");
	w_str(w, "state", dns_clock_state_name(k->state));
	if (k->ttl >= 0)
		w_i64(w, "ttl", k->ttl);
	else
		w_null(w, "ttl");
	w_i64(w, "old_ttl", k->old_ttl);
	w_bool(w, "assumed", k->assumed);
	w_time(w, "lowered_at", k->lowered_at);
	w_time(w, "safe_at", k->safe_at);
	w_object_end(w);
}

static void say_read(struct writer *w, const char *key, const struct dns_read *r)
{
	if (r->id == 0) {
		w_null(w, key);
		return;
	}
	w_object(w, key);
	w_i64(w, "run_id", r->run_id);
	w_time(w, "at", r->at);
	w_bool(w, "moved", r->moved);
	w_json(w, "seen", r->document);
	w_object_end(w);
}

/* How many of the resolvers that were asked give the planned MX. */
static void say_convergence(struct writer *w, const struct dns_read *r, const json_t *plan)
{
	json_t *doc = js_column(r->document), *v, *one;
	size_t i;
	int64_t asked = 0, converged = 0;

	json_array_foreach(json_object_get(doc, "servers"), i, v) {
		const char *role = json_string_value(json_object_get(v, "role"));

		if (role == NULL || strcmp(role, "resolver") != 0)
			continue;
		asked++;
		one = json_pack("{s:[O]}", "servers", v);
		json_object_set_new(v, "role", json_string("authoritative"));
		converged += dns_moved(one, plan);
		json_decref(one);
	}
	w_object(w, "resolvers");
	w_i64(w, "asked", asked);
	w_i64(w, "converged", converged);
	w_object_end(w);
	json_decref(doc);
}

/* As somebody types them into a form of the provider. */
static void say_records(struct writer *w, const char *domain, const json_t *plan)
{
	json_t *v;
	size_t i;

	w_array(w, "records");
	json_array_foreach(json_object_get(plan, "mx"), i, v) {
		w_object(w, NULL);
		w_str(w, "name", domain);
		w_str(w, "type", "MX");
		w_i64(w, "ttl", json_integer_value(json_object_get(plan, "ttl")));
		w_i64(w, "preference", json_integer_value(json_object_get(v, "preference")));
		w_str(w, "host", json_string_value(json_object_get(v, "host")));
		w_object_end(w);
	}
	w_array_end(w);
}

static const struct err *say_domain(struct writer *w, struct call *c, int64_t job_id, const char *domain, const json_t *plan)
{
	struct dns_read first = {0}, last = {0};
	struct dns_clock clock;
	const struct err *e = dns_read_get(c->app->store, job_id, domain, true, &first);

	if (e == NULL)
		e = dns_read_get(c->app->store, job_id, domain, false, &last);
	if (e == NULL)
		e = dns_clock_of(c->app->store, job_id, domain, json_integer_value(json_object_get(plan, "low_ttl")),
			json_integer_value(json_object_get(plan, "previous_ttl")), c->now_ms, &clock);
	if (e == NULL) {
		w_object(w, NULL);
		w_str(w, "domain", domain);
		say_clock(w, &clock);
		say_read(w, "first", &first);
		say_read(w, "last", &last);
		say_convergence(w, &last, plan);
		say_records(w, domain, plan);
		w_object_end(w);
	}
	dns_read_free(&first);
	dns_read_free(&last);
	return e;
}

/* Who asked for it and why, as far as the event knows. */
static void say_event_words(struct writer *w, const struct dns_event *v)
{
	json_t *o = js_column(v->detail);

	w_text(w, "by", json_string_value(json_object_get(o, "by")));
	w_text(w, "reason", json_string_value(json_object_get(o, "reason")));
	json_decref(o);
}

static const struct err *say_events(struct writer *w, struct call *c, int64_t job_id)
{
	struct dns_event *v = NULL;
	size_t n = 0;
	const struct err *e = dns_event_list(c->app->store, job_id, &v, &n);

	w_array(w, "events");
	for (size_t i = 0; i < n; i++) {
		w_object(w, NULL);
		w_str(w, "what", v[i].rolled_back ? "rolled_back" : "applied");
		w_str(w, "how", v[i].how);
		w_bool(w, "was_ready", v[i].was_ready);
		say_event_words(w, &v[i]);
		w_time(w, "at", v[i].at);
		w_object_end(w);
	}
	w_array_end(w);
	dns_events_free(v, n);
	return e;
}

const struct err *view_watch(struct writer *w, struct call *c, int64_t job_id)
{
	struct watch k = {0};
	const struct err *e = watch_get(c->app->store, job_id, &k);

	if (k.id == 0) {
		w_null(w, "stragglers");
		return e;
	}
	w_object(w, "stragglers");
	w_time(w, "started_at", k.started_at);
	w_time(w, "last_new_at", k.last_new_at == k.started_at ? 0 : k.last_new_at);
	w_i64(w, "arrived", k.arrived);
	w_i64(w, "quiet_seconds", k.quiet_ms / 1000);
	w_time(w, "ended_at", k.ended_at);
	w_text(w, "why", k.why);
	w_bool(w, "old_server_may_go", k.ended_at != 0 && strcmp(k.why, "quiet") == 0);
	w_object_end(w);
	watch_free(&k);
	return e;
}

const struct err *api_dns(struct call *c)
{
	struct dns_plan plan = {0};
	struct job j = {0};
	json_t *doc = NULL;
	struct writer w;
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);

	if (e == NULL)
		e = dns_plan_get(c->app->store, j.id, &plan);
	if (e == NULL) {
		doc = js_column(plan.document);
		w_init(&w, &c->res.body);
		w_object(&w, NULL);
		w_i64(&w, "job_id", j.id);
		w_json(&w, "plan", plan.version != 0 ? plan.document : NULL);
		w_bool(&w, "token", plan.sealed != NULL && *plan.sealed != '\0');
		w_array(&w, "domains");
		for (size_t i = 0; e == NULL && i < j.n_domains; i++)
			e = say_domain(&w, c, j.id, j.domains[i], doc);
		w_array_end(&w);
		if (e == NULL)
			e = say_events(&w, c, j.id);
		if (e == NULL)
			e = view_watch(&w, c, j.id);
		w_object_end(&w);
	}
	if (e == NULL)
		call_etag_body(c, "");
	json_decref(doc);
	dns_plan_free(&plan);
	job_free(&j);
	return e;
}
