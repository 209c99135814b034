/* Runs: looking at them, their logs, and what people ask of them. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "mem.h"
#include "range.h"
#include "str.h"
#include "view.h"

#include "banned.h"

static const struct err *say(struct call *c, const struct run *r)
{
	const struct err *e;
	struct writer w;

	w_init(&w, &c->res.body);
	e = view_run(&w, NULL, c, r);
	if (e == NULL && c->req.method == METHOD_GET)
		call_etag_body(c, "");
	return e;
}

const struct err *api_runs_get(struct call *c)
{
	struct run r = {0};
	const struct err *e = run_get(c->app->store, c->args.id, call_org(c), &r);

	if (e == NULL)
		e = say(c, &r);
	run_free(&r);
	return e;
}

static void read_filter(struct call *c, struct run_filter *f)
{
	const char *status = request_query(&c->req, "status"), *kind = request_query(&c->req, "kind");
	const char *mailbox = request_query(&c->req, "mailbox_id");
	enum run_status s;
	enum run_kind k;

	f->status = f->kind = -1;
	if (status != NULL && strcmp(status, "active") == 0)
		f->active = true;
	else if (status != NULL && run_status_parse(status, &s))
		f->status = (int)s;
	else if (status != NULL)
		call_problem(c, "?status", "not a status of a run, nor active");
	if (kind != NULL && run_kind_parse(kind, &k))
		f->kind = (int)k;
	else if (kind != NULL)
		call_problem(c, "?kind", "not a kind of run");
	if (mailbox != NULL && !str_i64(mailbox, 1, INT64_MAX, &f->mailbox_id))
		call_problem(c, "?mailbox_id", "not a number");
	call_page(c, &f->limit, &f->before);
}

const struct err *api_runs_list(struct call *c)
{
	struct run_filter f = {0};
	struct job j = {0};
	struct run *v = NULL;
	const struct err *e;
	struct writer w;
	size_t n = 0;

	read_filter(c, &f);
	e = call_bad(c);
	if (e == NULL)
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	f.job_id = j.id;
	if (e == NULL)
		e = run_list(c->app->store, &f, &v, &n);
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; e == NULL && i < n; i++)
		e = view_run(&w, NULL, c, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == f.limit ? v[n - 1].id : 0);
	w_object_end(&w);
	runs_free(v, n);
	job_free(&j);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

/* Later attempts have names of their own, "a2-log": what is complete never changes. */
static const struct err *open_log(struct call *c, const struct run *r, int *fd, off_t *size)
{
	const struct err *e = NULL;

	for (int64_t attempt = r->attempt; attempt > 1; attempt--) {
		char name[40];

		snprintf(name, sizeof(name), "a%lld-log", (long long)attempt);
		e = artefact_open(c->app, r->id, name, fd, size);
		if (e == NULL || e->id != ERR_NOT_FOUND)
			return e;
	}
	e = artefact_open(c->app, r->id, "log", fd, size);
	if (e != NULL && e->id == ERR_NOT_FOUND) { /* nothing has been handed over yet */
		*fd = -1;
		*size = 0;
		return NULL;
	}
	return e;
}

const struct err *api_runs_log(struct call *c)
{
	struct run r = {0};
	const struct err *e = run_get(c->app->store, c->args.id, call_org(c), &r);
	off_t size = 0, from, length;
	enum range_kind kind;

	if (e == NULL)
		e = open_log(c, &r, &c->res.fd, &size);
	run_free(&r);
	if (e != NULL)
		return e;
	kind = range_parse(request_header(&c->req, "RANGE"), size, &from, &length);
	c->res.type = "text/plain; charset=utf-8";
	response_header(&c->res, "Accept-Ranges", "bytes");
	if (kind == RANGE_NONE) {
		c->res.status = 416;
		response_header(&c->res, "Content-Range", "bytes */%lld", (long long)size);
		from = length = 0;
	} else if (kind == RANGE_PART) {
		c->res.status = 206;
		response_header(&c->res, "Content-Range", "bytes %lld-%lld/%lld", (long long)from,
			(long long)(from + length - 1), (long long)size);
	}
	c->res.from = from;
	c->res.length = length;
	return NULL;
}

static const struct err *ask(struct call *c,
	const struct err *(*what)(struct store *s, int64_t id, const struct actor *by, struct run *out))
{
	struct run r = {0};
	const struct err *e = call_nothing(c);

	if (e == NULL)
		e = run_get(c->app->store, c->args.id, call_org(c), &r);
	run_free(&r);
	if (e == NULL)
		e = what(c->app->store, c->args.id, &c->by, &r);
	if (e == NULL)
		e = say(c, &r);
	run_free(&r);
	c->res.status = 202;
	return e;
}

const struct err *api_runs_cancel(struct call *c)
{
	return ask(c, run_cancel);
}

const struct err *api_runs_pause(struct call *c)
{
	return ask(c, run_pause);
}

const struct err *api_runs_resume(struct call *c)
{
	return ask(c, run_resume);
}

const struct err *api_runs_retry(struct call *c)
{
	struct run *r = xcalloc(1, sizeof(*r));
	bool queue = false;
	const struct err *e = call_flag(c, "queue", &queue);

	if (e == NULL)
		e = run_get(c->app->store, c->args.id, call_org(c), r);
	run_free(r);
	if (e == NULL)
		e = run_retry(c->app->store, c->args.id, queue, &c->by, r);
	if (e == NULL)
		return view_run_accepted(c, r);
	run_free(r);
	free(r);
	return e;
}
