/* Changing DNS: only from a gate that is ready and has been seen, once at a time, with leave asked again by the
 * worker's program just before it writes. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "dns_order.h"
#include "store_dns.h"
#include "view.h"

#include "banned.h"

static const struct err *change(struct call *c, bool back)
{
	struct job j = {0};
	struct run *v = NULL;
	const struct err *e = call_nothing(c);

	if (e == NULL)
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e == NULL)
		e = store_end(c->app->store, back ? dns_order_restore(c, &j, &v) : dns_order_apply(c, &j, &v));
	if (e == NULL)
		e = view_run_accepted(c, v);
	job_free(&j);
	return e;
}

const struct err *api_dns_apply(struct call *c)
{
	return change(c, false);
}

const struct err *api_dns_rollback(struct call *c)
{
	return change(c, true);
}

/* The worker's program, just before it writes: the gate again, and the old set kept. */
static const struct err *permit(struct call *c, const char *word, const char *records)
{
	struct run r = {0};
	json_t *o = NULL;
	const char *action, *etag;
	const struct err *e = dns_permit_check(c->app->store, c->args.id, word, &r);

	if (e == NULL) {
		o = js_column(r.options);
		action = json_string_value(json_object_get(o, "action"));
		etag = json_string_value(json_object_get(o, "etag"));
		if (action == NULL || (strcmp(action, "apply") == 0 && etag == NULL))
			e = err_new(ERR_GATE_CLOSED, "run %lld was not ordered here", (long long)r.id);
		else if (strcmp(action, "apply") == 0)
			e = dns_order_gate(c, r.job_id, etag);
	}
	if (e == NULL)
		e = dns_saved_put(c->app->store, &r, records, c->now_ms);
	json_decref(o);
	run_free(&r);
	return e;
}

const struct err *api_dns_permit(struct call *c)
{
	const char *word = "";
	struct js_at root, records;
	struct writer w;
	char *text = NULL;
	const struct err *e = call_json(c, &root);

	if (e != NULL)
		return e;
	js_str(&root, "permit", JS_REQUIRED, 16, 128, &word);
	if (js_object(&root, "records", JS_REQUIRED, &records))
		text = js_text(records.v);
	js_known(&root, (const char *const[]){"permit", "records", NULL});
	e = call_bad(c);
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e == NULL)
		e = store_end(c->app->store, permit(c, word, text));
	free(text);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_bool(&w, "go", true);
	w_object_end(&w);
	return NULL;
}
