#include "lines.h"

#include <string.h>

#include "banned.h"

void lines_init(struct lines *l, size_t max)
{
	*l = (struct lines){.max = max};
	buf_init(&l->rest);
}

void lines_free(struct lines *l)
{
	buf_free(&l->rest);
}

static void take(struct lines *l, const char *p, size_t n)
{
	if (l->skipping)
		return;
	if (l->rest.len + n > l->max) {
		l->skipping = true;
		l->too_long++;
		buf_reset(&l->rest);
		return;
	}
	buf_add(&l->rest, p, n);
}

void lines_feed(struct lines *l, const char *p, size_t n, lines_fn *fn, void *arg)
{
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t part = end != NULL ? (size_t)(end - p) : n;

		take(l, p, part);
		if (end == NULL)
			return;
		if (!l->skipping) {
			if (l->rest.len > 0 && l->rest.ptr[l->rest.len - 1] == '\r')
				buf_truncate(&l->rest, l->rest.len - 1);
			fn(arg, l->rest.ptr, l->rest.len);
		}
		l->skipping = false;
		buf_reset(&l->rest);
		p += part + 1;
		n -= part + 1;
	}
}
