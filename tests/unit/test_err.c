#include "unit.h"

#include <errno.h>

#include "str.h"

static void every_row_is_whole(void **state)
{
	(void)state;
	for (int i = 1; i < ERR_COUNT; i++) {
		const struct err_row *r = err_row((enum err_id)i);

		assert_non_null(r);
		assert_int_equal(r->id, i);
		assert_true(r->code[0] != '\0' && r->en[0] != '\0' && r->pt[0] != '\0');
		assert_true(r->remedy_en[0] != '\0' && r->remedy_pt[0] != '\0');
		assert_true(r->http >= 400 && r->http < 600);
		assert_true(r->exit > 0 && r->exit < 126);
		assert_ptr_equal(err_row_by_code(r->code), r); /* codes are unique */
		assert_true(str_utf8(r->pt, strlen(r->pt)) && str_utf8(r->remedy_pt, strlen(r->remedy_pt)));
	}
	assert_null(err_row(ERR_NONE));
	assert_null(err_row(ERR_COUNT));
	assert_null(err_row_by_code("no.such.code"));
}

static void words_and_context(void **state)
{
	const struct err *e;

	(void)state;
	errno = ENOSPC;
	e = err_errno("write %s", "x");
	assert_int_equal(e->id, ERR_DISK_LOW);
	assert_int_equal(e->sys, ENOSPC);
	assert_non_null(strstr(e->msg, "write x: "));
	e = err_wrap(e, "upload %d", 7);
	assert_int_equal(e->id, ERR_DISK_LOW);
	assert_true(str_starts(e->msg, "upload 7: write x: "));
	assert_null(err_wrap(NULL, "nothing"));
	assert_int_equal(err_exit(NULL), 0);
	assert_string_equal(err_code(NULL), "");
}

static void cut_at_a_character(void **state)
{
	char in[ERR_MSG_SIZE * 2];
	const struct err *e;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		size_t n = 0;

		while (n < shift)
			in[n++] = 'x';
		while (n + 3 < sizeof(in)) {
			memcpy(in + n, "\xe2\x82\xac", 3);
			n += 3;
		}
		in[n] = '\0';
		e = err_new(ERR_INPUT, "%s", in);
		assert_true(strlen(e->msg) < ERR_MSG_SIZE);
		assert_true(str_utf8(e->msg, strlen(e->msg)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(words_and_context),
		cmocka_unit_test(cut_at_a_character),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
