/* GET /jobs/{id}/cutover: the ordered checklist, computed from facts; nothing is ticked by hand. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_dns.h"
#include "store_facts.h"
#include "store_watch.h"
#include "view.h"

#include "banned.h"

static void step(struct writer *w, const char *id, const char *state, const char *detail, int64_t at)
{
	w_object(w, NULL);
	w_str(w, "id", id);
	w_str(w, "state", state); /* done, waiting, failed, unknown */
	w_text(w, "detail", detail);
	w_time(w, "at", at);
	w_object_end(w);
}

static const char *state_of(const struct dns_clock *k)
{
	return k->state == DNS_CLOCK_SAFE ? "done" : k->state == DNS_CLOCK_UNKNOWN ? "unknown" : "waiting";
}

static void step_probe(struct writer *w, const json_t *seen, int64_t at)
{
	json_t *probe = json_object_get(seen, "probe"), *v;
	const char *state = json_array_size(probe) > 0 ? "done" : "unknown", *detail = NULL;
	size_t i;

	json_array_foreach(probe, i, v) {
		const char *status = json_string_value(json_object_get(v, "status"));

		if (status == NULL || strcmp(status, "accepted") != 0) {
			state = "failed";
			detail = json_string_value(json_object_get(v, "reply"));
		}
	}
	step(w, "new_server_accepts", state, detail, at);
}

/* Findings of these codes speak against it. */
static void step_findings(struct writer *w, const char *id, const json_t *seen, const char *const *codes, int64_t at)
{
	const char *detail = NULL;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(seen, "findings"), i, v)
		for (const char *const *code = codes; *code != NULL; code++)
			if (strcmp(json_string_value(json_object_get(v, "code")), *code) == 0)
				detail = *code;
	step(w, id, seen == NULL ? "unknown" : detail != NULL ? "failed" : "done", detail, at);
}

static void step_final(struct writer *w, const struct gate_job *facts)
{
	size_t missing = 0, boxes = 0;
	char detail[64];

	for (size_t i = 0; i < facts->n_mailboxes; i++) {
		const struct gate_mailbox *m = &facts->mailboxes[i];

		if (m->removed)
			continue;
		boxes++;
		missing += m->final_seq <= facts->rollback_seq;
	}
	snprintf(detail, sizeof(detail), "%zu of %zu mailboxes", boxes - missing, boxes);
	step(w, "final_pass", boxes > 0 && missing == 0 ? "done" : "waiting", detail, 0);
}

static void step_stragglers(struct writer *w, const struct watch *k)
{
	char detail[96] = "";

	if (k->id == 0) {
		step(w, "stragglers", "waiting", NULL, 0);
		return;
	}
	snprintf(detail, sizeof(detail), "%lld late messages; %s", (long long)k->arrived,
		k->ended_at == 0 ? "watching" : k->why);
	step(w, "stragglers", k->ended_at != 0 && strcmp(k->why, "quiet") == 0 ? "done" : "waiting", detail, k->ended_at);
}

static const struct err *steps(struct writer *w, struct call *c, const struct job *j, const struct gate *g,
	const struct gate_job *facts)
{
	static const char *const health[] = {"dns.lame", "dns.stale", "dns.timeout", "dns.unreachable", "dns.bogus",
		"dns.apex_cname", "dns.no_servers", "dns.servers_differ", NULL};
	static const char *const senders[] = {"dns.no_spf", "dns.many_spf", "dns.no_dkim", "dns.no_dmarc", NULL};
	struct dns_plan plan = {0};
	struct dns_read last = {0};
	struct dns_clock clock;
	struct watch k = {0};
	json_t *doc = NULL, *seen = NULL;
	bool applied = false;
	const struct err *e = dns_plan_get(c->app->store, j->id, &plan);

	if (e == NULL)
		e = dns_read_get(c->app->store, j->id, j->domains[0], false, &last);
	if (e == NULL) {
		doc = js_column(plan.document);
		seen = last.id != 0 ? js_column(last.document) : NULL;
		e = dns_clock_of(c->app->store, j->id, j->domains[0], json_integer_value(json_object_get(doc, "low_ttl")),
			json_integer_value(json_object_get(doc, "previous_ttl")), c->now_ms, &clock);
	}
	if (e == NULL)
		e = dns_is_applied(c->app->store, j->id, &applied);
	if (e == NULL)
		e = watch_get(c->app->store, j->id, &k);
	if (e == NULL) {
		step_findings(w, "name_servers", seen, health, last.at);
		step(w, "ttl_lowered", state_of(&clock), dns_clock_state_name(clock.state), clock.safe_at);
		step_probe(w, seen, last.at);
		step_findings(w, "sender_records", seen, senders, last.at);
		step_final(w, facts);
		step(w, "gate", g->ready || g->verdict == GATE_DNS_APPLIED ? "done" : "waiting", gate_verdict_name(g->verdict), 0);
		step(w, "mx_changed", applied ? "done" : "waiting", NULL, 0);
		step_stragglers(w, &k);
	}
	json_decref(doc);
	json_decref(seen);
	watch_free(&k);
	dns_read_free(&last);
	dns_plan_free(&plan);
	return e;
}

const struct err *api_cutover(struct call *c)
{
	struct gate_job facts = {0};
	struct gate g = {0};
	struct job j = {0};
	struct writer w;
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);

	if (e == NULL)
		e = gate_of_job(c->app->store, j.id, &c->app->service->policy, c->now_ms, &g, &facts);
	if (e == NULL) {
		w_init(&w, &c->res.body);
		w_object(&w, NULL);
		w_i64(&w, "job_id", j.id);
		w_str(&w, "domain", j.domains[0]);
		w_str(&w, "gate", gate_verdict_name(g.verdict));
		w_array(&w, "steps");
		e = steps(&w, c, &j, &g, &facts);
		w_array_end(&w);
		w_object_end(&w);
	}
	if (e == NULL)
		call_etag_body(c, "");
	gate_free(&g);
	gate_job_free(&facts);
	job_free(&j);
	return e;
}
