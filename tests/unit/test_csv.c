#include "unit.h"

#include <string.h>

#include "csv.h"
#include "json.h"

static void good(void **state)
{
	static const struct {
		const char *csv, *json;
	} rows[] = {
		{"a,b\n1,2\n", "[{\"a\":\"1\",\"b\":\"2\",\"line\":2}]"},
		{"a;b\r\n1;2,5\r\n", "[{\"a\":\"1\",\"b\":\"2,5\",\"line\":2}]"},
		{"\xef\xbb\xbf"
		 " A ,b\n1,\n",
			"[{\"a\":\"1\",\"line\":2}]"},
		{"a,b\n\"x \"\"y\"\"\nz\",2\n3,4",
			"[{\"a\":\"x "
			"\\\"y\\\"\\nz\",\"b\":\"2\",\"line\":2},{\"a\":\"3\",\"b\":\"4\",\"line\":4}]"},
		{"a\n\n\n1\n", "[{\"a\":\"1\",\"line\":4}]"},
		{"a,b\n", "[]"},
		{"a,b\n p a s s ,x\n", "[{\"a\":\"p a s s \",\"b\":\"x\",\"line\":2}]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *v;
		struct buf out = BUF_INIT;

		assert_null(csv_parse(rows[i].csv, strlen(rows[i].csv), &v));
		js_write(&out, v);
		assert_string_equal(out.ptr, rows[i].json);
		json_decref(v);
		buf_free(&out);
	}
}

static void bad(void **state)
{
	static const char *const rows[] = {
		"", "a,b\n\"x,2\n", "a,b\n1,2,3\n", "a,a\n1,2\n", "a,\n1,2\n", "a\n\xff\n"};
	static const char nul[] = "a,b\n1,\0\n";
	json_t *v;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct err *e = csv_parse(rows[i], strlen(rows[i]), &v);

		assert_non_null(e);
		assert_int_equal(e->id, ERR_JSON);
		assert_null(v);
	}
	assert_non_null(csv_parse(nul, sizeof(nul) - 1, &v));
}

/* Every prefix of a file is read or refused, never more. */
static void prefixes(void **state)
{
	static const char csv[] = "\xef\xbb\xbf"
				  "user;pass\r\n\"a \"\"b\"\"\";c\r\nd;\"e\nf\"\r\n";
	json_t *v;

	(void)state;
	for (size_t n = 0; n < sizeof(csv); n++) {
		char *copy = test_malloc(n + 1);

		memcpy(copy, csv, n);
		if (csv_parse(copy, n, &v) == NULL)
			json_decref(v);
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(prefixes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
