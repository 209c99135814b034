/* What verification found. */
#include "api.h"

#include <string.h>

#include "store_quarantine.h"
#include "view.h"

#include "banned.h"

/* What the destination refused and does not have yet, by folder. */
static void quarantined(struct writer *w, const struct quarantine_count *v, size_t n)
{
	w_array(w, "quarantined");
	for (size_t i = 0; i < n; i++) {
		w_object(w, NULL);
		w_str(w, "folder", v[i].folder);
		w_i64(w, "count", v[i].count);
		w_object_end(w);
	}
	w_array_end(w);
}

static const struct err *mailbox_item(struct writer *w, struct call *c, const struct mailbox *m, bool folders)
{
	struct verification v = {0};
	struct pass_row p = {0};
	struct quarantine_count *q = NULL;
	size_t n = 0;
	const struct err *e;

	e = verification_last(c->app->store, m->id, &v);
	if (e == NULL)
		e = pass_last(c->app->store, m->id, &p);
	if (e == NULL)
		e = quarantine_counts(c->app->store, m->id, &q, &n);
	w_object(w, NULL);
	w_i64(w, "mailbox_id", m->id);
	w_str(w, "source_user", m->source.user);
	w_str(w, "dest_user", m->dest.user);
	w_bool(w, "removed", m->removed);
	if (e == NULL)
		e = view_verification(w, "verification", c, &v, folders);
	view_pass(w, "last_pass", &p);
	quarantined(w, q, n);
	w_object_end(w);
	quarantine_counts_free(q, n);
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
