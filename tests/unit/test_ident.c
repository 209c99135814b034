/* The identity ladder: which changes each rung sees through, and that no cut of the input changes a key. */
#include "unit.h"

#include "buf.h"
#include "ident.h"

/* Keys of a message, fed in pieces of `piece` bytes (0: at once). */
static struct ident keys(const char *p, size_t n, size_t piece, const char *const *ignore)
{
	struct ident_reader *r = ident_reader_new(IDENT_WANT_ALL, ignore);
	struct ident id;

	if (piece == 0)
		piece = n + 1;
	for (size_t at = 0; at < n; at += piece)
		ident_reader_feed(r, p + at, n - at < piece ? n - at : piece);
	ident_reader_end(r, &id);
	ident_reader_free(r);
	return id;
}

static bool same(const struct ident *a, const struct ident *b, enum ident_rung rung)
{
	return (a->have & b->have & 1u << rung) != 0 &&
		memcmp(&a->key[rung], &b->key[rung], sizeof(a->key[rung])) == 0;
}

/* The first rung on which two messages are equal; IDENT_RUNGS when there is none. */
static enum ident_rung rung_of(const char *a, const char *b)
{
	struct ident x = keys(a, strlen(a), 0, NULL), y = keys(b, strlen(b), 0, NULL);

	for (int r = 0; r < IDENT_RUNGS; r++)
		if (same(&x, &y, (enum ident_rung)r))
			return (enum ident_rung)r;
	return IDENT_RUNGS;
}

#define HEAD                                                                                                           \
	"From: =?utf-8?q?Jos=C3=A9?= <jose@example.pt>\r\n"                                                            \
	"To: \"Ana Sousa\" <ana@example.pt>\r\n"                                                                       \
	"Subject: =?iso-8859-1?Q?Relat=F3rio?= mensal\r\n"                                                             \
	"Date: Mon, 1 Jan 2024 10:00:00 +0000\r\n"                                                                     \
	"Message-Id: <a1@example.pt>\r\n"
#define TEXT "Bom dia,\r\n\r\nsegue o relat\xc3\xb3rio = final.\r\nAna\r\n"
#define PLAIN HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\n" TEXT

