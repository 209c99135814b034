/*
 * Both listings and the state in; jobs out. What is unchanged since the last pass costs nothing more.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "imap_date.h"
#include "imap_quirk.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

void plan_filter(const struct opts *o, struct buf *out)
{
	char day[12];

	if (o->since != NULL) {
		imap_date_day(o->since, day);
		buf_addf(out, "SINCE %s", day);
	}
	if (o->before != NULL) {
		imap_date_day(o->before, day);
		buf_addf(out, "%sBEFORE %s", out->len > 0 ? " " : "", day);
	}
	if (o->max_size > 0)
		buf_addf(out, "%sNOT LARGER %" PRIu64, out->len > 0 ? " " : "", o->max_size);
}

static struct map_folder as_map(const struct folder *f)
{
	return (struct map_folder){f->raw, f->len, f->sep, f->role};
}

static bool has_filter(const struct opts *o)
{
	return o->since != NULL || o->before != NULL || o->max_size > 0;
}

/* Something about this folder makes what the state says of it worthless. Which, or NULL. */
static const char *stale(const struct job *j)
{
	const struct state_folder *r = &j->row;

	if (r->id == 0)
		return NULL;
	if (r->src_uidvalidity != j->src->uidvalidity)
		return "the source has made the folder anew (UIDVALIDITY)";
	if (j->dst == NULL && r->dst_uidvalidity != 0)
		return "the folder has gone from the destination";
	if (j->dst != NULL && j->dst->has_status && r->dst_uidvalidity != 0 && r->dst_uidvalidity != j->dst->uidvalidity)
		return "the destination has made the folder anew (UIDVALIDITY)";
	if (j->cp->o->rescan)
		return "";
	return NULL;
}

/* What the state leaves to do. */
static const struct err *find_todo(struct job *j, bool ignore_done)
{
	struct copy *cp = j->cp;
	struct uidset copied = UIDSET_INIT;
	uint32_t from = ignore_done ? 0 : j->row.done, last = j->src->uidnext > 0 ? j->src->uidnext - 1 : 0;
	const struct err *e = NULL;

	uidset_clear(&j->todo);
	if (from < last)
		uidset_add(&j->todo, from + 1, last);
	if (j->row.id == 0)
		return NULL;
	e = state_copied(cp->state, j->row.id, from, &copied);
	uidset_sub(&j->todo, &copied);
	if (e == NULL)
		e = state_pending(cp->state, j->row.id, &j->todo); /* refused before: tried once more */
	uidset_free(&copied);
	return e;
}

/* Single messages: the whole folder is compared, whatever the state says, so that each copy counts; of what is not
 * at the destination only these are copied. The state learns of them and otherwise stays what it was. */
static const struct err *prepare_only(struct job *j, bool fresh, bool was_active)
{
	struct copy *cp = j->cp;
	uint32_t last = j->src->uidnext > 0 ? j->src->uidnext - 1 : 0;
	const struct err *e = NULL;

	j->unsure = fresh || was_active;
	cp->holding = cp->holding || was_active;
	j->created = j->dst != NULL;
	j->row.floor = 1;
	j->row.active = true;
	uidset_clear(&j->todo);
	if (j->failed) {
		j->phase = JOB_DONE;
		cp->partial = true;
		return NULL;
	}
	uidset_add(&j->todo, 1, last);
	j->reconcile = j->dst != NULL;
	if (!j->reconcile)
		plan_only(j);
	if (j->row.id != 0)
		e = state_copied_drop(cp->state, j->row.id, &j->only);
	return e;
}

void plan_only(struct job *j)
{
	struct uidset other = UIDSET_INIT;

	if (j->cp->only == NULL)
		return;
	uidset_add_set(&other, &j->todo);
	uidset_sub(&other, &j->only);
	uidset_sub(&j->todo, &other);
	uidset_free(&other);
}

uint64_t plan_size(const struct job *j)
{
	return j->cp->only != NULL ? uidset_count(&j->only) : j->src->messages;
}

