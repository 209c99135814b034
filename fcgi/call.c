#include "call.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "clock.h"
#include "idempotency.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 500

static const struct err *find(struct call *c, struct buf *allow)
{
	const char *bad;
	const struct err *e = route_find(routes, routes_count, &c->req, &c->route, &c->args, &bad, allow);
	char pointer[32];

	if (bad != NULL) {
		snprintf(pointer, sizeof(pointer), "path:%s", bad);
		js_problems_add(&c->bad, pointer, "not_found", "%s", e->msg);
	}
	return e;
}

static bool is_loopback(const char *addr)
{
	return addr != NULL &&
	       (str_starts(addr, "127.") || strcmp(addr, "::1") == 0 || strcmp(addr, "unix:") == 0);
}

static const struct err *check_service(struct call *c)
{
	if (!(c->route->flags & ROUTE_ALWAYS) && !c->app->service->policy.enabled)
		return err_new(ERR_DISABLED, "MIGRATION_ENABLED is false");
	if ((c->route->flags & ROUTE_LOOPBACK) && !is_loopback(request_param(&c->req, "REMOTE_ADDR")))
		return err_new(ERR_FORBIDDEN, "this is for the machine itself only");
	return c->route->flags & ROUTE_NO_DB ? NULL : app_refresh(c->app);
}

static const struct err *check_caller(struct call *c)
{
	const struct err *e;

	if (c->route->roles == ROLES_NONE)
		return NULL;
	if ((e = auth_identify(c)) != NULL)
		return e;
	if (!route_allows(c->route, c->who.role, c->app->service->policy.override_roles))
		return err_new(ERR_FORBIDDEN, "the role %s may not do this", role_name(c->who.role));
	return NULL;
}

static const struct err *check_input(struct call *c)
{
	const char *bad = route_bad_query(c->route, &c->req);
	char pointer[REQUEST_QUERY_MAX + 2];

	if (bad != NULL) {
		snprintf(pointer, sizeof(pointer), "?%s", bad);
		call_problem(c, pointer, "not a parameter of this request, or given twice");
		return call_bad(c);
	}
	if ((c->route->flags & ROUTE_IF_MATCH) && request_header(&c->req, "IF_MATCH") == NULL)
		return err_new(ERR_PRECONDITION_REQUIRED, "send the ETag that you have seen as If-Match");
	return NULL;
}

/* One type for all: a body of another type is refused before it is read. */
static const struct err *check_type(struct call *c)
{
	const char *type = request_param(&c->req, "CONTENT_TYPE");

	if (c->route->body_max == 0 || c->route->flags & (ROUTE_RAW | ROUTE_STREAM) || type == NULL || *type == '\0')
		return NULL;
	if (request_is_type(&c->req, "application/json"))
		return NULL;
	if (c->route->flags & ROUTE_CSV && request_is_type(&c->req, "text/csv"))
		return NULL;
	return err_new(ERR_MEDIA_TYPE, "application/json%s is expected",
		c->route->flags & ROUTE_CSV ? " or text/csv" : "");
}

static void emit(struct call *c)
{
	const struct err *e;

	for (size_t i = 0; i < c->n_emit; i++) {
		const struct run *r = &c->emit[i];

		if (r->held || r->status != RUN_QUEUED || c->app->queue == NULL)
			continue;
		if ((e = queue_emit(c->app->queue, r)) != NULL)
			log_warn("run %lld: its file could not be written, the keeper tries again: %s",
				(long long)r->id, e->msg);
	}
}

/* Before the handler and after: its own answer must not come from what was remembered either. */
static void note_write(struct call *c)
{
	if (c->req.method != METHOD_GET)
		c->app->writes++;
}

static const struct err *answer(
	struct call *c, char *const *env, const struct body *body, struct buf *allow)
{
	const struct err *bad = request_parse(&c->req, env), *e;

