/* The certificate's section "dns": what name servers said before the switch and say now, what was changed, and the
 * watch for late mail. */
#include "view.h"

#include "json.h"
#include "store_dns.h"
#include "store_watch.h"

#include "banned.h"

static const struct err *read_of(struct writer *w, struct call *c, const struct job *j, const char *domain, bool first)
{
	struct dns_read r = {0};
	const struct err *e = dns_read_get(c->app->store, j->id, domain, first, &r);

	if (e != NULL || r.id == 0) {
		w_null(w, first ? "before" : "after");
		return e;
	}
	w_object(w, first ? "before" : "after");
	w_i64(w, "run_id", r.run_id);
	w_time(w, "at", r.at);
	w_bool(w, "moved", r.moved);
	w_json(w, "seen", r.document);
	w_object_end(w);
	dns_read_free(&r);
	return NULL;
}

static const struct err *domains(struct writer *w, struct call *c, const struct job *j)
{
	const struct err *e = NULL;

	w_array(w, "domains");
	for (size_t i = 0; e == NULL && i < j->n_domains; i++) {
		w_object(w, NULL);
		w_str(w, "domain", j->domains[i]);
		e = read_of(w, c, j, j->domains[i], true);
		if (e == NULL)
			e = read_of(w, c, j, j->domains[i], false);
		w_object_end(w);
	}
	w_array_end(w);
	return e;
}

static void change(struct writer *w, const struct dns_event *v)
{
	w_object(w, NULL);
	w_str(w, "what", v->rolled_back ? "rolled_back" : "applied");
	w_str(w, "how", v->how);
	w_bool(w, "was_ready", v->was_ready);
	w_time(w, "at", v->at);
	w_json(w, "detail", v->detail);
	w_object_end(w);
}

static const struct err *changes(struct writer *w, struct call *c, const struct job *j)
{
	struct dns_event *v = NULL;
	size_t n = 0;
	const struct err *e = dns_event_list(c->app->store, j->id, &v, &n);

	w_array(w, "changes");
	for (size_t i = 0; i < n; i++)
		change(w, &v[i]);
	w_array_end(w);
	dns_events_free(v, n);
	return e;
}

static const struct err *plan(struct writer *w, struct call *c, const struct job *j)
{
	struct dns_plan p = {0};
	json_t *doc, *kept;
	char *text;
	const struct err *e = dns_plan_get(c->app->store, j->id, &p);

	if (e != NULL)
		return e;
	doc = js_column(p.document);
	kept = json_pack("{s:O*, s:O*}", "mx", json_object_get(doc, "mx"), "ttl", json_object_get(doc, "ttl"));
	text = js_text(kept);
	w_json(w, "planned", text);
	free(text);
	json_decref(kept);
	json_decref(doc);
	dns_plan_free(&p);
	return NULL;
}

const struct err *view_report_dns(struct writer *w, struct call *c, const struct job *j)
{
	const struct err *e;

	w_object(w, "dns");
	e = plan(w, c, j);
	if (e == NULL)
		e = domains(w, c, j);
	if (e == NULL)
		e = changes(w, c, j);
	if (e == NULL)
		e = view_watch(w, c, j->id);
	w_object_end(w);
	return e;
}
