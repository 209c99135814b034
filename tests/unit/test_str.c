#include "unit.h"

#include "str.h"

static void numbers(void **state)
{
	int64_t v = 5;

	(void)state;
	assert_true(str_i64("0", 0, 10, &v) && v == 0);
	assert_true(str_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v) && v == INT64_MIN);
	assert_true(str_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v) && v == INT64_MAX);
	v = 5;
	assert_false(str_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_false(str_i64("", 0, 10, &v));
	assert_false(str_i64("-", -10, 10, &v));
	assert_false(str_i64("+1", 0, 10, &v));
	assert_false(str_i64(" 1", 0, 10, &v));
	assert_false(str_i64("1 ", 0, 10, &v));
	assert_false(str_i64("0x1", 0, 10, &v));
	assert_false(str_i64("11", 0, 10, &v));
	assert_int_equal(v, 5);
}

static void case_and_space(void **state)
{
	char text[] = " \t Olá \r\n";

	(void)state;
	assert_true(str_ieq("INBOX", "inbox"));
	assert_false(str_ieq("INBOX", "inbo"));
	assert_false(str_ieq("I", "\xc4\xb1"));
	assert_true(str_istarts("Bearer x", "bearer "));
	assert_true(str_ends("a.json", ".json"));
	assert_false(str_ends("json", ".json"));
	assert_string_equal(str_trim(text), "Olá");
}

static void utf8(void **state)
{
	static const struct {
		const char *s;
		bool ok;
	} rows[] = {{"", true}, {"abc", true}, {"\xc3\xa9", true}, {"\xe2\x82\xac", true}, {"\xf0\x9f\x93\xa7", true},
		{"\xc0\x80", false}, {"\xe0\x80\x80", false}, {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false}, {"\xc3", false}, {"\x80", false}, {"a\xff", false}, {"\xe2\x82", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(str_utf8(rows[i].s, strlen(rows[i].s)), rows[i].ok);
	assert_true(str_has_control("a\nb", 3));
	assert_true(str_has_control("a\0b", 3));
	assert_true(str_has_control("\xc2\x85", 2));
	assert_false(str_has_control("Notas \"r\xc3\xa1pidas\"", 16));
}

static void encodings(void **state)
{
	static const char raw[] = {0, 1, 2, (char)0xfb, (char)0xff, '%', 'a'};
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	for (int v = BASE64; v <= BASE64_URL_NOPAD; v++) {
		for (size_t n = 0; n <= sizeof(raw); n++) {
			buf_reset(&a);
			buf_reset(&b);
			str_base64(&a, raw, n, (enum str_base64)v);
			assert_int_equal(a.len, strlen(a.ptr));
			assert_true(str_unbase64(&b, a.ptr, a.len, (enum str_base64)v));
			assert_int_equal(b.len, n);
			assert_memory_equal(b.ptr, raw, n);
		}
	}
	buf_reset(&b);
	assert_false(str_unbase64(&b, "a*b=", 4, BASE64));
	assert_false(str_unbase64(&b, "abc", 3, BASE64));
	assert_int_equal(b.len, 0);
	buf_reset(&a);
	str_hex(&a, raw, sizeof(raw));
	assert_string_equal(a.ptr, "000102fbff2561");
	assert_true(str_unhex(&b, a.ptr, a.len));
	assert_memory_equal(b.ptr, raw, sizeof(raw));
	assert_false(str_unhex(&b, "abc", 3));
	assert_false(str_unhex(&b, "zz", 2));
	buf_reset(&a);
	buf_reset(&b);
	str_percent(&a, raw, sizeof(raw));
	assert_string_equal(a.ptr, "%00%01%02%FB%FF%25a");
	assert_true(str_unpercent(&b, a.ptr, a.len));
	assert_memory_equal(b.ptr, raw, sizeof(raw));
	assert_false(str_unpercent(&b, "%", 1));
	assert_false(str_unpercent(&b, "%4", 2));
	assert_false(str_unpercent(&b, "ab%4g", 5));
	assert_int_equal(b.len, sizeof(raw));
	buf_free(&a);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(case_and_space),
		cmocka_unit_test(utf8),
		cmocka_unit_test(encodings),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
