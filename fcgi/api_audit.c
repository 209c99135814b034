/* The audit trail, newest first. */
#include "api.h"

#include "store_audit.h"
#include "store_job.h"
#include "str.h"
#include "view.h"

#include "banned.h"

static void row(struct writer *w, const struct audit_row *r)
{
	w_object(w, NULL);
	w_i64(w, "id", r->id);
	w_time(w, "at", r->at);
	w_str(w, "actor", r->actor);
	w_text(w, "role", r->role);
	w_str(w, "action", r->action);
	if (r->job_id != 0)
		w_i64(w, "job_id", r->job_id);
	else
		w_null(w, "job_id");
	w_text(w, "subject", r->subject);
	w_json(w, "detail", r->detail);
	w_str(w, "hash", r->hash);
	w_object_end(w);
}

/* Whoever belongs to an organisation sees the trail of its jobs only, one at a time. */
static const struct err *may_see(struct call *c, int64_t job_id)
{
	struct job j = {0};
	const struct err *e;

	if (call_org(c) == NULL)
		return NULL;
	if (job_id == 0) {
		call_problem(c, "?job_id", "required here");
		return call_bad(c);
	}
	e = job_get(c->app->store, job_id, call_org(c), &j);
	job_free(&j);
	return e;
}

const struct err *api_audit(struct call *c)
{
	const char *s = request_query(&c->req, "job_id");
	struct audit_row *v = NULL;
	int64_t job_id = 0, before;
	const struct err *e;
	struct writer w;
	size_t n = 0, limit;

	call_page(c, &limit, &before);
	if (s != NULL && !str_i64(s, 1, INT64_MAX, &job_id))
		call_problem(c, "?job_id", "not a number");
	if ((e = call_bad(c)) != NULL || (e = may_see(c, job_id)) != NULL)
		return e;
	if ((e = audit_list(c->app->store, job_id, before, limit, &v, &n)) != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; i < n; i++)
		row(&w, &v[i]);
	w_array_end(&w);
	view_next(&w, n == limit ? v[n - 1].id : 0);
	w_object_end(&w);
	audit_rows_free(v, n);
	call_etag_body(c, "");
	return NULL;
}
