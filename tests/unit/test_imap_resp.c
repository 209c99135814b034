/* Responses put together from bytes cut anywhere; bodies streamed; sets and codes read. */
#include "unit.h"

#include "buf.h"
#include "imap_reader.h"
#include "imap_resp.h"

struct seen {
	struct buf log, body;
	uint32_t uid_at_begin;
	bool flags_at_begin;
	char section[64];
	unsigned ends;
};

static void on_begin(void *arg, const struct imap_fetch *f, const char *section, uint64_t size)
{
	struct seen *s = arg;

	s->uid_at_begin = f->uid;
	s->flags_at_begin = f->has_flags;
	snprintf(s->section, sizeof(s->section), "%s", section);
	buf_reset(&s->body);
	(void)size;
}

static void on_data(void *arg, const void *p, size_t n)
{
	buf_add(&((struct seen *)arg)->body, p, n);
}

static void on_end(void *arg)
{
	((struct seen *)arg)->ends++;
}

static const struct imap_body_ops ops = {on_begin, on_data, on_end};

typedef void check_fn(const struct imap_resp *r, struct seen *s);

/* Feeds `in` in pieces of every size; `check` sees the last response. */
static void each_cut(const char *in, const struct imap_body_ops *body, check_fn *check)
{
	size_t n = strlen(in);

	for (size_t step = 1; step <= n; step++) {
		struct imap_reader *r = imap_reader_new();
		struct seen s = {.log = BUF_INIT, .body = BUF_INIT};
		const struct imap_resp *resp = NULL;
		bool done = false;
		size_t at = 0, shown = 0, used;

		while (!done || at < n) {
			shown = shown + step < n ? shown + step : n;
			done = false;
			assert_ok(imap_reader_feed(r, in + at, shown - at, &used, &done, &resp, body, &s, NULL));
			at += used;
			assert_true(done || at < n);
		}
		check(resp, &s);
		buf_free(&s.log);
		buf_free(&s.body);
		imap_reader_free(r);
	}
}

static void check_fetch(const struct imap_resp *r, struct seen *s)
{
	assert_int_equal(r->kind, IMAP_FETCH);
	assert_int_equal(r->number, 3);
	assert_int_equal(s->uid_at_begin, 77);
	assert_true(s->flags_at_begin);
	assert_string_equal(s->section, "BODY[]");
	assert_string_equal(s->body.ptr, "hi\r\n)x");
	assert_int_equal(s->ends, 1);
	assert_string_equal(r->fetch.flags, "\\Seen $Forwarded");
	assert_string_equal(r->fetch.date, " 1-Jan-2020 00:00:00 -0300");
	assert_int_equal(r->fetch.size, 6);
	assert_true(r->fetch.has_modseq);
	assert_int_equal(r->fetch.modseq, 99);
}

static void check_late_uid(const struct imap_resp *r, struct seen *s)
{
	assert_int_equal(s->uid_at_begin, 0);
	assert_false(s->flags_at_begin);
	assert_string_equal(s->body.ptr, "a\"b");
	assert_int_equal(r->fetch.uid, 5);
	assert_string_equal(r->fetch.flags, "");
}

static void check_nil(const struct imap_resp *r, struct seen *s)
{
	assert_int_equal(s->ends, 0);
	assert_int_equal(r->fetch.uid, 5);
}

static void fetches(void **state)
{
	(void)state;
	each_cut("* 3 FETCH (UID 77 FLAGS (\\Seen \\Recent $Forwarded) MODSEQ (99) INTERNALDATE \" 1-Jan-2020 00:00:00 "
		 "-0300\" BODY[] {6}\r\nhi\r\n)x RFC822.SIZE 6)\r\n", &ops, check_fetch);
	each_cut("* 3 FETCH (BODY[] \"a\\\"b\" UID 5 FLAGS ())\r\n", &ops, check_late_uid);
	each_cut("* 3 FETCH (BODY[] NIL UID 5)\r\n", &ops, check_nil);
}

