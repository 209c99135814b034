#include "canonical.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

#define INTEGER_MAX (INT64_C(1) << 53)

static void write_string(struct buf *out, const char *s, size_t n)
{
	static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *at = NULL;

		for (const char *p = shorts; *p != '\0' && at == NULL; p += 2)
			if ((unsigned char)*p == c)
				at = p;
		if (at != NULL)
			buf_addf(out, "\\%c", at[1]);
		else if (c < 0x20)
			buf_addf(out, "\\u%04x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

/* UTF-8 sorts like code points; UTF-16 puts the surrogates of what lies above U+FFFF below U+E000. */
static int utf16_order(const char *a, const char *b)
{
	const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;

	while (*x != '\0' && *x == *y) {
		x++;
		y++;
	}
	if (*x >= 0xee && *y >= 0xee && (*x >= 0xf0) != (*y >= 0xf0))
		return *x >= 0xf0 ? -1 : 1;
	return (int)*x - (int)*y;
}

static int by_name(const void *a, const void *b)
{
	return utf16_order(*(const char *const *)a, *(const char *const *)b);
}

static const struct err *write_object(struct buf *out, const json_t *v)
{
	size_t n = json_object_size(v), i = 0;
	const char **names = xcalloc(n + 1, sizeof(*names)), *name;
	const struct err *e = NULL;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)v, name, member)
		names[i++] = name;
	qsort(names, n, sizeof(*names), by_name);
	buf_addc(out, '{');
	for (i = 0; i < n && e == NULL; i++) {
		if (i > 0)
			buf_addc(out, ',');
		write_string(out, names[i], strlen(names[i]));
		buf_addc(out, ':');
		e = canonical_write(out, json_object_get(v, names[i]));
	}
	buf_addc(out, '}');
	free(names);
	return e;
}

static const struct err *write_array(struct buf *out, const json_t *v)
{
	const struct err *e = NULL;

	buf_addc(out, '[');
	for (size_t i = 0; i < json_array_size(v) && e == NULL; i++) {
		if (i > 0)
			buf_addc(out, ',');
		e = canonical_write(out, json_array_get(v, i));
	}
	buf_addc(out, ']');
	return e;
}

static const struct err *write_integer(struct buf *out, int64_t n)
{
	if (n > INTEGER_MAX || n < -INTEGER_MAX)
		return err_new(ERR_INPUT, "the number %lld is beyond 2^53", (long long)n);
	buf_addf(out, "%lld", (long long)n);
	return NULL;
}

const struct err *canonical_write(struct buf *out, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return write_object(out, v);
	case JSON_ARRAY:
		return write_array(out, v);
	case JSON_STRING:
		write_string(out, json_string_value(v), json_string_length(v));
		return NULL;
	case JSON_INTEGER:
		return write_integer(out, json_integer_value(v));
	case JSON_REAL:
		return err_new(ERR_INPUT, "a number that is not an integer: %.17g", json_real_value(v));
	case JSON_TRUE:
		buf_adds(out, "true");
		return NULL;
	case JSON_FALSE:
		buf_adds(out, "false");
		return NULL;
	default:
		buf_adds(out, "null");
		return NULL;
	}
}

const struct err *canonical_sha256(const json_t *v, char out[65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct buf text = BUF_INIT;
	const struct err *e = canonical_write(&text, v);

	if (e == NULL) {
		crypto_hash_sha256(hash, (const unsigned char *)text.ptr, text.len);
		sodium_bin2hex(out, 65, hash, sizeof(hash));
	}
	buf_free(&text);
	return e;
}
