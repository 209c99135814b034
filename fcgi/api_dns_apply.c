/* Changing DNS: only from a gate that is ready and has been seen, once at a time, with leave asked again by the
 * worker's program just before it writes. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "dns_plan.h"
#include "mem.h"
#include "store_facts.h"
#include "store_watch.h"
#include "view.h"

#include "banned.h"

static const struct err *check_gate(struct call *c, int64_t job_id, const char *etag)
{
	struct gate g = {0};
	const struct err *e = gate_of_job(c->app->store, job_id, &c->app->service->policy, c->now_ms, &g, NULL);

	if (e == NULL && strcmp(g.etag, etag) != 0)
		e = err_new(ERR_PRECONDITION, "the gate has changed since: it is %s now", gate_verdict_name(g.verdict));
	else if (e == NULL && !g.ready)
		e = err_new(ERR_GATE_CLOSED, "the gate is %s", gate_verdict_name(g.verdict));
	gate_free(&g);
	return e;
}

/* options of the run: {"action","etag","domain","provider","wanted"} */
static const struct err *order(struct call *c, const struct job *j, const char *action, const char *etag, json_t *plan,
	json_t *wanted, struct run **v)
{
	json_t *o = json_pack("{s:s, s:s?, s:s, s:O, s:O}", "action", action, "etag", etag, "domain", j->domains[0],
		"provider", json_object_get(plan, "provider"), "wanted", wanted);
	struct run_request q = {.job_id = j->id, .kind = RUN_DNS_APPLY, .engine = ENGINE_NATIVE};
	char *text = js_text(o);
	const struct err *e = dns_apply_idle(c->app->store, j->id);

	q.options = text;
	if (e == NULL)
		e = run_enqueue(c->app->store, &q, 1, false, &c->by, v, NULL);
	free(text);
	json_decref(o);
	return e;
}

static const struct err *check_plan(const struct dns_plan *plan, const json_t *doc)
{
	if (!json_is_object(json_object_get(doc, "provider")))
		return err_new(ERR_CONFLICT, "no DNS provider is configured: enter the records that GET /jobs/{id}/dns shows");
	if (*plan->sealed == '\0')
		return err_new(ERR_CRED_MISSING, "the DNS provider has no token: enter it first");
	return NULL;
}

static const struct err *restored(struct call *c, int64_t job_id, json_t **wanted)
{
	char *text = NULL;
	const struct err *e = dns_saved_last(c->app->store, job_id, &text);

	if (e == NULL && text == NULL)
		e = err_new(ERR_CONFLICT, "no record set was saved: nothing was changed by this job");
	if (e == NULL)
		*wanted = js_column(text);
	free(text);
	return e;
}

static const struct err *start(struct call *c, const struct job *j, bool back, struct run **v)
{
	struct dns_plan plan = {0};
	json_t *doc = NULL, *wanted = NULL;
	const char *etag = back ? NULL : call_if_match(c);
	const struct err *e = dns_plan_get(c->app->store, j->id, &plan);

	if (e == NULL) {
		doc = js_column(plan.document);
		e = check_plan(&plan, doc);
	}
	if (e == NULL && !back && etag == NULL)
		e = call_bad(c);
	if (e == NULL && !back)
		e = check_gate(c, j->id, etag);
	if (e == NULL && back)
		e = restored(c, j->id, &wanted);
	else if (e == NULL)
		wanted = dns_wanted(doc);
	if (e == NULL && !back && json_array_size(json_object_get(wanted, "records")) == 0)
		e = err_new(ERR_CONFLICT, "the plan names no records");
	if (e == NULL)
		e = order(c, j, back ? "restore" : "apply", etag, doc, wanted, v);
	json_decref(wanted);
	json_decref(doc);
	dns_plan_free(&plan);
	return e;
}

static const struct err *change(struct call *c, bool back)
{
	struct job j = {0};
	struct run *v = NULL;
	struct js_at root;
	struct writer w;
	const struct err *e = call_json_or_empty(c, &root);

	if (e == NULL) {
		js_known(&root, (const char *const[]){NULL});
		e = call_bad(c);
	}
	if (e == NULL)
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e == NULL)
		e = store_end(c->app->store, start(c, &j, back, &v));
	if (e == NULL) {
		w_init(&w, &c->res.body);
		e = view_run(&w, NULL, c, v);
		c->res.status = 202;
		response_header(&c->res, "Location", API_PREFIX "/runs/%lld", (long long)v->id);
		call_emit(c, v, 1);
	}
	job_free(&j);
	return e;
}

const struct err *api_dns_apply(struct call *c)
{
	return change(c, false);
}

const struct err *api_dns_rollback(struct call *c)
{
	return change(c, true);
}

/* The worker's program, just before it writes: the gate again, and the old set kept. */
static const struct err *permit(struct call *c, const char *word, const char *records)
{
	struct run r = {0};
	json_t *o = NULL;
	const char *action, *etag;
	const struct err *e = dns_permit_check(c->app->store, c->args.id, word, &r);

	if (e == NULL) {
		o = js_column(r.options);
		action = json_string_value(json_object_get(o, "action"));
		etag = json_string_value(json_object_get(o, "etag"));
		if (action == NULL || (strcmp(action, "apply") == 0 && etag == NULL))
			e = err_new(ERR_GATE_CLOSED, "run %lld was not ordered here", (long long)r.id);
		else if (strcmp(action, "apply") == 0)
			e = check_gate(c, r.job_id, etag);
	}
	if (e == NULL)
		e = dns_saved_put(c->app->store, &r, records, c->now_ms);
	json_decref(o);
	run_free(&r);
	return e;
}

const struct err *api_dns_permit(struct call *c)
{
	const char *word = "";
	struct js_at root, records;
	struct writer w;
	char *text = NULL;
	const struct err *e = call_json(c, &root);

	if (e != NULL)
		return e;
	js_str(&root, "permit", JS_REQUIRED, 16, 128, &word);
	if (js_object(&root, "records", JS_REQUIRED, &records))
		text = js_text(records.v);
	js_known(&root, (const char *const[]){"permit", "records", NULL});
	e = call_bad(c);
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e == NULL)
		e = store_end(c->app->store, permit(c, word, text));
	free(text);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_bool(&w, "go", true);
	w_object_end(&w);
	return NULL;
}
