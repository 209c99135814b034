/*
 * --flags-sync: changes of flags since the last pass travel after the mail. Where the source keeps MODSEQ
 * (CONDSTORE) only messages that changed there are looked at, so that what a user changed at the destination
 * stays as it is; elsewhere both sides are compared and the source's flags win.
 *
 * Without --flags-sync only what a breakdown has left in doubt is looked at, and flags are only added.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

struct known {
	uint32_t src, dst, n;
};

/* Messages at the destination that get the same flags. */
struct group {
	char *flags; /* "(\Seen $X)" */
	struct uidset uids;
};

struct change {
	uint32_t dst;
	char *flags;
};

struct flags_run {
	struct copy *cp;
	struct job *j;
	size_t at; /* next job */
	unsigned left;
	int step;
	bool compare; /* no MODSEQ to go by */
	bool doubt;   /* only the job's flags_doubt */
	struct known *known;
	size_t nknown;
	struct change *change; /* what the source says, then only what differs */
	size_t nchange, cap;
	bool failed;
};

static void next_job(struct flags_run *r);
static void next_step(struct flags_run *r);

static void forget(struct flags_run *r)
{
	for (size_t i = 0; i < r->nchange; i++)
		free(r->change[i].flags);
	r->nchange = r->nknown = 0;
	free(r->known);
	r->known = NULL;
}

void flags_free(struct flags_run *r)
{
	if (r == NULL)
		return;
	forget(r);
	free(r->change);
	free(r);
}

static void answered(struct flags_run *r, const struct imap_result *res)
{
	if (res->lost) {
		r->failed = true;
		return;
	}
	if (res->kind != IMAP_OK && !r->failed) {
		r->failed = true;
		copy_warn(r->cp, r->j, err_wrap(res->err, "flags"));
	}
	if (--r->left == 0)
		next_step(r);
}

static void on_done(void *arg, const struct imap_result *res)
{
	answered(arg, res);
}

static void on_known(void *arg, uint32_t src, uint32_t n, uint32_t dst)
{
	struct flags_run *r = arg;

	r->known = xreallocarray(r->known, r->nknown + 1, sizeof(*r->known));
	r->known[r->nknown++] = (struct known){src, dst, n};
}

/* Where the copy of a source message is; 0: not known. */
static uint32_t copy_of(const struct flags_run *r, uint32_t src)
{
	size_t a = 0, b = r->nknown;

	while (a < b) {
		size_t m = a + (b - a) / 2;

		if (r->known[m].src + r->known[m].n <= src)
			a = m + 1;
		else
			b = m;
	}
	return a < r->nknown && r->known[a].src <= src ? r->known[a].dst + (src - r->known[a].src) : 0;
}

