#include "range.h"

#include <stdint.h>
#include <string.h>

#include "str.h"

#include "banned.h"

static int number(const char *s, size_t n, int64_t *out)
{
	char text[24];

	if (n == 0 || n >= sizeof(text))
		return 0;
	memcpy(text, s, n);
	text[n] = '\0';
	return str_i64(text, 0, INT64_MAX, out);
}

enum range_kind range_parse(const char *header, off_t size, off_t *from, off_t *length)
{
	int64_t first, last = size - 1;
	const char *dash;

	*from = 0;
	*length = size;
	if (header == NULL || !str_starts(header, "bytes=") || strchr(header, ',') != NULL)
		return RANGE_WHOLE;
	header += strlen("bytes=");
	dash = strchr(header, '-');
	if (dash == NULL)
		return RANGE_WHOLE;
	if (dash == header) { /* the last n bytes */
		if (!number(dash + 1, strlen(dash + 1), &first))
			return RANGE_WHOLE;
		if (first == 0 || size == 0)
			return RANGE_NONE;
		first = first < size ? size - first : 0;
	} else {
		if (!number(header, (size_t)(dash - header), &first))
			return RANGE_WHOLE;
		if (dash[1] != '\0' && (!number(dash + 1, strlen(dash + 1), &last) || last < first))
			return RANGE_WHOLE;
		if (first >= size)
			return RANGE_NONE;
	}
	if (last >= size)
		last = size - 1;
	*from = first;
	*length = last - first + 1;
	return RANGE_PART;
}
