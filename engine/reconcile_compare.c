/*
 * Two listings of a folder compared, each copy counted: by header and size first, then by the bodies of what headers do
 * not decide (reconcile.c tells the rules and reads both).
 */
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "mem.h"
#include "reconcile_impl.h"

#include "banned.h"

/* Of a reference: the message is asked for by name (--only). Among twins those are paired last, for they are what is
 * said to be missing. */
#define WANTED (1u << 31)

#define FLAGS_OF(tie) ((tie) & 0xffff) /* match_tie */

static void add_found(struct reconcile *r, uint32_t src, uint32_t src_tie, uint32_t dst, uint32_t dst_tie)
{
	struct found f = {src, dst, FLAGS_OF(src_tie) != FLAGS_OF(dst_tie)};

	reconcile_check(r, sorter_add(r->found, &f));
}

/* --- headers --- */

int reconcile_order(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int c = memcmp(a->key.b, b->key.b, IDENT_KEY_SIZE);

	if (c != 0)
		return c;
	if (a->tie != b->tie)
		return a->tie < b->tie ? -1 : 1;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

typedef int compare_fn(const void *, const void *);

static int by_head(const void *pa, const void *pb)
{
	return memcmp(((const struct entry *)pa)->head.b, ((const struct entry *)pb)->head.b, IDENT_KEY_SIZE);
}

static int by_date(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return a->date < b->date ? -1 : a->date > b->date;
}

/* Length of the run of equals at i. */
static size_t run_of(const struct half *h, size_t i, compare_fn *cmp)
{
	size_t k = i + 1;

	while (k < h->n && cmp(&h->e[i], &h->e[k]) == 0)
		k++;
	return k - i;
}

static void want_bodies(struct half *h, size_t i, size_t n)
{
	for (size_t k = i; k < i + n; k++) {
		uidset_add(&h->bodies, h->e[k].uid, h->e[k].uid);
		h->e[k].taken = true;
	}
}

static void advance(struct half *h)
{
	const void *p = NULL;

	reconcile_check(h->r, sorter_next(h->heads, &p));
	h->at = p;
}

static void left_over(struct half *h)
{
	if (h->n == h->cap) {
		h->cap = h->cap * 2 + 256;
		h->e = xreallocarray(h->e, h->cap, sizeof(*h->e));
	}
	h->e[h->n++] = *h->at;
	advance(h);
}

/* All with this key. */
static void take_twins(struct half *h, const struct ident_key *key)
{
	h->ntwins = 0;
	while (h->at != NULL && memcmp(h->at->key.b, key->b, IDENT_KEY_SIZE) == 0) {
		if (h->ntwins == h->twin_cap) {
			h->twin_cap = h->twin_cap * 2 + 16;
			h->twin = xreallocarray(h->twin, h->twin_cap, sizeof(*h->twin));
		}
		h->twin[h->ntwins++] = (struct twin){h->at->uid, h->at->tie};
		advance(h);
	}
}

/* As often here as there: the same ones. */
static void compare_twins(struct reconcile *r)
{
	struct half *s = &r->half[SRC], *d = &r->half[DST];
	struct ident_key key = s->at->key;

	take_twins(s, &key);
	take_twins(d, &key);
	for (size_t i = 0; s->ntwins == d->ntwins && i < s->ntwins; i++)
		add_found(r, s->twin[i].uid, s->twin[i].tie, d->twin[i].uid, d->twin[i].tie);
	for (int side = 0; s->ntwins != d->ntwins && side < SIDES; side++)
		for (size_t i = 0; i < r->half[side].ntwins; i++)
			uidset_add(&r->half[side].bodies, r->half[side].twin[i].uid, r->half[side].twin[i].uid);
}

/* Walks equal groups of both sides; what is not decided here is left over, for compare_weakly. */
static void compare_keys(struct reconcile *r)
{
	struct half *s = &r->half[SRC], *d = &r->half[DST];

	advance(s);
	advance(d);
	while (s->at != NULL && d->at != NULL) {
		int c = memcmp(s->at->key.b, d->at->key.b, IDENT_KEY_SIZE);

		if (c == 0)
			compare_twins(r);
		else
			left_over(c < 0 ? s : d);
	}
	while (s->at != NULL)
		left_over(s);
	while (d->at != NULL)
		left_over(d);
}

static bool has_head(const struct entry *e)
{
	return e->has_head;
}

static bool has_date(const struct entry *e)
{
	return e->date != INT64_MIN;
}

static bool not_taken(const struct entry *e)
{
	return !e->taken;
}

/* Those that pass stand first, in order. Returns how many. */
static size_t sift(struct half *h, bool (*passes)(const struct entry *), compare_fn *order)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (passes(&h->e[i])) {
			struct entry x = h->e[n];

			h->e[n++] = h->e[i];
			h->e[i] = x;
		}
	}
	if (n > 1) /* h->e may be NULL, which qsort does not allow */
		qsort(h->e, n, sizeof(*h->e), order);
	return n;
}

/* Messages that are alike in some weak way on both sides: their bodies shall decide. */
static void compare_weakly(struct reconcile *r, bool (*passes)(const struct entry *), compare_fn *cmp)
{
	struct half *s = &r->half[SRC], *d = &r->half[DST];
	size_t i = 0, k = 0, ns, nd;
	size_t all_s = s->n, all_d = d->n;

	s->n = sift(s, passes, cmp);
	d->n = sift(d, passes, cmp);
	while (i < s->n && k < d->n) {
		int c = cmp(&s->e[i], &d->e[k]);

		ns = run_of(s, i, cmp);
		nd = run_of(d, k, cmp);
		if (c == 0) {
			want_bodies(s, i, ns);
			want_bodies(d, k, nd);
		}
		i += c <= 0 ? ns : 0;
		k += c >= 0 ? nd : 0;
	}
	s->n = all_s;
	d->n = all_d;
	s->n = sift(s, not_taken, cmp);
	d->n = sift(d, not_taken, cmp);
}

void reconcile_compare_heads(struct reconcile *r)
{
	compare_keys(r);
	compare_weakly(r, has_head, by_head);
	compare_weakly(r, has_date, by_date); /* headers that a server has changed, or none at all */
}

/* --- bodies --- */

static void on_pair(void *arg, uint32_t src, uint32_t dst)
{
	struct reconcile *r = arg;
	struct body_keys *s = &r->half[SRC].b[src & ~WANTED], *d = &r->half[DST].b[dst];

	add_found(r, s->uid, s->tie, d->uid, d->tie);
	s->uid = d->uid = 0;
}

static uint32_t wanted(const struct half *h, size_t i)
{
	return h->side == SRC && uidset_has(&h->r->j->only, h->b[i].uid) ? WANTED : 0;
}

void reconcile_compare_bodies(struct reconcile *r)
{
	struct match *m = match_new();

	for (int rung = IDENT_EXACT; rung <= r->p->cp->lowest; rung++) {
		match_reset(m);
		for (int side = 0; side < SIDES; side++) {
			struct half *h = &r->half[side];

			for (size_t i = 0; i < h->nb; i++)
				if (h->b[i].uid != 0 && (h->b[i].id.have & (1u << rung)))
					match_add(m, side == SRC ? MATCH_SOURCE : MATCH_DEST, (uint32_t)i | wanted(h, i),
						&h->b[i].id.key[rung], h->b[i].tie);
		}
		match_run(m, on_pair, r);
	}
	match_free(m);
}
