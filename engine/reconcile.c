/*
 * What of a job's todo is at the destination already? Asked after a crash (of what was in flight) and when the
 * state knows nothing (lost, or another tool was there before). Decided from the two servers alone, each copy
 * counted:
 *
 *   1. header and size of both sides. The same header and size, as often here as there: the same messages.
 *      As often not: their bodies decide. Different, but the same Message-Id (or date, sender and
 *      subject), or the same INTERNALDATE: their bodies decide, for a server or tool may have changed them.
 *   2. bodies: exact, canonical, decoded, in this order (ident.h). What is only weakly alike is copied.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "copy.h"
#include "ident.h"
#include "imap_date.h"
#include "imap_quirk.h"
#include "match.h"
#include "mem.h"
#include "sorter.h"

#include "banned.h"

#define SORT_MEMORY (3u << 20) /* of each side's headers */
#define FOUND_MEMORY (1u << 20)

enum side { SRC, DST, SIDES };

/* Of a reference: the message is asked for by name (--only). Among twins those are paired last, for they are what is
 * said to be missing. */
#define WANTED (1u << 31)

struct entry {
	struct ident_key key, head; /* header block and size; Message-Id or its stand-in */
	int64_t date;
	uint32_t uid, tie;
	bool has_head, taken; /* taken: its body is wanted */
};

struct body_keys {
	uint32_t uid, tie;
	struct ident id;
};

struct found {
	uint32_t src, dst;
	bool flags_differ;
};

struct twin {
	uint32_t uid, tie;
};

struct half {
	struct reconcile *r;
	enum side side;
	struct imap_conn *conn;
	struct ident_reader *reader;
	struct ident id;
	bool have_id;
	struct sorter *heads;
	const struct entry *at; /* of heads: the next one */
	struct entry *e;	/* what the headers alone do not decide */
	size_t n, cap;
	struct twin *twin; /* those with the key that is looked at */
	size_t ntwins, twin_cap;
	struct body_keys *b;
	size_t nb, bcap;
	struct uidset bodies; /* to be read in step 2 */
};

struct reconcile {
	struct pair *p;
	struct job *j;
	struct half half[SIDES];
	unsigned left; /* commands unanswered in this step */
	int step;
	uint32_t dst_uidnext, dst_top, dst_uidvalidity;
	bool dst_open, uidnext_unknown;
	struct uidset searched;
	struct sorter *found;
};

static void next_step(struct reconcile *r);

void reconcile_free(struct reconcile *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < SIDES; i++) {
		ident_reader_free(r->half[i].reader);
		sorter_free(r->half[i].heads);
		free(r->half[i].twin);
		free(r->half[i].e);
		free(r->half[i].b);
		uidset_free(&r->half[i].bodies);
	}
	uidset_free(&r->searched);
	sorter_free(r->found);
	free(r);
}

static void answered(struct reconcile *r, const struct imap_result *res)
{
	if (res->lost) /* the pair starts over; this goes with it */
		return;
	if (--r->left == 0)
		next_step(r);
}

#define FLAGS_OF(tie) ((tie) & 0xffff) /* match_tie */

/* Without what was found, or what was read, nothing may be decided. */
static void check(struct reconcile *r, const struct err *e)
{
	r->j->failed = r->j->failed || e != NULL;
	copy_check(r->p->cp, e);
}

static void add_found(struct reconcile *r, uint32_t src, uint32_t src_tie, uint32_t dst, uint32_t dst_tie)
{
	struct found f = {src, dst, FLAGS_OF(src_tie) != FLAGS_OF(dst_tie)};

	check(r, sorter_add(r->found, &f));
}

/* --- reading both sides --- */

static uint32_t tie_of(const struct imap_fetch *f)
{
	uint64_t flags = 0, h;
	int64_t date = 0;

	if (f->has_date)
		imap_date_parse(f->date, &date);
	for (const char *c = f->has_flags ? f->flags : ""; *c != '\0'; c += strspn(c, " ")) { /* a sum: in any order */
		size_t n = strcspn(c, " ");

		h = 1469598103934665603u;
		for (size_t i = 0; i < n; i++)
			h = (h ^ (unsigned char)c[i]) * 1099511628211u;
		if (n != 7 || strncasecmp(c, "\\Recent", 7) != 0) /* a session's, not the message's */
			flags += h;
		c += n;
	}
	return match_tie((uint64_t)date, flags);
}

static void on_body(void *arg, const struct imap_fetch *f, const char *section, uint64_t size)
{
	struct half *h = arg;

	(void)f;
	(void)section;
	(void)size;
	h->have_id = false;
	ident_reader_reset(h->reader);
}

