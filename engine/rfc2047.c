#include "rfc2047.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "str.h"

#include "banned.h"

/* WORD_MAX: RFC 2047 allows 75; some write whole lines. The bound keeps hostile fields from costing n squared. */
enum { WORD_MAX = 2000, PARAM_MAX = 4096, SECTIONS_MAX = 100 };

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool rfc2047_to_utf8(struct buf *out, const char *charset, const char *s, size_t n)
{
	char chunk[512], *in = (char *)(uintptr_t)s;
	iconv_t cd;

	if (charset_is_utf8(charset)) {
		buf_add(out, s, n);
		return true;
	}
	cd = charset_open(charset);
	if (cd == (iconv_t)-1) {
		buf_add(out, s, n);
		return false;
	}
	while (n > 0) {
		char *o = chunk;
		size_t left = sizeof(chunk);
		size_t rc = iconv(cd, &in, &n, &o, &left);

		buf_add(out, chunk, sizeof(chunk) - left);
		if (rc == (size_t)-1 && errno != E2BIG && n > 0) {
			buf_addc(out, *in++);
			n--;
		}
	}
	iconv_close(cd);
	return true;
}

struct word {
	char charset[CHARSET_MAX];
	char encoding; /* 'b' or 'q' */
	const char *text;
	size_t n, all; /* length of the text, of the whole encoded-word */
};

/* "=?charset*lang?B?text?=" at the start of s? */
static bool word_at(const char *s, size_t n, struct word *w)
{
	const char *q, *end, *star;
	size_t len;

	if (n > WORD_MAX)
		n = WORD_MAX;
	if (n < 8 || s[0] != '=' || s[1] != '?')
		return false;
	q = memchr(s + 2, '?', n - 2);
	if (q == NULL || q + 3 >= s + n || q[2] != '?')
		return false;
	star = memchr(s + 2, '*', (size_t)(q - s) - 2);
	len = (size_t)((star != NULL ? star : q) - s) - 2;
	if (len == 0 || len >= CHARSET_MAX)
		return false;
	memcpy(w->charset, s + 2, len);
	w->charset[len] = '\0';
	w->encoding = (char)(q[1] | 0x20);
	if (w->encoding != 'b' && w->encoding != 'q')
		return false;
	w->text = q + 3;
	for (end = w->text; end + 1 < s + n && !(end[0] == '?' && end[1] == '='); end++)
		if (is_wsp(*end) && w->encoding == 'b')
			return false;
	if (end + 1 >= s + n)
		return false;
	w->n = (size_t)(end - w->text);
	w->all = (size_t)(end - s) + 2;
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_q(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '_') {
			buf_addc(out, ' ');
		} else if (s[i] == '=' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			buf_addc(out, (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])));
			i += 2;
		} else {
			buf_addc(out, s[i]);
		}
	}
}

static bool decode_word(struct buf *out, const struct word *w)
{
	size_t n = w->n;

	if (w->encoding == 'q') {
		decode_q(out, w->text, w->n);
		return true;
	}
	while (n > 0 && w->text[n - 1] == '=')
		n--;
	return str_unbase64(out, w->text, n, BASE64_NOPAD);
}

/* Encoded-words that follow each other with white space between are one text; those of one character set are
 * joined before conversion, since a character may be cut between them. Returns how much of s was used. */
static size_t decode_words(struct buf *out, const char *s, size_t n)
{
	struct buf raw = BUF_INIT;
	char charset[CHARSET_MAX] = "";
	size_t used = 0;
	struct word w;

	for (size_t at = 0; at < n && word_at(s + at, n - at, &w);) {
		if (!str_ieq(charset, w.charset) && raw.len > 0) {
			rfc2047_to_utf8(out, charset, raw.ptr, raw.len);
			buf_reset(&raw);
		}
		memcpy(charset, w.charset, sizeof(charset));
		if (!decode_word(&raw, &w))
			break;
		at += w.all;
		used = at;
		while (at < n && is_wsp(s[at]))
			at++;
	}
	if (raw.len > 0)
		rfc2047_to_utf8(out, charset, raw.ptr, raw.len);
	buf_free(&raw);
	return used;
}

/* Runs of white space become one space, none at the ends. */
static void squeeze(struct buf *out, const struct buf *in)
{
	bool gap = false;
	size_t start = out->len;

	for (size_t i = 0; i < in->len; i++) {
		if (is_wsp(in->ptr[i])) {
			gap = out->len > start;
			continue;
		}
		if (gap)
			buf_addc(out, ' ');
		gap = false;
		buf_addc(out, in->ptr[i]);
	}
}

void rfc2047_decode(struct buf *out, const char *s, size_t n, size_t max)
{
	struct buf text = BUF_INIT;

	if (n > max)
		n = max;
	for (size_t i = 0; i < n;) {
		size_t used = s[i] == '=' ? decode_words(&text, s + i, n - i) : 0;

		if (used == 0)
			buf_addc(&text, s[i++]);
		i += used;
	}
	squeeze(out, &text);
	buf_free(&text);
}

