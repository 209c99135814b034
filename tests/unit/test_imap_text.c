/* Small pure pieces: modified UTF-7, dates, UID sets, what servers' words mean. */
#include "unit.h"

#include "imap_date.h"
#include "imap_quirk.h"
#include "imap_utf7.h"
#include "uidset.h"

static void utf7_both(const char *utf8, const char *utf7)
{
	struct buf b = BUF_INIT;

	assert_true(utf7_encode(&b, utf8, strlen(utf8)));
	assert_string_equal(b.ptr, utf7);
	buf_reset(&b);
	assert_true(utf7_decode(&b, utf7, strlen(utf7)));
	assert_string_equal(b.ptr, utf8);
	buf_free(&b);
}

static void utf7(void **state)
{
	static const char *const bad[] = {"&", "&AB", "&A-", "&AAAA-", "&2AA-", "&3AA-", "&AOkA-", "a\xc3\xa9", "&*-"};
	struct buf b = BUF_INIT;

	(void)state;
	utf7_both("INBOX", "INBOX");
	utf7_both("Lixo Eletrônico", "Lixo Eletr&APQ-nico");
	utf7_both("Ação & Cia", "A&AOcA4w-o &- Cia");
	utf7_both("日本語", "&ZeVnLIqe-");
	utf7_both("mail😀x", "mail&2D3eAA-x");
	utf7_both("é&é", "&AOk-&-&AOk-");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(utf7_decode(&b, bad[i], strlen(bad[i])));
		assert_int_equal(b.len, 0);
	}
	assert_false(utf7_encode(&b, "\xff", 1));
	buf_free(&b);
}

static void dates(void **state)
{
	static const char *const wrong[] = {"", "17", "17-Jul-1996", "17-Jul-1996 02:44", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 ",
		"17-Jul-1996 02:44:25 -", "17-Jul-1996 02:44:25 -07", "17-Jul-1996 02:44:25 -0700 x", "0-Jul-1996 02:44:25 -0700",
		"32-Jul-1996 02:44:25 -0700", "17-Jul-1996 24:44:25 -0700", "17-Jul-1996 02:60:25 -0700", "17-Jul-1996 02:44:61 -0700",
		"17-J", "17-Ju-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 0700"};
	int64_t t;
	int32_t written;
	char day[12];

	(void)state;
	assert_true(imap_date_parse("17-Jul-1996 02:44:25 -0700", &t));
	assert_int_equal(t, 837596665);
	assert_true(imap_date_parse(" 1-Jan-1970 00:00:00 +0000", &t));
	assert_int_equal(t, 0);
	assert_true(imap_date_parse("31-Dec-1969 23:59:59 +0000", &t));
	assert_int_equal(t, -1);
	assert_false(imap_date_parse("17-Foo-1996 02:44:25 -0700", &t));
	assert_true(imap_date_parse("17-jul-1996 2:44:25 +0030", &t)); /* as some servers write it */
	assert_int_equal(t, 837571465 - 1800);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(imap_date_parse(wrong[i], &t));
	assert_true(imap_date_as_written(" 9-Feb-2024 23:59:59 -1200", &written));
	assert_int_equal(written, 20240209);
	assert_false(imap_date_as_written("9 Feb 2024", &written));
	imap_date_day("2024-02-09", day);
	assert_string_equal(day, "9-Feb-2024");
}

static void same_set(const struct uidset *s, const char *want)
{
	struct buf b = BUF_INIT;
	size_t at = 0;

	uidset_format(s, &at, 1000, &b);
	assert_string_equal(b.ptr, want);
	buf_free(&b);
}

static void sets(void **state)
{
	struct uidset a = UIDSET_INIT, b = UIDSET_INIT;

	(void)state;
	assert_true(uidset_parse(&a, "5,1:3,4,10:8", 12));
	same_set(&a, "1:5,8:10");
	uidset_add(&a, 6, 7);
	same_set(&a, "1:10");
	uidset_add(&b, 3, 4);
	uidset_add(&b, 10, 12);
	uidset_sub(&a, &b);
	same_set(&a, "1:2,5:9");
	uidset_clip(&a, 2, 6);
	same_set(&a, "2,5:6");
	assert_int_equal(uidset_count(&a), 3);
	assert_int_equal(uidset_at(&a, 1), 5);
	assert_true(uidset_has(&a, 6) && !uidset_has(&a, 3));
	uidset_add(&a, UINT32_MAX, UINT32_MAX);
	uidset_add(&a, UINT32_MAX - 1, UINT32_MAX);
	same_set(&a, "2,5:6,4294967294:4294967295");
	uidset_clear(&b);
	assert_false(uidset_parse(&b, "1:*", 3));
	assert_false(uidset_parse(&b, "0", 1));
	assert_false(uidset_parse(&b, "1,,2", 4));
	assert_false(uidset_parse(&b, "4294967296", 10));
	uidset_free(&a);
	uidset_free(&b);
}

/* Against a plain array of booleans, with numbers from a fixed generator. */
static void sets_at_random(void **state)
{
	struct uidset s = UIDSET_INIT, less = UIDSET_INIT;
	bool in[300] = {false};
	uint32_t r = 12345;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint32_t lo, hi;

		r = r * 1103515245u + 12345u;
		lo = 1 + (r >> 16) % 280;
		hi = lo + (r >> 8) % 12;
		if (i % 3 == 2) {
			uidset_clear(&less);
			uidset_add(&less, lo, hi);
			uidset_sub(&s, &less);
		} else {
			uidset_add(&s, lo, hi);
		}
		for (uint32_t k = lo; k <= hi; k++)
			in[k] = i % 3 != 2;
		for (uint32_t k = 1; k < 300; k++)
			assert_int_equal(uidset_has(&s, k), in[k]);
		for (size_t k = 1; k < s.n; k++)
			assert_true(s.r[k].lo > s.r[k - 1].hi + 1);
	}
	uidset_free(&s);
	uidset_free(&less);
}

static void meanings(void **state)
{
	struct imap_resp r = {.code = "", .text = ""};

	(void)state;
	r.text = "Request is throttled. Suggested Backoff Time: 299961 milliseconds";
	assert_int_equal(quirk_meaning(&r), ERR_THROTTLED);
	assert_int_equal(quirk_backoff_ms(r.text, 1), 299961);
	assert_int_equal(quirk_backoff_ms("slow down", 7), 7);
	r.code = "OVERQUOTA";
	r.text = "Quota exceeded (mailbox for user is full)";
	assert_int_equal(quirk_meaning(&r), ERR_QUOTA);
	r.text = "Account exceeded command or bandwidth limits. (Failure)";
	assert_int_equal(quirk_meaning(&r), ERR_THROTTLED);
	r.code = "ALREADYEXISTS";
	assert_true(quirk_already_exists(&r));
	r.code = "";
	r.text = "nope";
	assert_int_equal(quirk_meaning(&r), ERR_SERVER_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf7),
		cmocka_unit_test(dates),
		cmocka_unit_test(sets),
		cmocka_unit_test(sets_at_random),
		cmocka_unit_test(meanings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
