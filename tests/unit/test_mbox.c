/* Where messages of an mbox begin and end, cut anywhere; line ends; dates as mail writes them; labels. */
#include "unit.h"

#include "lines.h"
#include "mail_date.h"
#include "mail_labels.h"
#include "mbox_scan.h"
#include "mem.h"
#include "source.h"

struct file {
	const char *p;
	size_t n;
	struct buf out; /* each message's bytes, "|" behind */
};

static size_t peek(void *arg, uint64_t at, void *p, size_t n)
{
	struct file *f = arg;

	if (at >= f->n)
		return 0;
	n = n < f->n - at ? n : (size_t)(f->n - at);
	memcpy(p, f->p + at, n);
	return n;
}

static void on_message(void *arg, const struct mbox_message *m)
{
	struct file *f = arg;
	struct mbox_unquote u = {0};

	if (m->verbatim) {
		buf_add(&f->out, f->p + m->at, m->raw);
	} else {
		mbox_unquote(&u, f->p + m->at, m->raw, &f->out);
		mbox_unquote_end(&u, &f->out);
	}
	buf_addc(&f->out, '|');
}

static void gives(const char *text, const char *want)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		struct file f = {text, strlen(text), BUF_INIT};
		struct mbox_scan *s = mbox_scan_new(on_message, peek, &f);
		uint64_t before;

		for (size_t at = 0; at < f.n; at += piece)
			mbox_scan_feed(s, text + at, f.n - at < piece ? f.n - at : piece);
		mbox_scan_end(s, &before);
		assert_string_equal(f.out.ptr, want);
		mbox_scan_free(s);
		buf_free(&f.out);
	}
}

#define FROM "From a@b.example Tue May  5 05:05:05 2015\n"

static void test_boundaries(void **state)
{
	(void)state;
	gives("", "");
	gives("no mbox\n", "");
	gives(FROM "S: 1\n\nx\n\n" FROM "S: 2\n\ny\n\n", "S: 1\n\nx\n|S: 2\n\ny\n|");
	gives(FROM "S: 1\n\nx\n\nFrom the start\n", "S: 1\n\nx\n\nFrom the start\n|");
	gives(FROM "S: 1\n\nx\nFrom -\nS: 2\n\ny", "S: 1\n\nx\n|S: 2\n\ny|");
	/* Mozilla's, without a date; the empty line before it may lack */
	gives("From - \nS: 1\n\nx\nFrom - \nS: 2\n\ny\n\nFrom - \nS: 3\n\nz", "S: 1\n\nx\n|S: 2\n\ny\n|S: 3\n\nz|");
	gives("From - \r\nS: 1\r\n\r\nx\r\nFrom - \r\nS: 2\r\n\r\ny\r\n", "S: 1\r\n\r\nx\r\n|S: 2\r\n\r\ny\r\n|");
	gives(FROM "S: 1\n\nFrom - x\nS: 2\n", "S: 1\n|S: 2\n|"); /* behind an empty line a header is enough */
	gives(FROM "S: 1\n\nx\nFrom - x\nS: 2\n", "S: 1\n\nx\nFrom - x\nS: 2\n|");
	gives(FROM "S: 1\n\nx\nFrom - \nno header\n", "S: 1\n\nx\nFrom - \nno header\n|");
	gives(FROM "Content-Length: 2\n\nx\n\nFrom - \nS: 2\n", "Content-Length: 2\n\nx\n|S: 2\n|");
	gives("From a\nS: 1\n\nx\n\nFrom b\nS: 2\n\ny\n", "S: 1\n\nx\n|S: 2\n\ny\n|");
	gives(FROM "S: 1\n\n" FROM "S: 2\n", "S: 1\n|S: 2\n|");
}

