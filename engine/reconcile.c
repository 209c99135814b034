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

#include "imap_date.h"
#include "imap_quirk.h"
#include "match.h"
#include "mem.h"
#include "reconcile_impl.h"

#include "banned.h"

#define SORT_MEMORY (3u << 20) /* of each side's headers */
#define FOUND_MEMORY (1u << 20)

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

void reconcile_check(struct reconcile *r, const struct err *e)
{
	r->j->failed = r->j->failed || e != NULL;
	copy_check(r->p->cp, e);
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

	if (resp->kind == IMAP_EXPUNGE && h->least > 0)
		h->least--;
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
	reconcile_check(h->r, sorter_add(h->heads, &e));
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

static void fetch(struct half *h, const struct uidset *set, bool open_end, const char *what,
	const struct imap_handler *handler)
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

static void fetch_heads(struct half *h)
{
	static const char what[] = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])";
	static const struct imap_handler heads = {
		.untagged = on_head,
		.body = {.begin = on_body, .data = on_body_data, .end = on_body_end},
		.done = on_half_done,
	};
	const struct job *j = h->r->j;
	struct uidset from = UIDSET_INIT;
	uint64_t others, all;

	uidset_add(&from, j->row.floor, j->row.floor);
	fetch(h, h->side == DST ? &from : &j->todo, h->side == DST, what, &heads);
	uidset_free(&from);
	/* at most so many messages are there beside those */
	others = h->side == DST ? j->row.floor - (j->row.floor > 0) : j->src->uidnext - 1 - uidset_count(&j->todo);
	all = h->side == DST ? h->r->dst_exists : j->src->messages;
	h->least = all > others ? all - others : 0;
}

static void fetch_bodies(struct half *h, const struct uidset *uids)
{
	static const struct imap_handler bodies = {
		.untagged = on_whole,
		.body = {.begin = on_body, .data = on_body_data, .end = on_body_end},
		.done = on_half_done,
	};

	fetch(h, uids, false, "(UID FLAGS INTERNALDATE BODY.PEEK[])", &bodies);
}

/* --- what did not come --- */

static void tell_unseen(struct reconcile *r, uint64_t n)
{
	copy_warn(r->p->cp, r->j, err_new(ERR_PROTOCOL, "the destination lists %" PRIu64
		" messages that it does not show: what the source has of them comes once more", n));
}

/* A server may answer OK and leave messages out, or all of them. What is not seen is not recognised, and would come
 * twice: it is asked for once more. True: that was done. */
static bool heads_again(struct reconcile *r)
{
	bool again = !r->heads_again;

	r->heads_again = true;
	for (int i = 0; i < SIDES && !r->j->failed; i++) {
		struct half *h = &r->half[i];
		uint64_t came = sorter_count(h->heads);

		/* of a few that do not come from the source the list may be older than their end */
		if (came >= h->least || (i == SRC && came > 0))
			continue;
		if (again) {
			sorter_free(h->heads);
			h->heads = sorter_new(sizeof(struct entry), SORT_MEMORY, reconcile_order);
			fetch_heads(h);
		} else if (came == 0) {
			r->j->failed = true;
			copy_warn(r->p->cp, r->j, err_new(ERR_PROTOCOL, "both sides cannot be compared: the %s lists %" PRIu64
				" messages and shows none", i == DST ? "destination" : "source", h->least));
		} else {
			tell_unseen(r, h->least - came);
		}
	}
	return again && r->left > 1;
}

static bool bodies_again(struct reconcile *r)
{
	bool again = !r->bodies_again;

	r->bodies_again = true;
	for (int i = 0; i < SIDES && !r->j->failed; i++) {
		struct half *h = &r->half[i];
		struct uidset rest = UIDSET_INIT, came = UIDSET_INIT;

		uidset_add_set(&rest, &h->bodies);
		for (size_t k = 0; k < h->nb; k++)
			uidset_add(&came, h->b[k].uid, h->b[k].uid);
		uidset_sub(&rest, &came);
		if (again)
			fetch_bodies(h, &rest);
		else if (rest.n > 0 && i == DST)
			tell_unseen(r, uidset_count(&rest));
		uidset_free(&rest);
		uidset_free(&came);
	}
	return again && r->left > 1;
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
	copy_warn(j->cp, j, err_new(ERR_DEST_UNKNOWN,
		"%" PRIu64 " of the %" PRIu64 " messages that were there already are none of the file's as they stand: of these, what "
		"another tool has brought and altered comes once more (verify names them: extra)", left, seen));
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
			for (int i = SIDES - 1; i >= 0; i--)
				fetch_heads(&r->half[i]);
	}
	if (r->step == 2) {
		if (heads_again(r)) {
			r->step = 1;
		} else {
			reconcile_compare_heads(r);
			for (int i = 0; i < SIDES && !j->failed; i++)
				fetch_bodies(&r->half[i], &r->half[i].bodies);
		}
	}
	if (r->step == 3 && bodies_again(r)) {
		r->step = 2;
	} else if (r->step == 3) {
		reconcile_compare_bodies(r);
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

	if (resp->kind == IMAP_EXISTS)
		r->dst_exists = resp->number;
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
		r->half[i].heads = sorter_new(sizeof(struct entry), SORT_MEMORY, reconcile_order);
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