static void check_list(const struct imap_resp *r, struct seen *s)
{
	struct imap_list_item it;

	(void)s;
	assert_true(imap_resp_list(r, &it));
	assert_string_equal(it.name, "a \"b\"");
	assert_int_equal(it.sep, '/');
	assert_string_equal(it.role, "\\Sent");
	assert_true(it.subscribed);
	assert_false(it.noselect);
}

static void check_list_literal(const struct imap_resp *r, struct seen *s)
{
	struct imap_list_item it;

	(void)s;
	assert_true(imap_resp_list(r, &it));
	assert_int_equal(it.len, 4);
	assert_memory_equal(it.name, "{5}\n", 4);
	assert_int_equal(it.sep, '\0');
	assert_true(it.noselect);
}

static void check_status(const struct imap_resp *r, struct seen *s)
{
	struct imap_status_item it;

	(void)s;
	assert_true(imap_resp_status(r, &it));
	assert_string_equal(it.name, "x");
	assert_int_equal(it.messages, 231);
	assert_int_equal(it.uidnext, 44292);
	assert_int_equal(it.uidvalidity, 1);
	assert_false(it.has_size);
}

static void lists(void **state)
{
	(void)state;
	each_cut("* LIST (\\HasNoChildren \\sent \\Subscribed) \"/\" \"a \\\"b\\\"\"\r\n", NULL, check_list);
	each_cut("* LIST (\\Noselect) NIL {4}\r\n{5}\n\r\n", NULL, check_list_literal);
	each_cut("* STATUS x (MESSAGES 231 UIDNEXT 44292 UNKNOWN (1 2) UIDVALIDITY 1)\r\n", NULL, check_status);
}

static void check_appenduid(const struct imap_resp *r, struct seen *s)
{
	struct uidset set = UIDSET_INIT;
	uint32_t v = 0;

	(void)s;
	assert_string_equal(r->tag, "A3");
	assert_true(imap_resp_appenduid(r, &v, &set));
	assert_int_equal(v, 38505);
	assert_int_equal(uidset_count(&set), 4);
	assert_string_equal(r->text, "Done ] ok");
	uidset_free(&set);
}

static void check_badcharset(const struct imap_resp *r, struct seen *s)
{
	(void)s;
	assert_string_equal(r->code, "BADCHARSET");
	assert_string_equal(r->code_args, "(\"a]b\")");
	assert_string_equal(r->text, "no");
}

static void check_search(const struct imap_resp *r, struct seen *s)
{
	(void)s;
	assert_int_equal(uidset_count(&r->uids), 5);
	assert_true(uidset_has(&r->uids, 9));
}

static void check_modseq_search(const struct imap_resp *r, struct seen *s)
{
	(void)s;
	assert_int_equal(uidset_count(&r->uids), 2);
}

static void codes_and_sets(void **state)
{
	(void)state;
	each_cut("A3 OK [APPENDUID 38505 3955:3957,4000] Done ] ok\r\n", NULL, check_appenduid);
	each_cut("A3 NO [BADCHARSET (\"a]b\")] no\r\n", NULL, check_badcharset);
	each_cut("* SEARCH 1 2 3 9 8\r\n", NULL, check_search);
	each_cut("* ESEARCH (TAG \"A1\") UID ALL 1:3,8:9\r\n", NULL, check_search);
	each_cut("* SEARCH 4 5 (MODSEQ 917)\r\n", NULL, check_modseq_search);
	each_cut("* VANISHED (EARLIER) 41,43:45,9\r\n", NULL, check_search);
}

static void rejects(const char *in)
{
	struct imap_reader *r = imap_reader_new();
	const struct imap_resp *resp;
	size_t used;
	bool done;

	assert_err(imap_reader_feed(r, in, strlen(in), &used, &done, &resp, NULL, NULL, NULL), ERR_PROTOCOL);
	imap_reader_free(r);
}

static void nonsense(void **state)
{
	(void)state;
	rejects("A1 MAYBE done\r\n");
	rejects("* LIST () NIL {1048577}\r\n");
	rejects("* ESEARCH ALL 1:x\r\n");
	rejects("* 1 FETCH (UID 3\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetches),
		cmocka_unit_test(lists),
		cmocka_unit_test(codes_and_sets),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
