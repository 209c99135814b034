/* Runs that a technician starts: preflight, discover, sync, verify, on all mailboxes of a job or on some. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "view.h"

#include "banned.h"

#define MAILBOXES_MAX 5000

struct start {
	struct run_request *requests; /* one a mailbox */
	char (*pointers)[40];         /* where each stood in the body */
	size_t n;
	bool queue;
};

static void start_free(struct start *s)
{
	free(s->requests);
	free(s->pointers);
}

static void start_add(
	struct start *s, const struct run_request *like, int64_t mailbox_id, const char *fmt, size_t i)
{
	s->requests = xreallocarray(s->requests, s->n + 1, sizeof(*s->requests));
	s->pointers = xreallocarray(s->pointers, s->n + 1, sizeof(*s->pointers));
	s->requests[s->n] = *like;
	s->requests[s->n].mailbox_id = mailbox_id;
	snprintf(s->pointers[s->n], sizeof(s->pointers[0]), "%s%lld", fmt,
		fmt[0] == '/' ? (long long)i : (long long)mailbox_id);
	s->n++;
}

static const struct err *all_mailboxes(struct call *c, const struct run_request *like, struct start *s)
{
	struct mailbox *v = NULL;
	const struct err *e;
	size_t n = 0;

	if ((e = mailbox_list(c->app->store, like->job_id, false, 0, MAILBOXES_MAX, &v, &n)) != NULL)
		return e;
	for (size_t i = 0; i < n; i++)
		start_add(s, like, v[i].id, "mailbox:", i);
	mailboxes_free(v, n);
	return n > 0 ? NULL : err_new(ERR_CONFLICT, "the job has no mailboxes");
}

static bool is_twice(const struct start *s, int64_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->requests[i].mailbox_id == id)
			return true;
	return false;
}

static const struct err *some_mailboxes(
	struct call *c, const struct js_at *list, const struct run_request *like, struct start *s)
{
	for (size_t i = 0; i < json_array_size(list->v); i++) {
		struct js_at item = js_item(list, i);
		struct mailbox m = {0};
		const struct err *e;
		int64_t id = json_integer_value(item.v);

		if (!json_is_integer(item.v) || id < 1) {
			js_problem(&item, NULL, "a mailbox's number is expected");
			continue;
		}
		e = mailbox_get(c->app->store, id, call_org(c), &m);
		if (e != NULL && e->id != ERR_NOT_FOUND)
			return e;
		if (e != NULL || m.job_id != like->job_id || m.removed)
			js_problem(&item, NULL, "the job has no mailbox %lld", (long long)id);
		else if (is_twice(s, id))
			js_problem(&item, NULL, "stands here twice");
		else
			start_add(s, like, id, "/mailbox_ids/", i);
		mailbox_free(&m);
	}
	return call_bad(c);
}

static const struct err *enqueue(struct call *c, const struct start *s)
{
	bool *busy = xcalloc(s->n, sizeof(*busy));
	struct run *v = NULL;
	const struct err *e;
	struct writer w;

	e = run_enqueue(c->app->store, s->requests, s->n, s->queue, &c->by, &v, busy);
	for (size_t i = 0; e != NULL && e->id == ERR_RUN_ACTIVE && i < s->n; i++)
		if (busy[i])
			js_problems_add(&c->bad, s->pointers[i], "run.active",
				"mailbox %lld or its destination account has an active run",
				(long long)s->requests[i].mailbox_id);
	free(busy);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "runs");
	for (size_t i = 0; e == NULL && i < s->n; i++)
		e = view_run(&w, NULL, c, &v[i]);
	w_array_end(&w);
	w_object_end(&w);
	call_emit(c, v, s->n);
	c->res.status = 202;
	return e;
}

/* What the body may hold beside mailbox_ids and queue, by kind. */
static void read_own(const struct js_at *root, const struct job *j, struct run_request *r, char **options)
{
	json_t *o = js_column(j->options);
	bool deep = false;

	switch (r->kind) {
	case RUN_SYNC:
		js_word(root, "pass", JS_REQUIRED, pass_parse, &r->pass);
		js_known(root, (const char *const[]){"mailbox_ids", "queue", "pass", NULL});
		break;
	case RUN_VERIFY:
		js_bool(root, "deep", JS_OPTIONAL, &deep);
		json_object_set_new(o, "deep", json_boolean(deep));
		js_known(root, (const char *const[]){"mailbox_ids", "queue", "deep", NULL});
		break;
	default:
		js_known(root, (const char *const[]){"mailbox_ids", "queue", NULL});
	}
	*options = js_text(o);
	json_decref(o);
}

static const struct err *start(struct call *c, enum run_kind kind)
{
	struct run_request like = {.kind = kind};
	struct start s = {0};
	struct js_at root, list;
	struct job j = {0};
	char *options = NULL;
	const struct err *e;

	if ((e = call_json_or_empty(c, &root)) != NULL)
		return e;
	if ((e = job_get(c->app->store, c->args.id, call_org(c), &j)) != NULL)
		return e;
	like.job_id = j.id;
	like.engine = j.engine;
	js_bool(&root, "queue", JS_OPTIONAL, &s.queue);
	read_own(&root, &j, &like, &options);
	like.options = options;
	if (js_array(&root, "mailbox_ids", JS_OPTIONAL, 1, MAILBOXES_MAX, &list))
		e = some_mailboxes(c, &list, &like, &s);
	else if ((e = call_bad(c)) == NULL)
		e = all_mailboxes(c, &like, &s);
	if (e == NULL)
		e = enqueue(c, &s);
	start_free(&s);
	free(options);
	job_free(&j);
	return e;
}

const struct err *api_preflight(struct call *c)
{
	return start(c, RUN_PREFLIGHT);
}

const struct err *api_discover(struct call *c)
{
	return start(c, RUN_DISCOVER);
}

const struct err *api_sync(struct call *c)
{
	return start(c, RUN_SYNC);
}

const struct err *api_verify(struct call *c)
{
	return start(c, RUN_VERIFY);
}
