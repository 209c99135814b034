/*
 * --delete-extra: what the source no longer has goes from the destination too, after the mail. Only messages that
 * the state file pairs with a message of the source are ever touched, by their UID there (UIDPLUS). First every
 * folder is looked at; nothing at all is deleted when the sum is over the cap, when anything of the pass went
 * wrong, or when a side's answers contradict each other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "mem.h"

#include "banned.h"

struct known {
	uint32_t src, dst, n;
};

struct prune_folder {
	struct job *j;
	struct uidset gone; /* at the source; all of them were copied */
	struct uidset dst;  /* their copies that are still there */
};

struct prune {
	struct copy *cp;
	struct prune_folder *f;
	size_t nf, at;
	enum { LOOK, DELETE } pass;
	int step;
	unsigned left;
	bool failed; /* this folder is left alone */
	/* of the folder looked at */
	struct known *known;
	size_t nknown, cap;
	struct uidset here; /* what the source has */
	uint64_t exists;
	uint64_t total, known_total; /* copies to be deleted; copies that we know of */
};

static void next_folder(struct prune *r);
static void next_step(struct prune *r);

void prune_free(struct prune *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->nf; i++) {
		uidset_free(&r->f[i].gone);
		uidset_free(&r->f[i].dst);
	}
	uidset_free(&r->here);
	free(r->known);
	free(r->f);
	free(r);
}

/* The folder is left as it is, and the run is not a whole one. */
static void give_up(struct prune *r, const struct err *e)
{
	if (r->failed)
		return;
	r->failed = true;
	r->cp->partial = true;
	copy_warn(r->cp, r->f[r->at].j, err_wrap(e, "nothing is deleted here"));
}

static void on_done(void *arg, const struct imap_result *res)
{
	struct prune *r = arg;

	if (res->lost) /* the pair starts over, and this with it */
		return;
	if (res->kind != IMAP_OK)
		give_up(r, res->err);
	if (--r->left == 0)
		next_step(r);
}

/* --- looking ---------------------------------------------------------------------------------------------- */

static void on_source(void *arg, const struct imap_resp *resp)
{
	struct prune *r = arg;
	const struct job *j = r->f[r->at].j;
	uint64_t v;

	if (resp->kind == IMAP_EXISTS)
		r->exists = resp->number;
	if (imap_resp_code_number(resp, "UIDVALIDITY", &v) && v != j->row.src_uidvalidity)
		give_up(r, err_new(ERR_SOURCE_CHANGED, "the source has made the folder anew (UIDVALIDITY)"));
}

static void on_source_uids(void *arg, const struct imap_resp *resp)
{
	struct prune *r = arg;

	if (resp->kind == IMAP_SEARCH || resp->kind == IMAP_ESEARCH)
		uidset_add_set(&r->here, &resp->uids);
	if (resp->kind == IMAP_EXISTS)
		r->exists = resp->number;
	if (resp->kind == IMAP_EXPUNGE && r->exists > 0)
		r->exists--;
}

static void on_dest(void *arg, const struct imap_resp *resp)
{
	struct prune *r = arg;
	uint64_t v;

	if (imap_resp_code_number(resp, "UIDVALIDITY", &v) && v != r->f[r->at].j->row.dst_uidvalidity)
		give_up(r, err_new(ERR_SOURCE_CHANGED, "the destination has made the folder anew (UIDVALIDITY)"));
}

static void on_dest_uids(void *arg, const struct imap_resp *resp)
{
	struct prune *r = arg;

	if (resp->kind == IMAP_SEARCH || resp->kind == IMAP_ESEARCH)
		uidset_add_set(&r->f[r->at].dst, &resp->uids);
}

static void on_known(void *arg, uint32_t src, uint32_t n, uint32_t dst)
{
	struct prune *r = arg;

	if (r->nknown == r->cap) {
		r->cap = r->cap * 2 + 64;
		r->known = xreallocarray(r->known, r->cap, sizeof(*r->known));
	}
	r->known[r->nknown++] = (struct known){src, dst, n};
	r->known_total += n;
}

static void open_folder(struct prune *r, struct imap_conn *c, const char *verb, const char *raw, size_t len,
	const struct imap_handler *h)
{
	r->left++;
	imap_begin(c, h, r);
	imap_text(c, "%s ", verb);
	imap_mailbox(c, raw, len);
	imap_end(c);
}

static void ask_source(struct prune *r)
{
	static const struct imap_handler examine = {.untagged = on_source, .done = on_done};
	static const struct imap_handler search = {.untagged = on_source_uids, .done = on_done};
	struct pair *p = &r->cp->pairs[0];
	const struct job *j = r->f[r->at].j;

	uidset_clear(&r->here);
	r->exists = 0;
	p->selected = NULL;
	open_folder(r, p->src, "EXAMINE", j->src->raw, j->src->len, &examine);
	r->left++;
	imap_command(p->src, &search, r, imap_has(p->src, "ESEARCH") ? "UID SEARCH RETURN (ALL) ALL" : "UID SEARCH ALL");
}