/* --- parameters ------------------------------------------------------------------------------------------- */

struct param {
	const char *name;
	size_t nname;
	struct buf value; /* quotes and backslashes removed */
};

static const char *skip_wsp(const char *p, const char *end)
{
	while (p < end && is_wsp(*p))
		p++;
	return p;
}

/* The next "; name=value" from p on; NULL at the end. */
static const char *next_param(const char *p, const char *end, struct param *out)
{
	buf_reset(&out->value);
	p = memchr(p, ';', (size_t)(end - p));
	if (p == NULL)
		return NULL;
	p = skip_wsp(p + 1, end);
	out->name = p;
	while (p < end && *p != '=' && *p != ';' && !is_wsp(*p))
		p++;
	out->nname = (size_t)(p - out->name);
	p = skip_wsp(p, end);
	if (p >= end || *p != '=')
		return p;
	p = skip_wsp(p + 1, end);
	if (p < end && *p == '"') {
		for (p++; p < end && *p != '"'; p++) {
			if (*p == '\\' && p + 1 < end)
				p++;
			if (*p != '\r' && *p != '\n' && out->value.len < PARAM_MAX)
				buf_addc(&out->value, *p);
		}
		return p < end ? p + 1 : p;
	}
	while (p < end && *p != ';' && !is_wsp(*p)) {
		if (out->value.len < PARAM_MAX)
			buf_addc(&out->value, *p);
		p++;
	}
	return p;
}

/* Finds parameter `name` followed by exactly `suffix` ("", "*", "*0", "*0*" …). */
static bool find_param(struct buf *out, const char *s, size_t n, const char *name, const char *suffix)
{
	struct param prm = {.value = BUF_INIT};
	size_t len = strlen(name), slen = strlen(suffix);
	bool found = false;
	const char *p = s, *end = s + n;

	while (!found && (p = next_param(p, end, &prm)) != NULL) {
		if (prm.nname != len + slen || strncasecmp(prm.name, name, len) != 0 ||
			memcmp(prm.name + len, suffix, slen) != 0)
			continue;
		buf_add(out, prm.value.ptr, prm.value.len);
		found = true;
	}
	buf_free(&prm.value);
	return found;
}

static void unpercent_lax(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			buf_addc(out, (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])));
			i += 2;
		} else {
			buf_addc(out, s[i]);
		}
	}
}

/* charset'language'text, in the first or only section of an extended parameter */
static const char *take_charset(const char *s, const char *end, char *charset)
{
	const char *q = memchr(s, '\'', (size_t)(end - s));
	const char *q2 = q != NULL ? memchr(q + 1, '\'', (size_t)(end - q) - 1) : NULL;

	charset[0] = '\0';
	if (q2 == NULL)
		return s;
	if (q > s && q - s < CHARSET_MAX) {
		memcpy(charset, s, (size_t)(q - s));
		charset[q - s] = '\0';
	}
	return q2 + 1;
}

static void add_section(struct buf *out, const struct buf *v, bool extended, bool first, char *charset)
{
	const char *p = v->ptr, *end = v->ptr + v->len;

	if (extended && first)
		p = take_charset(p, end, charset);
	if (extended)
		unpercent_lax(out, p, (size_t)(end - p));
	else
		buf_add(out, p, (size_t)(end - p));
}

static bool extended_param(struct buf *out, const char *s, size_t n, const char *name)
{
	struct buf raw = BUF_INIT, v = BUF_INIT;
	char charset[CHARSET_MAX] = "", suffix[16];
	bool found = false;

	if (find_param(&v, s, n, name, "*")) {
		add_section(&raw, &v, true, true, charset);
		found = true;
	}
	for (int i = 0; !found || (i > 0 && i < SECTIONS_MAX); i++) {
		bool ext;

		buf_reset(&v);
		snprintf(suffix, sizeof(suffix), "*%d*", i);
		ext = find_param(&v, s, n, name, suffix);
		suffix[strlen(suffix) - 1] = '\0';
		if (!ext && !find_param(&v, s, n, name, suffix))
			break;
		add_section(&raw, &v, ext, i == 0, charset);
		found = true;
	}
	if (found)
		rfc2047_to_utf8(out, charset[0] != '\0' ? charset : "utf-8", raw.ptr, raw.len);
	buf_free(&raw);
	buf_free(&v);
	return found;
}

bool rfc2047_param(struct buf *out, const char *field, size_t n, const char *name)
{
	struct buf v = BUF_INIT;
	bool found = extended_param(out, field, n, name);

	if (!found && find_param(&v, field, n, name, "")) {
		rfc2047_decode(out, v.ptr, v.len, PARAM_MAX);
		found = true;
	}
	buf_free(&v);
	return found;
}
