#include "router.h"

#include <string.h>

#include "fs.h"
#include "str.h"

#include "banned.h"

static const char *const pool_names[POOL_COUNT] = {"api", "worker", "upload"};

const char *pool_kind_name(enum pool_kind p)
{
	return pool_names[p];
}

bool pool_kind_parse(const char *s, enum pool_kind *out)
{
	for (int i = 0; i < POOL_COUNT; i++)
		if (strcmp(pool_names[i], s) == 0) {
			*out = (enum pool_kind)i;
			return true;
		}
	return false;
}

static bool segment_is(const char *pattern, size_t n, const char *s)
{
	return strncmp(pattern, s, n) == 0 && s[n] == '\0';
}

/* Same depth and same fixed words; an argument takes any segment, whose form is judged later. */
static bool path_fits(const char *path, const struct request *r)
{
	int i = 0;

	while (*path == '/') {
		size_t n = strcspn(path + 1, "/");

		if (i >= r->n_segments)
			return false;
		if (path[1] != '{' && !segment_is(path + 1, n, r->segments[i]))
			return false;
		path += 1 + n;
		i++;
	}
	return i == r->n_segments;
}

static const char *take_args(const char *path, const struct request *r, struct route_args *args)
{
	for (int i = 0; *path == '/'; i++) {
		size_t n = strcspn(path + 1, "/");

		if (segment_is(path + 1, n, "{id}") && !str_i64(r->segments[i], 1, INT64_MAX, &args->id))
			return "id";
		if (segment_is(path + 1, n, "{n}") && !str_i64(r->segments[i], 1, INT64_MAX, &args->n))
			return "n";
		if (segment_is(path + 1, n, "{name}")) {
			if (!fs_safe_name(r->segments[i]))
				return "name";
			args->name = r->segments[i];
		}
		path += 1 + n;
	}
	return NULL;
}

const struct err *route_find(const struct route *table, size_t n, const struct request *r,
	const struct route **out, struct route_args *args, const char **bad, struct buf *allow)
{
	*out = NULL;
	*bad = NULL;
	memset(args, 0, sizeof(*args));
	for (size_t i = 0; i < n; i++) {
		const struct route *route = &table[i];

		if (!path_fits(route->path, r))
			continue;
		if (route->method != r->method) {
			buf_addf(allow, "%s%s", allow->len > 0 ? ", " : "", method_name(route->method));
			continue;
		}
		*bad = take_args(route->path, r, args);
		if (*bad != NULL)
			return err_new(ERR_NOT_FOUND, "the %s in the path is not valid", *bad);
		*out = route;
		return NULL;
	}
	if (allow->len > 0)
		return err_new(ERR_METHOD, "this path answers %s", allow->ptr);
	return err_new(ERR_NOT_FOUND, "there is nothing at this path");
}

bool route_allows(const struct route *route, enum role role, unsigned override)
{
	unsigned set = route->flags & ROUTE_OVERRIDE ? override : route->roles;

	if (route->roles == ROLES_NONE)
		return true;
	return role != ROLE_NONE && (set & (1u << role)) != 0;
}

static bool word_in(const char *words, const char *word)
{
	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (segment_is(words, n, word))
			return true;
		words += n + (words[n] == ' ');
	}
	return false;
}

const char *route_bad_query(const struct route *route, const struct request *r)
{
	for (int i = 0; i < r->n_queries; i++) {
		const char *name = r->queries[i].name;

		if (!word_in(route->query != NULL ? route->query : "", name))
			return name;
		if (request_query(r, name) != r->queries[i].value)
			return name;
	}
	return NULL;
}

static void roles_json(struct buf *out, unsigned roles)
{
	const char *sep = "";

	buf_adds(out, "[");
	for (int i = 1; i < ROLE_COUNT; i++)
		if (roles & (1u << i)) {
			buf_addf(out, "%s\"%s\"", sep, role_name((enum role)i));
			sep = ",";
		}
	buf_adds(out, "]");
}

void routes_json(struct buf *out)
{
	buf_adds(out, "[\n");
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];

		buf_addf(out,
			"{\"name\":\"%s\",\"method\":\"%s\",\"path\":\"%s\",\"pool\":\"%s\",\"body_max\":%"
			"zu,",
			r->name, method_name(r->method), r->path, pool_kind_name(r->pool), r->body_max);
		buf_addf(out,
			"\"query\":\"%s\",\"always\":%s,\"loopback\":%s,\"idempotent\":%s,\"if_match\":%s,",
			r->query != NULL ? r->query : "", r->flags & ROUTE_ALWAYS ? "true" : "false",
			r->flags & ROUTE_LOOPBACK ? "true" : "false",
			r->flags & ROUTE_IDEMPOTENT ? "true" : "false",
			r->flags & ROUTE_IF_MATCH ? "true" : "false");
		buf_addf(out, "\"override\":%s,\"csv\":%s,\"raw\":%s,\"roles\":",
			r->flags & ROUTE_OVERRIDE ? "true" : "false", r->flags & ROUTE_CSV ? "true" : "false",
			r->flags & ROUTE_RAW ? "true" : "false");
		roles_json(out, r->roles);
		buf_addf(out, "}%s\n", i + 1 < routes_count ? "," : "");
	}
	buf_adds(out, "]\n");
}
