#include "imap_parse.h"

#include <string.h>
#include <strings.h>

#include "banned.h"

void imap_parser_init(struct imap_parser *p)
{
	memset(p, 0, sizeof(*p));
}

static size_t fail(struct imap_parser *ps, struct imap_token *tok, const char *why)
{
	ps->error = why;
	tok->type = TOK_ERROR;
	return 0;
}

/* The token is not finished in these n bytes: wait for more unless it is too long already. */
static size_t more(struct imap_parser *ps, struct imap_token *tok, size_t n)
{
	if (n > IMAP_TOKEN_MAX)
		return fail(ps, tok, "a token of more than 256 KiB");
	ps->scanned = n;
	tok->type = TOK_MORE;
	return 0;
}

static size_t take(struct imap_parser *ps, struct imap_token *tok, enum imap_tok type, const char *p, size_t n, size_t used)
{
	ps->scanned = 0;
	ps->nth++;
	tok->type = type;
	tok->p = p;
	tok->n = n;
	return used;
}

static void line_done(struct imap_parser *ps)
{
	ps->nth = ps->depth = 0;
	ps->text_next = ps->status_possible = ps->after_literal = false;
}

static size_t end_of_line(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	if (p[0] == '\r' && n < 2)
		return more(ps, tok, n);
	if (p[0] == '\r' && p[1] != '\n')
		return fail(ps, tok, "a carriage return inside a line");
	if (ps->depth != 0)
		return fail(ps, tok, "a line ends inside parentheses");
	line_done(ps);
	ps->scanned = 0;
	tok->type = TOK_EOL;
	return p[0] == '\r' ? 2 : 1;
}

/* Everything up to the line's end; the line's end stays for the next call. */
static size_t text(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	const char *nl = memchr(p + ps->scanned, '\n', n - ps->scanned);
	size_t len;

	if (nl == NULL)
		return more(ps, tok, n);
	len = (size_t)(nl - p);
	if (len > 0 && p[len - 1] == '\r')
		len--;
	if (len > IMAP_TOKEN_MAX)
		return fail(ps, tok, "a line of more than 256 KiB");
	ps->text_next = false;
	return take(ps, tok, TOK_TEXT, p, len, len);
}

static size_t quoted(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	size_t i = ps->scanned > 1 ? ps->scanned : 1;

	/* scanned may stand behind a backslash that was the last byte: step back to it */
	if (i > 1 && i == ps->scanned) {
		size_t back = i;

		while (back > 1 && p[back - 1] == '\\')
			back--;
		if ((i - back) % 2 == 1)
			i--;
	}
	for (; i < n; i++) {
		if (p[i] == '"') {
			tok->escaped = memchr(p + 1, '\\', i - 1) != NULL;
			return take(ps, tok, TOK_STRING, p + 1, i - 1, i + 1);
		}
		if (p[i] == '\\') {
			if (i + 1 == n)
				break;
			i++;
		} else if (p[i] == '\r' || p[i] == '\n') {
			return fail(ps, tok, "a quoted string is not closed at the end of its line");
		}
	}
	return more(ps, tok, n);
}

/* "{123}" CRLF, "{123+}", "~{123}" */
static size_t literal(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	size_t i = p[0] == '~' ? 2 : 1, digits = i;
	uint64_t size = 0;

	for (; i < n && p[i] >= '0' && p[i] <= '9'; i++) {
		if (size > (UINT64_MAX >> 1) / 10 - 1)
			return fail(ps, tok, "a literal of an impossible size");
		size = size * 10 + (uint64_t)(p[i] - '0');
	}
	if (i - digits > 20 || (i < n && i == digits))
		return fail(ps, tok, "a literal without a size");
	if (i < n && p[i] == '+')
		i++;
	if (i >= n)
		return more(ps, tok, n);
	if (p[i] != '}')
		return fail(ps, tok, "a literal's size is not a number");
	i++;
	if (i < n && p[i] == '\r')
		i++;
	if (i >= n)
		return more(ps, tok, n);
	if (p[i] != '\n')
		return fail(ps, tok, "a literal's size is not followed by a line end");
	ps->in_literal = true;
	ps->literal_left = size;
	tok->size = size;
	return take(ps, tok, TOK_LITERAL, p, i + 1, i + 1);
}

static size_t literal_data(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	size_t k = n < ps->literal_left ? n : (size_t)ps->literal_left;

	if (ps->literal_left == 0) {
		ps->in_literal = false;
		ps->after_literal = true;
		tok->type = TOK_LITERAL_END;
		return 0;
	}
	if (k == 0) {
		tok->type = TOK_MORE;
		return 0;
	}
	ps->literal_left -= k;
	tok->type = TOK_LITERAL_DATA;
	tok->p = p;
	tok->n = k;
	return k;
}