static void on_body_data(void *arg, const void *p, size_t n)
{
	struct half *h = arg;

	ident_reader_feed(h->reader, p, n);
}

static void on_body_end(void *arg)
{
	struct half *h = arg;

	ident_reader_end(h->reader, &h->id);
	h->have_id = true;
}

static bool ours(const struct half *h, uint32_t uid)
{
	if (h->side == SRC)
		return uidset_has(&h->r->j->todo, uid);
	return uid >= h->r->j->row.floor && uid < h->r->dst_uidnext; /* "floor:*" names the last one always */
}

static void on_head(void *arg, const struct imap_resp *resp)
{
	struct half *h = arg;
	const struct imap_fetch *f = &resp->fetch;
	struct entry e;

	if (resp->kind != IMAP_FETCH || !h->have_id || f->uid == 0 || !f->has_size || !ours(h, f->uid))
		return;
	h->have_id = false;
	if (h->side == DST && f->uid > h->r->dst_top)
		h->r->dst_top = f->uid;
	memset(&e, 0, sizeof(e));
	e.uid = f->uid;
	e.tie = tie_of(f);
	if (!f->has_date || !imap_date_parse(f->date, &e.date))
		e.date = INT64_MIN;
	ident_summary_key(&h->id, f->size, &e.key);
	e.has_head = (h->id.have & (1u << IDENT_HEADER)) != 0;
	if (e.has_head)
		e.head = h->id.key[IDENT_HEADER];
	check(h->r, sorter_add(h->heads, &e));
}

static void on_whole(void *arg, const struct imap_resp *resp)
{
	struct half *h = arg;
	const struct imap_fetch *f = &resp->fetch;

	if (resp->kind != IMAP_FETCH || !h->have_id || f->uid == 0 || !uidset_has(&h->bodies, f->uid))
		return;
	h->have_id = false;
	if (h->nb == h->bcap) {
		h->bcap = h->bcap * 2 + 16;
		h->b = xreallocarray(h->b, h->bcap, sizeof(*h->b));
	}
	h->b[h->nb++] = (struct body_keys){f->uid, tie_of(f), h->id};
}

static void on_half_done(void *arg, const struct imap_result *res)
{
	struct half *h = arg;

	if (!res->lost && res->kind != IMAP_OK) {
		/* then nothing is known of it: copying blindly could double, so the folder is left alone */
		h->r->j->failed = true;
		copy_warn(h->r->p->cp, h->r->j, err_wrap(res->err, "both sides cannot be compared"));
	}
	answered(h->r, res);
}

static void fetch(struct half *h, const struct uidset *set, bool open_end, const char *what, const struct imap_handler *handler)
{
	struct buf text = BUF_INIT;

	if (open_end) {
		h->r->left++;
		imap_command(h->conn, handler, h, "UID FETCH %u:* %s", set->r[0].lo, what);
		return;
	}
	for (size_t at = 0; buf_reset(&text), uidset_format(set, &at, 7000, &text);) {
		h->r->left++;
		imap_command(h->conn, handler, h, "UID FETCH %s %s", text.ptr, what);
	}
	buf_free(&text);
}

static void fetch_heads(struct reconcile *r)
{
	static const char what[] = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])";
	static const struct imap_handler h = {
		.untagged = on_head,
		.body = {.begin = on_body, .data = on_body_data, .end = on_body_end},
		.done = on_half_done,
	};
	struct uidset from = UIDSET_INIT;

	uidset_add(&from, r->j->row.floor, r->j->row.floor);
	fetch(&r->half[DST], &from, true, what, &h);
	fetch(&r->half[SRC], &r->j->todo, false, what, &h);
	uidset_free(&from);
}

static void fetch_bodies(struct reconcile *r)
{
	static const struct imap_handler h = {
		.untagged = on_whole,
		.body = {.begin = on_body, .data = on_body_data, .end = on_body_end},
		.done = on_half_done,
	};

	for (int i = 0; i < SIDES; i++)
		fetch(&r->half[i], &r->half[i].bodies, false, "(UID FLAGS INTERNALDATE BODY.PEEK[])", &h);
}

/* --- comparing --- */

static int by_key(const void *pa, const void *pb)
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

	check(h->r, sorter_next(h->heads, &p));
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

static void compare_bodies(struct reconcile *r)
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

/* --- steps --- */

static int by_src(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;

	return a->src < b->src ? -1 : a->src > b->src;
}

static void count_found(struct job *j, size_t n)
{
	j->matched += n;
	j->cp->matched += n;
}

/* A range of messages with rising UIDs on both sides, one by one. */
struct stretch {
	struct found first;
	uint32_t n;
};

