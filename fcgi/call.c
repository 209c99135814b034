#include "call.h"

#include <stdio.h>
#include <string.h>

#include "app.h"
#include "log.h"

#include "banned.h"

static const struct err *check_input(struct call *c)
{
	const char *bad = route_bad_query(c->route, &c->req);
	char pointer[64];

	if (bad == NULL)
		return NULL;
	snprintf(pointer, sizeof(pointer), "?%s", bad);
	fields_add(&c->fields, pointer, ERR_INPUT, "not a parameter of this request, or given twice");
	return fields_verdict(&c->fields);
}

static const struct err *find(struct call *c, struct buf *allow)
{
	const char *bad;
	const struct err *e = route_find(routes, routes_count, &c->req, &c->route, &c->args, &bad, allow);
	char pointer[32];

	if (bad != NULL) {
		snprintf(pointer, sizeof(pointer), "path:%s", bad);
		fields_add(&c->fields, pointer, ERR_NOT_FOUND, "%s", e->msg);
	}
	return e;
}

static const struct err *answer(struct call *c, char *const *env, body_reader read_body, void *stream, struct buf *allow)
{
	const struct err *e = request_parse(&c->req, env);

	if (e == NULL)
		e = find(c, allow);
	if (e == NULL)
		e = check_input(c);
	if (e == NULL && c->route->body_max > 0)
		e = read_body(stream, &c->req, c->route->body_max);
	if (e == NULL)
		e = c->route->handler(c);
	return e;
}

void call_answer(struct call *c, struct app *app, char *const *env, body_reader read_body, void *stream)
{
	struct buf allow = BUF_INIT;
	const struct err *e;

	memset(c, 0, sizeof(*c));
	c->app = app;
	response_init(&c->res);
	e = answer(c, env, read_body, stream, &allow);
	if (e != NULL) {
		problem_write(&c->res, e, &c->fields, c->req.lang, NULL);
		if (allow.len > 0)
			response_header(&c->res, "Allow", "%s", allow.ptr);
	}
	buf_free(&allow);
}

void call_free(struct call *c)
{
	fields_free(&c->fields);
	response_free(&c->res);
	request_free(&c->req);
}
