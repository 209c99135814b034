/*
 * The way back: the gate says blocked (rolled_back) at once, and what the new server has
 * beyond the old one is copied there; nothing is ever deleted. The saved records are put back by dns/rollback.
 */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_audit.h"
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

static const struct err *go_back(struct call *c, const struct job *j, const char *reason, struct run **v, size_t *n,
	size_t *files)
{
	json_t *o = json_pack("{s:s}", "reason", reason);
	char *detail = js_text(o);
	const struct err *e = watch_rolled_back(c->app->store, j->id, detail, &c->by, c->now_ms);

	json_decref(o);
	free(detail);
	return e != NULL ? e : enqueue(c, j, v, n, files);
}

const struct err *api_rollback(struct call *c)
{
	const char *reason = "";
	struct run *v = NULL;
	struct job j = {0};
	size_t n = 0, files = 0;
	struct js_at root;
	struct writer w;
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
		e = store_end(c->app->store, go_back(c, &j, reason, &v, &n, &files));
	if (e == NULL) {
		w_init(&w, &c->res.body);
		w_object(&w, NULL);
		w_array(&w, "runs");
		for (size_t i = 0; e == NULL && i < n; i++)
			e = view_run(&w, NULL, c, &v[i]);
		w_array_end(&w);
		w_i64(&w, "without_way_back", (int64_t)files);
		w_object_end(&w);
		c->res.status = 202;
		if (n > 0)
			call_emit(c, v, n);
	}
	job_free(&j);
	return e;
}