static const struct {
	const char *what, *a, *b;
	enum ident_rung rung;
} ladder[] = {
	{"nothing changed", PLAIN, PLAIN, IDENT_EXACT},
	{"line ends as LF", "Subject: x\r\n\r\na\r\nb\r\n", "Subject: x\n\na\nb\n", IDENT_CANONICAL},
	{"CR CR LF stored as CR LF", "Subject: x\r\n\r\na\r\r\nb\r\n", "Subject: x\r\n\r\na\r\nb\r\n", IDENT_CANONICAL},
	{"header only, line ends as LF", "Subject: x\r\nTo: y\r\n", "Subject: x\nTo: y\n", IDENT_CANONICAL},
	{"a store's field added", PLAIN, "X-UID: 7\r\nStatus: RO\r\n" PLAIN, IDENT_CANONICAL},
	{"a store's folded field added", PLAIN, HEAD "X-Keywords: a\r\n b\r\n\tc\r\nContent-Type: text/plain; "
		"charset=utf-8\r\n\r\n" TEXT, IDENT_CANONICAL},
	{"a field by prefix added", PLAIN, "x-dovecot-anything: 1\r\n" PLAIN, IDENT_CANONICAL},
	{"an mbox From line added", PLAIN, "From jose@example.pt Mon Jan  1 10:00:00 2024\n" PLAIN, IDENT_CANONICAL},
	{"mbsync's mark added", PLAIN, HEAD "X-TUID: abcdefghijkl\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
		TEXT, IDENT_CANONICAL},
	{"an unknown X- field added", PLAIN, "X-Gateway-Seen: yes\r\n" PLAIN, IDENT_DECODED},
	{"header folded anew", HEAD "References: <1@x>\r\n <2@x>\r\n\r\nx\r\n", HEAD "References: <1@x> <2@x>\r\n\r\nx\r\n",
		IDENT_DECODED},
	{"fields in another order", "To: b\r\n" HEAD "\r\nx\r\n", HEAD "To: b\r\n\r\nx\r\n", IDENT_DECODED},
	{"subject encoded anew", "Subject: =?utf-8?B?UmVsYXTDs3Jpbw==?=\r\nDate: d\r\n\r\nx\r\n",
		"Subject: =?iso-8859-1?Q?Relat=F3?=\r\n =?iso-8859-1?Q?rio?=\r\nDate: d\r\n\r\nx\r\n", IDENT_DECODED},
	{"a character cut between encoded-words", "Subject: =?utf-8?B?w7M=?=\r\n\r\nx\r\n",
		"Subject: =?utf-8?Q?=C3?= =?utf-8?Q?=B3?=\r\n\r\nx\r\n", IDENT_DECODED},
	{"body as quoted-printable", PLAIN, HEAD "Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"Bom dia,\r\n\r\nsegue o relat=C3=B3rio =3D fi=\r\nnal.\r\nAna\r\n", IDENT_DECODED},
	{"body as base64", PLAIN, HEAD "Content-Type: TEXT/plain;\r\n\tcharset=\"UTF-8\"\r\nMIME-Version: 1.0\r\n"
		"Content-Transfer-Encoding: BASE64\r\n\r\n"
		"Qm9tIGRpYSwNCg0Kc2VndWUgbyByZWxhdMOzcmlvID0g\r\nZmluYWwuDQpBbmENCg==\r\n", IDENT_DECODED},
	{"body in another character set", PLAIN, HEAD "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n"
		"Bom dia,\r\n\r\nsegue o relat\xf3rio = final.\r\nAna\r\n", IDENT_DECODED},
	{"last line end missing", PLAIN, HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\n"
		"Bom dia,\r\n\r\nsegue o relat\xc3\xb3rio = final.\r\nAna", IDENT_DECODED},
	{"another boundary, preamble and nesting",
		HEAD "Content-Type: multipart/mixed; boundary=AA\r\n\r\n--AA\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
		"--AA\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n"
		"--AA--\r\n",
		HEAD "Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\nThis is MIME.\r\n--b b\r\n"
		"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nhi\r\n--c--\r\n\r\n--b b  \r\n"
		"Content-Disposition: attachment; filename*0*=utf-8''a.; filename*1=png\r\nContent-Type: image/png\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\niVBO\r\nRw0K\r\n--b b--\r\ntrailer\r\n", IDENT_DECODED},
	{"a message inside, folded anew",
		HEAD "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n side\r\n\r\ntext\r\n",
		HEAD "Content-Type: message/rfc822\r\n\r\nSubject: in side\r\n\r\ntext\r\n", IDENT_DECODED},
	{"one byte of the body changed", PLAIN, HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\n"
		"Bom dia,\r\n\r\nsegue o relat\xc3\xb3rio = finaL.\r\nAna\r\n", IDENT_HEADER},
	{"a recipient changed", PLAIN, "Cc: x@example.pt\r\n" PLAIN, IDENT_HEADER},
	{"an attachment's byte changed",
		HEAD "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n",
		HEAD "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0L\r\n", IDENT_HEADER},
	{"an attachment renamed, with Message-Id",
		HEAD "Content-Type: image/png; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n",
		HEAD "Content-Type: image/png; name=b\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n", IDENT_HEADER},
	{"the same without Message-Id",
		"From: a\r\nContent-Type: image/png; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n",
		"From: a\r\nContent-Type: image/png; name=b\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n",
		IDENT_RUNGS},
	{"no Message-Id, another body", "From: a\r\nSubject: b\r\n\r\n1\r\n", "From: a\r\nSubject: b\r\n\r\n2\r\n",
		IDENT_HEADER},
	{"no Message-Id, another date", "From: a\r\nDate: 1\r\n\r\n1\r\n", "From: a\r\nDate: 2\r\n\r\n1\r\n", IDENT_RUNGS},
	{"another Message-Id", "Message-Id: <1@x>\r\n\r\nx\r\n", "Message-Id: <2@x>\r\n\r\nx\r\n", IDENT_RUNGS},
	{"no header at all: no weak identity", "\r\none\r\n", "\r\ntwo\r\n", IDENT_RUNGS},
	{"a field that only looks like a store's", "X-UIDS: 1\r\nTo: a\r\n\r\n", "To: a\r\n\r\n", IDENT_DECODED},
	{"the same words in the body", "To: a\r\n\r\nX-UID: 1\r\n", "To: a\r\n\r\n", IDENT_RUNGS},
};

static void each_rung_sees_through_its_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
		enum ident_rung got = rung_of(ladder[i].a, ladder[i].b);

		if (got != ladder[i].rung)
			fail_msg("%s: rung %s, expected %s", ladder[i].what,
				got < IDENT_RUNGS ? ident_rung_name(got) : "none",
				ladder[i].rung < IDENT_RUNGS ? ident_rung_name(ladder[i].rung) : "none");
	}
}

