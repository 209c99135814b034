#include "unit.h"

#include "buf.h"

static void grows_and_stays_terminated(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		buf_addc(&b, (char)('a' + i % 26));
		assert_int_equal(b.ptr[b.len], 0);
		assert_true(b.cap > b.len);
	}
	assert_int_equal(b.len, 5000);
	buf_consume(&b, 4990);
	assert_int_equal(b.len, 10);
	assert_int_equal(b.ptr[0], 'a' + 4990 % 26);
	buf_consume(&b, 99);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.ptr, "");
	buf_free(&b);
	assert_ptr_equal(b.ptr, buf_empty);
}

static void formats_longer_than_its_room(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "start ");
	buf_addf(&b, "%0500d", 7);
	assert_int_equal(b.len, 506);
	assert_int_equal(b.ptr[505], '7');
	buf_wipe(&b);
}

static void empty_is_text_too(void **state)
{
	struct buf b = BUF_INIT;
	char *s;

	(void)state;
	assert_string_equal(b.ptr, "");
	buf_reset(&b);
	buf_truncate(&b, 0);
	buf_consume(&b, 0);
	s = buf_detach(&b);
	assert_string_equal(s, "");
	free(s);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	s = buf_detach(&b);
	assert_memory_equal(s, "a\0b", 4);
	assert_int_equal(b.len, 0);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(formats_longer_than_its_room),
		cmocka_unit_test(empty_is_text_too),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
