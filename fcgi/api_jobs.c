/* Jobs: one company's move. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "endpoint_input.h"
#include "folders_input.h"
#include "mem.h"
#include "view.h"

#include "banned.h"

#define DOMAINS_MAX 100

static const struct err *say(struct call *c, const struct job *j)
{
	struct writer w;
	const struct err *e;
	char prefix[32];

	w_init(&w, &c->res.body);
	e = view_job(&w, NULL, c, j);
	snprintf(prefix, sizeof(prefix), "v%lld-", (long long)j->version);
	if (e == NULL)
		call_etag_body(c, prefix);
	return e;
}

static void replace(char **p, char *value)
{
	free(*p);
	*p = value;
}

static void free_domains(struct job *j)
{
	for (size_t i = 0; i < j->n_domains; i++)
		free(j->domains[i]);
	free(j->domains);
	j->domains = NULL;
	j->n_domains = 0;
}

static void add_domain(struct job *j, const struct js_at *at, char *domain)
{
	for (size_t i = 0; i < j->n_domains; i++)
		if (strcmp(j->domains[i], domain) == 0) {
			js_problem(at, NULL, "%s stands here twice", domain);
			free(domain);
			return;
		}
	j->domains = xreallocarray(j->domains, j->n_domains + 1, sizeof(*j->domains));
	j->domains[j->n_domains++] = domain;
}

static void read_domains(const struct js_at *root, enum js_need need, struct job *j)
{
	const struct err *e;
	struct js_at list;
	const char *s;
	char *domain;

	if (!js_array(root, "domains", need, 1, DOMAINS_MAX, &list))
		return;
	free_domains(j);
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct js_at item = js_item(&list, i);

		if (!js_str_item(&item, 1, 253, &s))
			continue;
		if ((e = domain_normalise(s, &domain)) != NULL)
			js_problem(&item, NULL, "%s", e->msg);
		else
			add_domain(j, &item, domain);
	}
}

/* What POST and PATCH have in common; what is absent stays as it is in *j. */
static void read_fields(struct call *c, const struct js_at *root, struct job *j)
{
	const struct conf *conf = c->app->service->conf;
	struct js_at at;
	const char *s;

	if (js_str(root, "ticket", JS_OPTIONAL, 0, 64, &s))
		replace(&j->ticket, xstrdup(s));
	if (js_str(root, "title", JS_OPTIONAL, 0, 200, &s))
		replace(&j->title, xstrdup(s));
	js_word(root, "engine", JS_OPTIONAL, engine_kind_parse, &j->engine);
	if (js_object(root, "source", JS_OPTIONAL, &at))
		replace(&j->source, endpoint_job_json(&at, SIDE_SOURCE, conf));
	if (js_object(root, "destination", JS_OPTIONAL, &at))
		replace(&j->destination, endpoint_job_json(&at, SIDE_DESTINATION, conf));
	if (js_object(root, "options", JS_OPTIONAL, &at))
		replace(&j->options, options_json(&at));
}

const struct err *api_jobs_create(struct call *c)
{
	struct job j = {0};
	struct js_at root;
	const struct err *e;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	j.org = xstrdup(c->who.org);
	j.ticket = xstrdup("");
	j.title = xstrdup("");
	j.source = xstrdup("{}");
	j.destination = xstrdup("{}");
	j.options = xstrdup("{}");
	j.created_by = xstrdup(c->who_text);
	read_domains(&root, JS_REQUIRED, &j);
	read_fields(c, &root, &j);
	js_known(&root, (const char *const[]){"domains", "ticket", "title", "engine", "source", "destination",
				"options", NULL});
	e = call_bad(c);
	if (e == NULL)
		e = job_insert(c->app->store, &j, &c->by);
	if (e == NULL) {
		call_created(c, "/jobs/%lld", (long long)j.id);
		e = say(c, &j);
	}
	job_free(&j);
	return e;
}

const struct err *api_jobs_get(struct call *c)
{
	struct job j = {0};
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);

	if (e == NULL)
		e = say(c, &j);
	job_free(&j);
	return e;
}

static bool status_parse(const char *s, bool *closed)
{
	*closed = strcmp(s, "closed") == 0;
	return *closed || strcmp(s, "open") == 0;
}

const struct err *api_jobs_update(struct call *c)
{
	struct job j = {0};
	struct js_at root;
	const struct err *e;
	int64_t version;

	if ((e = call_if_match_version(c, &version)) != NULL || (e = call_json(c, &root)) != NULL)
		return e;
	if ((e = job_get(c->app->store, c->args.id, call_org(c), &j)) != NULL)
		return e;
	j.version = version;
	read_domains(&root, JS_OPTIONAL, &j);
	read_fields(c, &root, &j);
	js_word(&root, "status", JS_OPTIONAL, status_parse, &j.closed);
	js_known(&root, (const char *const[]){"domains", "ticket", "title", "engine", "source", "destination",
				"options", "status", NULL});
	e = call_bad(c);
	if (e == NULL)
		e = job_update(c->app->store, &j, &c->by);
	if (e == NULL) {
		job_free(&j);
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	}
	if (e == NULL)
		e = say(c, &j);
	job_free(&j);
	return e;
}

const struct err *api_jobs_close(struct call *c)
{
	struct job j = {0};
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);
	int64_t version;

	if (e == NULL && request_header(&c->req, "IF_MATCH") != NULL &&
		(e = call_if_match_version(c, &version)) == NULL)
		j.version = version;
	if (e == NULL && !j.closed) {
		j.closed = true;
		e = job_update(c->app->store, &j, &c->by);
	}
	job_free(&j);
	if (e == NULL)
		c->res.status = 204;
	return e;
}

static void read_filter(struct call *c, struct job_filter *f, char **domain)
{
	const char *status = request_query(&c->req, "status"), *s = request_query(&c->req, "domain");
	const struct err *e;
	bool closed;

	f->org = call_org(c);
	f->closed = -1;
	if (status != NULL) {
		if (status_parse(status, &closed))
			f->closed = closed;
		else
			call_problem(c, "?status", "open or closed");
	}
	if (s != NULL && (e = domain_normalise(s, domain)) != NULL)
		call_problem(c, "?domain", "%s", e->msg);
	f->domain = *domain;
	f->q = request_query(&c->req, "q");
	if (f->q != NULL && (*f->q == '\0' || strlen(f->q) > 200)) {
		if (*f->q != '\0')
			call_problem(c, "?q", "at most 200 bytes");
		f->q = NULL;
	}
	call_page(c, &f->limit, &f->before);
}

const struct err *api_jobs_list(struct call *c)
{
	struct job_filter f = {0};
	struct job *v = NULL;
	char *domain = NULL;
	const struct err *e;
	struct writer w;
	size_t n = 0;

	read_filter(c, &f, &domain);
	e = call_bad(c);
	if (e == NULL)
		e = job_list(c->app->store, &f, &v, &n);
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; e == NULL && i < n; i++)
		e = view_job(&w, NULL, c, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == f.limit ? v[n - 1].id : 0);
	w_object_end(&w);
	jobs_free(v, n);
	free(domain);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}
