#include "unit.h"

#include <string.h>

#include "router.h"

static const struct err *look(const char *method, const char *path, const struct route **out,
	struct route_args *args, const char **bad, struct buf *allow, struct request *r)
{
	static char uri[512], verb[32];
	char *env[] = {verb, uri, NULL};

	snprintf(verb, sizeof(verb), "REQUEST_METHOD=%s", method);
	snprintf(uri, sizeof(uri), "REQUEST_URI=" API_PREFIX "%s", path);
	assert_null(request_parse(r, env));
	return route_find(routes, routes_count, r, out, args, bad, allow);
}

/* A path of the row's pattern with arguments filled in. */
static void example(const char *pattern, char *out, size_t size)
{
	size_t n = 0;

	while (*pattern != '\0' && n + 1 < size) {
		if (strncmp(pattern, "{id}", 4) == 0) {
			out[n++] = '7';
			pattern += 4;
		} else if (strncmp(pattern, "{n}", 3) == 0) {
			out[n++] = '3';
			pattern += 3;
		} else if (strncmp(pattern, "{name}", 6) == 0) {
			memcpy(out + n, "a.b", 3);
			n += 3;
			pattern += 6;
		} else {
			out[n++] = *pattern++;
		}
	}
	out[n] = '\0';
}

/* Each row is reached by its own example and by no other row's. */
static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *found;
		struct route_args args;
		struct buf allow = BUF_INIT;
		struct request r;
		const char *bad;
		char path[256];

		example(routes[i].path, path, sizeof(path));
		assert_null(look(method_name(routes[i].method), path, &found, &args, &bad, &allow, &r));
		assert_string_equal(found->name, routes[i].name);
		if (strstr(routes[i].path, "{id}") != NULL)
			assert_int_equal(args.id, 7);
		if (strstr(routes[i].path, "{n}") != NULL)
			assert_int_equal(args.n, 3);
		if (strstr(routes[i].path, "{name}") != NULL)
			assert_string_equal(args.name, "a.b");
		request_free(&r);
		buf_free(&allow);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(routes[i].name, routes[k].name);
	}
}

/* What every row must promise. */
static void requirements(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		bool open = strcmp(r->name, "session.create") == 0 || strcmp(r->name, "session.delete") == 0 ||
			r->method == METHOD_OPTIONS || strcmp(r->name, "webhooks.dns") == 0 || /* a signature, not a role */
			strcmp(r->name, "dns.permit") == 0; /* the key that the run's claim carried */

		assert_non_null(r->handler);
		if (r->method != METHOD_GET && !open)
			assert_int_not_equal(r->roles, ROLES_NONE);
		if (r->roles == ROLES_W)
			assert_int_equal(r->pool, POOL_WORKER);
		else
			assert_false(r->roles & ROLE(WORKER) && r->method != METHOD_GET);
		if (r->method == METHOD_GET)
			assert_int_equal(r->body_max, 0);
		if (r->flags & ROUTE_IDEMPOTENT)
			assert_int_equal(r->method, METHOD_POST);
		assert_true(r->body_max <= 8u << 20 || r->flags & ROUTE_STREAM);
	}
}

static void bad_arguments(void **state)
{
	static const struct {
		const char *path, *bad;
	} rows[] = {
		{"/jobs/0", "id"},
		{"/jobs/-1", "id"},
		{"/jobs/x", "id"},
		{"/jobs/1x", "id"},
		{"/jobs/%201", "id"},
		{"/jobs/99999999999999999999", "id"},
		{"/jobs/..%2F1", "id"},
		{"/jobs/1%2F2", "id"},
		{"/jobs/", "id"},
		{"/runs/x/log", "id"},
		{"/nothing", NULL},
		{"/jobs/1/2", NULL},
		{"", NULL},
		{"/jobs/1/runs/", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct route *found;
		struct route_args args;
		struct buf allow = BUF_INIT;
		struct request r;
		const char *bad;
		const struct err *e = look("GET", rows[i].path, &found, &args, &bad, &allow, &r);

		assert_non_null(e);
		assert_int_equal(e->id, ERR_NOT_FOUND);
		assert_null(found);
		if (rows[i].bad == NULL)
			assert_null(bad);
		else
			assert_string_equal(bad, rows[i].bad);
		request_free(&r);
		buf_free(&allow);
	}
}

static void bad_names(void **state)
{
	static const char *const paths[] = {
		"/runs/7/files/..", "/runs/7/files/.", "/runs/7/files/a%2Fb", "/runs/7/files/"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct route *found;
		struct route_args args;
		struct buf allow = BUF_INIT;
		struct request r;
		const char *bad;

		assert_int_equal(look("PUT", paths[i], &found, &args, &bad, &allow, &r)->id, ERR_NOT_FOUND);
		assert_string_equal(bad, "name");
		request_free(&r);
		buf_free(&allow);
	}
}

static void methods(void **state)
{
	const struct route *found;
	struct route_args args;
	struct buf allow = BUF_INIT;
	struct request r;
	const char *bad;

	(void)state;
	assert_int_equal(look("PUT", "/jobs/7", &found, &args, &bad, &allow, &r)->id, ERR_METHOD);
	assert_string_equal(allow.ptr, "GET, PATCH, DELETE");
	request_free(&r);
	buf_reset(&allow);
	assert_int_equal(look("BREW", "/jobs", &found, &args, &bad, &allow, &r)->id, ERR_METHOD);
	request_free(&r);
	buf_reset(&allow);
	assert_null(look("HEAD", "/jobs/7", &found, &args, &bad, &allow, &r));
	assert_string_equal(found->name, "jobs.get");
	assert_true(r.head);
	request_free(&r);
	buf_free(&allow);
}

static void roles(void **state)
{
	const struct route open = {.roles = ROLES_NONE}, t = {.roles = ROLES_T};
	const struct route override = {.roles = ROLES_S, .flags = ROUTE_OVERRIDE};

	(void)state;
	assert_true(route_allows(&open, ROLE_NONE, 0));
	assert_false(route_allows(&t, ROLE_NONE, 0));
	assert_true(route_allows(&t, ROLE_TECHNICIAN, 0));
	assert_false(route_allows(&t, ROLE_GATE_READER, 0));
	assert_false(route_allows(&t, ROLE_WORKER, 0));
	assert_false(route_allows(&override, ROLE_SUPER_ADMIN, ROLE(OPS_LEAD)));
	assert_true(route_allows(&override, ROLE_OPS_LEAD, ROLE(OPS_LEAD)));
	/* No role named: nobody, and not everybody. */
	assert_false(route_allows(&override, ROLE_SUPER_ADMIN, 0));
	assert_false(route_allows(&override, ROLE_NONE, 0));
}

static void query_names(void **state)
{
	static char verb[] = "REQUEST_METHOD=GET", uri[] = "REQUEST_URI=" API_PREFIX "/jobs";
	static const struct {
		const char *query, *bad;
	} rows[] = {{"limit=1&q=x", NULL}, {"limit=1&limit=2", "limit"}, {"lim=1", "lim"}, {"=1", ""}};
	const struct route route = {.query = "status domain q limit cursor"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char query[100];
		char *env[] = {verb, uri, query, NULL};
		struct request r;

		snprintf(query, sizeof(query), "QUERY_STRING=%s", rows[i].query);
		assert_null(request_parse(&r, env));
		if (rows[i].bad == NULL)
			assert_null(route_bad_query(&route, &r));
		else
			assert_string_equal(route_bad_query(&route, &r), rows[i].bad);
		request_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(requirements),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(methods),
		cmocka_unit_test(roles),
		cmocka_unit_test(query_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