/* gone: what was copied and is at the source no longer. dst: where its copies were put. */
static void find_gone(struct prune *r, struct uidset *dst)
{
	struct prune_folder *f = &r->f[r->at];

	if (uidset_count(&r->here) != r->exists) {
		give_up(r, err_new(ERR_PROTOCOL, "the source counts %" PRIu64 " messages and lists %" PRIu64, r->exists,
				uidset_count(&r->here)));
		return;
	}
	for (size_t i = 0; i < r->nknown; i++)
		uidset_add(&f->gone, r->known[i].src, r->known[i].src + r->known[i].n - 1);
	uidset_sub(&f->gone, &r->here);
	for (size_t i = 0, x = 0; i < r->nknown && x < f->gone.n;) { /* both are sorted */
		const struct known *k = &r->known[i];
		uint32_t lo = f->gone.r[x].lo > k->src ? f->gone.r[x].lo : k->src, last = k->src + k->n - 1;
		uint32_t hi = f->gone.r[x].hi < last ? f->gone.r[x].hi : last;

		if (lo <= hi)
			uidset_add(dst, k->dst + (lo - k->src), k->dst + (hi - k->src));
		if (f->gone.r[x].hi <= last)
			x++;
		else
			i++;
	}
}

static void ask_dest(struct prune *r)
{
	static const struct imap_handler examine = {.untagged = on_dest, .done = on_done};
	static const struct imap_handler search = {.untagged = on_dest_uids, .done = on_done};
	struct imap_conn *c = r->cp->pairs[0].dst;
	struct uidset dst = UIDSET_INIT;
	struct buf text = BUF_INIT;

	if (!r->failed)
		find_gone(r, &dst);
	if (!r->failed && dst.n > 0) {
		open_folder(r, c, "EXAMINE", r->f[r->at].j->dst_raw, strlen(r->f[r->at].j->dst_raw), &examine);
		for (size_t at = 0; buf_reset(&text), uidset_format(&dst, &at, 7000, &text);) {
			r->left++;
			imap_command(c, &search, r, "UID SEARCH UID %s", text.ptr);
		}
	}
	uidset_free(&dst);
	buf_free(&text);
}

static void look_step(struct prune *r)
{
	struct prune_folder *f = &r->f[r->at];

	switch (++r->step) {
	case 1:
		ask_source(r);
		break;
	case 2:
		ask_dest(r);
		break;
	default:
		if (r->failed) {
			uidset_clear(&f->gone);
			uidset_clear(&f->dst);
		}
		r->total += uidset_count(&f->dst);
		r->at++;
		next_folder(r);
		return;
	}
	if (--r->left == 0)
		next_step(r);
}

/* --- deleting --------------------------------------------------------------------------------------------- */

/* STORE and EXPUNGE go together: what is flagged is expunged, or will be by the next pass. */
static void store_and_expunge(struct prune *r)
{
	static const struct imap_handler h = {.done = on_done};
	struct imap_conn *c = r->cp->pairs[0].dst;
	struct buf text = BUF_INIT;

	for (size_t at = 0; !r->failed && (buf_reset(&text), uidset_format(&r->f[r->at].dst, &at, 7000, &text));) {
		r->left += 2;
		imap_command(c, &h, r, "UID STORE %s +FLAGS.SILENT (\\Deleted)", text.ptr);
		imap_command(c, &h, r, "UID EXPUNGE %s", text.ptr);
	}
	buf_free(&text);
}

static void deleted(struct prune *r)
{
	struct prune_folder *f = &r->f[r->at];
	const struct job *j = f->j;
	uint64_t n = uidset_count(&f->dst);
	json_t *o = json_object();

	r->cp->deleted += n;
	copy_check(r->cp, state_copied_drop(r->cp->state, j->row.id, &f->gone));
	copy_dirty(r->cp);
	event_name(o, "folder", j->name, strlen(j->name));
	event_name(o, "dest", j->dst_name, strlen(j->dst_name));
	json_object_set_new(o, "messages", json_integer((json_int_t)n));
	event(r->cp->ev, "deleted", o);
}

static void delete_step(struct prune *r)
{
	static const struct imap_handler select = {.untagged = on_dest, .done = on_done};
	struct imap_conn *c = r->cp->pairs[0].dst;
	const struct job *j = r->f[r->at].j;

	switch (++r->step) {
	case 1:
		open_folder(r, c, "SELECT", j->dst_raw, strlen(j->dst_raw), &select);
		break;
	case 2:
		store_and_expunge(r);
		break;
	default:
		/* left without CLOSE, which would expunge what others have flagged */
		imap_command(c, NULL, NULL, imap_has(c, "UNSELECT") ? "UNSELECT" : "EXAMINE INBOX");
		if (!r->failed)
			deleted(r);
		r->at++;
		next_folder(r);
		return;
	}
	if (--r->left == 0)
		next_step(r);
}

