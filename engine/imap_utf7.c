#include "imap_utf7.h"

#include <stdint.h>
#include <string.h>

#include "str.h"

#include "banned.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_addc(out, (char)(0xe0 | c >> 12));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addc(out, (char)(0xf0 | c >> 18));
		buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* The base64 between "&" and "-": UTF-16BE. */
static bool decode_run(struct buf *out, const char *p, size_t n)
{
	uint32_t bits = 0, high = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = memchr(alphabet, p[i], 64);
		uint32_t unit;

		if (at == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		unit = bits >> have & 0xffff;
		bits &= (1u << have) - 1;
		if (high != 0) {
			if (unit < 0xdc00 || unit > 0xdfff)
				return false;
			add_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
			high = 0;
		} else if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
		} else if ((unit >= 0xdc00 && unit <= 0xdfff) || unit == 0) {
			return false;
		} else {
			add_utf8(out, unit);
		}
	}
	return high == 0 && have < 6 && bits == 0;
}

bool utf7_decode(struct buf *out, const char *p, size_t n)
{
	size_t before = out->len;

	for (size_t i = 0; i < n; i++) {
		const char *end;

		if ((unsigned char)p[i] >= 0x80 || p[i] == '\0')
			goto bad;
		if (p[i] != '&') {
			buf_addc(out, p[i]);
			continue;
		}
		end = memchr(p + i, '-', n - i);
		if (end == NULL)
			goto bad;
		if (end == p + i + 1)
			buf_addc(out, '&');
		else if (!decode_run(out, p + i + 1, (size_t)(end - p) - i - 1))
			goto bad;
		i = (size_t)(end - p);
	}
	return true;
bad:
	buf_truncate(out, before);
	return false;
}

/* One well-formed sequence; returns its length. */
static size_t take_utf8(const unsigned char *p, uint32_t *c)
{
	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	if (p[0] < 0xe0) {
		*c = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
		return 2;
	}
	if (p[0] < 0xf0) {
		*c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return 3;
	}
	*c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
	return 4;
}

struct bits {
	uint32_t v;
	unsigned n;
};

static void put_unit(struct buf *out, struct bits *b, uint32_t unit)
{
	b->v = b->v << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		buf_addc(out, alphabet[b->v >> b->n & 0x3f]);
	}
	b->v &= (1u << b->n) - 1;
}

static void close_run(struct buf *out, struct bits *b)
{
	if (b->n > 0)
		buf_addc(out, alphabet[b->v << (6 - b->n) & 0x3f]);
	buf_addc(out, '-');
	*b = (struct bits){0, 0};
}

bool utf7_encode(struct buf *out, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	struct bits b = {0, 0};
	bool open = false;
	uint32_t c;

	if (!str_utf8(p, n) || memchr(p, '\0', n) != NULL)
		return false;
	for (size_t i = 0; i < n;) {
		i += take_utf8(u + i, &c);
		if (c >= 0x20 && c < 0x7f) {
			if (open)
				close_run(out, &b);
			open = false;
			buf_adds(out, c == '&' ? "&-" : (char[]){(char)c, '\0'});
			continue;
		}
		if (!open)
			buf_addc(out, '&');
		open = true;
		if (c >= 0x10000) {
			put_unit(out, &b, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(out, &b, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_unit(out, &b, c);
		}
	}
	if (open)
		close_run(out, &b);
	return true;
}
