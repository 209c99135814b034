/* A job's report: a run makes it, these serve the files of the last one that was done. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "store_artefact.h"
#include "view.h"

#include "banned.h"

const struct err *api_report_make(struct call *c)
{
	struct run_request q = {.kind = RUN_REPORT, .engine = ENGINE_NATIVE};
	struct run *v = NULL;
	struct job j = {0};
	const struct err *e;
	struct writer w;

	if ((e = call_nothing(c)) != NULL || (e = job_get(c->app->store, c->args.id, call_org(c), &j)) != NULL)
		return e;
	q.job_id = j.id;
	job_free(&j);
	/* in the language of who asks */
	q.options = c->req.lang == LANG_PT ? "{\"language\":\"pt\"}" : "{\"language\":\"en\"}";
	if ((e = run_enqueue(c->app->store, &q, 1, false, &c->by, &v, NULL)) != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "runs");
	e = view_run(&w, NULL, c, &v[0]);
	w_array_end(&w);
	w_object_end(&w);
	call_emit(c, v, 1);
	c->res.status = 202;
	return e;
}

static const struct err *last_report(struct call *c, int64_t *run_id, int64_t *attempt)
{
	struct run_filter f = {.kind = RUN_REPORT, .status = RUN_SUCCEEDED, .limit = 1};
	struct run *v = NULL;
	struct job j = {0};
	size_t n = 0;
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);

	f.job_id = j.id;
	job_free(&j);
	if (e == NULL)
		e = run_list(c->app->store, &f, &v, &n);
	if (e == NULL && n == 0)
		e = err_new(ERR_NOT_FOUND, "no report has been made of job %lld: POST …/jobs/%lld/report first",
			(long long)c->args.id, (long long)c->args.id);
	if (e == NULL) {
		*run_id = v[0].id;
		*attempt = v[0].attempt;
	}
	runs_free(v, n);
	return e;
}

static const struct err *serve(struct call *c, const char *name, const char *type)
{
	int64_t run_id = 0, attempt = 0;
	struct artefact a = {0};
	const struct err *e = last_report(c, &run_id, &attempt);
	char stored[64];
	off_t size;

	if (e != NULL)
		return e;
	if (attempt > 1)
		snprintf(stored, sizeof(stored), "a%lld-%s", (long long)attempt, name);
	else
		snprintf(stored, sizeof(stored), "%s", name);
	e = artefact_get(c->app->store, run_id, stored, &a);
	if (e == NULL && !a.complete)
		e = err_new(ERR_NOT_FOUND, "%s of run %lld is not complete", name, (long long)run_id);
	if (e == NULL)
		e = artefact_open(c->app, run_id, stored, &c->res.fd, &size);
	if (e == NULL) {
		c->res.type = type;
		response_header(&c->res, "Content-Disposition", "attachment; filename=\"job-%lld-%s\"",
			(long long)c->args.id, name);
		response_header(&c->res, "Migration-Run", "%lld", (long long)run_id);
		call_etag(c, a.sha256);
		c->res.length = c->res.status == 304 ? 0 : size;
	}
	artefact_free(&a);
	return e;
}

const struct err *api_report_pdf(struct call *c)
{
	return serve(c, "report.pdf", "application/pdf");
}

const struct err *api_report_csv(struct call *c)
{
	return serve(c, "report.csv", "text/csv; charset=utf-8");
}

const struct err *api_certificate(struct call *c)
{
	return serve(c, "certificate.json", "application/json");
}