/* --- the order of things ---------------------------------------------------------------------------------- */

static void next_step(struct prune *r)
{
	struct pair *p = &r->cp->pairs[0];

	if (r->cp->failed || p->dead || p->src == NULL || p->dst == NULL)
		return;
	r->left = 1; /* so that nothing answered at once ends the step */
	if (r->pass == LOOK)
		look_step(r);
	else
		delete_step(r);
}

static void over(struct prune *r)
{
	r->cp->prune_done = true;
	copy_finish(r->cp);
}

static void tell_plan(const struct prune *r)
{
	for (size_t i = 0; i < r->nf; i++) {
		const struct job *j = r->f[i].j;
		uint64_t n = uidset_count(&r->f[i].dst);
		json_t *o;

		if (n == 0)
			continue;
		o = json_object();
		event_name(o, "folder", j->name, strlen(j->name));
		event_name(o, "dest", j->dst_name, strlen(j->dst_name));
		json_object_set_new(o, "messages", json_integer((json_int_t)n));
		event(r->cp->ev, "delete_plan", o);
		if (r->cp->o->dry_run)
			printf("%s: %" PRIu64 " messages are no longer at the source, and would be deleted\n", j->dst_name, n);
	}
}

static bool over_cap(const struct prune *r)
{
	const struct opts *o = r->cp->o;
	uint64_t cap = o->delete_max.percent ? r->known_total * o->delete_max.n / 100 : o->delete_max.n;

	if (r->total <= cap)
		return false;
	r->cp->partial = true;
	copy_warn(r->cp, NULL, err_new(ERR_SOURCE_SHRANK, "%" PRIu64 " of %" PRIu64 " copied messages are no longer at the "
		"source, and --delete-max allows %" PRIu64 ": nothing is deleted", r->total, r->known_total, cap));
	return true;
}

/* True: this folder is to be looked at now. */
static bool take_up(struct prune *r)
{
	struct job *j = r->f[r->at].j;

	r->step = 0;
	r->failed = false;
	if (r->pass == DELETE)
		return r->f[r->at].dst.n > 0;
	r->nknown = 0;
	if (j->failed || j->row.id == 0 || j->row.dst_uidvalidity == 0)
		return false;
	copy_check(r->cp, state_copied_runs(r->cp->state, j->row.id, on_known, r));
	return r->nknown > 0;
}

static void next_folder(struct prune *r)
{
	for (;;) {
		if (r->cp->failed)
			return;
		for (; r->at < r->nf; r->at++)
			if (take_up(r)) {
				next_step(r);
				return;
			}
		if (r->pass == DELETE)
			break;
		tell_plan(r);
		if (r->cp->o->dry_run || r->total == 0 || over_cap(r) || r->cp->partial)
			break;
		r->pass = DELETE;
		r->at = 0;
	}
	over(r);
}

/* Another folder of the source goes there too: its messages may be these. */
static bool shared(const struct copy *cp, const struct job *j)
{
	for (size_t i = 0; i < cp->njobs; i++)
		if (&cp->jobs[i] != j && strcmp(cp->jobs[i].dst_raw, j->dst_raw) == 0)
			return true;
	return false;
}

/* Why nothing may be deleted in this run at all; NULL: it may. */
static const struct err *interlock(const struct copy *cp)
{
	if (!imap_has(cp->pairs[0].dst, "UIDPLUS"))
		return err_new(ERR_UNSUPPORTED, "the destination cannot delete single messages (no UIDPLUS)");
	if (cp->messages_total == 0)
		return err_new(ERR_SOURCE_EMPTY, "the source holds no messages");
	if (cp->refused > 0 || cp->partial)
		return err_new(ERR_PARTIAL, "not everything could be copied");
	return NULL;
}

static struct prune *prune_new(struct copy *cp)
{
	struct prune *r = xcalloc(1, sizeof(*r));

	r->cp = cp;
	r->f = xcalloc(cp->njobs + 1, sizeof(*r->f));
	for (size_t i = 0; i < cp->njobs; i++) {
		struct job *j = &cp->jobs[i];

		if (shared(cp, j))
			copy_warn(cp, j, err_new(ERR_UNSUPPORTED, "several folders of the source go to %s: nothing is deleted there",
				j->dst_name));
		else
			r->f[r->nf++].j = j;
	}
	return r;
}

bool prune_start(struct copy *cp)
{
	struct pair *p = &cp->pairs[0];
	const struct err *e;

	if (!cp->o->delete_extra || cp->prune_done)
		return false;
	if (cp->prune != NULL || p->dead || !p->src_ready || !p->dst_ready)
		return true; /* it is at work, or will be when the connections are there */
	if ((e = interlock(cp)) != NULL) {
		copy_warn(cp, NULL, err_wrap(e, "nothing is deleted"));
		cp->partial = true;
		cp->prune_done = true;
		return false;
	}
	cp->prune = prune_new(cp);
	next_folder(cp->prune);
	return true;
}
