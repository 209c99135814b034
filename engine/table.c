#include "table.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "str.h"

#include "banned.h"

#define WIDEST 56

/* Columns of the character at s (at least 1 byte), and its bytes: 2 for East Asian wide ones, 0 for combining ones. */
static size_t character(const char *s, size_t *bytes)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t n = mbrtowc(&wide, s, strlen(s), &state);
	int columns;

	if (n == 0 || n > 4) { /* the locale knows no UTF-8 */
		for (n = 1; ((unsigned char)s[n] & 0xc0) == 0x80;)
			n++;
		*bytes = n;
		return 1;
	}
	*bytes = n;
	columns = wcwidth(wide);
	return columns < 0 ? 1 : (size_t)columns;
}

size_t table_cut(struct buf *out, const char *s, size_t width)
{
	static locale_t utf8;
	bool clean = str_utf8(s, strlen(s)) && !str_has_control(s, strlen(s));
	size_t columns = 0, more, n;
	locale_t before;

	if (utf8 == (locale_t)0)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
	for (; *s != '\0'; s += n) {
		n = more = 1;
		if (clean)
			more = character(s, &n);
		if (columns + more > width)
			break;
		columns += more;
		if (clean)
			buf_add(out, s, n);
		else
			buf_addc(out, *s >= ' ' && *s < 0x7f ? *s : '?');
	}
	if (before != (locale_t)0)
		uselocale(before);
	return columns;
}

size_t table_width(const char *s)
{
	struct buf text = BUF_INIT;
	size_t columns = table_cut(&text, s, SIZE_MAX);

	buf_free(&text);
	return columns;
}

size_t table_widen(size_t least, const char *s)
{
	size_t columns = table_width(s);

	columns = columns < WIDEST ? columns : WIDEST;
	return columns > least ? columns : least;
}

void table_text(const char *s, size_t width)
{
	struct buf text = BUF_INIT;
	size_t columns = table_cut(&text, s, SIZE_MAX);

	fwrite(text.ptr, 1, text.len, stdout);
	for (; columns < width; columns++)
		putchar(' ');
	buf_free(&text);
}
