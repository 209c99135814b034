/* Sign-in of local accounts, and who the caller is. */
#include "api.h"

#include <sodium.h>
#include <string.h>

#include "auth.h"
#include "store_user.h"
#include "view.h"

#include "banned.h"

static void set_cookie(struct call *c, const char *value, int64_t max_age_s)
{
	response_header(&c->res, "Set-Cookie",
		AUTH_COOKIE "=%s; Path=" API_PREFIX "; Max-Age=%lld; HttpOnly; SameSite=Strict%s", value,
		(long long)max_age_s, conf_bool(c->app->service->conf, CONF_COOKIE_SECURE) ? "; Secure" : "");
}

static void say_me(struct call *c, const char *key)
{
	struct writer w;

	w_init(&w, &c->res.body);
	if (key != NULL)
		w_object(&w, NULL);
	view_me(&w, key, &c->who, c->app->service->policy.override_roles);
	if (key != NULL)
		w_object_end(&w);
}

const struct err *api_session_create(struct call *c)
{
	int64_t hours = conf_int(c->app->service->conf, CONF_SESSION_HOURS);
	const char *name = NULL, *password = NULL;
	char token[SESSION_TOKEN_SIZE];
	struct user u = {0};
	struct js_at root;
	const struct err *e;

	if (!conf_bool(c->app->service->conf, CONF_LOCAL_ACCOUNTS))
		return err_new(
			ERR_FORBIDDEN, "local accounts are not in use here (MIGRATION_LOCAL_ACCOUNTS)");
	if ((e = call_json(c, &root)) != NULL)
		return e;
	js_str(&root, "user", JS_REQUIRED, 1, 64, &name);
	js_str(&root, "password", JS_REQUIRED, 1, USER_PASSWORD_MAX, &password);
	js_known(&root, (const char *const[]){"user", "password", NULL});
	if ((e = call_bad(c)) != NULL)
		return e;
	e = user_login(c->app->store, name, password, c->now_ms, &u);
	if (e == NULL)
		e = session_create(c->app->store, u.id, hours, c->now_ms, token);
	if (e == NULL)
		e = session_find(c->app->store, token, c->now_ms, &c->who);
	if (e == NULL) {
		set_cookie(c, token, hours * 3600);
		say_me(c, "user");
	}
	sodium_memzero(token, sizeof(token));
	user_free(&u);
	return e;
}

/* No role is asked for: a session that is over already can be left as well. */
const struct err *api_session_delete(struct call *c)
{
	const char *page = request_header(&c->req, "X_REQUESTED_WITH");
	struct buf token = BUF_INIT;
	const struct err *e = NULL;

	if (request_cookie(&c->req, AUTH_COOKIE, &token)) {
		if (page == NULL || strcmp(page, AUTH_PAGE_HEADER) != 0)
			e = err_new(ERR_CSRF, "the header X-Requested-With: " AUTH_PAGE_HEADER " is missing");
		else
			e = session_delete(c->app->store, token.ptr);
	}
	buf_wipe(&token);
	if (e != NULL)
		return e;
	set_cookie(c, "", 0);
	c->res.status = 204;
	return NULL;
}

const struct err *api_me(struct call *c)
{
	say_me(c, NULL);
	return NULL;
}