	e = find(c, allow);
	if (e == NULL)
		e = check_service(c);
	if (e == NULL)
		e = check_caller(c);
	if (e == NULL)
		e = bad;
	if (e == NULL)
		e = check_input(c);
	if (e == NULL)
		e = check_type(c);
	c->in = body;
	if (e == NULL && c->route->body_max > 0 && !(c->route->flags & ROUTE_STREAM))
		e = body_read(body, &c->req, c->route->body_max);
	note_write(c);
	if (e == NULL)
		e = c->route->flags & ROUTE_IDEMPOTENT ? idempotency_run(c) : c->route->handler(c);
	if (e == NULL)
		emit(c);
	return e;
}

static void refuse(struct call *c, const struct err *e, const struct buf *allow)
{
	struct buf said = BUF_INIT;

	/* tus says in headers what stands although this did not go well */
	if (c->route != NULL && str_starts(c->route->path, "/uploads"))
		buf_add(&said, c->res.headers.ptr, c->res.headers.len);
	problem_write(&c->res, e, &c->bad, c->req.lang, c->extra);
	buf_add(&c->res.headers, said.ptr, said.len);
	buf_free(&said);
	if (e->id == ERR_METHOD)
		response_header(&c->res, "Allow", "%s", allow->ptr);
	if (c->res.status == 401)
		response_header(&c->res, "WWW-Authenticate", "Bearer realm=\"desk-migration\"");
	if (c->res.status == 503)
		response_header(&c->res, "Retry-After", "2");
}

void call_answer(struct call *c, struct app *app, char *const *env, const struct body *body)
{
	struct buf allow = BUF_INIT;
	const struct err *e;

	memset(c, 0, sizeof(*c));
	c->app = app;
	c->now_ms = clock_now_ms();
	response_init(&c->res);
	e = answer(c, env, body, &allow);
	if (e != NULL)
		refuse(c, e, &allow);
	note_write(c);
	buf_free(&allow);
}

void call_free(struct call *c)
{
	json_decref(c->json);
	js_problems_free(&c->bad);
	runs_free(c->emit, c->n_emit);
	free(c->extra);
	free(c->who_text);
	principal_free(&c->who);
	response_free(&c->res);
	request_free(&c->req);
}

const struct err *call_json_any(struct call *c, struct js_at *root)
{
	const struct err *e;

	if (c->json == NULL) {
		if (c->req.body.len == 0)
			return err_new(ERR_JSON, "a JSON document is expected, the body is empty");
		if ((e = js_parse(&c->json, c->req.body.ptr, c->req.body.len)) != NULL)
			return e;
	}
	*root = js_root(c->json, &c->bad);
	return NULL;
}

const struct err *call_json(struct call *c, struct js_at *root)
{
	const struct err *e = call_json_any(c, root);

	if (e == NULL && !json_is_object(root->v)) {
		call_problem(c, "", "an object is expected");
		e = call_bad(c);
	}
	return e;
}

const struct err *call_json_or_empty(struct call *c, struct js_at *root)
{
	if (c->req.body.len == 0 && c->json == NULL)
		c->json = json_object();
	return call_json(c, root);
}

const struct err *call_bad(const struct call *c)
{
	return js_problems_err(&c->bad);
}

void call_problem(struct call *c, const char *pointer, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	js_problems_add(&c->bad, pointer, "input.invalid", "%s", text.ptr);
	buf_free(&text);
}

const char *call_org(const struct call *c)
{
	if (!conf_bool(c->app->service->conf, CONF_TENANTS) || c->who.role == ROLE_WORKER)
		return NULL;
	/* Whoever serves the whole installation has no organisation of his own. */
	if (*c->who.org == '\0' && (c->who.role == ROLE_SUPER_ADMIN || c->who.role == ROLE_GATE_READER))
		return NULL;
	return c->who.org;
}

void call_emit(struct call *c, struct run *v, size_t n)
{
	c->emit = xreallocarray(c->emit, c->n_emit + n, sizeof(*v));
	if (n > 0)
		memcpy(c->emit + c->n_emit, v, n * sizeof(*v));
	c->n_emit += n;
	free(v);
}