static void equal_on_a_rung_is_equal_on_the_weaker_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
		struct ident x = keys(ladder[i].a, strlen(ladder[i].a), 0, NULL);
		struct ident y = keys(ladder[i].b, strlen(ladder[i].b), 0, NULL);
		bool equal = false;

		for (int r = 0; r < IDENT_RUNGS; r++) {
			unsigned both = x.have & y.have & 1u << r;

			if (equal && both && !same(&x, &y, (enum ident_rung)r))
				fail_msg("%s: rung %s", ladder[i].what, ident_rung_name((enum ident_rung)r));
			equal = equal || same(&x, &y, (enum ident_rung)r);
		}
	}
}

static void assert_same_keys(const struct ident *a, const struct ident *b, const char *what, size_t piece)
{
	if (a->size != b->size || a->have != b->have || a->canonical_same != b->canonical_same ||
		memcmp(a->key, b->key, sizeof(a->key)) != 0 || memcmp(a->sha256, b->sha256, 32) != 0)
		fail_msg("%s: pieces of %zu bytes give other keys", what, piece);
}

static void no_cut_changes_a_key(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 5, 7, 63, 64, 65, 127, 1000};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(ladder) / sizeof(ladder[0]); i++) {
		const char *m = i % 2 ? ladder[i / 2].a : ladder[i / 2].b;
		struct ident whole = keys(m, strlen(m), 0, NULL);

		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct ident cut = keys(m, strlen(m), pieces[k], NULL);

			assert_same_keys(&whole, &cut, ladder[i / 2].what, pieces[k]);
		}
	}
}

/* A small deterministic generator: bytes that are likely to matter, in any order. */
static void fill_odd(struct buf *b, uint32_t seed, size_t n)
{
	static const char *const bits[] = {"\r", "\n", "\r\n", "--b", "--b--", ":", " ", "X-UID: 1", "From ", "=",
		"=3D", "Content-Type: multipart/mixed; boundary=b\r\n", "\r\n\r\n", "Content-Transfer-Encoding: base64\r\n",
		"Content-Transfer-Encoding: quoted-printable\r\n", "Content-Type: text/plain; charset=iso-2022-jp\r\n",
		"=?utf-8?q?=C3?=", "QUJD", "\xc3\xb3", "\x1b$B", "Content-Type: message/rfc822\r\n", "Subject: ", "\t", "abc"};

	buf_reset(b);
	while (b->len < n) {
		seed = seed * 1664525 + 1013904223;
		buf_adds(b, bits[(seed >> 16) % (sizeof(bits) / sizeof(bits[0]))]);
		if ((seed >> 8) % 64 == 0)
			buf_addc(b, '\0');
	}
}

static void no_cut_changes_the_keys_of_odd_messages(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (uint32_t seed = 1; seed < 300; seed += is_long() ? 1 : 3) {
		struct ident whole, cut;

		fill_odd(&b, seed, 50 + seed * 7);
		whole = keys(b.ptr, b.len, 0, NULL);
		for (size_t piece = 1; piece < 70; piece += piece / 4 + 1) {
			cut = keys(b.ptr, b.len, piece, NULL);
			assert_same_keys(&whole, &cut, "odd message", piece);
		}
	}
	buf_free(&b);
}

/* LF instead of CRLF anywhere, in whatever mixture: canonical must not see it. */
static void line_ends_never_show(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	for (uint32_t seed = 1; seed < 200; seed++) {
		struct ident x, y;

		buf_reset(&b);
		fill_odd(&a, seed, 3000);
		for (size_t i = 0; i < a.len; i++)
			if (!(a.ptr[i] == '\r' && a.ptr[i + 1] == '\n'))
				buf_addc(&b, a.ptr[i]);
		x = keys(a.ptr, a.len, 0, NULL);
		y = keys(b.ptr, b.len, 0, NULL);
		if (!same(&x, &y, IDENT_CANONICAL))
			fail_msg("seed %u", seed);
	}
	buf_free(&a);
	buf_free(&b);
}

static void exact_is_sha256(void **state)
{
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
		0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	struct ident id = keys("abc", 3, 0, NULL), empty = keys("", 0, 0, NULL);

	(void)state;
	assert_memory_equal(id.sha256, abc, sizeof(abc));
	assert_memory_equal(id.key[IDENT_EXACT].b, abc, IDENT_KEY_SIZE);
	assert_int_equal(id.size, 3);
	assert_true(id.canonical_same);
	assert_int_equal(empty.size, 0);
	assert_int_equal(empty.have & 1u << IDENT_HEADER, 0);
}

