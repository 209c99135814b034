#include "view.h"

#include "banned.h"

/* bytes and messages as they stand, and what the gate says */
static const struct err *summary(struct writer *w, struct call *c, const struct job *j)
{
	struct job_summary s = {0};
	struct gate g = {0};
	const struct err *e;

	e = job_summary(c->app->store, j->id, &s);
	if (e == NULL)
		e = gate_of_job(c->app->store, j->id, &c->app->service->policy, c->now_ms, &g, NULL);
	if (e == NULL) {
		w_object(w, "summary");
		w_i64(w, "mailboxes", s.mailboxes);
		w_i64(w, "active_runs", s.active_runs);
		w_i64(w, "messages_total", s.messages_total);
		w_i64(w, "messages_done", s.messages_done);
		w_i64(w, "bytes_total", s.bytes_total);
		w_i64(w, "bytes_done", s.bytes_done);
		w_str(w, "gate", gate_verdict_name(g.verdict));
		w_ratio(w, "ratio", g.found, g.expected);
		w_object_end(w);
	}
	gate_free(&g);
	return e;
}

const struct err *view_job(struct writer *w, const char *key, struct call *c, const struct job *j)
{
	const struct err *e;

	w_object(w, key);
	w_i64(w, "id", j->id);
	w_str(w, "org", j->org);
	w_str(w, "ticket", j->ticket);
	w_str(w, "title", j->title);
	w_array(w, "domains");
	for (size_t i = 0; i < j->n_domains; i++)
		w_str(w, NULL, j->domains[i]);
	w_array_end(w);
	w_str(w, "engine", engine_kind_name(j->engine));
	w_str(w, "status", j->closed ? "closed" : "open");
	w_json(w, "source", j->source);
	w_json(w, "destination", j->destination);
	w_json(w, "options", j->options);
	w_i64(w, "version", j->version);
	w_str(w, "created_by", j->created_by);
	w_time(w, "created_at", j->created_at);
	w_time(w, "updated_at", j->updated_at);
	w_time(w, "closed_at", j->closed_at);
	e = summary(w, c, j);
	w_object_end(w);
	return e;
}
