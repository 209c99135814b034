#include "mime_leaf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "mem.h"

#include "banned.h"

enum { OUT_SIZE = 4096, IN_SIZE = 1024, BLANKS_MAX = 1000 };

struct mime_leaf {
	mime_leaf_fn *fn;
	void *arg;
	enum mime_cte cte;
	bool text;
	iconv_t cd; /* (iconv_t)-1: bytes pass */
	/* base64 */
	uint32_t bits;
	int nbits;
	/* quoted-printable */
	int qp;      /* 0, or 1 after "=", 2 after "=X" */
	char qp_hex; /* that X */
	char blanks[BLANKS_MAX];
	size_t nblanks; /* white space that is dropped when the line ends here */
	/* character set */
	char in[IN_SIZE];
	size_t nin;
	/* line ends of text: held back until something follows */
	uint64_t newlines;
	bool cr;
	char out[OUT_SIZE];
	size_t nout;
};

struct mime_leaf *mime_leaf_new(mime_leaf_fn *out, void *arg)
{
	struct mime_leaf *l = xcalloc(1, sizeof(*l));

	l->fn = out;
	l->arg = arg;
	l->cd = (iconv_t)-1;
	return l;
}

static void close_charset(struct mime_leaf *l)
{
	if (l->cd != (iconv_t)-1)
		iconv_close(l->cd);
	l->cd = (iconv_t)-1;
}

void mime_leaf_free(struct mime_leaf *l)
{
	if (l == NULL)
		return;
	close_charset(l);
	free(l);
}

void mime_leaf_begin(struct mime_leaf *l, enum mime_cte cte, bool text, const char *charset)
{
	close_charset(l);
	l->cte = cte;
	l->text = text;
	l->bits = 0;
	l->nbits = l->qp = 0;
	l->nblanks = l->nin = l->nout = 0;
	l->newlines = 0;
	l->cr = false;
	if (text && !charset_is_utf8(charset))
		l->cd = charset_open(charset);
}

/* --- last stage: line ends of text, and gathering small pieces ------------------------------------------ */

static void flush_out(struct mime_leaf *l)
{
	if (l->nout > 0)
		l->fn(l->arg, l->out, l->nout);
	l->nout = 0;
}

static void out_byte(struct mime_leaf *l, char c)
{
	if (l->nout == sizeof(l->out))
		flush_out(l);
	l->out[l->nout++] = c;
}

static void out_text(struct mime_leaf *l, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' || p[i] == '\r') {
			if (!(p[i] == '\n' && l->cr))
				l->newlines++;
			l->cr = p[i] == '\r';
			continue;
		}
		l->cr = false;
		for (; l->newlines > 0; l->newlines--)
			out_byte(l, '\n');
		out_byte(l, p[i]);
	}
}

static void out_bytes(struct mime_leaf *l, const char *p, size_t n)
{
	if (n > sizeof(l->out) - l->nout)
		flush_out(l);
	if (n > sizeof(l->out)) {
		l->fn(l->arg, p, n);
		return;
	}
	memcpy(l->out + l->nout, p, n);
	l->nout += n;
}

/* --- character set ---------------------------------------------------------------------------------------- */

/* Converts what in[] holds; an incomplete character at its end stays for the next round unless `last`. */
static void convert(struct mime_leaf *l, bool last)
{
	char chunk[IN_SIZE], *in = l->in;
	size_t n = l->nin;

	while (n > 0) {
		char *o = chunk;
		size_t left = sizeof(chunk), rc = iconv(l->cd, &in, &n, &o, &left);

		out_text(l, chunk, sizeof(chunk) - left);
		if (rc != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL && !last && n < 16)
			break;
		out_text(l, in, 1); /* not of this character set: stays itself */
		in++;
		n--;
	}
	memmove(l->in, in, n);
	l->nin = n;
}

static void out_charset(struct mime_leaf *l, const char *p, size_t n)
{
	while (n > 0) {
		size_t k = sizeof(l->in) - l->nin;

		if (k > n)
			k = n;
		memcpy(l->in + l->nin, p, k);
		l->nin += k;
		p += k;
		n -= k;
		if (l->nin == sizeof(l->in))
			convert(l, false);
	}
}

