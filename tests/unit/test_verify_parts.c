/* Small parts of the verifier: sets of flags, INTERNALDATE, and the baseline file. */
#include "unit.h"

#include "flagset.h"
#include "imap_date.h"
#include "mem.h"
#include "verify.h"

static void flags_are_sets(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned diff;
	} rows[] = {
		{"\\Seen", "\\seen", 0},
		{"\\Seen $Forwarded", "$forwarded \\Seen", 0},
		{"\\Seen \\Seen", "\\Seen", 0},
		{"\\Recent", "", 0},
		{"", "", 0},
		{"\\Seen", "", FLAGSET_SYSTEM},
		{"NonJunk", "", FLAGSET_KEYWORDS},
		{"NonJunk", "Junk", FLAGSET_KEYWORDS},
		{"\\Seen a", "\\Flagged b", FLAGSET_SYSTEM | FLAGSET_KEYWORDS},
		{"\\Seen ABC xyz", "\\Seen abc", FLAGSET_KEYWORDS},
	};
	struct flagsets *f = flagsets_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t a = flagset_of(f, rows[i].a), b = flagset_of(f, rows[i].b);

		assert_int_equal(flagset_compare(f, a, b), rows[i].diff);
		assert_int_equal(flagset_compare(f, b, a), rows[i].diff);
		assert_int_equal(a == b, rows[i].diff == 0);
	}
	assert_int_equal(flagset_of(f, ""), 0);
	assert_string_equal(flagset_text(f, flagset_of(f, "Zeta \\Seen \\Answered alfa")), "\\answered \\seen alfa zeta");
	flagsets_free(f);
}

static void many_sets_stay_apart(void **state)
{
	struct flagsets *f = flagsets_new();
	char text[32];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			snprintf(text, sizeof(text), "\\Seen k%u", i);
			assert_int_equal(flagset_of(f, text), i + 1);
		}
	flagsets_free(f);
}

static void dates_as_instants_and_as_written(void **state)
{
	static const struct {
		const char *text, *utc;
		int32_t day;
	} rows[] = {
		{"17-Jul-1996 02:44:25 -0700", "1996-07-17T09:44:25Z", 19960717},
		{" 1-Jan-2024 00:30:00 +0100", "2023-12-31T23:30:00Z", 20240101},
		{"01-Jan-1970 00:00:00 +0000", "1970-01-01T00:00:00Z", 19700101},
		{"31-Dec-1969 23:59:59 +0000", "1969-12-31T23:59:59Z", 19691231},
		{"29-FEB-2000 12:00:00 +0530", "2000-02-29T06:30:00Z", 20000229},
	};
	char out[IMAP_DATE_TEXT];
	int64_t t;
	int32_t day;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(imap_date_parse(rows[i].text, &t));
		assert_string_equal(imap_date_text(t, out), rows[i].utc);
		assert_true(imap_date_as_written(rows[i].text, &day));
		assert_int_equal(day, rows[i].day);
	}
	assert_false(imap_date_as_written("32-Jan-2024 00:00:00 +0000", &day));
	assert_false(imap_date_as_written("1-Foo-2024 00:00:00 +0000", &day));
	assert_false(imap_date_as_written("", &day));
}

static struct baseline *baseline_of(const char *dir, const char *text)
{
	char *path = xasprintf("%s/baseline", dir);
	struct baseline *b = NULL;

	assert_ok(fs_write(path, text, strlen(text), 0600));
	assert_ok(baseline_read(&b, path));
	free(path);
	return b;
}

static void baseline_knows_folders_and_what_was_not_asked_for(void **state)
{
	struct baseline *b = baseline_of(*state, "{\"folders\":[{\"folder\":\"Sent\",\"uidvalidity\":7,\"uidnext\":4294967295},"
		"{\"folder\":\"Gone\",\"uidvalidity\":1,\"uidnext\":2,\"messages\":1},{\"folder\":\"INBOX\",\"uidvalidity\":3,"
		"\"uidnext\":1}]}");
	uint32_t validity = 0, next = 0;
	size_t at = 0;

	assert_true(baseline_find(b, "Sent", &validity, &next));
	assert_int_equal(validity, 7);
	assert_int_equal(next, UINT32_MAX);
	assert_true(baseline_find(b, "INBOX", &validity, &next));
	assert_int_equal(next, 1);
	assert_false(baseline_find(b, "inbox", &validity, &next));
	assert_string_equal(baseline_unseen(b, &at), "Gone");
	assert_null(baseline_unseen(b, &at));
	baseline_free(b);
	b = baseline_of(*state, "{\"folders\":[]}");
	assert_false(baseline_find(b, "INBOX", &validity, &next));
	baseline_free(b);
	baseline_free(NULL);
}

static void a_bad_baseline_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum err_id id;
	} rows[] = {
		{"", ERR_JSON},
		{"{\"folders\":1}", ERR_INPUT},
		{"{}", ERR_INPUT},
		{"{\"folders\":[{}]}", ERR_INPUT},
		{"{\"folders\":[{\"folder\":\"A\",\"uidvalidity\":1.5,\"uidnext\":1}]}", ERR_INPUT},
		{"{\"folders\":[{\"folder\":\"A\",\"uidvalidity\":1,\"uidnext\":\"1\"}]}", ERR_INPUT},
		{"{\"folders\":[{\"folder\":\"A\",\"uidvalidity\":1,\"uidnext\":1},"
		 "{\"folder\":\"A\",\"uidvalidity\":1,\"uidnext\":1}]}", ERR_INPUT},
	};
	char *path = xasprintf("%s/bad", (char *)*state);
	struct baseline *b = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_ok(fs_write(path, rows[i].text, strlen(rows[i].text), 0600));
		assert_err(baseline_read(&b, path), rows[i].id);
		assert_null(b);
	}
	assert_ok(fs_remove_tree(path));
	assert_err(baseline_read(&b, path), ERR_NOT_FOUND);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_sets),
		cmocka_unit_test(many_sets_stay_apart),
		cmocka_unit_test(dates_as_instants_and_as_written),
		cmocka_unit_test_setup_teardown(baseline_knows_folders_and_what_was_not_asked_for, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(a_bad_baseline_is_refused, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
