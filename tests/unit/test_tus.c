#include "unit.h"

#include "mem.h"
#include "tus.h"

static void metadata(void **state)
{
	static const struct {
		const char *header, *json; /* json NULL: refused */
	} rows[] = {
		{NULL, "{}"},
		{"", "{}"},
		{"filename YS5wc3Q=", "{\"filename\":\"a.pst\"}"},
		{"filename YS5wc3Q=,is_confidential", "{\"filename\":\"a.pst\",\"is_confidential\":\"\"}"},
		{" filename YS5wc3Q= , type YQ== ", "{\"filename\":\"a.pst\",\"type\":\"a\"}"},
		{"filename ", "{\"filename\":\"\"}"},
		{"filename w6fDow==", "{\"filename\":\"\xc3\xa7\xc3\xa3\"}"},
		{"filename /w==", "{\"filename\":\"\"}"}, /* no UTF-8 */
		{"filename YQBi", "{\"filename\":\"\"}"}, /* a NUL in it */
		{"filename YS5wc3Q", NULL},               /* padding cut off */
		{"filename YS5wc3Q=x", NULL},
		{"filename a b", NULL},
		{"filename !!!!", NULL},
		{"filename YQ==,filename Yg==", NULL},
		{",", NULL},
		{"a YQ==,", "{\"a\":\"a\"}"},
		{"a YQ==,,b YQ==", NULL},
		{" YQ==", "{\"YQ==\":\"\"}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *o = NULL, *want;
		const struct err *e = tus_metadata(rows[i].header, &o);

		if (rows[i].json == NULL) {
			assert_err(e, ERR_INPUT);
			assert_null(o);
			continue;
		}
		if (e != NULL)
			fail_msg("%s: %s", rows[i].header, e->msg);
		want = json_loads(rows[i].json, 0, NULL);
		if (!json_equal(o, want))
			fail_msg("%s is not %s", rows[i].header, rows[i].json);
		json_decref(want);
		json_decref(o);
	}
}

static void names(void **state)
{
	static const struct {
		const char *json, *name;
	} rows[] = {
		{"{}", "upload"},
		{"{\"filename\":\"\"}", "upload"},
		{"{\"filename\":\"a.pst\",\"name\":\"b\"}", "a.pst"},
		{"{\"filename\":\"\",\"name\":\"b\"}", "b"},
		{"{\"filename\":\"../../etc/passwd\"}", "passwd"},
		{"{\"filename\":\"C:\\\\mail\\\\a.pst\"}", "a.pst"},
		{"{\"filename\":\"a/\"}", "upload"},
		{"{\"filename\":\"a\\n\\u007fb\\t.pst\"}", "ab.pst"},
		{"{\"filename\":\"\\u0001\"}", "upload"},
		{"{\"filename\":\"correspond\\u00eancia.pst\"}", "correspond\xc3\xaancia.pst"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *o = json_loads(rows[i].json, 0, NULL);
		char *name = tus_name(o);

		assert_string_equal(name, rows[i].name);
		free(name);
		json_decref(o);
	}
}

/* Cut at a limit, never in the middle of a character. */
static void long_names(void **state)
{
	(void)state;
	for (int lead = 0; lead < 4; lead++) {
		struct buf text = BUF_INIT;
		json_t *o;
		char *name;

		for (int i = 0; i < lead; i++)
			buf_addc(&text, 'a');
		while (text.len < 2 * TUS_NAME_MAX)
			buf_adds(&text, "\xf0\x9f\x93\xa7"); /* four bytes */
		o = json_pack("{s:s}", "filename", text.ptr);
		name = tus_name(o);
		assert_int_equal(strlen(name), TUS_NAME_MAX - (TUS_NAME_MAX - lead) % 4);
		assert_memory_equal(name, text.ptr, strlen(name));
		free(name);
		json_decref(o);
		buf_free(&text);
	}
}

static void sums(void **state)
{
	static const char *const good[] = {"sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
		"md5 XUFAKrxLKna5cZ2REBfFkg==", "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="};
	static const char *const bad[] = {"", "sha1", "sha1 ", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00",
		"sha1 qvTG", "SHA1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "crc32 qvTG", "sha1  x",
		"sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00= "};
	struct tus_sum *s;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(tus_sum_new(&s, good[i]));
		for (const char *p = "hello"; *p != '\0'; p++)
			tus_sum_feed(s, p, 1);
		assert_true(tus_sum_fits(s));
		tus_sum_free(s);
		assert_ok(tus_sum_new(&s, good[i]));
		tus_sum_feed(s, "hellO", 5);
		assert_false(tus_sum_fits(s));
		tus_sum_free(s);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(tus_sum_new(&s, bad[i]), ERR_INPUT);
		assert_null(s);
	}
	assert_ok(tus_sum_new(&s, NULL)); /* none was sent */
	tus_sum_feed(s, "x", 1);
	assert_true(tus_sum_fits(s));
	tus_sum_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata),
		cmocka_unit_test(names),
		cmocka_unit_test(long_names),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
