#include "uidset.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

void uidset_free(struct uidset *s)
{
	free(s->r);
	*s = (struct uidset)UIDSET_INIT;
}

void uidset_clear(struct uidset *s)
{
	s->n = 0;
}

/* The first range whose hi >= uid; s->n when there is none. */
static size_t find(const struct uidset *s, uint32_t uid)
{
	size_t a = 0, b = s->n;

	while (a < b) {
		size_t m = a + (b - a) / 2;

		if (s->r[m].hi < uid)
			a = m + 1;
		else
			b = m;
	}
	return a;
}

static void make_room(struct uidset *s, size_t more)
{
	if (s->n + more <= s->cap)
		return;
	s->cap = s->cap * 2 + more + 8;
	s->r = xreallocarray(s->r, s->cap, sizeof(*s->r));
}

void uidset_add(struct uidset *s, uint32_t lo, uint32_t hi)
{
	size_t a, b;

	if (lo > hi)
		return;
	if (s->n > 0 && lo > s->r[s->n - 1].lo) { /* the common case: at the end */
		struct uid_range *last = &s->r[s->n - 1];

		if (lo <= last->hi || lo - last->hi == 1) {
			if (hi > last->hi)
				last->hi = hi;
			return;
		}
	}
	a = find(s, lo > 0 ? lo - 1 : 0); /* touches from the left, or the first one after */
	for (b = a; b < s->n && (s->r[b].lo <= hi || s->r[b].lo - hi == 1); b++) {
		if (s->r[b].lo < lo)
			lo = s->r[b].lo;
		if (s->r[b].hi > hi)
			hi = s->r[b].hi;
	}
	if (a == b)
		make_room(s, 1);
	memmove(s->r + a + 1, s->r + b, (s->n - b) * sizeof(*s->r));
	s->n = s->n - (b - a) + 1;
	s->r[a] = (struct uid_range){lo, hi};
}

void uidset_add_set(struct uidset *s, const struct uidset *more)
{
	for (size_t i = 0; i < more->n; i++)
		uidset_add(s, more->r[i].lo, more->r[i].hi);
}

void uidset_sub(struct uidset *s, const struct uidset *less)
{
	struct uidset out = UIDSET_INIT;
	size_t j = 0;

	if (less->n == 0)
		return;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t lo = s->r[i].lo, hi = s->r[i].hi;

		while (j < less->n && less->r[j].hi < lo)
			j++;
		for (size_t k = j; k < less->n && less->r[k].lo <= hi && lo <= hi; k++) {
			if (less->r[k].lo > lo)
				uidset_add(&out, (uint32_t)lo, less->r[k].lo - 1);
			lo = (uint64_t)less->r[k].hi + 1;
		}
		if (lo <= hi)
			uidset_add(&out, (uint32_t)lo, (uint32_t)hi);
	}
	uidset_free(s);
	*s = out;
}

void uidset_clip(struct uidset *s, uint32_t lo, uint32_t hi)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct uid_range r = s->r[i];

		if (r.lo < lo)
			r.lo = lo;
		if (r.hi > hi)
			r.hi = hi;
		if (r.lo <= r.hi)
			s->r[n++] = r;
	}
	s->n = n;
}

bool uidset_has(const struct uidset *s, uint32_t uid)
{
	size_t i = find(s, uid);

	return i < s->n && s->r[i].lo <= uid;
}

uint64_t uidset_count(const struct uidset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return n;
}

static bool number(const char **p, const char *end, uint32_t *out)
{
	uint64_t v = 0;
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9') {
		v = v * 10 + (uint64_t)(**p - '0');
		if (v > UINT32_MAX)
			return false;
		(*p)++;
	}
	*out = (uint32_t)v;
	return *p > start && v > 0;
}

bool uidset_parse(struct uidset *s, const char *p, size_t n)
{
	const char *end = p + n;

	for (;;) {
		uint32_t a, b;

		if (!number(&p, end, &a))
			return false;
		b = a;
		if (p < end && *p == ':') {
			p++;
			if (!number(&p, end, &b))
				return false;
		}
		uidset_add(s, a < b ? a : b, a < b ? b : a);
		if (p == end)
			return true;
		if (*p++ != ',')
			return false;
	}
}

bool uidset_format(const struct uidset *s, size_t *at, size_t max, struct buf *out)
{
	size_t start = out->len;

	if (*at >= s->n)
		return false;
	for (; *at < s->n && out->len - start + 24 <= max; (*at)++) {
		const struct uid_range *r = &s->r[*at];

		if (out->len > start)
			buf_addc(out, ',');
		if (r->lo == r->hi)
			buf_addf(out, "%u", r->lo);
		else
			buf_addf(out, "%u:%u", r->lo, r->hi);
	}
	return out->len > start;
}

uint32_t uidset_at(const struct uidset *s, uint64_t i)
{
	for (size_t k = 0; k < s->n; k++) {
		uint64_t n = (uint64_t)s->r[k].hi - s->r[k].lo + 1;

		if (i < n)
			return (uint32_t)(s->r[k].lo + i);
		i -= n;
	}
	return 0;
}