static const struct err *prepare(struct job *j, bool filter_changed)
{
	struct copy *cp = j->cp;
	const struct err *e = state_folder_get(cp->state, j->src->raw, j->src->len, j->dst_raw, &j->row);
	const char *why;
	bool fresh, was_active;

	if (e != NULL)
		return e;
	if ((why = stale(j)) != NULL) {
		if (why[0] != '\0')
			copy_warn(cp, j, err_new(ERR_SOURCE_CHANGED, "%s: it is compared and copied afresh", why));
		if ((e = state_folder_reset(cp->state, &j->row)) != NULL)
			return e;
	}
	fresh = j->row.id == 0 || why != NULL;
	was_active = j->row.active && !fresh;
	j->in_doubt = was_active;
	j->row.src_uidvalidity = j->src->uidvalidity;
	if (j->dst != NULL && j->dst->has_status)
		j->row.dst_uidvalidity = j->dst->uidvalidity;
	else if (fresh)
		j->row.dst_uidvalidity = 0;
	if (cp->only != NULL)
		return prepare_only(j, fresh, was_active);
	if ((e = find_todo(j, filter_changed)) != NULL)
		return e;
	if (j->src->messages == 0)
		uidset_clear(&j->todo);
	j->created = j->dst != NULL;
	j->search = j->todo.n > 0 && has_filter(cp->o);
	j->base = j->src->messages;
	if (j->todo.n > 0) {
		uint64_t n = uidset_count(&j->todo);

		j->base -= n < j->base ? n : j->base;
		if (was_active || (fresh && j->dst != NULL && j->dst->messages > 0))
			j->reconcile = true;
		else if (j->dst != NULL && j->dst->uidnext > j->row.floor)
			j->row.floor = j->dst->uidnext;
		j->row.active = true;
		cp->holding = cp->holding || was_active;
	} else {
		j->row.active = false;
		if (j->src->uidnext > 0)
			j->row.done = j->src->uidnext - 1;
		j->phase = JOB_DONE;
	}
	/* flags travel with the mail, now or in a run that goes on with this one: what changes from here on is what
	 * --flags-sync has to look at. Where mail is there already copy_job_done knows more. */
	j->compared = fresh && j->reconcile;
	if (fresh && !j->reconcile)
		j->row.modseq = j->src->modseq;
	return NULL;
}

static int by_size(const void *pa, const void *pb, void *arg)
{
	const struct copy *cp = arg;
	const struct folder *a = cp->jobs[*(const size_t *)pa].src, *b = cp->jobs[*(const size_t *)pb].src;
	uint64_t wa = a->size + a->messages * 4096, wb = b->size + b->messages * 4096;

	return wa > wb ? -1 : wa < wb;
}

static const struct err *filter_note(struct copy *cp, bool *changed)
{
	struct buf filter = BUF_INIT;
	char *before = NULL;
	const struct err *e;

	plan_filter(cp->o, &filter);
	e = state_noted(cp->state, "filter", &before);
	*changed = before != NULL && strcmp(before, filter.ptr) != 0;
	if (e == NULL && (before == NULL || *changed))
		e = state_note(cp->state, "filter", filter.ptr);
	free(before);
	buf_free(&filter);
	return e;
}

/* Written only when it says something new: an unchanged pass writes nothing. */
static const struct err *put_row(struct job *j)
{
	struct state_folder old;
	const struct err *e = state_folder_get(j->cp->state, j->src->raw, j->src->len, j->dst_raw, &old);

	if (e != NULL || (old.id != 0 && memcmp(&old, &j->row, sizeof(old)) == 0))
		return e;
	return state_folder_put(j->cp->state, j->src->raw, j->src->len, j->dst_raw, &j->row);
}

/* False: the folder is not asked for. */
static bool wanted_only(struct job *j)
{
	uint32_t uidvalidity = 0;

	if (j->cp->only == NULL)
		return true;
	if (!only_find(j->cp->only, j->name, &uidvalidity, &j->only))
		return false;
	if (uidvalidity != 0 && uidvalidity != j->src->uidvalidity) {
		copy_warn(j->cp, j, err_new(ERR_SOURCE_CHANGED,
					    "the source has made the folder anew (UIDVALIDITY): its messages have other numbers now"));
		j->failed = true;
	}
	return true;
}

static void drop_last(struct copy *cp)
{
	struct job *j = &cp->jobs[--cp->njobs];

	free(j->name);
	free(j->dst_name);
}

static const struct err *add_job(struct copy *cp, const struct folder *f, bool filter_changed)
{
	struct map_folder mf = as_map(f);
	struct job *j = &cp->jobs[cp->njobs++];
	const struct folder *d;
	const struct err *e;

	memset(j, 0, sizeof(*j));
	j->cp = cp;
	j->src = f;
	j->dst_raw = map_name(cp->map, &mf);
	d = folders_find(&cp->dst, j->dst_raw, strlen(j->dst_raw));
	j->dst = d != NULL && d->selectable ? d : NULL;
	j->name = map_display(f->raw, f->len, cp->src.side.utf8);
	j->dst_name = map_display(j->dst_raw, strlen(j->dst_raw), cp->dst.side.utf8);
	if (!wanted_only(j)) {
		drop_last(cp);
		return NULL;
	}
	if (strcmp(j->dst_raw, "INBOX") == 0 && j->dst == NULL)
		j->created = true;
	e = prepare(j, filter_changed);
	if (strcmp(j->dst_raw, "INBOX") == 0 || f->made)
		j->created = true;
	/* a row whose floor is not known anew yet stays as it is on disk */
	return e != NULL || cp->o->dry_run || (cp->only != NULL && (j->failed || (j->row.id != 0 && j->reconcile)))
		       ? e
		       : put_row(j);
}

