#include "unit.h"

#include "range.h"

static void rows(void **state)
{
	static const struct {
		const char *header;
		off_t size;
		enum range_kind kind;
		off_t from, length;
	} t[] = {
		{NULL, 10, RANGE_WHOLE, 0, 10},
		{"bytes=0-", 10, RANGE_PART, 0, 10},
		{"bytes=3-", 10, RANGE_PART, 3, 7},
		{"bytes=3-5", 10, RANGE_PART, 3, 3},
		{"bytes=3-99", 10, RANGE_PART, 3, 7},
		{"bytes=9-9", 10, RANGE_PART, 9, 1},
		{"bytes=10-", 10, RANGE_NONE, 0, 10},
		{"bytes=0-", 0, RANGE_NONE, 0, 0},
		{"bytes=-4", 10, RANGE_PART, 6, 4},
		{"bytes=-40", 10, RANGE_PART, 0, 10},
		{"bytes=-0", 10, RANGE_NONE, 0, 10},
		{"bytes=5-3", 10, RANGE_WHOLE, 0, 10},
		{"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 10},
		{"bytes=a-", 10, RANGE_WHOLE, 0, 10},
		{"bytes=-", 10, RANGE_WHOLE, 0, 10},
		{"items=0-1", 10, RANGE_WHOLE, 0, 10},
		{"bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		off_t from, length;

		assert_int_equal(range_parse(t[i].header, t[i].size, &from, &length), t[i].kind);
		assert_int_equal(from, t[i].from);
		assert_int_equal(length, t[i].length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
