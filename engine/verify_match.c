/* One folder: both lists against each other, rung by rung, and what the outcome counts as. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "verify.h"

#include "banned.h"

enum { REWRITTEN_SHARE = 10 }; /* more than a tenth of a folder's messages: the server does it to all */

struct climb {
	struct vfolder *f;
	uint8_t rung;
};

typedef bool key_fn(const struct vside *s, uint32_t i, enum ident_rung rung, struct ident_key *out);

static void on_pair(void *arg, uint32_t si, uint32_t di)
{
	struct climb *c = arg;
	struct vmsg *s = &c->f->side[MATCH_SOURCE].v[si], *d = &c->f->side[MATCH_DEST].v[di];

	s->rung = d->rung = c->rung;
	s->peer = d->uid;
	d->peer = s->uid;
}

/* The key that LIST read. */
static bool listed_key(const struct vside *s, uint32_t i, enum ident_rung rung, struct ident_key *out)
{
	(void)rung;
	*out = s->v[i].key;
	return !s->v[i].unreadable;
}

static int by_uid(const void *a, const void *b)
{
	uint32_t x, y; /* uid is the first member of both */

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Deep: the canonical key is the exact one unless alt has another. */
static bool listed_canonical(const struct vside *s, uint32_t i, enum ident_rung rung, struct ident_key *out)
{
	const struct valt *a = s->nalt > 0 ? bsearch(&s->v[i].uid, s->alt, s->nalt, sizeof(*a), by_uid) : NULL;

	(void)rung;
	*out = a != NULL ? a->key : s->v[i].key;
	return !s->v[i].unreadable;
}

static bool body_key(const struct vside *s, uint32_t i, enum ident_rung rung, struct ident_key *out)
{
	const struct vdeep *d = s->ndeep > 0 ? bsearch(&s->v[i].uid, s->deep, s->ndeep, sizeof(*d), by_uid) : NULL;

	if (d == NULL || !(d->have & 1u << rung))
		return false;
	*out = d->key[rung];
	return true;
}

static uint32_t tie(const struct vmsg *m)
{
	return match_tie((uint64_t)vmsg_date(m), m->flags);
}

/* Pairs what is left by one key; what stays left is those without a partner or without that key. */
static void climb(struct climb *c, key_fn *key, enum ident_rung rung)
{
	struct match *m;
	struct ident_key k;

	if (!verify_match_undecided(c->f))
		return;
	m = match_new();
	for (int s = 0; s < MATCH_SIDES; s++) {
		struct vside *side = &c->f->side[s];

		for (size_t i = 0; i < side->left.n; i++)
			if (key(side, side->left.i[i], rung, &k))
				match_add(m, (enum match_side)s, side->left.i[i], &k, tie(&side->v[side->left.i[i]]));
	}
	match_run(m, on_pair, c);
	match_free(m);
	for (int s = 0; s < MATCH_SIDES; s++) {
		struct vside *side = &c->f->side[s];
		size_t keep = 0;

		for (size_t i = 0; i < side->left.n; i++)
			if (side->v[side->left.i[i]].rung == V_NONE)
				side->left.i[keep++] = side->left.i[i];
		side->left.n = keep;
	}
}

/* left: the messages of a side that count as `when` and have no partner. */
static void collect(struct vside *s, enum verify_when when)
{
	s->left.n = 0;
	s->left.i = xreallocarray(s->left.i, s->n, sizeof(*s->left.i));
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].rung == V_NONE && s->v[i].when == when)
			s->left.i[s->left.n++] = (uint32_t)i;
}

static void climb_listed(struct verify *vf, struct vfolder *f)
{
	struct climb c = {f, vf->deep ? IDENT_EXACT : V_SUMMARY};

	climb(&c, listed_key, IDENT_EXACT);
	c.rung = IDENT_CANONICAL;
	if (vf->deep && !f->side[MATCH_SOURCE].exact_only && !f->side[MATCH_DEST].exact_only)
		climb(&c, listed_canonical, IDENT_CANONICAL);
}

static void sort_side(struct vside *s)
{
	if (s->nalt > 1)
		qsort(s->alt, s->nalt, sizeof(*s->alt), by_uid);
	if (s->ndeep > 1)
		qsort(s->deep, s->ndeep, sizeof(*s->deep), by_uid);
}

void verify_match_list(struct verify *vf, struct vfolder *f)
{
	for (int s = 0; s < MATCH_SIDES; s++) {
		sort_side(&f->side[s]);
		collect(&f->side[s], V_EXPECTED);
	}
	climb_listed(vf, f);
}

bool verify_match_undecided(const struct vfolder *f)
{
	return f->side[MATCH_SOURCE].left.n > 0 && f->side[MATCH_DEST].left.n > 0;
}

void verify_match_bodies(struct verify *vf, struct vfolder *f)
{
	struct climb c = {f, V_NONE};

	for (int s = 0; s < MATCH_SIDES; s++)
		sort_side(&f->side[s]);
	for (int r = 0; r < IDENT_RUNGS; r++) {
		size_t left = f->side[MATCH_SOURCE].left.n;

		c.rung = (uint8_t)r;
		climb(&c, body_key, (enum ident_rung)r);
		if (vf->deep && r == IDENT_CANONICAL &&
			left - f->side[MATCH_SOURCE].left.n > f->side[MATCH_SOURCE].n / REWRITTEN_SHARE)
			vf->rewritten = true;
	}
}

