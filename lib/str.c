#include "str.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "banned.h"

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool str_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
	const char *p = s;
	char *end;
	long long v;

	if (*p == '-')
		p++;
	if (*p < '0' || *p > '9')
		return false;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool str_ieq(const char *a, const char *b)
{
	while (*a != '\0' && lower((unsigned char)*a) == lower((unsigned char)*b))
		a++, b++;
	return *a == '\0' && *b == '\0';
}

bool str_istarts(const char *s, const char *prefix)
{
	for (; *prefix != '\0'; s++, prefix++)
		if (lower((unsigned char)*s) != lower((unsigned char)*prefix))
			return false;
	return true;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

void str_lower(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)lower((unsigned char)*s);
}

char *str_trim(char *s)
{
	size_t n;

	while (blank(*s))
		s++;
	n = strlen(s);
	while (n > 0 && blank(s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Length of the well-formed sequence at p (n bytes there), 0 when it is not one. */
static size_t sequence(const unsigned char *p, size_t n)
{
	size_t len;
	unsigned min2 = 0x80, max2 = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	if (p[0] == 0xe0)
		min2 = 0xa0;
	else if (p[0] == 0xed)
		max2 = 0x9f;
	else if (p[0] == 0xf0)
		min2 = 0x90;
	else if (p[0] == 0xf4)
		max2 = 0x8f;
	if (p[1] < min2 || p[1] > max2)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool str_utf8(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0, len; i < n; i += len)
		if ((len = sequence(p + i, n - i)) == 0)
			return false;
	return true;
}

bool str_has_control(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f || (p[i] == 0xc2 && i + 1 < n && p[i + 1] >= 0x80 && p[i + 1] < 0xa0))
			return true;
	return false;
}

void str_hex(struct buf *out, const void *p, size_t n)
{
	buf_reserve(out, 2 * n);
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%02x", ((const unsigned char *)p)[i]);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool str_unhex(struct buf *out, const char *s, size_t n)
{
	size_t before = out->len;

	if (n % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		int a = digit(s[i]), b = digit(s[i + 1]);

		if (a < 0 || b < 0) {
			buf_truncate(out, before);
			return false;
		}
		buf_addc(out, (char)(a << 4 | b));
	}
	return true;
}

static const int variant_of[] = {
	[BASE64] = sodium_base64_VARIANT_ORIGINAL,
	[BASE64_NOPAD] = sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
	[BASE64_URL] = sodium_base64_VARIANT_URLSAFE,
	[BASE64_URL_NOPAD] = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

void str_base64(struct buf *out, const void *p, size_t n, enum str_base64 variant)
{
	size_t size = sodium_base64_encoded_len(n, variant_of[variant]);

	buf_reserve(out, size);
	sodium_bin2base64(out->ptr + out->len, size, p, n, variant_of[variant]);
	out->len += size - 1;
}

bool str_unbase64(struct buf *out, const char *s, size_t n, enum str_base64 variant)
{
	size_t got = 0;

	buf_reserve(out, n / 4 * 3 + 3);
	if (sodium_base642bin((unsigned char *)out->ptr + out->len, out->cap - out->len - 1, s, n, NULL, &got, NULL,
		    variant_of[variant]) != 0) {
		out->ptr[out->len] = '\0';
		return false;
	}
	out->len += got;
	out->ptr[out->len] = '\0';
	return true;
}

static bool unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void str_percent(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (unreserved((unsigned char)s[i]))
			buf_addc(out, s[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)s[i]);
	}
}

void str_to_utf8(struct buf *out, const char *s, size_t n)
{
	if (str_utf8(s, n)) {
		buf_add(out, s, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x80)
			buf_addc(out, (char)(0xc0 | c >> 6));
		buf_addc(out, c >= 0x80 ? (char)(0x80 | (c & 0x3f)) : (char)c);
	}
}

bool str_unpercent(struct buf *out, const char *s, size_t n)
{
	size_t before = out->len;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '%') {
			buf_addc(out, s[i]);
			continue;
		}
		if (n - i < 3 || digit(s[i + 1]) < 0 || digit(s[i + 2]) < 0) {
			buf_truncate(out, before);
			return false;
		}
		buf_addc(out, (char)(digit(s[i + 1]) << 4 | digit(s[i + 2])));
		i += 2;
	}
	return true;
}
