/* The tokenizer: the same tokens whether the bytes come at once or one by one, and an end to every excess. */
#include "unit.h"

#include "buf.h"
#include "imap_parse.h"

static const char *const names[] = {"more", "error", "atom", "string", "literal", "data", "end", "(", ")", "text", "eol"};

/* Tokens of `in` as text, "atom:OK text:done eol "; at most `step` further bytes are shown at a time. */
static char *tokens(const char *in, size_t n, size_t step)
{
	struct buf out = BUF_INIT;
	struct imap_parser ps;
	struct imap_token t;
	size_t at = 0, shown = step < n ? step : n;
	bool data = false;

	imap_parser_init(&ps);
	for (;;) {
		at += imap_parse(&ps, in + at, shown - at, &t);
		if (t.type == TOK_MORE) {
			if (shown == n)
				break;
			shown = shown + step < n ? shown + step : n;
			continue;
		}
		if (t.type == TOK_LITERAL_DATA) { /* pieces differ with step: joined */
			buf_addf(&out, "%s%.*s", data ? "" : "data:", (int)t.n, t.p);
			data = true;
			continue;
		}
		if (data)
			buf_addc(&out, ' ');
		data = false;
		buf_adds(&out, names[t.type]);
		if (t.type == TOK_ATOM || t.type == TOK_STRING || t.type == TOK_TEXT)
			buf_addf(&out, ":%.*s", (int)t.n, t.p);
		if (t.type == TOK_LITERAL)
			buf_addf(&out, ":%llu", (unsigned long long)t.size);
		buf_addc(&out, ' ');
		if (t.type == TOK_ERROR)
			break;
	}
	return buf_detach(&out);
}

static void same_in_all_cuts(const char *in, const char *want)
{
	for (size_t step = 1; step <= strlen(in) + 1; step++) {
		char *got = tokens(in, strlen(in), step);

		assert_string_equal(got, want);
		free(got);
	}
}

static void lines(void **state)
{
	(void)state;
	same_in_all_cuts("* OK [CAPABILITY IMAP4rev1] hello (world\r\n", "atom:* atom:OK text:[CAPABILITY IMAP4rev1] hello (world eol ");
	same_in_all_cuts("A1 NO\r\nA2 BAD \r\n", "atom:A1 atom:NO text: eol atom:A2 atom:BAD text: eol ");
	same_in_all_cuts("+ go \"on\r\n+\r\n", "atom:+ text:go \"on eol atom:+ text: eol ");
	same_in_all_cuts("* 12 FETCH (UID 3 FLAGS (\\Seen $X))\r\n",
		"atom:* atom:12 atom:FETCH ( atom:UID atom:3 atom:FLAGS ( atom:\\Seen atom:$X ) ) eol ");
	same_in_all_cuts("* LIST () \"/\" \"a \\\"b\\\\\"\r\n", "atom:* atom:LIST ( ) string:/ string:a \\\"b\\\\ eol ");
	same_in_all_cuts("* LIST () \".\" [Gmail]/x\n", "atom:* atom:LIST ( ) string:. atom:[Gmail]/x eol ");
	same_in_all_cuts("* OK NO OK\r\n", "atom:* atom:OK text:NO OK eol ");
	same_in_all_cuts("* STATUS OK (MESSAGES 1)\r\n", "atom:* atom:STATUS atom:OK ( atom:MESSAGES atom:1 ) eol ");
}

static void literals(void **state)
{
	(void)state;
	same_in_all_cuts("* 1 FETCH (BODY[] {5}\r\nab\r\n) UID 7)\r\n",
		"atom:* atom:1 atom:FETCH ( atom:BODY[] literal:5 data:ab\r\n) end atom:UID atom:7 ) eol ");
	same_in_all_cuts("* 1 FETCH (BODY[HEADER.FIELDS (DATE \"x]\")]<0> {0}\r\n)\r\n",
		"atom:* atom:1 atom:FETCH ( atom:BODY[HEADER.FIELDS (DATE \"x]\")]<0> literal:0 end ) eol ");
	same_in_all_cuts("* LIST () NIL {3}\r\na\"b\r\n", "atom:* atom:LIST ( ) atom:NIL literal:3 data:a\"b end eol ");
	same_in_all_cuts("* 1 FETCH (BINARY[] ~{2}\r\nzz)\r\n", "atom:* atom:1 atom:FETCH ( atom:BINARY[] literal:2 data:zz end ) eol ");
}

static void broken(void **state)
{
	(void)state;
	same_in_all_cuts("* LIST (\r\n", "atom:* atom:LIST ( error ");
	same_in_all_cuts("* LIST )\r\n", "atom:* atom:LIST error ");
	same_in_all_cuts("* X \"abc\r\n", "atom:* atom:X error ");
	same_in_all_cuts("* X {}\r\n", "atom:* atom:X error ");
	same_in_all_cuts("* X {12x}\r\n", "atom:* atom:X error ");
	same_in_all_cuts("* X {99999999999999999999}\r\n", "atom:* atom:X error ");
	same_in_all_cuts("* X y\rz\r\n", "atom:* atom:X atom:y error ");
}

/* Nothing a server says makes us hold more than the bound. */
static void excess(void **state)
{
	size_t n = IMAP_TOKEN_MAX + 100;
	char *in = malloc(n + 4), *got;

	(void)state;
	memset(in, 'x', n);
	memcpy(in, "* X ", 4);
	got = tokens(in, n, 100000);
	assert_non_null(strstr(got, "error"));
	free(got);
	in[4] = '"';
	got = tokens(in, n, 100000);
	assert_non_null(strstr(got, "error"));
	free(got);
	memcpy(in, "* OK ", 5);
	got = tokens(in, n, 100000);
	assert_non_null(strstr(got, "error"));
	free(got);
	memset(in, '(', n);
	memcpy(in, "* X ", 4);
	got = tokens(in, n, 100000);
	assert_non_null(strstr(got, "error"));
	free(got);
	free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(literals),
		cmocka_unit_test(broken),
		cmocka_unit_test(excess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
