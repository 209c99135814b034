#include "view.h"

#include <stdlib.h>

#include "clock.h"

#include "banned.h"

/* The worker's totals are an object of its own making; the instant of the report is added to it. */
static void totals(struct writer *w, json_t *o, int64_t at)
{
	char text[CLOCK_TEXT_SIZE], *json;

	json_object_set_new(o, "at", json_string(clock_text(at, text)));
	json = js_text(o);
	w_json(w, "progress", json);
	free(json);
}

/*
 * What a run that has ended did is in its result: its last totals came with the last report, while the
 * live counters stand where the report of a second before left them.
 */
static bool last_totals(struct writer *w, const struct run *r)
{
	json_t *result, *o;
	bool there;

	if (r->finished_at == 0 || r->result == NULL)
		return false;
	result = js_column(r->result);
	o = json_object_get(result, "progress");
	there = json_is_object(o);
	if (there)
		totals(w, o, r->finished_at);
	json_decref(result);
	return there;
}

static const struct err *progress(struct writer *w, struct call *c, const struct run *r)
{
	struct run_progress p = {0};
	const struct err *e;
	json_t *o;

	if (last_totals(w, r))
		return NULL;
	if ((e = run_progress_get(c->app->store, r->id, &p)) != NULL)
		return e;
	if (p.totals == NULL || p.attempt != r->attempt) {
		w_null(w, "progress");
	} else {
		o = js_column(p.totals);
		totals(w, o, p.at);
		json_decref(o);
	}
	run_progress_free(&p);
	return NULL;
}

/* In the caller's language, from the table of failures. */
static void remedy(struct writer *w, const struct call *c, const char *code)
{
	const struct err_row *row = *code != '\0' ? err_row_by_code(code) : NULL;

	w_text(w, "code", code);
	if (row != NULL)
		w_str(w, "remedy", c->req.lang == LANG_PT ? row->remedy_pt : row->remedy_en);
	else
		w_null(w, "remedy");
	if (row != NULL)
		w_str(w, "title", c->req.lang == LANG_PT ? row->pt : row->en);
	else
		w_null(w, "title");
}

static void id_or_null(struct writer *w, const char *key, int64_t id)
{
	if (id != 0)
		w_i64(w, key, id);
	else
		w_null(w, key);
}

const struct err *view_run(struct writer *w, const char *key, struct call *c, const struct run *r)
{
	const struct err *e;

	w_object(w, key);
	w_i64(w, "id", r->id);
	w_i64(w, "job_id", r->job_id);
	id_or_null(w, "mailbox_id", r->mailbox_id);
	w_str(w, "kind", run_kind_name(r->kind));
	w_text(w, "pass", pass_name(r->pass));
	w_str(w, "engine", engine_kind_name(r->engine));
	w_str(w, "status", run_status_name(r->status));
	w_bool(w, "held", r->held);
	w_i64(w, "attempt", r->attempt);
	w_text(w, "worker", r->worker);
	w_json(w, "options", r->options);
	w_bool(w, "cancel", r->cancel);
	w_bool(w, "pause", r->pause);
	remedy(w, c, r->code);
	w_text(w, "message", r->message);
	id_or_null(w, "retry_of", r->retry_of);
	w_str(w, "created_by", r->created_by);
	w_time(w, "created_at", r->created_at);
	w_time(w, "started_at", r->started_at);
	w_time(w, "finished_at", r->finished_at);
	w_time(w, "not_before", r->status == RUN_QUEUED ? r->not_before : 0);
	e = progress(w, c, r);
	w_json(w, "result", r->result);
	w_object_end(w);
	return e;
}

const struct err *view_run_accepted(struct call *c, struct run *r)
{
	struct writer w;
	const struct err *e;

	w_init(&w, &c->res.body);
	e = view_run(&w, NULL, c, r);
	c->res.status = 202;
	response_header(&c->res, "Location", API_PREFIX "/runs/%lld", (long long)r->id);
	call_emit(c, r, 1);
	return e;
}