static void test_quotes(void **state)
{
	(void)state;
	gives(FROM "S: 1\n\n>From x\n>>From y\n> From z\n>Fro\n\n", "S: 1\n\nFrom x\n>From y\n> From z\n>Fro\n|");
	gives(FROM "Content-Length: 8\n\n>From x\n\n" FROM "S: 2\n\n", "Content-Length: 8\n\n>From x\n|S: 2\n|");
	/* what it leads to begins no message: it is not believed, and nothing behind it is lost */
	gives(FROM "Content-Length: 5\n\nabcd\n\nFrom here\nno header\n\n>From y\n",
		"Content-Length: 5\n\nabcd\n\nFrom here\nno header\n\nFrom y\n|");
	gives(FROM "Content-Length: 5\n\nabcd\n\rFrom -\nS: 2\n", "Content-Length: 5\n\nabcd\n\rFrom -\nS: 2\n|"); /* no line's end */
	gives(FROM "Content-Length: 4\r\n\r\nabcd\r\n\r\n" FROM "S: 2\n", "Content-Length: 4\r\n\r\nabcd|S: 2\n|");
	gives(FROM "Content-Length: 50\n\n>From x\n\n", "Content-Length: 50\n\nFrom x\n|"); /* it leads nowhere */
	gives(FROM "Content-Length: 44\n\na\n" FROM "\n" FROM "S: 2\n\ny\n",
		"Content-Length: 44\n\na\n" FROM "|S: 2\n\ny\n|");
}

static void dates_to(const char *text, int64_t want)
{
	int64_t got;

	assert_true(mail_date(text, strlen(text), &got));
	assert_int_equal(got, want);
}

/* Line ends of every kind at every place of a block, in one go and cut in two anywhere. */
static void test_line_ends(void **state)
{
	static const char *const ends[][2] = {{"\n", "\r\n"}, {"\r\n", "\r\n"}, {"\r", "\r"}, {"\r\r\n", "\r\r\n"},
		{"\n\n", "\r\n\r\n"}, {"\n\r\n", "\r\n\r\n"}};

	(void)state;
	for (size_t length = 0; length < 40; length++)
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			struct buf in = BUF_INIT, want = BUF_INIT;

			for (size_t k = 0; k < length; k++)
				buf_addc(&in, 'x');
			buf_add(&want, in.ptr, in.len);
			buf_addf(&in, "%szz%s", ends[i][0], ends[i][0]);
			buf_addf(&want, "%szz%s", ends[i][1], ends[i][1]);
			for (size_t cut = 0; cut <= in.len; cut++) {
				char *out = xmalloc(LINES_ROOM(cut) + LINES_ROOM(in.len - cut));
				bool cr = false;
				size_t n = lines_to_crlf(out, in.ptr, cut, &cr);

				n += lines_to_crlf(out + n, in.ptr + cut, in.len - cut, &cr);
				assert_int_equal(n, want.len);
				assert_memory_equal(out, want.ptr, n);
				free(out);
			}
			buf_free(&in);
			buf_free(&want);
		}
}

static void test_dates(void **state)
{
	char text[MAIL_DATE_IMAP];
	int64_t got;

	(void)state;
	dates_to("Tue, 5 May 2015 05:05:05 +0000", 1430802305);
	dates_to("Tue, 5 May 2015 02:05:05 -0300 (BRT)", 1430802305);
	dates_to("Tue May  5 05:05:05 2015", 1430802305);
	dates_to("Tue May 05 07:05:05 +0200 2015", 1430802305);
	dates_to("5 May 15 00:05:05 EST", 1430802305);
	dates_to("29 Feb 2000 23:59 GMT", 951868740);
	assert_false(mail_date("yesterday", 9, &got));
	assert_false(mail_date("5 May 2015", 10, &got));
	assert_false(mail_date("45 May 2015 05:05:05", 20, &got));
	mail_date_imap(1430802305, text);
	assert_string_equal(text, "05-May-2015 05:05:05 +0000");
	mail_date_imap(951868740, text);
	assert_string_equal(text, "29-Feb-2000 23:59:00 +0000");
}

static void test_labels(void **state)
{
	struct buf folder = BUF_INIT, words = BUF_INIT;
	const char *value = "Unread,\"Clientes/A, B\",Starred,Projetos";
	uint32_t flags;

	(void)state;
	mail_labels(value, strlen(value), &folder, &flags, &words);
	assert_string_equal(folder.ptr, "Clientes/A, B");
	assert_string_equal(words.ptr, " Clientes/A,_B Projetos");
	assert_int_equal(flags, SOURCE_FLAGGED);
	buf_free(&folder);
	buf_free(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
