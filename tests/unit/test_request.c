#include "unit.h"

#include <string.h>

#include "request.h"

#define P "REQUEST_URI=" API_PREFIX

static struct request *parse(
	struct request *r, const struct err **e, const char *uri, const char *query, const char *header)
{
	static char *env[6];

	env[0] = (char *)(uintptr_t) "REQUEST_METHOD=GET";
	env[1] = (char *)(uintptr_t)uri;
	env[2] = (char *)(uintptr_t)query;
	env[3] = (char *)(uintptr_t)header;
	env[4] = NULL;
	*e = request_parse(r, env);
	return r;
}

static void paths(void **state)
{
	static const struct {
		const char *uri;
		int n;
		const char *last;
	} rows[] = {
		{P "/jobs/7", 2, "7"},
		{P "/jobs/7?x=/y/z", 2, "7"},
		{P "", 0, NULL},
		{P "/", 1, ""},
		{P "/jobs//7", 3, "7"},
		{P "/jobs/..%2F..%2Fetc", 2, "../../etc"},
		{P "/jobs/%41", 2, "A"},
		{P "/jobs/caf%C3%A9", 2, "caf\xc3\xa9"},
		{P "/jobs/%00", -1, NULL},
		{P "/jobs/%0a", -1, NULL},
		{P "/jobs/%FF", -1, NULL},
		{P "/jobs/%4", -1, NULL},
		{P "/jobs/%zz", -1, NULL},
		{P "x/jobs", -1, NULL},
		{"REQUEST_URI=/other", -1, NULL},
		{P "/1/2/3/4/5/6/7/8/9", -1, NULL},
	};
	struct request r;
	const struct err *e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(&r, &e, rows[i].uri, "QUERY_STRING=", "X=");
		assert_null(e);
		assert_int_equal(r.n_segments, rows[i].n);
		if (rows[i].last != NULL)
			assert_string_equal(r.segments[r.n_segments - 1], rows[i].last);
		request_free(&r);
	}
}

static void long_segment(void **state)
{
	char uri[600];
	struct request r;
	const struct err *e;

	(void)state;
	snprintf(uri, sizeof(uri), P "/jobs/%0*d", REQUEST_SEGMENT_MAX, 1);
	parse(&r, &e, uri, "X=", "X=");
	assert_int_equal(r.n_segments, 2);
	request_free(&r);
	snprintf(uri, sizeof(uri), P "/jobs/%0*d", REQUEST_SEGMENT_MAX + 1, 1);
	parse(&r, &e, uri, "X=", "X=");
	assert_int_equal(r.n_segments, -1);
	request_free(&r);
}

static void queries(void **state)
{
	struct request r;
	const struct err *e;

	(void)state;
	parse(&r, &e, P "/jobs", "QUERY_STRING=q=a+b%26c&&status=&flag&e%3D=%3D", "X=");
	assert_null(e);
	assert_int_equal(r.n_queries, 4);
	assert_string_equal(request_query(&r, "q"), "a b&c");
	assert_string_equal(request_query(&r, "status"), "");
	assert_string_equal(request_query(&r, "flag"), "");
	assert_string_equal(request_query(&r, "e="), "=");
	assert_null(request_query(&r, "other"));
	request_free(&r);
	static const char *const bad[] = {"QUERY_STRING=q=%00", "QUERY_STRING=q=%0d", "QUERY_STRING=%c3%28=1",
		"QUERY_STRING=q=%4", "QUERY_STRING=a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		parse(&r, &e, P "/jobs", bad[i], "X=");
		assert_non_null(e);
		assert_int_equal(e->id, ERR_INPUT);
		request_free(&r);
	}
}

static void headers(void **state)
{
	struct request r;
	const struct err *e;
	struct buf cookie = BUF_INIT;

	(void)state;
	parse(&r, &e, P "/jobs", "X=", "HTTP_COOKIE=a=1; desk=; xdesk=2; desk=3");
	assert_null(e);
	assert_true(request_cookie(&r, "desk", &cookie));
	assert_string_equal(cookie.ptr, "3");
	assert_false(request_cookie(&r, "esk", &cookie));
	buf_free(&cookie);
	request_free(&r);

	parse(&r, &e, P "/jobs", "X=", "HTTP_AUTHORIZATION=bearer  abc");
	assert_string_equal(request_bearer(&r), "abc");
	request_free(&r);
	parse(&r, &e, P "/jobs", "X=", "HTTP_AUTHORIZATION=Basic abc");
	assert_null(request_bearer(&r));
	request_free(&r);
	parse(&r, &e, P "/jobs", "X=", "HTTP_IF_MATCH=\x01");
	assert_non_null(e);
	assert_int_equal(e->id, ERR_INPUT);
	request_free(&r);
	parse(&r, &e, P "/jobs", "X=", "CONTENT_LENGTH=12x");
	assert_int_equal(e->id, ERR_JSON);
	request_free(&r);
}

static void languages(void **state)
{
	static const struct {
		const char *header;
		enum lang lang;
	} rows[] = {{"HTTP_ACCEPT_LANGUAGE=pt-PT,pt;q=0.9,en;q=0.8", LANG_PT},
		{"HTTP_ACCEPT_LANGUAGE=en-GB, pt", LANG_EN}, {"HTTP_ACCEPT_LANGUAGE=de, pt-BR", LANG_PT},
		{"HTTP_ACCEPT_LANGUAGE=de", LANG_EN}, {"X=", LANG_EN}};
	struct request r;
	const struct err *e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(&r, &e, P "/jobs", "X=", rows[i].header);
		assert_int_equal(r.lang, rows[i].lang);
		request_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(long_segment),
		cmocka_unit_test(queries),
		cmocka_unit_test(headers),
		cmocka_unit_test(languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