static int by_flag(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One spelling for equal sets: system flags as RFC 9051, 2.3.2, has them, sorted, only what the destination can keep. */
static char *normal(const struct copy *cp, const char *flags)
{
	struct buf kept = BUF_INIT, out = BUF_INIT;
	char *list[256], *save = NULL, *text;
	size_t n = 0;

	append_flags(cp, flags, true, &kept);
	text = kept.ptr + 1;
	kept.ptr[kept.len - 1] = '\0';
	for (char *f = strtok_r(text, " ", &save); f != NULL && n < 256; f = strtok_r(NULL, " ", &save)) {
		if (f[0] == '\\') {
			str_lower(f);
			f[1] = (char)toupper((unsigned char)f[1]);
		}
		list[n++] = f;
	}
	qsort(list, n, sizeof(list[0]), by_flag);
	buf_addc(&out, '(');
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%s", i > 0 ? " " : "", list[i]);
	buf_addc(&out, ')');
	buf_free(&kept);
	return buf_detach(&out);
}

static void on_src(void *arg, const struct imap_resp *resp)
{
	struct flags_run *r = arg;
	const struct imap_fetch *f = &resp->fetch;
	uint32_t dst;

	if (resp->kind != IMAP_FETCH || f->uid == 0 || !f->has_flags || (dst = copy_of(r, f->uid)) == 0)
		return;
	if (r->nchange == r->cap) {
		r->cap = r->cap * 2 + 64;
		r->change = xreallocarray(r->change, r->cap, sizeof(*r->change));
	}
	r->change[r->nchange++] = (struct change){dst, normal(r->cp, f->flags)};
}

static int by_dst(const void *pa, const void *pb)
{
	const struct change *a = pa, *b = pb;

	return a->dst < b->dst ? -1 : a->dst > b->dst;
}

/* The destination's flags: what is the same there needs nothing. */
static void on_dst(void *arg, const struct imap_resp *resp)
{
	struct flags_run *r = arg;
	const struct imap_fetch *f = &resp->fetch;
	struct change key = {f->uid, NULL}, *c;
	char *have;

	if (resp->kind != IMAP_FETCH || f->uid == 0 || !f->has_flags)
		return;
	c = bsearch(&key, r->change, r->nchange, sizeof(*r->change), by_dst);
	if (c == NULL || c->flags == NULL)
		return;
	have = normal(r->cp, f->flags);
	if (strcmp(have, c->flags) == 0) {
		free(c->flags);
		c->flags = NULL;
	}
	free(have);
}

static void ask_source(struct flags_run *r, struct imap_conn *src)
{
	static const struct imap_handler h = {.untagged = on_src, .done = on_done};
	struct buf text = BUF_INIT;

	if (r->doubt) {
		for (size_t at = 0; buf_reset(&text), uidset_format(&r->j->flags_doubt, &at, 7000, &text);) {
			r->left++;
			imap_command(src, &h, r, "UID FETCH %s (UID FLAGS)", text.ptr);
		}
		buf_free(&text);
		return;
	}
	r->left++;
	if (r->compare)
		imap_command(src, &h, r, "UID FETCH 1:%u (UID FLAGS)", r->j->src->uidnext - 1);
	else
		imap_command(src, &h, r, "UID FETCH 1:%u (UID FLAGS) (CHANGEDSINCE %llu)", r->j->src->uidnext - 1,
			(unsigned long long)r->j->row.modseq);
}

static void open_folders(struct flags_run *r, struct pair *p)
{
	static const struct imap_handler h = {.done = on_done};

	r->left += 2;
	p->selected = NULL;
	imap_begin(p->src, &h, r);
	imap_text(p->src, "EXAMINE ");
	imap_mailbox(p->src, r->j->src->raw, r->j->src->len);
	imap_end(p->src);
	imap_begin(p->dst, &h, r);
	imap_text(p->dst, "SELECT ");
	imap_mailbox(p->dst, r->j->dst_raw, strlen(r->j->dst_raw));
	imap_end(p->dst);
}

static void ask_destination(struct flags_run *r, struct imap_conn *dst)
{
	static const struct imap_handler h = {.untagged = on_dst, .done = on_done};
	struct uidset uids = UIDSET_INIT;
	struct buf text = BUF_INIT;

	qsort(r->change, r->nchange, sizeof(*r->change), by_dst);
	for (size_t i = 0; i < r->nchange; i++)
		uidset_add(&uids, r->change[i].dst, r->change[i].dst);
	for (size_t at = 0; buf_reset(&text), uidset_format(&uids, &at, 7000, &text);) {
		r->left++;
		imap_command(dst, &h, r, "UID FETCH %s (UID FLAGS)", text.ptr);
	}
	uidset_free(&uids);
	buf_free(&text);
}

static int by_flags(const void *pa, const void *pb)
{
	const struct change *a = pa, *b = pb;
	int c = a->flags == NULL || b->flags == NULL ? (a->flags == NULL) - (b->flags == NULL) : strcmp(a->flags, b->flags);

	return c != 0 ? c : by_dst(pa, pb);
}

/* One STORE a set of flags. */
static void store(struct flags_run *r, struct imap_conn *dst)
{
	static const struct imap_handler h = {.done = on_done};
	struct uidset uids = UIDSET_INIT;
	struct buf text = BUF_INIT;

	qsort(r->change, r->nchange, sizeof(*r->change), by_flags);
	for (size_t i = 0; i < r->nchange && r->change[i].flags != NULL;) {
		const char *flags = r->change[i].flags;

		uidset_clear(&uids);
		for (; i < r->nchange && r->change[i].flags != NULL && strcmp(r->change[i].flags, flags) == 0; i++) {
			uidset_add(&uids, r->change[i].dst, r->change[i].dst);
			r->cp->flags_changed++;
		}
		for (size_t at = 0; buf_reset(&text), uidset_format(&uids, &at, 7000, &text);) {
			r->left++;
			imap_command(dst, &h, r, "UID STORE %s %sFLAGS.SILENT %s", text.ptr, r->doubt ? "+" : "", flags);
		}
	}
	uidset_free(&uids);
	buf_free(&text);
}

static void end_job(struct flags_run *r)
{
	struct job *j = r->j;

	if (!r->failed && !r->doubt && j->src->modseq > 0) {
		j->row.modseq = j->src->modseq;
		copy_check(r->cp, state_folder_put(r->cp->state, j->src->raw, j->src->len, j->dst_raw, &j->row));
		copy_dirty(r->cp);
	}
	r->cp->partial = r->cp->partial || r->failed;
	forget(r);
	next_job(r);
}

static void next_step(struct flags_run *r)
{
	struct pair *p = &r->cp->pairs[0];

	if (r->cp->failed || p->dead || p->src == NULL || p->dst == NULL)
		return;
	if (r->failed) {
		end_job(r);
		return;
	}
	r->left = 1;
	switch (++r->step) {
	case 1:
		open_folders(r, p);
		ask_source(r, p->src);
		break;
	case 2:
		ask_destination(r, p->dst);
		break;
	case 3:
		store(r, p->dst);
		break;
	default: {
		/* left without CLOSE, which would expunge */
		imap_command(p->dst, NULL, NULL, imap_has(p->dst, "UNSELECT") ? "UNSELECT" : "EXAMINE INBOX");
		end_job(r);
		return;
	}
	}
	if (--r->left == 0)
		next_step(r);
}

/* Anything to carry over in this folder? */
static bool concerned(const struct job *j)
{
	if (!j->cp->o->flags_sync)
		return !j->failed && j->flags_doubt.n > 0;
	if (j->failed || j->row.id == 0 || j->src->uidnext <= 1 || j->src->messages == 0)
		return false;
	return j->src->modseq == 0 || j->row.modseq == 0 || j->src->modseq != j->row.modseq;
}

static void next_job(struct flags_run *r)
{
	struct copy *cp = r->cp;

	while (r->at < cp->njobs) {
		struct job *j = &cp->jobs[r->at++];

		if (!concerned(j))
			continue;
		r->j = j;
		r->step = 0;
		r->failed = false;
		r->doubt = !cp->o->flags_sync;
		r->compare = j->src->modseq == 0 || j->row.modseq == 0;
		copy_check(cp, state_copied_runs(cp->state, j->row.id, on_known, r));
		if (r->nknown == 0)
			continue;
		next_step(r);
		return;
	}
	cp->flags_done = true;
	copy_finish(cp);
}

static bool any_doubt(const struct copy *cp)
{
	for (size_t i = 0; i < cp->njobs; i++)
		if (!cp->jobs[i].failed && cp->jobs[i].flags_doubt.n > 0)
			return true;
	return false;
}

bool flags_start(struct copy *cp)
{
	struct pair *p = &cp->pairs[0];
	struct flags_run *r;

	if (cp->flags_done || (!cp->o->flags_sync && !any_doubt(cp)))
		return false;
	if (cp->flags_run != NULL || p->dead || !p->src_ready || !p->dst_ready || !cp->flags_known)
		return true; /* it is at work, or will be when the connections are there */
	r = xcalloc(1, sizeof(*r));
	r->cp = cp;
	cp->flags_run = r;
	next_job(r);
	return true;
}