static const unsigned char atom_end[256] = {[' '] = 1, ['('] = 1, [')'] = 1, ['\r'] = 1, ['\n'] = 1, ['"'] = 1};

static bool is_status(const char *p, size_t n)
{
	static const char *const words[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && strncasecmp(words[i], p, n) == 0)
			return true;
	return false;
}

/* "BODY[", "BINARY.PEEK[" …: what follows is a section. Elsewhere '[' is a character of a name. */
static bool opens_section(const char *p, size_t n)
{
	return (n >= 4 && strncasecmp(p, "BODY", 4) == 0) || (n >= 6 && strncasecmp(p, "BINARY", 6) == 0);
}

/* Where an atom ends: n when these bytes do not show it. A section is part of its atom. */
static size_t atom_length(const char *p, size_t n)
{
	bool section = false, quote = false;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\r' || c == '\n')
			return i;
		if (section) {
			if (quote && c == '\\')
				i++;
			else if (c == '"')
				quote = !quote;
			else if (c == ']' && !quote)
				section = false;
		} else if (c == '[' && opens_section(p, i)) {
			section = true;
		} else if (atom_end[c]) {
			return i;
		}
	}
	return n;
}

static size_t atom(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	size_t len = atom_length(p, n);

	if (len >= n)
		return more(ps, tok, n);
	if (len == 0)
		return fail(ps, tok, "an empty atom");
	if (len > IMAP_TOKEN_MAX)
		return fail(ps, tok, "an atom of more than 256 KiB");
	if (ps->nth == 0) {
		ps->status_possible = true;
		ps->text_next = len == 1 && p[0] == '+';
	} else if (ps->nth == 1 && ps->status_possible && is_status(p, len)) {
		ps->text_next = true;
	}
	return take(ps, tok, TOK_ATOM, p, len, len);
}

/* After "+" and a status word: one space, then text; servers leave the space out before an empty text. */
static size_t before_text(const char *p, size_t n)
{
	return n > 0 && p[0] == ' ' ? 1 : 0;
}

size_t imap_parse(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok)
{
	size_t skip = 0, used;

	tok->type = TOK_MORE;
	tok->p = p;
	tok->n = 0;
	tok->escaped = false;
	tok->size = 0;
	if (ps->in_literal)
		return literal_data(ps, p, n, tok);
	if (ps->text_next && ps->nth > 0) {
		if (n == 0)
			return 0;
		skip = before_text(p, n);
		if (skip > 0 && ps->scanned > 0)
			ps->scanned -= ps->scanned >= skip ? skip : ps->scanned;
		used = text(ps, p + skip, n - skip, tok);
		if (tok->type == TOK_MORE)
			ps->scanned += skip;
		return tok->type == TOK_TEXT ? used + skip : 0;
	}
	while (skip < n && p[skip] == ' ')
		skip++;
	if (skip == n)
		return 0;
	if (skip > 0)
		ps->scanned = ps->scanned > skip ? ps->scanned - skip : 0;
	p += skip;
	n -= skip;
	switch (p[0]) {
	case '\r':
	case '\n':
		used = end_of_line(ps, p, n, tok);
		break;
	case '(':
		if (++ps->depth > IMAP_DEPTH_MAX)
			return fail(ps, tok, "parentheses nested too deeply");
		used = take(ps, tok, TOK_OPEN, p, 1, 1);
		break;
	case ')':
		if (ps->depth == 0)
			return fail(ps, tok, "a closing parenthesis too many");
		ps->depth--;
		used = take(ps, tok, TOK_CLOSE, p, 1, 1);
		break;
	case '"':
		used = quoted(ps, p, n, tok);
		break;
	case '{':
		used = literal(ps, p, n, tok);
		break;
	case '~':
		if (n < 2) {
			used = more(ps, tok, n);
			break;
		}
		used = p[1] == '{' ? literal(ps, p, n, tok) : atom(ps, p, n, tok);
		break;
	default:
		used = atom(ps, p, n, tok);
	}
	if (tok->type == TOK_MORE) {
		ps->scanned += ps->scanned > 0 ? skip : 0;
		return 0;
	}
	return tok->type == TOK_ERROR ? 0 : used + skip;
}

bool imap_number(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (n == 0 || n > 19)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*out = v;
	return true;
}