static void extra_fields_can_be_ignored(void **state)
{
	static const char *const ignore[] = {"Received-By-Us", "List-*", NULL};
	static const char with[] = "Received-by-us: x\r\nList-Id: y\r\n" PLAIN;
	struct ident x = keys(PLAIN, strlen(PLAIN), 0, ignore), y = keys(with, strlen(with), 0, ignore);

	(void)state;
	assert_true(same(&x, &y, IDENT_CANONICAL));
	assert_false(y.canonical_same);
	assert_int_equal(rung_of(PLAIN, with), IDENT_HEADER);
}

static void one_reader_serves_many_messages(void **state)
{
	struct ident_reader *r = ident_reader_new(IDENT_WANT_ALL, NULL);
	struct ident id, want;

	(void)state;
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
			const char *m = ladder[i].b;

			ident_reader_feed(r, "Subject: half\r\n\r\n--", 19);
			ident_reader_reset(r);
			ident_reader_feed(r, m, strlen(m));
			ident_reader_end(r, &id);
			want = keys(m, strlen(m), 0, NULL);
			assert_same_keys(&want, &id, ladder[i].what, 0);
		}
	ident_reader_free(r);
}

static void gives_fields_for_people(void **state)
{
	struct ident_reader *r = ident_reader_new(IDENT_WANT_ALL, NULL);
	struct ident id;
	struct buf b = BUF_INIT;

	(void)state;
	ident_reader_feed(r, PLAIN, strlen(PLAIN));
	ident_reader_end(r, &id);
	assert_string_equal(ident_reader_field(r, IDENT_FIELD_FROM), "Jos\xc3\xa9 <jose@example.pt>");
	assert_string_equal(ident_reader_field(r, IDENT_FIELD_SUBJECT), "Relat\xc3\xb3rio mensal");
	assert_string_equal(ident_reader_field(r, IDENT_FIELD_MESSAGE_ID), "<a1@example.pt>");
	buf_adds(&b, "Subject: ");
	for (int i = 0; i < 2000; i++)
		buf_adds(&b, "\xc3\xa9");
	ident_reader_feed(r, b.ptr, b.len);
	ident_reader_end(r, &id);
	assert_int_equal(strlen(ident_reader_field(r, IDENT_FIELD_SUBJECT)), IDENT_TEXT_MAX);
	assert_string_equal(ident_reader_field(r, IDENT_FIELD_FROM), "");
	ident_reader_free(r);
	buf_free(&b);
}

/* Sizes that no buffer holds: fields, names, boundaries, nesting, runs of CRs and blanks. */
static void nothing_is_too_long(void **state)
{
	static const struct {
		const char *head, *unit;
		size_t times;
	} longs[] = {
		{"Subject: ", "x", 300000}, {"", "A", 300000}, {"References:", " <a@b>\r\n", 40000},
		{"\r\n", "\r", 300000}, {"", "\r", 300000}, {"\r\n", "\n", 300000},
		{"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx", " ", 300000},
		{"", "Content-Type: message/rfc822\r\n\r\n", 2000},
		{"", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 2000},
		{"", "X: y\r\n", 20000}, {"Subject: ", "=?", 50000}, {"Subject: ", "=?a?q?", 20000},
		{"Content-Type: a/b; x", "; name*1*=\"", 20000},
	};
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
		struct ident whole, cut;

		buf_reset(&b);
		buf_adds(&b, longs[i].head);
		for (size_t k = 0; k < longs[i].times / (is_long() ? 1 : 8); k++)
			buf_adds(&b, longs[i].unit);
		whole = keys(b.ptr, b.len, 0, NULL);
		cut = keys(b.ptr, b.len, 1, NULL);
		assert_same_keys(&whole, &cut, longs[i].head, 1);
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rung_sees_through_its_changes),
		cmocka_unit_test(equal_on_a_rung_is_equal_on_the_weaker_ones),
		cmocka_unit_test(no_cut_changes_a_key),
		cmocka_unit_test(no_cut_changes_the_keys_of_odd_messages),
		cmocka_unit_test(line_ends_never_show),
		cmocka_unit_test(exact_is_sha256),
		cmocka_unit_test(extra_fields_can_be_ignored),
		cmocka_unit_test(one_reader_serves_many_messages),
		cmocka_unit_test(gives_fields_for_people),
		cmocka_unit_test(nothing_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