static const struct err *save_stretch(struct job *j, const struct stretch *f)
{
	struct uidset src = UIDSET_INIT, dst = UIDSET_INIT;
	const struct err *e;

	if (f->n == 0)
		return NULL;
	uidset_add(&src, f->first.src, f->first.src + f->n - 1);
	uidset_add(&dst, f->first.dst, f->first.dst + f->n - 1);
	e = state_copied_add(j->cp->state, j->row.id, &src, &dst);
	uidset_sub(&j->todo, &src);
	for (uint64_t uid = src.r[0].lo; j->cp->only != NULL && uid <= src.r[0].hi; uid++)
		count_found(j, uidset_has(&j->only, (uint32_t)uid));
	uidset_free(&src);
	uidset_free(&dst);
	return e;
}

static const struct err *save_found(struct reconcile *r)
{
	struct job *j = r->j;
	struct stretch now = {.n = 0};
	const struct err *e;
	const void *p;

	while ((e = sorter_next(r->found, &p)) == NULL && p != NULL) {
		const struct found *f = p;

		/* a server that has mended its index may have lost the flags of what a broken line left there */
		if (j->in_doubt && f->flags_differ)
			uidset_add(&j->flags_doubt, f->src, f->src);
		if (now.n > 0 && f->src == now.first.src + now.n && f->dst == now.first.dst + now.n) {
			now.n++;
			continue;
		}
		if ((e = save_stretch(j, &now)) != NULL)
			return e;
		now = (struct stretch){.first = *f, .n = 1};
	}
	return e != NULL ? e : save_stretch(j, &now);
}

/* What was found is settled; from now on everything at the destination is either that or not ours. */
static const struct err *save(struct reconcile *r)
{
	struct job *j = r->j;
	const struct err *e = save_found(r);

	if (j->cp->only == NULL)
		count_found(j, sorter_count(r->found));
	if (r->uidnext_unknown)
		r->dst_uidnext = r->dst_top + 1;
	if (r->dst_uidnext > j->row.floor)
		j->row.floor = r->dst_uidnext;
	j->row.active = true;
	if (e == NULL)
		e = state_folder_put(j->cp->state, j->src->raw, j->src->len, j->dst_raw, &j->row);
	if (e == NULL)
		e = state_commit(j->cp->state);
	return e;
}

/* Another tool may have brought a file's messages and altered them: to the ladder they are others, and come once more. With
 * filters, or when only some are wanted, what is left over may as well be of those that are not asked for. */
static void tell_unrecognised(const struct reconcile *r, bool filtered)
{
	struct job *j = r->j;
	uint64_t seen = sorter_count(r->half[DST].heads), known = sorter_count(r->found), left = seen - known;

	if (j->cp->o->from.feed == NULL || j->cp->only != NULL || j->in_doubt || filtered || seen <= known || j->todo.n == 0)
		return;
	j->cp->unrecognised += left;
	copy_warn(j->cp, j, err_new(ERR_DEST_UNKNOWN, "%" PRIu64 " of the %" PRIu64 " messages that were there already are none of the "
		"file's as they stand: of these, what another tool has brought and altered comes once more (verify names them: extra)",
		left, seen));
}

static void finish(struct reconcile *r)
{
	struct pair *p = r->p;
	struct job *j = r->j;

	if (r->dst_open) /* EXAMINEd: CLOSE expunges nothing; APPEND to a folder that is open costs more */
		imap_command(p->dst, NULL, NULL, imap_has(p->dst, "UNSELECT") ? "UNSELECT" : "CLOSE");
	if (!j->failed)
		copy_check(j->cp, save(r));
	if (!j->failed)
		tell_unrecognised(r, j->search);
	j->probing = j->in_doubt;
	j->reconcile = j->search = j->in_doubt = false;
	p->rec = NULL;
	reconcile_free(r);
	if (j->cp->failed)
		return;
	if (j->failed)
		uidset_clear(&j->todo);
	plan_only(j);
	pair_stream(p, j);
	pair_work(p);
}

static void next_step(struct reconcile *r)
{
	struct job *j = r->j;

	r->left = 1; /* so that nothing answered at once ends the step */
	r->step++;
	if (r->step == 1) {
		if (j->search) {
			uidset_clip(&r->searched, 1, j->src->uidnext > 0 ? j->src->uidnext - 1 : 0);
			struct uidset out = UIDSET_INIT;

			uidset_add_set(&out, &j->todo);
			uidset_sub(&out, &r->searched);
			uidset_sub(&j->todo, &out);
			uidset_free(&out);
		}
		if (!j->failed && j->reconcile && r->dst_open && r->dst_uidnext > j->row.floor && j->todo.n > 0)
			fetch_heads(r);
	}
	if (r->step == 2) {
		compare_keys(r);
		compare_weakly(r, has_head, by_head);
		compare_weakly(r, has_date, by_date); /* headers that a server has changed, or none at all */
		if (!j->failed)
			fetch_bodies(r);
	}
	if (r->step == 3) {
		compare_bodies(r);
		finish(r);
		return;
	}
	if (--r->left == 0)
		next_step(r);
}

