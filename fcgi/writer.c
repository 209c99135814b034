#include "writer.h"

#include <string.h>

#include "clock.h"
#include "str.h"

#include "banned.h"

void w_init(struct writer *w, struct buf *out)
{
	w->out = out;
	w->comma = false;
}

static void quote_byte(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_adds(out, "\\\"");
		break;
	case '\\':
		buf_adds(out, "\\\\");
		break;
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	default:
		buf_addf(out, "\\u%04x", c);
	}
}

/* Runs that need no escape are copied whole. */
static void quote(struct buf *out, const char *s)
{
	size_t n = strlen(s), from = 0;
	bool utf8 = str_utf8(s, n);

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && (c < 0x80 || utf8))
			continue;
		buf_add(out, s + from, i - from);
		from = i + 1;
		if (c >= 0x80)
			buf_adds(out, "\xef\xbf\xbd");
		else
			quote_byte(out, c);
	}
	buf_add(out, s + from, n - from);
	buf_addc(out, '"');
}

static void lead(struct writer *w, const char *key)
{
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
	if (key == NULL)
		return;
	buf_addc(w->out, '"');
	buf_adds(w->out, key);
	buf_add(w->out, "\":", 2);
}

void w_object(struct writer *w, const char *key)
{
	lead(w, key);
	buf_addc(w->out, '{');
	w->comma = false;
}

void w_object_end(struct writer *w)
{
	buf_addc(w->out, '}');
	w->comma = true;
}

void w_array(struct writer *w, const char *key)
{
	lead(w, key);
	buf_addc(w->out, '[');
	w->comma = false;
}

void w_array_end(struct writer *w)
{
	buf_addc(w->out, ']');
	w->comma = true;
}

void w_str(struct writer *w, const char *key, const char *value)
{
	if (value == NULL) {
		w_null(w, key);
		return;
	}
	lead(w, key);
	quote(w->out, value);
}

void w_text(struct writer *w, const char *key, const char *value)
{
	w_str(w, key, value != NULL && *value != '\0' ? value : NULL);
}

void w_i64(struct writer *w, const char *key, int64_t value)
{
	lead(w, key);
	buf_addf(w->out, "%lld", (long long)value);
}

void w_bool(struct writer *w, const char *key, bool value)
{
	lead(w, key);
	buf_adds(w->out, value ? "true" : "false");
}

void w_null(struct writer *w, const char *key)
{
	lead(w, key);
	buf_adds(w->out, "null");
}

void w_time(struct writer *w, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	w_str(w, key, ms != 0 ? clock_text(ms, text) : NULL);
}

void w_ratio(struct writer *w, const char *key, int64_t part, int64_t whole)
{
	int64_t parts;

	if (whole <= 0 || part < 0) {
		w_null(w, key);
		return;
	}
	if (part >= whole) {
		w_json(w, key, "1.0");
		return;
	}
	parts = (int64_t)((__int128)part * 1000000 / whole);
	lead(w, key);
	buf_addf(w->out, "0.%06d", (int)parts);
}

void w_json(struct writer *w, const char *key, const char *json)
{
	lead(w, key);
	buf_adds(w->out, json != NULL && *json != '\0' ? json : "null");
}