/* --- the outcome ------------------------------------------------------------------------------------------ */

static struct vitem *add_item(struct verify *vf, const struct vfolder *f, enum vitem_kind kind, const struct vmsg *s)
{
	struct vitem *it;

	if (vf->nitem == vf->cap_item) {
		vf->cap_item += vf->cap_item / 2 + 64;
		vf->item = xreallocarray(vf->item, vf->cap_item, sizeof(*vf->item));
	}
	it = &vf->item[vf->nitem++];
	*it = (struct vitem){.key = s->key, .date = vmsg_date(s), .folder = f->index, .uid = s->uid, .size = s->size,
		.flags = s->flags, .kind = (uint8_t)kind, .rung = s->rung, .unreadable = s->unreadable};
	return it;
}

static void add_extra(struct verify *vf, const struct vfolder *f, const struct vmsg *d)
{
	if (vf->nextra == vf->cap_extra) {
		vf->cap_extra += vf->cap_extra / 2 + 64;
		vf->extra = xreallocarray(vf->extra, vf->cap_extra, sizeof(*vf->extra));
	}
	vf->extra[vf->nextra++] = (struct vextra){.key = d->key, .folder = f->index, .uid = d->uid};
}

static const struct vmsg *find_msg(const struct vside *s, uint32_t uid)
{
	/* LIST pieces may have come out of order: v is sorted by verify_match_end before */
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->v[lo].uid == uid ? &s->v[lo] : NULL;
}

static void add_pair_item(struct verify *vf, const struct vfolder *f, enum vitem_kind kind, const struct vmsg *s,
	const struct vmsg *d, unsigned diff)
{
	struct vitem *it = add_item(vf, f, kind, s);

	it->dest_uid = d->uid;
	it->dest_size = d->size;
	it->dest_date = vmsg_date(d);
	it->dest_flags = d->flags;
	it->diff = (uint8_t)diff;
}

struct named {
	unsigned differing, changed;
};

static void end_pair(struct verify *vf, struct vfolder *f, const struct vmsg *s, struct named *named)
{
	const struct vmsg *d = find_msg(&f->side[MATCH_DEST], s->peer);
	unsigned diff;

	f->count.rung[s->rung]++;
	if (s->rung != IDENT_HEADER)
		f->count.found++;
	if (d == NULL)
		return;
	diff = flagset_compare(vf->flags, s->flags, d->flags);
	if (!s->no_date && !d->no_date && vmsg_date(s) != vmsg_date(d))
		diff |= V_DIFF_DATE;
	if (diff != 0) {
		f->count.differing++;
		if (named->differing++ < V_NAMED_MAX)
			add_pair_item(vf, f, V_ITEM_DIFFERING, s, d, diff);
	}
	/* weak pairs are always named: each one needs a person's word */
	if (s->rung == IDENT_HEADER || ((s->rung == IDENT_CANONICAL || s->rung == IDENT_DECODED) &&
					       named->changed++ < V_NAMED_MAX))
		add_pair_item(vf, f, V_ITEM_CHANGED, s, d, 0);
}

static int msg_by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct vmsg *)a)->uid, y = ((const struct vmsg *)b)->uid;

	return (x > y) - (x < y);
}

static void end_source(struct verify *vf, struct vfolder *f)
{
	struct vside *src = &f->side[MATCH_SOURCE];
	struct named named = {0, 0};

	for (size_t i = 0; i < src->n; i++) {
		const struct vmsg *s = &src->v[i];

		if (s->when == V_LATE) {
			f->count.late++;
		} else if (s->when == V_EXCLUDED) {
			f->count.excluded++;
		} else {
			f->count.expected++;
			if (s->rung != V_NONE) {
				end_pair(vf, f, s, &named);
			} else {
				f->count.missing++;
				add_item(vf, f, V_ITEM_MISSING, s);
			}
		}
	}
}

void verify_match_end(struct verify *vf, struct vfolder *f)
{
	static const enum verify_when others[] = {V_LATE, V_EXCLUDED};
	struct vside *dst = &f->side[MATCH_DEST];

	/* Late and excluded messages may be there as well: they take what the expected ones have left, so that it
	 * does not look like something extra. */
	for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
		collect(&f->side[MATCH_SOURCE], others[k]);
		collect(dst, V_EXPECTED);
		climb_listed(vf, f);
	}
	for (int s = 0; s < MATCH_SIDES; s++)
		if (f->side[s].n > 1)
			qsort(f->side[s].v, f->side[s].n, sizeof(struct vmsg), msg_by_uid);
	end_source(vf, f);
	for (size_t i = 0; i < dst->n; i++)
		if (dst->v[i].rung == V_NONE) {
			f->count.extra++;
			if (!dst->v[i].unreadable)
				add_extra(vf, f, &dst->v[i]);
		}
}
