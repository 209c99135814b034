#include "request.h"

#include <string.h>

#include "str.h"

#include "banned.h"

static const char *const method_names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* Header parameters that are ours to read; each is checked when it comes. */
static const struct {
	const char *name;
	size_t max;
} headers[] = {
	{"HTTP_AUTHORIZATION", REQUEST_BEARER_MAX},
	{"HTTP_COOKIE", 4096},
	{"HTTP_ACCEPT_LANGUAGE", REQUEST_HEADER_MAX},
	{"HTTP_IF_MATCH", REQUEST_HEADER_MAX},
	{"HTTP_IF_NONE_MATCH", REQUEST_HEADER_MAX},
	{"HTTP_IDEMPOTENCY_KEY", 200},
	{"HTTP_RANGE", REQUEST_HEADER_MAX},
	{"HTTP_X_REQUESTED_WITH", REQUEST_HEADER_MAX},
	{"HTTP_X_RUN_ATTEMPT", 20},
	{"HTTP_UPLOAD_OFFSET", 20},
	{"HTTP_UPLOAD_COMPLETE", 20},
	{"HTTP_CONTENT_DIGEST", REQUEST_HEADER_MAX},
	{"HTTP_TUS_RESUMABLE", 20},
	{"HTTP_UPLOAD_LENGTH", 20},
	{"HTTP_UPLOAD_DEFER_LENGTH", 20},
	{"HTTP_UPLOAD_METADATA", 4096},
	{"HTTP_UPLOAD_CHECKSUM", 200},
	{"HTTP_X_HTTP_METHOD_OVERRIDE", 20},
};

const char *method_name(enum method m)
{
	return m < METHOD_OTHER ? method_names[m] : "";
}

