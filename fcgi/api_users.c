/* Local accounts. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_user.h"
#include "view.h"

#include "banned.h"

static void say(struct call *c, const struct user *u)
{
	struct writer w;
	char prefix[32];

	w_init(&w, &c->res.body);
	view_user(&w, NULL, u);
	snprintf(prefix, sizeof(prefix), "v%lld-", (long long)u->version);
	call_etag_body(c, prefix);
}

/* Whoever administers one organisation sees and makes accounts of that one only. */
static bool is_foreign(const struct call *c, const struct user *u)
{
	const char *org = call_org(c);

	return org != NULL && strcmp(u->org, org) != 0;
}

static const struct err *own_user(struct call *c, struct user *u)
{
	const struct err *e = user_get(c->app->store, c->args.id, u);

	if (e == NULL && is_foreign(c, u)) {
		user_free(u);
		e = err_new(ERR_NOT_FOUND, "the user does not exist");
	}
	return e;
}

const struct err *api_users_list(struct call *c)
{
	struct user *v = NULL;
	const struct err *e;
	struct writer w;
	int64_t after;
	size_t n = 0, limit;

	call_page(c, &limit, &after);
	if ((e = call_bad(c)) != NULL)
		return e;
	if ((e = user_list(c->app->store, after, limit, call_org(c), &v, &n)) != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; i < n; i++)
		view_user(&w, NULL, &v[i]);
	w_array_end(&w);
	view_next(&w, n == limit ? v[n - 1].id : 0);
	w_object_end(&w);
	users_free(v, n);
	call_etag_body(c, "");
	return NULL;
}

/* Roles of people: a worker is known by its key. */
static bool person_role(const char *s, enum role *out)
{
	return role_parse(s, out) && *out != ROLE_WORKER;
}

static void replace(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static void read_fields(const struct js_at *root, enum js_need need, struct user *u, const char **password)
{
	const char *s;

	if (js_str(root, "display_name", JS_OPTIONAL, 0, 200, &s))
		replace(&u->display_name, s);
	if (js_str(root, "org", JS_OPTIONAL, 0, 64, &s))
		replace(&u->org, s);
	js_word(root, "role", need, person_role, &u->role);
	js_str(root, "password", need, USER_PASSWORD_MIN, USER_PASSWORD_MAX, password);
}

const struct err *api_users_create(struct call *c)
{
	const char *name = "", *password = NULL;
	struct user u = {0};
	struct js_at root;
	const struct err *e;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	u.display_name = xstrdup("");
	u.org = xstrdup(call_org(c) != NULL ? call_org(c) : "");
	js_str(&root, "name", JS_REQUIRED, 1, 64, &name);
	read_fields(&root, JS_REQUIRED, &u, &password);
	js_known(&root, (const char *const[]){"name", "display_name", "org", "role", "password", NULL});
	if (is_foreign(c, &u))
		js_problem(&root, "org", "not the organisation that you administer");
	u.name = xstrdup(name);
	e = call_bad(c);
	if (e == NULL)
		e = user_insert(c->app->store, &u, password, &c->by);
	if (e == NULL) {
		call_created(c, "/users/%lld", (long long)u.id);
		say(c, &u);
	}
	user_free(&u);
	return e;
}

const struct err *api_users_update(struct call *c)
{
	const char *password = NULL;
	struct user u = {0};
	struct js_at root;
	const struct err *e;
	int64_t version;

	if ((e = call_if_match_version(c, &version)) != NULL || (e = call_json(c, &root)) != NULL)
		return e;
	if ((e = own_user(c, &u)) != NULL)
		return e;
	u.version = version;
	read_fields(&root, JS_OPTIONAL, &u, &password);
	js_bool(&root, "disabled", JS_OPTIONAL, &u.disabled);
	js_known(&root, (const char *const[]){"display_name", "org", "role", "password", "disabled", NULL});
	if (c->who.user_id == u.id && (u.disabled || u.role != c->who.role))
		js_problem(&root, u.disabled ? "disabled" : "role", "not of the account that you are using");
	if (is_foreign(c, &u))
		js_problem(&root, "org", "not the organisation that you administer");
	e = call_bad(c);
	if (e == NULL)
		e = user_update(c->app->store, &u, password, &c->by);
	if (e == NULL)
		say(c, &u);
	user_free(&u);
	return e;
}

const struct err *api_users_delete(struct call *c)
{
	struct user u = {0};
	const struct err *e;

	if (c->who.user_id == c->args.id)
		return err_new(ERR_CONFLICT, "this is the account that you are using");
	e = own_user(c, &u);
	user_free(&u);
	if (e != NULL || (e = user_delete(c->app->store, c->args.id, &c->by)) != NULL)
		return e;
	c->res.status = 204;
	return NULL;
}