const struct err *plan_map(struct copy *cp)
{
	const struct err *e;

	map_free(cp->map);
	cp->map = NULL;
	if ((e = map_new(&cp->map, cp->o, &cp->src.side, &cp->dst.side)) != NULL)
		return e;
	for (size_t i = 0; i < cp->dst.n; i++) {
		struct map_folder mf = as_map(&cp->dst.f[i]);

		if (cp->dst.f[i].selectable)
			map_add_dest(cp->map, &mf);
	}
	for (size_t i = 0; i < cp->src.n; i++) {
		struct map_folder mf = as_map(&cp->src.f[i]);

		if (cp->src.f[i].selectable)
			map_add_source(cp->map, &mf);
	}
	for (size_t i = 0; i < cp->src.n; i++) {
		struct map_folder mf = as_map(&cp->src.f[i]);

		if (cp->src.f[i].selectable && map_selected(cp->map, &mf))
			map_name(cp->map, &mf);
	}
	return NULL;
}

/* Not left out by itself: Gmail's archived mail is in All Mail and nowhere else. */
static void warn_of_view(struct copy *cp, const struct job *j)
{
	if (cp->pairs[0].src != NULL && imap_is_view(cp->pairs[0].src, j->src->role))
		copy_warn(cp, j, err_new(ERR_UNSUPPORTED, "it is a view of mail that other folders hold too, and comes once more "
			"unless it is excluded (--exclude '%s')", j->name));
}

static const struct err *make_jobs(struct copy *cp)
{
	const struct err *e = NULL;
	bool filter_changed = false;

	if (cp->only == NULL && (e = filter_note(cp, &filter_changed)) != NULL)
		return e;
	cp->jobs = xcalloc(cp->src.n + 1, sizeof(*cp->jobs));
	for (size_t i = 0; i < cp->src.n && e == NULL; i++) {
		const struct folder *f = &cp->src.f[i];
		struct map_folder mf = as_map(f);

		if (!f->selectable || !map_selected(cp->map, &mf))
			continue;
		if (!f->has_status) {
			copy_warn(cp, NULL, err_new(ERR_FOLDER_DENIED, "%s: the source says nothing of it (STATUS)", f->raw));
			cp->partial = true;
			continue;
		}
		e = add_job(cp, f, filter_changed);
		if (e == NULL && cp->njobs > 0 && cp->jobs[cp->njobs - 1].src == f)
			warn_of_view(cp, &cp->jobs[cp->njobs - 1]);
	}
	for (size_t at = 0; e == NULL && cp->only != NULL;) {
		const char *name = only_unseen(cp->only, &at);

		if (name == NULL)
			break;
		copy_warn(cp, NULL, err_new(ERR_NOT_FOUND, "%s: the source has no such folder", name));
		cp->partial = true;
	}
	return e;
}

void plan_event(struct copy *cp)
{
	uint64_t present = 0;

	for (size_t i = 0; i < cp->njobs; i++)
		present += cp->jobs[i].base;
	event(cp->ev, "plan", json_pack("{s:I, s:I, s:I, s:I}", "folders", (json_int_t)cp->njobs, "messages",
		(json_int_t)cp->messages_total, "bytes", (json_int_t)cp->bytes_total, "messages_present",
		(json_int_t)present));
}

const struct err *plan_make(struct copy *cp)
{
	const struct err *e = make_jobs(cp);

	if (e != NULL)
		return e;
	cp->order = xcalloc(cp->njobs + 1, sizeof(*cp->order));
	for (size_t i = 0; i < cp->njobs; i++) {
		struct job *j = &cp->jobs[i];

		cp->order[i] = i;
		cp->messages_total += plan_size(j);
		cp->bytes_total += j->src->size;
		cp->unfinished += j->phase != JOB_DONE;
	}
	qsort_r(cp->order, cp->njobs, sizeof(*cp->order), by_size, cp);
	if (cp->src.left_out > 0)
		copy_warn(cp, NULL, err_new(ERR_UNSUPPORTED, "%u folders that others share with this account are not "
			"copied", cp->src.left_out));
	return copy_planned(cp);
}

/* --- folders and subscriptions at the destination --- */

/* An answer that was waited for has come. */
static void is_made(struct copy *cp)
{
	cp->making--;
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_flow(&cp->pairs[i]);
	if (cp->making == 0 && cp->planned && cp->unfinished == 0)
		copy_finish(cp);
}

