/*
 * The way back: the gate says blocked (rolled_back) at once, the records that a provider's change has saved are put
 * back, and what the new server has beyond the old one is copied there; nothing is ever deleted.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_order.h"
#include "mem.h"
#include "store_watch.h"
#include "view.h"

#include "banned.h"

#define MAILBOXES_MAX 5000

static const struct err *enqueue(struct call *c, const struct job *j, struct run **v, size_t *n, size_t *files)
{
	struct run_request *q;
	struct mailbox *boxes = NULL;
	size_t n_boxes = 0;
	const struct err *e = mailbox_list(c->app->store, j->id, false, 0, MAILBOXES_MAX, &boxes, &n_boxes);

	q = xcalloc(n_boxes + 1, sizeof(*q));
	for (size_t i = 0; i < n_boxes; i++) {
		if (boxes[i].source_kind != SOURCE_IMAP) {
			(*files)++; /* nothing to go back to */
			continue;
		}
		q[(*n)++] = (struct run_request){.job_id = j->id,
			.mailbox_id = boxes[i].id,
			.kind = RUN_ROLLBACK,
			.engine = ENGINE_NATIVE,
			.options = j->options};
	}
	if (e == NULL && *n > 0)
		e = run_enqueue(c->app->store, q, *n, true, &c->by, v, NULL);
	free(q);
	mailboxes_free(boxes, n_boxes);
	return e;
}

/* What a rollback started. */
struct way_back {
	struct run *runs; /* a mailbox each */
	size_t n, files;  /* files: mailboxes that came from one */
	struct run *dns;  /* NULL: nobody puts the records back */
	char why[ERR_MSG_SIZE]; /* then, why not */
};

/* A change that is queued is cancelled; one that runs is told to stop, and is refused leave from now on. */
static const struct err *stop_changes(struct call *c, int64_t job_id)
{
	const struct err *e = NULL;
	int64_t id = 0;
	struct run r = {0};

	e = db_i64(store_db(c->app->store), &id, NULL,
		"SELECT id FROM runs WHERE job_id = ?1 AND kind = 'dns_apply' AND status IN"
		" ('queued', 'running', 'paused', 'waiting') AND json_extract(options, '$.action') = 'apply' AND cancel = 0",
		"i", job_id);
	if (e == NULL && id != 0)
		e = run_cancel(c->app->store, id, &c->by, &r);
	run_free(&r);
	return e;
}

/* Without a provider, a token or a saved set people put the records back by hand: that is no error here. */
static const struct err *put_back(struct call *c, const struct job *j, struct way_back *w)
{
	const struct err *e = stop_changes(c, j->id);

	if (e != NULL)
		return e;
	e = dns_order_restore(c, j, &w->dns);
	if (e != NULL && (e->id == ERR_CONFLICT || e->id == ERR_CRED_MISSING || e->id == ERR_RUN_ACTIVE)) {
		snprintf(w->why, sizeof(w->why), "%s", e->msg);
		return NULL;
	}
	return e;
}

static const struct err *go_back(struct call *c, const struct job *j, const char *reason, struct way_back *w)
{
	json_t *o = json_pack("{s:s, s:s}", "reason", reason, "by", c->by.who);
	char *detail = js_text(o);
	const struct err *e = watch_rolled_back(c->app->store, j->id, detail, &c->by, c->now_ms);

	json_decref(o);
	free(detail);
	if (e == NULL)
		e = put_back(c, j, w);
	return e != NULL ? e : enqueue(c, j, &w->runs, &w->n, &w->files);
}

static const struct err *say(struct call *c, struct way_back *back)
{
	struct writer w;
	const struct err *e = NULL;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "runs");
	for (size_t i = 0; e == NULL && i < back->n; i++)
		e = view_run(&w, NULL, c, &back->runs[i]);
	w_array_end(&w);
	w_i64(&w, "without_way_back", (int64_t)back->files);
	if (e == NULL && back->dns != NULL)
		e = view_run(&w, "dns", c, back->dns);
	else
		w_null(&w, "dns");
	w_text(&w, "dns_why", back->why);
	w_object_end(&w);
	c->res.status = 202;
	if (back->n > 0)
		call_emit(c, back->runs, back->n);
	if (back->dns != NULL)
		call_emit(c, back->dns, 1);
	return e;
}

const struct err *api_rollback(struct call *c)
{
	const char *reason = "";
	struct way_back back = {0};
	struct job j = {0};
	struct js_at root;
	const struct err *e = call_json(c, &root);

	if (e == NULL) {
		js_multiline(&root, "reason", JS_REQUIRED, 1, 1000, &reason);
		js_known(&root, (const char *const[]){"reason", NULL});
		e = call_bad(c);
	}
	if (e == NULL)
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	if (e == NULL && j.closed)
		e = err_new(ERR_CONFLICT, "the job is closed");
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e == NULL)
		e = store_end(c->app->store, go_back(c, &j, reason, &back));
	if (e == NULL)
		e = say(c, &back);
	job_free(&j);
	return e;
}
