#include "lines.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "banned.h"

#define BLOCK 16

/* The place of the first LF, or `end`; what is before it is copied to out. */
static const char *copy_to_lf(char *out, const char *p, const char *end)
{
	const char *lf;
	size_t n;

#ifdef __SSE2__
	for (; end - p >= BLOCK; p += BLOCK) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
		int found = _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));

		_mm_storeu_si128((__m128i *)(void *)out, block);
		out += BLOCK;
		if (found != 0)
			return p + __builtin_ctz((unsigned)found);
	}
#endif
	lf = memchr(p, '\n', (size_t)(end - p));
	n = (size_t)((lf != NULL ? lf : end) - p);
	memcpy(out, p, n);
	return p + n;
}

size_t lines_to_crlf(char *out, const char *p, size_t n, bool *cr)
{
	const char *end = p + n, *lf;
	char *to = out;

	while (p < end) {
		lf = copy_to_lf(to, p, end);
		to += lf - p;
		if (lf > p)
			*cr = lf[-1] == '\r';
		if (lf == end)
			break;
		if (!*cr)
			*to++ = '\r';
		*to++ = '\n';
		*cr = false;
		p = lf + 1;
	}
	return (size_t)(to - out);
}
