#include "unit.h"

#include "json.h"
#include "writer.h"

static void every_kind(void **state)
{
	struct buf out = BUF_INIT;
	struct writer w;
	json_t *v;

	(void)state;
	w_init(&w, &out);
	w_object(&w, NULL);
	w_str(&w, "s", "a\"\\\n\t\x01\x7f\xc3\xa9");
	w_str(&w, "bad", "x\xff\"y");
	w_text(&w, "none", "");
	w_i64(&w, "i", INT64_MIN);
	w_bool(&w, "b", false);
	w_time(&w, "t", 0);
	w_time(&w, "at", 1);
	w_array(&w, "a");
	w_object(&w, NULL);
	w_object_end(&w);
	w_i64(&w, NULL, 1);
	w_array_end(&w);
	w_json(&w, "j", "{\"x\":[]}");
	w_object_end(&w);
	assert_string_equal(out.ptr,
		"{\"s\":\"a\\\"\\\\\\n\\t\\u0001\\u007f\xc3\xa9\",\"bad\":\"x\xef\xbf\xbd\\\"y\",\"none\":"
		"null,"
		"\"i\":-9223372036854775808,\"b\":false,\"t\":null,\"at\":\"1970-01-01T00:00:00.001Z\","
		"\"a\":[{},1],\"j\":{\"x\":[]}}");
	assert_null(js_parse(&v, out.ptr, out.len));
	json_decref(v);
	buf_free(&out);
}

/* 0.99 must never come out of less. */
static void ratios(void **state)
{
	static const struct {
		int64_t part, whole;
		const char *text;
	} t[] = {{0, 0, "[null]"}, {5, 0, "[null]"}, {1, 1, "[1.0]"}, {0, 3, "[0.000000]"},
		{2, 3, "[0.666666]"}, {999999999, 1000000000, "[0.999999]"},
		{INT64_MAX - 1, INT64_MAX, "[0.999999]"}, {7, 5, "[1.0]"}};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf out = BUF_INIT;
		struct writer w;

		w_init(&w, &out);
		w_array(&w, NULL);
		w_ratio(&w, NULL, t[i].part, t[i].whole);
		w_array_end(&w);
		assert_string_equal(out.ptr, t[i].text);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind), cmocka_unit_test(ratios)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
