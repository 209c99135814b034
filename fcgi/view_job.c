#include "view.h"

#include <stdio.h>

#include "gate_cache.h"

#include "banned.h"

/* A key that no domain and no organisation can be. */
#define CACHE_SPACE "\001job"

/* `"gate":…,"ratio":…`, from memory while nothing can have changed: a list of jobs asks for hundreds. */
static const struct err *gate_words(struct call *c, int64_t id, struct buf *out)
{
	const struct gate_answer *known;
	struct gate g = {0};
	char key[24];
	const struct err *e;
	struct writer w;

	snprintf(key, sizeof(key), "%lld", (long long)id);
	known = gate_cache_find(c->app, CACHE_SPACE, key, c->now_ms);
	if (known != NULL) {
		buf_add(out, known->body, known->len);
		return NULL;
	}
	e = gate_of_job(c->app->store, id, &c->app->service->policy, c->now_ms, &g, NULL);
	if (e == NULL) {
		w_init(&w, out);
		w_str(&w, "gate", gate_verdict_name(g.verdict));
		w_ratio(&w, "ratio", g.found, g.expected);
		gate_cache_put(c->app, CACHE_SPACE, key, out->ptr, out->len, g.etag, g.recheck_at);
	}
	gate_free(&g);
	return e;
}

/* bytes and messages as they stand, and what the gate says */
static const struct err *summary(struct writer *w, struct call *c, const struct job *j)
{
	struct buf gate = BUF_INIT;
	struct job_summary s = {0};
	const struct err *e;

	e = job_summary(c->app->store, j->id, &s);
	if (e == NULL)
		e = gate_words(c, j->id, &gate);
	if (e == NULL) {
		w_object(w, "summary");
		w_i64(w, "mailboxes", s.mailboxes);
		w_i64(w, "copied", s.copied);
		w_i64(w, "active_runs", s.active_runs);
		w_i64(w, "messages_total", s.messages_total);
		w_i64(w, "messages_done", s.messages_done);
		w_i64(w, "bytes_total", s.bytes_total);
		w_i64(w, "bytes_done", s.bytes_done);
		buf_addc(w->out, ',');
		buf_add(w->out, gate.ptr, gate.len);
		w_object_end(w);
	}
	buf_free(&gate);
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
	w_time(w, "pruned_at", j->pruned_at);
	e = summary(w, c, j);
	w_object_end(w);
	return e;
}
