/* What verification found, what is missing, and who accepted it. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "view.h"

#include "banned.h"

static const struct err *mailbox_item(struct writer *w, struct call *c, const struct mailbox *m, bool folders)
{
	struct verification v = {0};
	struct pass_row p = {0};
	const struct err *e;

	e = verification_last(c->app->store, m->id, &v);
	if (e == NULL)
		e = pass_last(c->app->store, m->id, &p);
	w_object(w, NULL);
	w_i64(w, "mailbox_id", m->id);
	w_str(w, "source_user", m->source.user);
	w_str(w, "dest_user", m->dest.user);
	w_bool(w, "removed", m->removed);
	if (e == NULL)
		e = view_verification(w, "verification", c, &v, folders);
	view_pass(w, "last_pass", &p);
	w_object_end(w);
	return e;
}

static const struct err *mailbox_items(struct writer *w, struct call *c, int64_t job_id, bool folders)
{
	struct mailbox *v = NULL;
	const struct err *e;
	int64_t after = 0;
	size_t n;

	do {
		e = mailbox_list(c->app->store, job_id, true, after, 500, &v, &n);
		for (size_t i = 0; e == NULL && i < n; i++)
			e = mailbox_item(w, c, &v[i], folders);
		if (e == NULL && n > 0)
			after = v[n - 1].id;
		mailboxes_free(v, n);
		v = NULL;
	} while (e == NULL && n == 500);
	return e;
}

const struct err *api_job_verification(struct call *c)
{
	const char *flag = request_query(&c->req, "folders");
	bool folders = flag != NULL && (strcmp(flag, "1") == 0 || strcmp(flag, "true") == 0);
	struct gate_job facts = {0};
	struct gate g = {0};
	struct job j = {0};
	const struct err *e;
	struct writer w;

	e = job_get(c->app->store, c->args.id, call_org(c), &j);
	if (e == NULL)
		e = gate_of_job(c->app->store, j.id, &c->app->service->policy, c->now_ms, &g, &facts);
	if (e == NULL) {
		w_init(&w, &c->res.body);
		w_object(&w, NULL);
		w_i64(&w, "job_id", j.id);
		view_gate(&w, "gate", j.n_domains > 0 ? j.domains[0] : NULL, &g, &facts,
			c->req.lang == LANG_PT);
		w_array(&w, "mailboxes");
		e = mailbox_items(&w, c, j.id, folders);
		w_array_end(&w);
		w_object_end(&w);
	}
	if (e == NULL)
		call_etag(c, g.etag);
	gate_free(&g);
	gate_job_free(&facts);
	job_free(&j);
	return e;
}

/* The mailbox's latest verification; ERR_NOT_FOUND when there is none. */
static const struct err *latest(struct call *c, struct verification *v)
{
	struct mailbox m = {0};
	const struct err *e = mailbox_get(c->app->store, c->args.id, call_org(c), &m);

	if (e == NULL)
		e = verification_last(c->app->store, m.id, v);
	mailbox_free(&m);
	return e;
}

const struct err *api_mailbox_verification(struct call *c)
{
	struct verification v = {0};
	const struct err *e = latest(c, &v);
	struct writer w;

	if (e == NULL && v.id == 0)
		e = err_new(ERR_NOT_FOUND, "the mailbox has not been verified");
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	e = view_verification(&w, NULL, c, &v, true);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

static void missing_item(struct writer *w, const struct missing_row *m)
{
	w_object(w, NULL);
	w_str(w, "folder", m->folder);
	w_i64(w, "uid", m->uid);
	w_i64(w, "size", m->size);
	w_text(w, "date", m->date);
	w_text(w, "message_id", m->message_id);
	w_text(w, "from", m->from);
	w_text(w, "subject", m->subject);
	w_str(w, "class", m->class);
	w_text(w, "detail", m->detail);
	w_object_end(w);
}

const struct err *api_missing_list(struct call *c)
{
	struct missing_row *v = NULL;
	struct verification last = {0};
	const struct err *e;
	struct writer w;
	int64_t after;
	size_t n = 0, limit;

	call_page(c, &limit, &after);
	e = call_bad(c);
	if (e == NULL)
		e = latest(c, &last);
	if (e == NULL && last.id != 0)
		e = missing_list(
			c->app->store, last.id, request_query(&c->req, "class"), after, limit, &v, &n);
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	if (last.id != 0)
		w_i64(&w, "verification_id", last.id);
	else
		w_null(&w, "verification_id");
	w_array(&w, "items");
	for (size_t i = 0; i < n; i++)
		missing_item(&w, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == limit ? v[n - 1].id : 0);
	w_object_end(&w);
	missing_free(v, n);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

static void say_acceptance(struct call *c, const struct acceptance *a)
{
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_i64(&w, "id", a->id);
	w_i64(&w, "job_id", a->job_id);
	w_i64(&w, "mailbox_id", a->mailbox_id);
	w_str(&w, "what", a->what);
	w_i64(&w, "count", a->count);
	w_str(&w, "reason", a->reason);
	w_str(&w, "by", a->by);
	w_str(&w, "role", a->role);
	w_time(&w, "at", a->at);
	w_object_end(&w);
	c->res.status = 201;
}

/* Words of the acceptances' column; which of them needs a count is the store's to say. */
static bool what_parse(const char *s, const char **out)
{
	static const char *const words[] = {
		"missing", "weak", "refusal", "excluded", "source.empty", "source.shrank", "mailbox.removed"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], s) == 0) {
			*out = words[i];
			return true;
		}
	return false;
}

const struct err *api_missing_accept(struct call *c)
{
	const char *what = "", *reason = "";
	struct acceptance *a = xcalloc(1, sizeof(*a));
	struct mailbox m = {0};
	int64_t count = 0;
	struct js_at root;
	const struct err *e;

	e = call_json(c, &root);
	if (e == NULL) {
		js_word(&root, "what", JS_REQUIRED, what_parse, &what);
		js_multiline(&root, "reason", JS_REQUIRED, 1, 1000, &reason);
		js_int(&root, "count", JS_OPTIONAL, 0, INT64_MAX, &count);
		js_known(&root, (const char *const[]){"what", "reason", "count", NULL});
		e = call_bad(c);
	}
	if (e == NULL)
		e = mailbox_get(c->app->store, c->args.id, call_org(c), &m);
	if (e == NULL)
		e = acceptance_add(c->app->store, m.id, what, count, reason, &c->by, a);
	if (e == NULL)
		say_acceptance(c, a);
	mailbox_free(&m);
	acceptances_free(a, 1);
	return e;
}
