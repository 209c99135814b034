#include "auth.h"

#include <stdlib.h>
#include <string.h>

#include "store_user.h"
#include "store_worker.h"
#include "token.h"

#include "banned.h"

/* The row is read each time: a worker that was revoked is out at once. */
static const struct err *identify_worker(struct call *c, const char *name, const char *token, size_t n)
{
	const char *aud = conf_str(c->app->service->conf, CONF_JWT_AUDIENCE);
	struct issuer *issuer = NULL;
	struct worker w = {0};
	const struct err *e;

	e = worker_get(c->app->store, name, false, &w);
	if (e != NULL && e->id == ERR_NOT_FOUND)
		e = err_new(ERR_AUTH_TOKEN, "the worker that issued the token is not known");
	if (e == NULL)
		e = issuer_worker(&issuer, w.name, w.public_key, *aud != '\0' ? aud : "desk-migration");
	if (e == NULL)
		e = token_verify_issuer(issuer, token, n, c->now_ms / 1000, &c->who);
	if (e == NULL)
		e = worker_seen(c->app->store, w.name, NULL, c->now_ms);
	issuer_free(issuer);
	worker_free(&w);
	return e;
}

static const struct err *identify_bearer(struct call *c, const char *token)
{
	size_t n = strlen(token);
	char name[80];

	if (token_worker_name(token, n, name, sizeof(name)))
		return identify_worker(c, name, token, n);
	return token_verify(c->app->service->issuers, token, n, c->now_ms / 1000, &c->who);
}

static const struct err *identify_cookie(struct call *c, const char *token)
{
	const char *page = request_header(&c->req, "X_REQUESTED_WITH");
	const struct err *e;

	if (!conf_bool(c->app->service->conf, CONF_LOCAL_ACCOUNTS))
		return err_new(ERR_AUTH_REQUIRED, "local accounts are not in use here");
	e = session_find(c->app->store, token, c->now_ms, &c->who);
	if (e != NULL)
		return e;
	if (c->req.method != METHOD_GET && (page == NULL || strcmp(page, AUTH_PAGE_HEADER) != 0))
		return err_new(ERR_CSRF, "the header X-Requested-With: " AUTH_PAGE_HEADER " is missing");
	return NULL;
}

const struct err *auth_identify(struct call *c)
{
	const char *token = request_bearer(&c->req);
	struct buf cookie = BUF_INIT;
	const struct err *e;

	if (token != NULL)
		e = identify_bearer(c, token);
	else if (request_cookie(&c->req, AUTH_COOKIE, &cookie))
		e = identify_cookie(c, cookie.ptr);
	else
		e = err_new(ERR_AUTH_REQUIRED, "neither a bearer token nor a session");
	buf_wipe(&cookie);
	if (e != NULL)
		return e;
	c->who_text = principal_text(&c->who);
	c->by.who = c->who_text;
	c->by.role = role_name(c->who.role);
	return NULL;
}