const char *request_param(const struct request *r, const char *name)
{
	size_t n = strlen(name);

	for (char *const *p = r->env; *p != NULL; p++)
		if ((*p)[0] == name[0] && strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

const char *request_header(const struct request *r, const char *name)
{
	size_t n = strlen(name);

	for (char *const *p = r->env; *p != NULL; p++)
		if (strncmp(*p, "HTTP_", 5) == 0 && strncmp(*p + 5, name, n) == 0 && (*p)[5 + n] == '=')
			return (*p)[6 + n] != '\0' ? *p + 6 + n : NULL;
	return NULL;
}

const char *request_query(const struct request *r, const char *name)
{
	for (int i = 0; i < r->n_queries; i++)
		if (strcmp(r->queries[i].name, name) == 0)
			return r->queries[i].value;
	return NULL;
}

static bool clean(const char *s, size_t n)
{
	return str_utf8(s, n) && !str_has_control(s, n);
}

static enum method parse_method(const char *s, bool *head)
{
	*head = strcmp(s, "HEAD") == 0;
	if (*head)
		return METHOD_GET;
	for (int i = 0; i < METHOD_OTHER; i++)
		if (strcmp(s, method_names[i]) == 0)
			return (enum method)i;
	return METHOD_OTHER;
}

/* Offsets into r->text first: the buffer moves while it grows. */
static bool parse_path(struct request *r, const char *path, size_t len, size_t *at)
{
	const size_t prefix = strlen(API_PREFIX);
	const char *end = path + len, *p = path + prefix;

	if (len < prefix || strncmp(path, API_PREFIX, prefix) != 0 || (len > prefix && path[prefix] != '/'))
		return false;
	while (p < end) {
		const char *start = p + 1, *slash = memchr(start, '/', (size_t)(end - start));
		size_t from = r->text.len;

		p = slash != NULL ? slash : end;
		if (r->n_segments == REQUEST_SEGMENTS || !str_unpercent(&r->text, start, (size_t)(p - start)))
			return false;
		if (r->text.len - from > REQUEST_SEGMENT_MAX ||
			!clean(r->text.ptr + from, r->text.len - from))
			return false;
		buf_addc(&r->text, '\0');
		at[r->n_segments++] = from;
	}
	return true;
}

static bool form_decode(struct buf *out, const char *s, size_t n)
{
	struct buf spaced = BUF_INIT;
	bool ok;

	buf_add(&spaced, s, n);
	for (size_t i = 0; i < n; i++)
		if (spaced.ptr[i] == '+')
			spaced.ptr[i] = ' ';
	ok = str_unpercent(out, spaced.ptr, n);
	buf_free(&spaced);
	return ok;
}

static const struct err *parse_query(struct request *r, const char *s, size_t (*at)[2])
{
	while (*s != '\0') {
		size_t n = strcspn(s, "&"), eq = strcspn(s, "=");
		size_t name = r->text.len, value;
		bool ok;

		eq = eq < n ? eq : n;
		if (n > 0) {
			if (r->n_queries == REQUEST_QUERIES)
				return err_new(ERR_INPUT, "more than %d query parameters", REQUEST_QUERIES);
			ok = form_decode(&r->text, s, eq) && clean(r->text.ptr + name, r->text.len - name);
			buf_addc(&r->text, '\0');
			value = r->text.len;
			ok = ok && form_decode(&r->text, s + eq + (eq < n), n - eq - (eq < n)) &&
			     clean(r->text.ptr + value, r->text.len - value);
			if (!ok || r->text.len - name > REQUEST_QUERY_MAX)
				return err_new(ERR_INPUT,
					"query parameter %d is longer than %d bytes, badly encoded, not "
					"UTF-8 or "
					"holds a control character",
					r->n_queries + 1, REQUEST_QUERY_MAX);
			buf_addc(&r->text, '\0');
			at[r->n_queries][0] = name;
			at[r->n_queries++][1] = value;
		}
		s += n + (s[n] == '&');
	}
	return NULL;
}

static const struct err *check_headers(const struct request *r)
{
	for (char *const *p = r->env; *p != NULL; p++) {
		if (strncmp(*p, "HTTP_", 5) != 0)
			continue;
		for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
			size_t n = strlen(headers[i].name), len;

			if (strncmp(*p, headers[i].name, n) != 0 || (*p)[n] != '=')
				continue;
			len = strlen(*p + n + 1);
			if (len > headers[i].max)
				return err_new(ERR_INPUT, "header %s is longer than %zu bytes",
					headers[i].name + 5, headers[i].max);
			if (!clean(*p + n + 1, len))
				return err_new(ERR_INPUT,
					"header %s holds control characters or is not UTF-8",
					headers[i].name + 5);
		}
	}
	return NULL;
}

/* The first language that we speak, in the order of the header: q values only matter to those who send two of
 * ours in the wrong order, which no browser does. */
static enum lang parse_lang(const char *s)
{
	while (s != NULL && *s != '\0') {
		s += strspn(s, " ,");
		if (str_istarts(s, "pt"))
			return LANG_PT;
		if (str_istarts(s, "en"))
			return LANG_EN;
		s += strcspn(s, ",");
	}
	return LANG_EN;
}

static const struct err *parse_length(struct request *r)
{
	const char *s = request_param(r, "CONTENT_LENGTH");

	r->content_length = -1;
	if (s == NULL || *s == '\0')
		return NULL;
	if (!str_i64(s, 0, INT64_MAX, &r->content_length))
		return err_new(ERR_JSON, "Content-Length is not a number");
	return NULL;
}

const struct err *request_parse(struct request *r, char *const *env)
{
	size_t segments[REQUEST_SEGMENTS], queries[REQUEST_QUERIES][2];
	const struct err *e;
	const char *uri, *s;

	memset(r, 0, sizeof(*r));
	r->env = env;
	r->content_length = -1;
	buf_init(&r->body);
	buf_init(&r->text);
	s = request_param(r, "REQUEST_METHOD");
	r->method = parse_method(s != NULL ? s : "", &r->head);
	r->lang = parse_lang(request_header(r, "ACCEPT_LANGUAGE"));
	uri = request_param(r, "REQUEST_URI");
	if (uri == NULL || !parse_path(r, uri, strcspn(uri, "?"), segments))
		r->n_segments = -1;
	if (r->method == METHOD_POST && uri != NULL && str_starts(uri, API_PREFIX "/uploads") &&
		(s = request_header(r, "X_HTTP_METHOD_OVERRIDE")) != NULL)
		r->method = parse_method(s, &r->head); /* tus: for clients that can send only GET and POST */
	s = request_param(r, "QUERY_STRING");
	e = parse_query(r, s != NULL ? s : "", queries);
	for (int i = 0; i < r->n_segments; i++)
		r->segments[i] = r->text.ptr + segments[i];
	for (int i = 0; i < r->n_queries; i++) {
		r->queries[i].name = r->text.ptr + queries[i][0];
		r->queries[i].value = r->text.ptr + queries[i][1];
	}
	if (e == NULL)
		e = check_headers(r);
	if (e == NULL)
		e = parse_length(r);
	return e;
}

void request_free(struct request *r)
{
	buf_wipe(&r->body); /* may hold a password */
	buf_free(&r->text);
}

bool request_cookie(const struct request *r, const char *name, struct buf *out)
{
	const char *s = request_header(r, "COOKIE");
	size_t n = strlen(name);

	while (s != NULL && *s != '\0') {
		size_t len;

		s += strspn(s, "; ");
		len = strcspn(s, ";");
		if (len > n + 1 && strncmp(s, name, n) == 0 && s[n] == '=') {
			buf_add(out, s + n + 1, len - n - 1);
			return true;
		}
		s += len;
	}
	return false;
}

bool request_is_type(const struct request *r, const char *type)
{
	const char *s = request_param(r, "CONTENT_TYPE");
	size_t n = strlen(type);

	if (s == NULL || !str_istarts(s, type))
		return false;
	s += n;
	s += strspn(s, " \t");
	return *s == '\0' || *s == ';';
}

const char *request_bearer(const struct request *r)
{
	const char *s = request_header(r, "AUTHORIZATION");

	if (s == NULL || !str_istarts(s, "Bearer "))
		return NULL;
	s += strlen("Bearer ");
	return s + strspn(s, " ");
}
