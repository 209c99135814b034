/* Pairing by sorting both sides and merging them, three times: key and tie, key and half the tie, key alone. */
#include "match.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

struct entry {
	struct ident_key key;
	uint32_t tie;
	uint32_t ref;
};

struct list {
	struct entry *v;
	size_t n, cap;
};

struct match {
	struct list side[MATCH_SIDES];
};

struct match *match_new(void)
{
	return xcalloc(1, sizeof(struct match));
}

void match_free(struct match *m)
{
	if (m == NULL)
		return;
	for (int s = 0; s < MATCH_SIDES; s++)
		free(m->side[s].v);
	free(m);
}

void match_reset(struct match *m)
{
	for (int s = 0; s < MATCH_SIDES; s++)
		m->side[s].n = 0;
}

void match_add(struct match *m, enum match_side side, uint32_t ref, const struct ident_key *key, uint32_t tie)
{
	struct list *l = &m->side[side];

	if (l->n == l->cap) {
		l->cap += l->cap / 2 + 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = (struct entry){.key = *key, .tie = tie, .ref = ref};
}

/* A multiplicative hash: neighbouring dates and single flags must spread over the 16 bits. */
static uint32_t spread16(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(x >> 48);
}

uint32_t match_tie(uint64_t date, uint64_t flags)
{
	return spread16(date) << 16 | spread16(flags);
}

static int by_key_tie(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = memcmp(&x->key, &y->key, sizeof(x->key));

	if (c == 0)
		c = (x->tie > y->tie) - (x->tie < y->tie);
	if (c == 0)
		c = (x->ref > y->ref) - (x->ref < y->ref);
	return c;
}

static int by_key_ref(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = memcmp(&x->key, &y->key, sizeof(x->key));

	return c != 0 ? c : (x->ref > y->ref) - (x->ref < y->ref);
}

/* Order of two entries when only the upper bits of the tie that `mask` leaves count. */
static int compare(const struct entry *x, const struct entry *y, uint32_t mask)
{
	int c = memcmp(&x->key, &y->key, sizeof(x->key));
	uint32_t a = x->tie & mask, b = y->tie & mask;

	return c != 0 ? c : (a > b) - (a < b);
}

/* Both lists are sorted in the order that mask implies; what finds no partner stays, still sorted. */
static void merge(struct match *m, uint32_t mask, match_pair_fn *pair, void *arg)
{
	struct list *s = &m->side[MATCH_SOURCE], *d = &m->side[MATCH_DEST];
	size_t i = 0, j = 0, keep_s = 0, keep_d = 0;

	while (i < s->n && j < d->n) {
		int c = compare(&s->v[i], &d->v[j], mask);

		if (c < 0)
			s->v[keep_s++] = s->v[i++];
		else if (c > 0)
			d->v[keep_d++] = d->v[j++];
		else
			pair(arg, s->v[i++].ref, d->v[j++].ref);
	}
	while (i < s->n)
		s->v[keep_s++] = s->v[i++];
	while (j < d->n)
		d->v[keep_d++] = d->v[j++];
	s->n = keep_s;
	d->n = keep_d;
}

static void sort(struct match *m, int (*order)(const void *, const void *))
{
	for (int s = 0; s < MATCH_SIDES; s++)
		if (m->side[s].n > 1)
			qsort(m->side[s].v, m->side[s].n, sizeof(struct entry), order);
}

void match_run(struct match *m, match_pair_fn *pair, void *arg)
{
	sort(m, by_key_tie);
	merge(m, UINT32_MAX, pair, arg);
	merge(m, UINT32_C(0xffff0000), pair, arg);
	sort(m, by_key_ref);
	merge(m, 0, pair, arg);
}

size_t match_count(const struct match *m, enum match_side side)
{
	return m->side[side].n;
}

uint32_t match_left(const struct match *m, enum match_side side, size_t i)
{
	return m->side[side].v[i].ref;
}
