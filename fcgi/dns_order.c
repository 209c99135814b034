#include "dns_order.h"

#include <stdlib.h>
#include <string.h>

#include "dns_plan.h"
#include "mem.h"
#include "store_facts.h"
#include "str.h"

#include "banned.h"

const struct err *dns_order_gate(struct call *c, int64_t job_id, const char *etag)
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

static bool is_under(const char *domain, const char *zone)
{
	size_t n = strlen(domain), k = strlen(zone);

	return str_ieq(domain, zone) || (n > k + 1 && domain[n - k - 1] == '.' && str_ieq(domain + n - k, zone));
}

/* The plan's zone is that of the main domain, and of others below it; any other is a zone of its own. */
static const char *zone_of(const json_t *plan, const struct job *j, const char *domain)
{
	const char *zone = json_string_value(json_object_get(json_object_get(plan, "provider"), "zone"));

	if (zone == NULL || *zone == '\0')
		return "";
	return strcmp(domain, j->domains[0]) == 0 || is_under(domain, zone) ? zone : "";
}

/* An override of pfSense is NAME.ZONE: with a zone given it is one for all domains. */
static bool is_once(const json_t *plan)
{
	const json_t *p = json_object_get(plan, "provider");
	const char *kind = json_string_value(json_object_get(p, "kind"));
	const char *zone = json_string_value(json_object_get(p, "zone"));

	return kind != NULL && strcmp(kind, "pfsense") == 0 && zone != NULL && *zone != '\0';
}

static void add_domain(json_t *list, const json_t *plan, const struct job *j, const char *domain, json_t *wanted)
{
	json_array_append_new(list,
		json_pack("{s:s, s:s, s:O}", "domain", domain, "zone", zone_of(plan, j, domain), "wanted", wanted));
}

static const struct err *planned(const struct job *j, const json_t *plan, json_t *list)
{
	json_t *wanted = dns_wanted(plan);
	const struct err *e = NULL;

	if (json_array_size(json_object_get(wanted, "records")) == 0)
		e = err_new(ERR_CONFLICT, "the plan names no records");
	for (size_t i = 0; e == NULL && i < (is_once(plan) ? 1 : j->n_domains); i++)
		add_domain(list, plan, j, j->domains[i], wanted);
	json_decref(wanted);
	return e;
}

static const struct err *saved(struct call *c, const struct job *j, const json_t *plan, json_t *list)
{
	json_t *kept, *v, *wanted;
	char *text = NULL;
	size_t i;
	const struct err *e = dns_saved_last(c->app->store, j->id, &text);

	if (e == NULL && text == NULL)
		e = err_new(ERR_CONFLICT, "no record set was saved: nothing was changed by this job");
	if (e != NULL)
		return e;
	kept = js_column(text);
	json_array_foreach(json_object_get(kept, "domains"), i, v) {
		const char *domain = json_string_value(json_object_get(v, "domain"));

		wanted = json_pack("{s:O, s:O}", "ttl", json_object_get(v, "ttl"), "records", json_object_get(v, "records"));
		if (domain != NULL && wanted != NULL)
			add_domain(list, plan, j, domain, wanted);
		json_decref(wanted);
	}
	json_decref(kept);
	free(text);
	return json_array_size(list) > 0 ? NULL : err_new(ERR_CONFLICT, "the saved record set cannot be read");
}

static const struct err *check_plan(const struct dns_plan *plan, const json_t *doc)
{
	if (!json_is_object(json_object_get(doc, "provider")))
		return err_new(ERR_CONFLICT, "no DNS provider is configured: enter the records that GET /jobs/{id}/dns shows");
	if (*plan->sealed == '\0')
		return err_new(ERR_CRED_MISSING, "the DNS provider has no token: enter it first");
	return NULL;
}

static const struct err *queue(struct call *c, const struct job *j, const char *action, const char *etag,
	const json_t *plan, json_t *domains, struct run **v)
{
	json_t *o = json_pack("{s:s, s:s?, s:O, s:O}", "action", action, "etag", etag, "provider",
		json_object_get(plan, "provider"), "domains", domains);
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

static const struct err *order(struct call *c, const struct job *j, const char *action, const char *etag, struct run **v)
{
	struct dns_plan plan = {0};
	json_t *doc = NULL, *domains = json_array();
	const struct err *e = dns_plan_get(c->app->store, j->id, &plan);

	if (e == NULL) {
		doc = js_column(plan.document);
		e = check_plan(&plan, doc);
	}
	if (e == NULL && etag != NULL)
		e = dns_order_gate(c, j->id, etag);
	if (e == NULL)
		e = etag != NULL ? planned(j, doc, domains) : saved(c, j, doc, domains);
	if (e == NULL)
		e = queue(c, j, action, etag, doc, domains, v);
	json_decref(domains);
	json_decref(doc);
	dns_plan_free(&plan);
	return e;
}

const struct err *dns_order_apply(struct call *c, const struct job *j, struct run **v)
{
	const char *etag = call_if_match(c);

	return etag != NULL ? order(c, j, "apply", etag, v) : call_bad(c);
}

const struct err *dns_order_restore(struct call *c, const struct job *j, struct run **v)
{
	return order(c, j, "restore", NULL, v);
}