void call_page(struct call *c, size_t *limit, int64_t *after)
{
	const char *s;
	int64_t n = PAGE_DEFAULT;

	*after = 0;
	if ((s = request_query(&c->req, "limit")) != NULL && !str_i64(s, 1, PAGE_MAX, &n))
		call_problem(c, "?limit", "a number from 1 to %d", PAGE_MAX);
	if ((s = request_query(&c->req, "cursor")) != NULL && !str_i64(s, 1, INT64_MAX, after))
		call_problem(c, "?cursor", "not a cursor that a list has given");
	*limit = (size_t)n;
}

/* Whether a list of entity tags names this one; weak comparison (RFC 9110, 8.8.3.2). */
static bool list_names(const char *list, const char *etag)
{
	size_t n = strlen(etag);

	while (*list != '\0') {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (str_starts(list, "W/"))
			list += 2;
		if (*list == '"' && strncmp(list + 1, etag, n) == 0 && list[1 + n] == '"')
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

void call_etag(struct call *c, const char *etag)
{
	const char *known = request_header(&c->req, "IF_NONE_MATCH");

	response_etag(&c->res, etag);
	if (c->req.method == METHOD_GET && known != NULL && list_names(known, etag)) {
		c->res.status = 304;
		buf_reset(&c->res.body);
	}
}

void call_etag_body(struct call *c, const char *prefix)
{
	unsigned char digest[16];
	struct buf etag = BUF_INIT;

	crypto_generichash(
		digest, sizeof(digest), (const unsigned char *)c->res.body.ptr, c->res.body.len, NULL, 0);
	buf_adds(&etag, prefix);
	str_hex(&etag, digest, sizeof(digest));
	call_etag(c, etag.ptr);
	buf_free(&etag);
}

const char *call_if_match(struct call *c)
{
	const char *s = request_header(&c->req, "IF_MATCH");
	static char tag[128]; /* one request at a time */
	size_t n;

	if (s == NULL)
		return NULL;
	n = strlen(s);
	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(tag) || memchr(s, '"', n) != NULL || memchr(s, ',', n) != NULL) {
		call_problem(c, "header:If-Match", "exactly one entity tag is expected");
		return NULL;
	}
	memcpy(tag, s, n);
	tag[n] = '\0';
	return tag;
}

const struct err *call_if_match_version(struct call *c, int64_t *version)
{
	const char *tag = call_if_match(c), *digits;
	char text[24];
	size_t n;

	if (tag == NULL)
		return c->bad.n > 0 ? call_bad(c) : err_new(ERR_PRECONDITION_REQUIRED, "If-Match is missing");
	digits = tag + (tag[0] == 'v');
	n = strcspn(digits, "-");
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	memcpy(text, digits, n);
	text[n] = '\0';
	if (!str_i64(text, 1, INT64_MAX, version))
		return err_new(ERR_PRECONDITION, "the ETag in If-Match was never given for this");
	return NULL;
}

const struct err *call_nothing(struct call *c)
{
	struct js_at root;
	const struct err *e = call_json_or_empty(c, &root);

	if (e != NULL)
		return e;
	js_known(&root, (const char *const[]){NULL});
	return call_bad(c);
}

const struct err *call_flag(struct call *c, const char *name, bool *v)
{
	struct js_at root;
	const struct err *e = call_json_or_empty(c, &root);

	if (e != NULL)
		return e;
	js_bool(&root, name, JS_OPTIONAL, v);
	js_known(&root, (const char *const[]){name, NULL});
	return call_bad(c);
}

const struct err *call_worker(const struct call *c, const char *name)
{
	if (name != NULL && strcmp(name, c->who.sub) != 0)
		return err_new(ERR_FORBIDDEN, "the token is not of the worker that the body names");
	return NULL;
}

void call_created(struct call *c, const char *fmt, ...)
{
	struct buf path = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&path, fmt, ap);
	va_end(ap);
	c->res.status = 201;
	response_header(&c->res, "Location", API_PREFIX "%s", path.ptr);
	buf_free(&path);
}
