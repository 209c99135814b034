#include "unit.h"

#include "clock.h"

static void text_and_back(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{1795352400123, "2026-11-22T13:00:00.123Z"},
		{-2208988800000, "1900-01-01T00:00:00.000Z"},
		{951782399999, "2000-02-28T23:59:59.999Z"},
	};
	char text[CLOCK_TEXT_SIZE];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(clock_text(rows[i].ms, text), rows[i].text);
		assert_true(clock_parse(rows[i].text, &back));
		assert_int_equal(back, rows[i].ms);
	}
}

static void offsets(void **state)
{
	int64_t ms, utc;

	(void)state;
	assert_true(clock_parse("2026-11-22T13:00:00Z", &utc));
	assert_true(clock_parse("2026-11-22T10:00:00-03:00", &ms));
	assert_int_equal(ms, utc);
	assert_true(clock_parse("2026-11-22t18:30:00.000+05:30", &ms));
	assert_int_equal(ms, utc);
}

static void refuses(void **state)
{
	static const char *const rows[] = {"", "2026", "2026-11-22", "2026-11-22 13:00:00Z", "2026-11-22T13:00:00",
		"2026-13-22T13:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T13:00:00Zx", "2026-11-22T13:00:00+3",
		"2026-11-22T13:00:00.Z5", "junk"};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (clock_parse(rows[i], &ms))
			fail_msg("accepted: %s", rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(offsets),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
