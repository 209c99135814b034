#include "unit.h"

#include <sodium.h>

#include "buf.h"
#include "mask.h"
#include "str.h"

static const char secret[] = "p@ss w0rd/\xc3\xa9+%";

/* The stream cut into pieces of `step` bytes. */
static void feed(struct mask *m, const char *text, size_t n, size_t step, struct buf *out)
{
	for (size_t at = 0; at < n; at += step)
		mask_feed(m, text + at, n - at < step ? n - at : step, out);
	mask_flush(m, out);
}

static void hides_a_secret_cut_anywhere(void **state)
{
	struct buf text = BUF_INIT, plain = BUF_INIT, sasl = BUF_INIT;

	(void)state;
	buf_addf(&text, "login %s\nand p@ss again; ", secret);
	str_percent(&text, secret, strlen(secret));
	buf_adds(&text, " end ");
	/* what AUTHENTICATE PLAIN sends: the secret inside a longer text, at each of the three places in base64 */
	for (int users = 1; users <= 3; users++) {
		buf_reset(&plain);
		buf_addc(&plain, '\0');
		for (int i = 0; i < users; i++)
			buf_addc(&plain, 'u');
		buf_addc(&plain, '\0');
		buf_adds(&plain, secret);
		str_base64(&text, plain.ptr, plain.len, BASE64);
		buf_addc(&text, '\n');
	}
	for (size_t step = 1; step <= text.len; step++) {
		struct mask *m = mask_new();
		struct buf out = BUF_INIT;

		mask_secret(m, secret, strlen(secret));
		feed(m, text.ptr, text.len, step, &out);
		assert_null(strstr(out.ptr, secret));
		assert_null(strstr(out.ptr, "w0rd"));
		assert_null(strstr(out.ptr, "w0rd%2F"));
		assert_non_null(strstr(out.ptr, "login ********\nand p@ss again; ******** end "));
		/* the middle of the secret in base64 stands nowhere */
		str_base64(&sasl, secret + 3, 6, BASE64);
		assert_null(strstr(out.ptr, sasl.ptr));
		buf_reset(&sasl);
		buf_free(&out);
		mask_free(m);
	}
	buf_free(&text);
	buf_free(&plain);
	buf_free(&sasl);
}

static void leaves_other_text_alone(void **state)
{
	static const char text[] = "p p@ p@s p@ss nothing of interest\n";

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		struct mask *m = mask_new();
		struct buf out = BUF_INIT;

		mask_secret(m, secret, strlen(secret));
		mask_secret(m, "abc", 3); /* too short to mask */
		feed(m, text, sizeof(text) - 1, step, &out);
		assert_string_equal(out.ptr, text);
		buf_free(&out);
		mask_free(m);
	}
}

static void the_longer_of_two_secrets_goes_whole(void **state)
{
	struct mask *m = mask_new();
	struct buf out = BUF_INIT;

	(void)state;
	mask_secret(m, "hunter", 6);
	mask_secret(m, "hunter22", 8);
	feed(m, "a hunter b hunter22 c hunter2", 29, 3, &out);
	assert_string_equal(out.ptr, "a ******** b ******** c ********2");
	buf_reset(&out);
	/* the beginning of a secret at the very end is taken for it */
	feed(m, "x hunt", 6, 6, &out);
	assert_string_equal(out.ptr, "x ********");
	buf_reset(&out);
	mask_text(m, "say hunter22", 12, &out);
	assert_string_equal(out.ptr, "say ********");
	buf_free(&out);
	mask_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hides_a_secret_cut_anywhere),
		cmocka_unit_test(leaves_other_text_alone),
		cmocka_unit_test(the_longer_of_two_secrets_goes_whole),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
