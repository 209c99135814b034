#include "table.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

#include "banned.h"

void table_text(const char *s, size_t width)
{
	size_t n = strlen(s), columns = 0;
	bool clean = str_utf8(s, n) && !str_has_control(s, n);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		putchar(clean || (c >= ' ' && c < 0x7f) ? c : '?');
		columns += !clean || (c & 0xc0) != 0x80;
	}
	for (; columns < width; columns++)
		putchar(' ');
}
