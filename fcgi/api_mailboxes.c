/* Mailboxes: a source account or file, and a destination account. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox_input.h"
#include "mem.h"
#include "view.h"

#include "banned.h"

static const struct err *say(struct call *c, int64_t id)
{
	struct mailbox m = {0};
	const struct err *e;
	struct writer w;
	char prefix[32];

	e = mailbox_get(c->app->store, id, call_org(c), &m);
	if (e == NULL) {
		w_init(&w, &c->res.body);
		e = view_mailbox(&w, NULL, c, &m);
	}
	snprintf(prefix, sizeof(prefix), "v%lld-", (long long)m.version);
	if (e == NULL)
		call_etag_body(c, prefix);
	mailbox_free(&m);
	return e;
}

const struct err *api_mailboxes_get(struct call *c)
{
	return say(c, c->args.id);
}

static bool read_flag(struct call *c, const char *name, const char *pointer)
{
	const char *s = request_query(&c->req, name);

	if (s == NULL || strcmp(s, "0") == 0 || strcmp(s, "false") == 0)
		return false;
	if (strcmp(s, "1") != 0 && strcmp(s, "true") != 0)
		call_problem(c, pointer, "true or false");
	return true;
}

static const struct err *job_exists(struct call *c, struct job *j)
{
	return job_get(c->app->store, c->args.id, call_org(c), j);
}

const struct err *api_mailboxes_list(struct call *c)
{
	bool removed = read_flag(c, "removed", "?removed");
	struct mailbox *v = NULL;
	struct job j = {0};
	const struct err *e;
	struct writer w;
	int64_t after;
	size_t n = 0, limit;

	call_page(c, &limit, &after);
	e = call_bad(c);
	if (e == NULL)
		e = job_exists(c, &j);
	if (e == NULL)
		e = mailbox_list(c->app->store, j.id, removed, after, limit, &v, &n);
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; e == NULL && i < n; i++)
		e = view_mailbox(&w, NULL, c, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == limit ? v[n - 1].id : 0);
	w_object_end(&w);
	mailboxes_free(v, n);
	job_free(&j);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

/* What the database refuses is told at the row that it refused. */
static const struct err *insert_one(struct call *c, struct mailbox_input *in)
{
	const struct err *e = mailbox_insert(c->app->store, &in->m, &c->by);

	if (e != NULL && (e->id == ERR_CONFLICT || e->id == ERR_NOT_FOUND))
		js_problems_add(&c->bad, in->pointer, err_row(e->id)->code, "%s", e->msg);
	if (e == NULL && in->source_secret != NULL)
		e = mailbox_seal(c, &in->m, SIDE_SOURCE, in->source_secret);
	if (e == NULL && in->dest_secret != NULL)
		e = mailbox_seal(c, &in->m, SIDE_DESTINATION, in->dest_secret);
	return e;
}

static const struct err *say_created(struct call *c, const struct mailbox_input *in, size_t n)
{
	const struct err *e = NULL;
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; e == NULL && i < n; i++) {
		struct mailbox m = {0};

		e = mailbox_get(c->app->store, in[i].m.id, NULL, &m);
		if (e == NULL)
			e = view_mailbox(&w, NULL, c, &m);
		mailbox_free(&m);
	}
	w_array_end(&w);
	w_object_end(&w);
	c->res.status = 201;
	if (n == 1)
		call_created(c, "/mailboxes/%lld", (long long)in[0].m.id);
	return e;
}

const struct err *api_mailboxes_create(struct call *c)
{
	struct mailbox_input *v = NULL;
	struct job j = {0};
	const struct err *e;
	size_t n = 0;

	e = job_exists(c, &j);
	if (e == NULL)
		e = mailbox_inputs(c, &j, &v, &n);
	if (e == NULL && (e = store_begin(c->app->store)) == NULL) {
		for (size_t i = 0; e == NULL && i < n; i++)
			e = insert_one(c, &v[i]);
		e = store_end(c->app->store, e);
	}
	if (e == NULL)
		e = say_created(c, v, n);
	mailbox_inputs_free(v, n);
	job_free(&j);
	return e;
}

static const struct err *update(struct call *c, struct mailbox_input *in)
{
	const struct err *e;

	if ((e = store_begin(c->app->store)) != NULL)
		return e;
	e = mailbox_update(c->app->store, &in->m, &c->by);
	if (e == NULL && in->source_secret != NULL)
		e = mailbox_seal(c, &in->m, SIDE_SOURCE, in->source_secret);
	if (e == NULL && in->dest_secret != NULL)
		e = mailbox_seal(c, &in->m, SIDE_DESTINATION, in->dest_secret);
	return store_end(c->app->store, e);
}

const struct err *api_mailboxes_update(struct call *c)
{
	struct mailbox_input in = {0};
	struct js_at root;
	const struct err *e;
	int64_t version;

	if ((e = call_if_match_version(c, &version)) != NULL || (e = call_json(c, &root)) != NULL)
		return e;
	e = mailbox_get(c->app->store, c->args.id, call_org(c), &in.m);
	if (e == NULL) {
		in.m.version = version;
		mailbox_input_patch(c, &root, &in);
		e = call_bad(c);
	}
	if (e == NULL)
		e = update(c, &in);
	mailbox_free(&in.m);
	return e != NULL ? e : say(c, c->args.id);
}

const struct err *api_mailboxes_remove(struct call *c)
{
	struct mailbox m = {0};
	const char *reason = "";
	struct js_at root;
	const struct err *e;
	int64_t version = 0;

	if (request_header(&c->req, "IF_MATCH") != NULL && (e = call_if_match_version(c, &version)) != NULL)
		return e;
	if ((e = call_json_or_empty(c, &root)) != NULL)
		return e;
	js_multiline(&root, "reason", JS_REQUIRED, 1, 1000, &reason);
	js_known(&root, (const char *const[]){"reason", NULL});
	e = call_bad(c);
	if (e == NULL)
		e = mailbox_get(c->app->store, c->args.id, call_org(c), &m);
	if (e == NULL)
		e = mailbox_remove(c->app->store, m.id, version, reason, &c->by);
	mailbox_free(&m);
	return e != NULL ? e : say(c, c->args.id);
}