static void on_create(void *arg, const struct imap_result *res)
{
	struct job *j = arg;
	struct copy *cp = j->cp;

	if (res->lost) /* the next connection asks again, see pair_fail */
		return;
	if (res->kind == IMAP_OK || quirk_already_exists(res->resp)) {
		j->created = true;
	} else if (!j->created) {
		copy_warn(cp, j, err_new(ERR_FOLDER_DENIED, "it cannot be created at the destination: %s", res->err->msg));
		j->failed = true;
		j->created = true; /* what comes for it is let through and dropped */
	}
	is_made(cp);
}

/* A SUBSCRIBE. */
struct making {
	struct copy *cp;
	const struct folder *f;
};

static void on_subscribe(void *arg, const struct imap_result *res)
{
	struct making *m = arg;

	if (!res->lost) {
		if (res->kind != IMAP_OK)
			log_info("%s: not subscribed: %s", m->f->raw, res->err->msg);
		is_made(m->cp);
	}
	free(m);
}

static bool role_taken(const struct copy *cp, const char *role)
{
	for (size_t i = 0; i < cp->dst.n; i++)
		if (cp->dst.f[i].role != NULL && strcmp(cp->dst.f[i].role, role) == 0)
			return true;
	return false;
}

static void create(struct copy *cp, struct imap_conn *dst, struct job *j)
{
	static const struct imap_handler h = {.done = on_create};
	const char *role = j->src->role;
	bool use = role != NULL && imap_has(dst, "CREATE-SPECIAL-USE") && !role_taken(cp, role);

	if (j->created)
		return;
	cp->making++;
	imap_begin(dst, use ? NULL : &h, j);
	imap_text(dst, "CREATE ");
	imap_mailbox(dst, j->dst_raw, strlen(j->dst_raw));
	if (use) {
		/* should the role be refused, the second command makes the folder without it */
		imap_text(dst, " (USE (%s))", role);
		imap_end(dst);
		imap_begin(dst, &h, j);
		imap_text(dst, "CREATE ");
		imap_mailbox(dst, j->dst_raw, strlen(j->dst_raw));
	}
	imap_end(dst);
}

static void subscribe(struct copy *cp, struct imap_conn *dst, const struct folder *f)
{
	static const struct imap_handler h = {.done = on_subscribe};
	struct map_folder mf = as_map(f);
	const char *raw = map_name(cp->map, &mf);
	const struct folder *d = folders_find(&cp->dst, raw, strlen(raw));
	struct making *m;

	if (d != NULL && d->subscribed)
		return;
	m = xcalloc(1, sizeof(*m));
	m->cp = cp;
	m->f = f;
	cp->making++;
	imap_begin(dst, &h, m);
	imap_text(dst, "SUBSCRIBE ");
	imap_mailbox(dst, raw, strlen(raw));
	imap_end(dst);
}

void plan_create(struct copy *cp, struct imap_conn *dst)
{
	for (size_t i = 0; i < cp->njobs; i++) /* in order of names: parents come first */
		create(cp, dst, &cp->jobs[i]);
	for (size_t i = 0; i < cp->src.n; i++) {
		struct map_folder mf = as_map(&cp->src.f[i]);

		if (cp->only == NULL && cp->src.f[i].subscribed && map_selected(cp->map, &mf))
			subscribe(cp, dst, &cp->src.f[i]);
	}
}

const struct err *plan_again(struct job *j)
{
	struct copy *cp = j->cp;
	struct uidset copied = UIDSET_INIT;
	const struct err *e = state_copied(cp->state, j->row.id, 0, &copied);

	uidset_add_set(&j->todo, &j->later);
	uidset_clear(&j->later);
	uidset_sub(&j->todo, &copied);
	for (size_t i = 0; i < j->nrefused; i++)
		uidset_add(&copied, j->refused[i].uid, j->refused[i].uid);
	uidset_sub(&j->todo, &copied);
	uidset_free(&copied);
	/* acknowledged, but of unknown UID: they count when they are found again */
	cp->copied -= uidset_count(&j->unsaved);
	uidset_clear(&j->unsaved);
	uidset_clear(&j->retry);
	uidset_clear(&j->came);
	uidset_clear(&j->again);
	j->looked = false;
	j->searches = 0;
	j->reconcile = j->in_doubt = true;
	return e;
}

void plan_free(struct copy *cp)
{
	for (size_t i = 0; i < cp->njobs; i++) {
		struct job *j = &cp->jobs[i];

		for (size_t k = 0; k < j->nrefused; k++)
			free(j->refused[k].words);
		free(j->refused);
		free(j->name);
		free(j->dst_name);
		uidset_free(&j->todo);
		uidset_free(&j->held);
		uidset_free(&j->later);
		uidset_free(&j->retry);
		uidset_free(&j->unsaved);
		uidset_free(&j->came);
		uidset_free(&j->again);
		uidset_free(&j->bare);
		uidset_free(&j->only);
		uidset_free(&j->flags_doubt);
	}
	only_free(cp->only);
	free(cp->jobs);
	free(cp->order);
	map_free(cp->map);
}