static void on_dst_examine_data(void *arg, const struct imap_resp *resp)
{
	struct reconcile *r = arg;
	uint64_t v;

	if (imap_resp_code_number(resp, "UIDNEXT", &v))
		r->dst_uidnext = (uint32_t)v;
	if (imap_resp_code_number(resp, "UIDVALIDITY", &v))
		r->dst_uidvalidity = (uint32_t)v;
}

/* The folder is not what it was: what is known of its UIDs is worth nothing. The next run begins it afresh. */
static void check_uidvalidity(struct reconcile *r)
{
	struct job *j = r->j;

	if (!r->dst_open || r->dst_uidvalidity == 0)
		return;
	if (j->row.dst_uidvalidity != 0 && j->row.dst_uidvalidity != r->dst_uidvalidity && !j->failed) {
		j->failed = true;
		copy_warn(j->cp, j, err_new(ERR_SOURCE_CHANGED,
			"the destination has made the folder anew meanwhile (UIDVALIDITY): the next run compares it afresh"));
		return;
	}
	j->row.dst_uidvalidity = r->dst_uidvalidity;
}

static void on_dst_examine(void *arg, const struct imap_result *res)
{
	struct reconcile *r = arg;

	struct job *j = r->j;

	r->dst_open = !res->lost && res->kind == IMAP_OK;
	check_uidvalidity(r);
	/* NO: it is not there yet, so nothing is in it; unless the server means something else */
	if (!res->lost && !r->dst_open && !quirk_not_there(res->resp) && (j->dst != NULL || j->created)) {
		if (j->doubts++ < 2) {
			pair_fail(r->p, err_new(ERR_LINE_LOST, "%s: the folder cannot be looked at: %s", j->name, res->err->msg),
				"destination");
			return;
		}
		j->failed = true;
		copy_warn(j->cp, j, err_wrap(res->err, "both sides cannot be compared"));
	}
	r->uidnext_unknown = r->dst_open && r->dst_uidnext == 0;
	if (r->uidnext_unknown)
		r->dst_uidnext = UINT32_MAX;
	answered(r, res);
}

static void on_search_data(void *arg, const struct imap_resp *resp)
{
	struct reconcile *r = arg;

	if (resp->kind == IMAP_SEARCH || resp->kind == IMAP_ESEARCH)
		uidset_add_set(&r->searched, &resp->uids);
}

static void on_search(void *arg, const struct imap_result *res)
{
	struct reconcile *r = arg;

	if (!res->lost && res->kind != IMAP_OK && !r->j->failed) {
		r->j->failed = true;
		copy_warn(r->p->cp, r->j, err_wrap(res->err, "the source cannot be searched"));
	}
	answered(r, res);
}

void reconcile_start(struct pair *p, struct job *j)
{
	static const struct imap_handler examine = {.untagged = on_dst_examine_data, .done = on_dst_examine};
	static const struct imap_handler search = {.untagged = on_search_data, .done = on_search};
	struct reconcile *r = xcalloc(1, sizeof(*r));
	struct buf filter = BUF_INIT;

	r->p = p;
	r->j = j;
	p->rec = r;
	r->half[SRC].conn = p->src;
	r->half[DST].conn = p->dst;
	for (int i = 0; i < SIDES; i++) {
		r->half[i].r = r;
		r->half[i].side = (enum side)i;
		r->half[i].heads = sorter_new(sizeof(struct entry), SORT_MEMORY, by_key);
		r->half[i].reader = ident_reader_new(IDENT_WANT_ALL, (const char *const *)p->cp->ignore);
	}
	r->found = sorter_new(sizeof(struct found), FOUND_MEMORY, by_src);
	r->left = 1;
	pair_examine(p, j);
	if (j->search) {
		plan_filter(p->cp->o, &filter);
		r->left++;
		imap_command(p->src, &search, r, "UID SEARCH %s", filter.ptr);
		buf_free(&filter);
	}
	if (j->reconcile) {
		r->left++;
		imap_begin(p->dst, &examine, r);
		imap_text(p->dst, "EXAMINE ");
		imap_mailbox(p->dst, j->dst_raw, strlen(j->dst_raw));
		imap_end(p->dst);
	}
	if (--r->left == 0)
		next_step(r);
}
