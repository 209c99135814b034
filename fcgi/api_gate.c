/* The gate: the one small answer that is polled, and the decisions of people. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "gate_cache.h"
#include "store_facts.h"
#include "view.h"

#include "banned.h"

static void say_cached(struct call *c, const struct gate_answer *a)
{
	buf_add(&c->res.body, a->body, a->len);
	call_etag(c, a->etag);
	atomic_fetch_add_explicit(&c->app->slot->cache_hits, 1, memory_order_relaxed);
}

/* `asked` is the key of the cache as it came: the same spelling comes again and again. */
static const struct err *say_fresh(struct call *c, const char *asked)
{
	const char *org = call_org(c);
	struct gate g = {0};
	char *domain = NULL;
	const struct err *e;
	struct writer w;

	if ((e = domain_normalise(asked, &domain)) != NULL) {
		call_problem(c, "?domain", "%s", e->msg);
		return call_bad(c);
	}
	e = gate_of_domain(c->app->store, org, domain, &c->app->service->policy, c->now_ms, &g);
	if (e == NULL) {
		w_init(&w, &c->res.body);
		view_gate_small(&w, domain, &g);
		buf_addc(&c->res.body, '\n');
		gate_cache_put(c->app, org != NULL ? org : "", asked, c->res.body.ptr, c->res.body.len,
			g.etag, g.recheck_at);
		call_etag(c, g.etag);
		atomic_fetch_add_explicit(&c->app->slot->cache_misses, 1, memory_order_relaxed);
	}
	gate_free(&g);
	free(domain);
	return e;
}

const struct err *api_gate(struct call *c)
{
	const char *asked = request_query(&c->req, "domain"), *org = call_org(c);
	const struct gate_answer *known;

	if (asked == NULL) {
		call_problem(c, "?domain", "required");
		return call_bad(c);
	}
	known = gate_cache_find(c->app, org != NULL ? org : "", asked, c->now_ms);
	if (known == NULL)
		return say_fresh(c, asked);
	say_cached(c, known);
	return NULL;
}

static char *gate_text(const struct call *c, const char *key, const struct job *j, const struct gate *g,
	const struct gate_job *facts)
{
	struct buf out = BUF_INIT;
	struct writer w;

	w_init(&w, &out);
	view_gate(&w, key, j->n_domains > 0 ? j->domains[0] : NULL, g, facts, c->req.lang == LANG_PT);
	return buf_detach(&out);
}

static const struct err *decide(struct call *c, const struct gate_deed *d)
{
	struct gate_job facts = {0};
	struct gate g = {0};
	struct job j = {0};
	const struct err *e;
	char *text;

	e = job_get(c->app->store, d->job_id, call_org(c), &j);
	if (e == NULL)
		e = gate_decide(c->app->store, d, &c->app->service->policy, &c->who, c->now_ms, &g, &facts);
	if (e == NULL) {
		text = gate_text(c, NULL, &j, &g, &facts);
		buf_adds(&c->res.body, text);
		free(text);
		call_etag(c, g.etag);
	} else if (facts.id != 0) {
		c->extra =
			gate_text(c, "gate", &j, &g, &facts); /* what is now: to look at and decide again */
	}
	gate_free(&g);
	gate_job_free(&facts);
	job_free(&j);
	return e;
}

static const struct err *read_decision(
	struct call *c, struct gate_deed *d, const char *text, enum js_need need, bool counted)
{
	struct js_at root;
	const struct err *e;

	d->job_id = c->args.id;
	d->if_match = call_if_match(c);
	d->override_hours = conf_int(c->app->service->conf, CONF_GATE_OVERRIDE_HOURS);
	if ((e = call_json(c, &root)) != NULL)
		return e;
	js_multiline(&root, text, need, 1, 2000, &d->reason);
	if (counted)
		js_int(&root, "mailboxes", JS_REQUIRED, 0, INT64_MAX, &d->mailboxes);
	js_known(&root, counted ? (const char *const[]){"mailboxes", text, NULL}
				: (const char *const[]){text, NULL, NULL});
	return call_bad(c);
}

const struct err *api_gate_approve(struct call *c)
{
	struct gate_deed d = {.act = GATE_APPROVE};
	const struct err *e = read_decision(c, &d, "comment", JS_OPTIONAL, true);

	return e != NULL ? e : decide(c, &d);
}

const struct err *api_gate_revoke(struct call *c)
{
	struct gate_deed d = {.act = GATE_REVOKE};
	const struct err *e = read_decision(c, &d, "reason", JS_REQUIRED, false);

	return e != NULL ? e : decide(c, &d);
}

const struct err *api_gate_override(struct call *c)
{
	struct gate_deed d = {.act = GATE_OVERRIDE};
	const struct err *e = read_decision(c, &d, "reason", JS_REQUIRED, true);

	return e != NULL ? e : decide(c, &d);
}
