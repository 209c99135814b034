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

/* What is asked of each domain; the step is as far as the worst of them. */
enum state { DONE, UNKNOWN, WAITING, FAILED };
static const char *const state_names[] = {"done", "unknown", "waiting", "failed"};

enum check { NAME_SERVERS, TTL_LOWERED, NEW_SERVER_ACCEPTS, SENDER_RECORDS, CHECKS };
static const char *const check_ids[] = {"name_servers", "ttl_lowered", "new_server_accepts", "sender_records"};

struct check_result {
	bool judged;
	enum state state;
	char detail[512];
	int64_t at;
};

/* `several`: the job has more than one domain, which is named then. */
static void judge(struct check_result *c, enum state state, const char *domain, bool several, const char *detail, int64_t at)
{
	/* of two that wait the one without an end in sight, then the later one */
	if (c->judged && (state < c->state || (state == c->state && (c->at == 0 || (at != 0 && at <= c->at)))))
		return;
	c->judged = true;
	c->state = state;
	c->at = at;
	if (detail != NULL && state != DONE && several)
		snprintf(c->detail, sizeof(c->detail), "%s: %s", domain, detail);
	else
		snprintf(c->detail, sizeof(c->detail), "%s", detail != NULL ? detail : "");
}

static enum state state_of(const struct dns_clock *k)
{
	return k->state == DNS_CLOCK_SAFE ? DONE : k->state == DNS_CLOCK_UNKNOWN ? UNKNOWN : WAITING;
}

static enum state probed(const json_t *seen, const char **detail)
{
	json_t *probe = json_object_get(seen, "probe"), *v;
	enum state state = json_array_size(probe) > 0 ? DONE : UNKNOWN;
	size_t i;

	json_array_foreach(probe, i, v) {
		const char *status = json_string_value(json_object_get(v, "status"));

		if (status == NULL || strcmp(status, "accepted") != 0) {
			state = FAILED;
			*detail = json_string_value(json_object_get(v, "reply"));
		}
	}
	return state;
}

/* Findings of these codes speak against it. */
static enum state with_findings(const json_t *seen, const char *const *codes, const char **detail)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(seen, "findings"), i, v)
		for (const char *const *code = codes; *code != NULL; code++)
			if (strcmp(json_string_value(json_object_get(v, "code")), *code) == 0)
				*detail = *code;
	return seen == NULL ? UNKNOWN : *detail != NULL ? FAILED : DONE;
}

static const struct err *check_domain(struct call *c, const struct job *j, const char *domain, const json_t *plan,
	struct check_result *out)
{
	static const char *const health[] = {"dns.lame", "dns.stale", "dns.timeout", "dns.unreachable", "dns.bogus",
		"dns.apex_cname", "dns.no_servers", "dns.servers_differ", NULL};
	static const char *const senders[] = {"dns.no_spf", "dns.many_spf", "dns.no_dkim", "dns.no_dmarc", NULL};
	const char *detail[CHECKS] = {NULL};
	bool several = j->n_domains > 1;
	struct dns_read last = {0};
	struct dns_clock clock;
	json_t *seen;
	enum state state;
	const struct err *e = dns_read_get(c->app->store, j->id, domain, false, &last);

	if (e == NULL)
		e = dns_clock_of(c->app->store, j->id, domain, json_integer_value(json_object_get(plan, "low_ttl")),
			json_integer_value(json_object_get(plan, "previous_ttl")), c->now_ms, &clock);
	if (e == NULL) {
		seen = last.id != 0 ? js_column(last.document) : NULL;
		state = with_findings(seen, health, &detail[NAME_SERVERS]);
		judge(&out[NAME_SERVERS], state, domain, several, detail[NAME_SERVERS], last.at);
		judge(&out[TTL_LOWERED], state_of(&clock), domain, several, dns_clock_state_name(clock.state), clock.safe_at);
		state = probed(seen, &detail[NEW_SERVER_ACCEPTS]);
		judge(&out[NEW_SERVER_ACCEPTS], state, domain, several, detail[NEW_SERVER_ACCEPTS], last.at);
		state = with_findings(seen, senders, &detail[SENDER_RECORDS]);
		judge(&out[SENDER_RECORDS], state, domain, several, detail[SENDER_RECORDS], last.at);
		json_decref(seen);
	}
	dns_read_free(&last);
	return e;
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
	struct check_result checks[CHECKS] = {0};
	struct dns_plan plan = {0};
	struct watch k = {0};
	json_t *doc;
	bool applied = false;
	const struct err *e = dns_plan_get(c->app->store, j->id, &plan);

	if (e != NULL)
		return e;
	doc = js_column(plan.document);
	for (size_t i = 0; e == NULL && i < j->n_domains; i++)
		e = check_domain(c, j, j->domains[i], doc, checks);
	if (e == NULL)
		e = dns_is_applied(c->app->store, j->id, &applied);
	if (e == NULL)
		e = watch_get(c->app->store, j->id, &k);
	if (e == NULL) {
		for (int i = 0; i < CHECKS; i++)
			step(w, check_ids[i], state_names[checks[i].state], checks[i].detail, checks[i].at);
		step_final(w, facts);
		step(w, "gate", g->ready || g->verdict == GATE_DNS_APPLIED ? "done" : "waiting", gate_verdict_name(g->verdict), 0);
		step(w, "mx_changed", applied ? "done" : "waiting", NULL, 0);
		step_stragglers(w, &k);
	}
	json_decref(doc);
	watch_free(&k);
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