static void decoded(struct mime_leaf *l, const char *p, size_t n)
{
	if (!l->text)
		out_bytes(l, p, n);
	else if (l->cd != (iconv_t)-1)
		out_charset(l, p, n);
	else
		out_text(l, p, n);
}

static void decoded_byte(struct mime_leaf *l, int c)
{
	char b = (char)c;

	decoded(l, &b, 1);
}

static void decoded_newline(struct mime_leaf *l)
{
	decoded(l, "\r\n", 2);
}

/* --- transfer encodings ----------------------------------------------------------------------------------- */

/* Values of the alphabet plus one; 0: not in it. */
static const uint8_t base64_values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10,
	['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19,
	['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,
	['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46,
	['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
	['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static void base64(struct mime_leaf *l, const char *p, size_t n)
{
	char bytes[768];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t v = base64_values[(unsigned char)p[i]];

		if (p[i] == '=') { /* padding ends a run; what follows starts afresh */
			l->bits = 0;
			l->nbits = 0;
		}
		if (v == 0)
			continue;
		l->bits = l->bits << 6 | (uint32_t)(v - 1);
		l->nbits += 6;
		if (l->nbits < 8)
			continue;
		l->nbits -= 8;
		bytes[k++] = (char)(l->bits >> l->nbits & 0xff);
		if (k == sizeof(bytes)) {
			decoded(l, bytes, k);
			k = 0;
		}
	}
	decoded(l, bytes, k);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void flush_blanks(struct mime_leaf *l)
{
	decoded(l, l->blanks, l->nblanks);
	l->nblanks = 0;
}

/* What stood after "=" was no escape: it is literal. */
static void qp_literal(struct mime_leaf *l)
{
	if (l->qp == 0)
		return;
	decoded_byte(l, '=');
	if (l->qp == 2)
		decoded_byte(l, l->qp_hex);
	l->qp = 0;
	flush_blanks(l);
}

static void qp_byte(struct mime_leaf *l, char c)
{
	bool blank = c == ' ' || c == '\t';

	if (l->qp == 1 && !blank && l->nblanks == 0 && hex_value(c) >= 0) {
		l->qp_hex = c;
		l->qp = 2;
		return;
	}
	if (l->qp == 2 && hex_value(c) >= 0) {
		decoded_byte(l, hex_value(l->qp_hex) << 4 | hex_value(c));
		l->qp = 0;
		return;
	}
	if (blank && l->qp != 2) {
		if (l->nblanks == sizeof(l->blanks))
			flush_blanks(l);
		l->blanks[l->nblanks++] = c;
		return;
	}
	qp_literal(l);
	if (blank) {
		l->blanks[l->nblanks++] = c;
		return;
	}
	flush_blanks(l);
	if (c == '=')
		l->qp = 1;
	else
		decoded_byte(l, c);
}

static void qp(struct mime_leaf *l, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		qp_byte(l, p[i]);
}

void mime_leaf_data(struct mime_leaf *l, const char *p, size_t n)
{
	switch (l->cte) {
	case CTE_BASE64:
		base64(l, p, n);
		break;
	case CTE_QP:
		qp(l, p, n);
		break;
	case CTE_IDENTITY:
		decoded(l, p, n);
		break;
	}
}

void mime_leaf_newline(struct mime_leaf *l)
{
	if (l->cte == CTE_BASE64)
		return;
	if (l->cte == CTE_QP) {
		if (l->qp == 1) { /* soft line break */
			l->qp = 0;
			l->nblanks = 0;
			return;
		}
		qp_literal(l);
		l->nblanks = 0;
	}
	decoded_newline(l);
}

void mime_leaf_end(struct mime_leaf *l)
{
	if (l->cte == CTE_QP && l->qp == 2)
		qp_literal(l);
	if (l->cd != (iconv_t)-1)
		convert(l, true);
	flush_out(l);
	close_charset(l);
}
