/* JSON from strangers. */
#include "unit.h"

#include "json.h"
#include "model.h"

static const struct err *parse(const char *s, json_t **v)
{
	return js_parse(v, s, strlen(s));
}

static void well_formed_only(void **state)
{
	static const char *const bad[] = {"", "{", "{}x", "[1,]", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}",
	        "\"text\"", "1", "nul", "{'a':1}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}",
	        "\xef\xbb\xbf{}", "{\"a\":01}", "[NaN]", "{\"a\":1e999}", "{\"a\":99999999999999999999}"};
	json_t *v;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &v) == NULL)
			fail_msg("%s was taken", bad[i]);
		assert_null(v);
	}
	assert_err(js_parse(&v, "{\"a\":\"\0\"}", 9), ERR_JSON);
	assert_ok(parse(" {\"a\": [1, 2.5, null, true, \"caf\xc3\xa9\"]} \n", &v));
	json_decref(v);
}

static void depth_is_bounded(void **state)
{
	struct buf b = BUF_INIT;
	json_t *v;

	(void)state;
	for (int i = 0; i < JS_DEPTH_MAX; i++)
		buf_addc(&b, '[');
	buf_adds(&b, "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"");
	for (int i = 0; i < JS_DEPTH_MAX; i++)
		buf_addc(&b, ']');
	assert_ok(js_parse(&v, b.ptr, b.len));
	json_decref(v);
	buf_reset(&b);
	for (int i = 0; i <= JS_DEPTH_MAX; i++)
		buf_addc(&b, '[');
	assert_err(js_parse(&v, b.ptr, b.len), ERR_TOO_LARGE);
	buf_reset(&b);
	for (int i = 0; i < 1000000; i++)
		buf_addc(&b, '[');
	assert_err(js_parse(&v, b.ptr, b.len), ERR_TOO_LARGE);
	buf_free(&b);
}

static const struct js_problem *problem_at(const struct js_problems *p, const char *pointer)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].pointer, pointer) == 0)
			return &p->v[i];
	return NULL;
}

static void getters_collect_every_mistake(void **state)
{
	static const char doc[] =
	        "{\"name\":\"a\\u0007b\",\"note\":\"two\\nlines\",\"port\":70000,\"on\":1,\"list\":[\"x\",2,"
	        "\"\"],"
	        "\"kind\":\"teleport\",\"deep\":{\"a/b~c\":{\"x\":[]}},\"extra\":1,\"nothing\":null}";
	struct js_problems bad = {0};
	struct js_at root, list, deep, inner;
	enum run_kind kind = RUN_REPORT;
	const char *s = "unchanged";
	int64_t n = 42;
	bool on = false;
	json_t *v;

	(void)state;
	assert_ok(parse(doc, &v));
	root = js_root(v, &bad);
	assert_false(js_str(&root, "name", JS_REQUIRED, 1, 10, &s));
	assert_string_equal(s, "unchanged");
	assert_false(js_str(&root, "note", JS_REQUIRED, 1, 100, &s));
	assert_true(js_multiline(&root, "note", JS_REQUIRED, 1, 100, &s));
	assert_false(js_int(&root, "port", JS_OPTIONAL, 1, 65535, &n));
	assert_int_equal(n, 42);
	assert_false(js_bool(&root, "on", JS_OPTIONAL, &on));
	assert_false(js_word(&root, "kind", JS_REQUIRED, run_kind_parse, &kind));
	assert_int_equal(kind, RUN_REPORT);
	assert_false(js_str(&root, "nothing", JS_OPTIONAL, 0, 1, &s));
	assert_false(js_str(&root, "missing", JS_REQUIRED, 0, 1, &s));
	assert_true(js_array(&root, "list", JS_REQUIRED, 1, 5, &list));
	for (size_t i = 0; i < 3; i++) {
		struct js_at item = js_item(&list, i);

		assert_int_equal(js_str_item(&item, 1, 5, &s), i == 0);
	}
	assert_false(js_array(&root, "list", JS_REQUIRED, 4, 5, &list));
	assert_true(js_object(&root, "deep", JS_REQUIRED, &deep));
	assert_true(js_object(&deep, "a/b~c", JS_REQUIRED, &inner));
	assert_false(js_int(&inner, "x", JS_OPTIONAL, 0, 1, &n));
	js_known(&root,
	        (const char *const[]){"name", "note", "port", "on", "list", "kind", "deep", "nothing", NULL});
	assert_non_null(problem_at(&bad, "/name"));
	assert_non_null(problem_at(&bad, "/port"));
	assert_non_null(problem_at(&bad, "/on"));
	assert_non_null(problem_at(&bad, "/kind"));
	assert_non_null(problem_at(&bad, "/missing"));
	assert_null(problem_at(&bad, "/nothing"));
	assert_non_null(problem_at(&bad, "/list/1"));
	assert_non_null(problem_at(&bad, "/list/2"));
	assert_non_null(problem_at(&bad, "/deep/a~1b~0c/x"));
	assert_non_null(problem_at(&bad, "/extra"));
	assert_err(js_problems_err(&bad), ERR_INPUT);
	js_problems_free(&bad);
	assert_ok(js_problems_err(&bad));
	json_decref(v);
}

static void problems_are_bounded(void **state)
{
	struct js_problems bad = {0};

	(void)state;
	for (int i = 0; i < JS_PROBLEMS_MAX + 7; i++)
		js_problems_add(&bad, "/x", "input.invalid", "%d", i);
	assert_int_equal(bad.n, JS_PROBLEMS_MAX);
	assert_int_equal(bad.dropped, 7);
	js_problems_free(&bad);
}

static void columns(void **state)
{
	static const char *const empty[] = {NULL, "", "[]", "rubbish", "1"};
	json_t *v;
	char *s;

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		v = js_column(empty[i]);
		s = js_text(v);
		assert_string_equal(s, "{}");
		free(s);
		json_decref(v);
	}
	v = js_column("{\"b\":1,\"a\":2}");
	s = js_text(v);
	assert_string_equal(s, "{\"b\":1,\"a\":2}");
	free(s);
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(well_formed_only),
	        cmocka_unit_test(depth_is_bounded), cmocka_unit_test(getters_collect_every_mistake),
	        cmocka_unit_test(problems_are_bounded), cmocka_unit_test(columns)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
