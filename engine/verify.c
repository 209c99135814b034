/* mailmover verify: both sides read afresh and compared, folder by folder; nothing of the copier is believed. */
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

enum {
	OPEN_FOLDERS = 64,
	OPEN_WEIGHT = 100000, /* messages held in memory by folders under way, unless one alone has more */
	PIECE = 1000,         /* messages a LIST task asks for, more or less */
	CONNECTIONS = 2,      /* a side, when the command line says nothing */
	TICK_MS = 250
};

void verify_fail(struct verify *vf, const struct err *e)
{
	if (!vf->failed)
		vf->error = *e;
	vf->failed = true;
	vf->over = true;
}

void verify_side_failed(struct verify *vf, struct vfolder *f, enum match_side s, const struct err *e)
{
	struct vside *side = &f->side[s];

	if (side->failed)
		return;
	side->failed = true;
	side->why = *(e != NULL ? e : err_new(ERR_SERVER_NO, "refused"));
	event_warning(vf->app->events, &side->why, f->display);
}

/* --- one folder ------------------------------------------------------------------------------------------- */

static void side_free(struct vside *s)
{
	free(s->v);
	free(s->alt);
	free(s->deep);
	free(s->left.i);
	uidset_free(&s->found);
	s->v = NULL;
	s->alt = NULL;
	s->deep = NULL;
	s->left = (struct vleft){NULL, 0};
	s->exact_only = false;
	s->n = s->cap = s->nalt = s->cap_alt = s->ndeep = s->cap_deep = 0;
}

static void start_folders(struct verify *vf);

static void add_counts(struct vcounts *sum, const struct vcounts *c)
{
	sum->expected += c->expected;
	sum->found += c->found;
	for (int r = 0; r < V_RUNGS; r++)
		sum->rung[r] += c->rung[r];
	sum->missing += c->missing;
	sum->late += c->late;
	sum->excluded += c->excluded;
	sum->differing += c->differing;
	sum->extra += c->extra;
}

/* One side could not be read: what the source should have is expected, and nothing of it is proved. */
static void count_unproved(struct vfolder *f)
{
	const struct vside *s = &f->side[MATCH_SOURCE];

	f->count = (struct vcounts){.expected = s->messages};
	if (s->failed)
		return;
	f->count.expected = 0;
	for (size_t i = 0; i < s->n; i++) {
		f->count.expected += s->v[i].when == V_EXPECTED;
		f->count.late += s->v[i].when == V_LATE;
		f->count.excluded += s->v[i].when == V_EXCLUDED;
	}
}

static void folder_over(struct verify *vf, struct vfolder *f)
{
	struct vside *src = &f->side[MATCH_SOURCE], *dst = &f->side[MATCH_DEST];
	bool stale = vf->baseline != NULL && f->has_baseline && f->base_uidvalidity != src->uidvalidity;

	f->phase = V_DONE;
	f->complete = !src->failed && !dst->failed && !stale && !f->lost;
	if (stale)
		event_warning(vf->app->events,
			err_new(ERR_SOURCE_CHANGED, "UIDVALIDITY is %u, in the baseline it is %u: run a pass again",
				src->uidvalidity, f->base_uidvalidity), f->display);
	if (src->failed || dst->failed)
		count_unproved(f);
	else
		verify_match_end(vf, f);
	if (!dst->exists && !f->lost)
		vf->folder_missing = true;
	ledger_folder(vf, f);
	side_free(src);
	side_free(dst);
	vf->complete = vf->complete && f->complete;
	add_counts(&vf->total, &f->count);
	vf->open_folders--;
	vf->weight -= f->weight;
	vf->folders_done++;
	vf->moved = true;
	verify_report_folder(vf, f);
	start_folders(vf);
}

static void read_uids(const struct vside *s, struct uidset *out)
{
	for (size_t i = 0; i < s->n; i++)
		uidset_add(out, s->v[i].uid, s->v[i].uid);
}

/* Everything below UIDNEXT as it was when we began; what comes later is later. */
static void all_uids(const struct vside *s, struct uidset *out)
{
	uidset_add(out, 1, s->uidnext > 0 ? s->uidnext - 1 : UINT32_MAX);
}

/* Queues a phase for the sides that need it; false when none does. */
static bool queue(struct verify *vf, struct vfolder *f, enum vphase phase,
	bool (*uids_of)(struct vside *s, struct uidset *out))
{
	bool any = false;

	f->phase = phase;
	for (int s = 0; s < MATCH_SIDES; s++) {
		struct uidset uids = UIDSET_INIT;

		if (f->side[s].exists && !f->side[s].failed && uids_of(&f->side[s], &uids) && uids.n > 0) {
			vpool_add(vf->pool[s], f, phase, &uids, true);
			any = true;
		}
		uidset_free(&uids);
	}
	return any;
}

/* CHECK: a server that delivered another number than it counts is asked which messages it has. */
static bool unsure(struct vside *s, struct uidset *out)
{
	if (s->counted && s->n == s->messages && s->found.n == 0)
		return false;
	all_uids(s, out);
	return true;
}

/* RECHECK: those it has and did not deliver. */
static bool undelivered(struct vside *s, struct uidset *out)
{
	struct uidset seen = UIDSET_INIT;

	uidset_add_set(out, &s->found);
	read_uids(s, &seen);
	uidset_sub(out, &seen);
	uidset_free(&seen);
	return true;
}

static bool leftover(struct vside *s, struct uidset *out)
{
	for (size_t i = 0; i < s->left.n; i++)
		if (!s->v[s->left.i[i]].unreadable)
			uidset_add(out, s->v[s->left.i[i]].uid, s->v[s->left.i[i]].uid);
	return true;
}

/* After RECHECK: what still was not delivered is there and cannot be read. */
static void add_unreadable(struct verify *vf, struct vfolder *f)
{
	for (int k = 0; k < MATCH_SIDES; k++) {
		struct vside *s = &f->side[k];
		struct uidset rest = UIDSET_INIT;
		uint32_t uid;

		undelivered(s, &rest);
		for (uint64_t i = 0; (uid = uidset_at(&rest, i)) != 0; i++) {
			bool late = k == MATCH_SOURCE && vf->baseline != NULL &&
				(!f->has_baseline || uid >= f->base_uidnext);

			s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
			s->cap = s->n + 1;
			s->v[s->n++] = (struct vmsg){.uid = uid, .rung = V_NONE, .unreadable = true,
				.when = late ? V_LATE : V_EXPECTED};
		}
		uidset_free(&rest);
	}
}

static void next_phase(struct verify *vf, struct vfolder *f)
{
	switch (f->phase) {
	case V_LIST:
		if (queue(vf, f, V_CHECK, unsure))
			return;
		break;
	case V_CHECK:
		if (queue(vf, f, V_RECHECK, undelivered))
			return;
		break;
	case V_RECHECK:
		add_unreadable(vf, f);
		break;
	case V_BODIES:
		verify_match_bodies(vf, f);
		folder_over(vf, f);
		return;
	default:
		return;
	}
	verify_match_list(vf, f);
	if (!verify_match_undecided(f) || !queue(vf, f, V_BODIES, leftover))
		folder_over(vf, f);
}

static void all_folders_over(struct verify *vf)
{
	verify_name_elsewhere(vf);
	verify_name_start(vf);
	if (vf->naming == 0)
		vf->over = true;
}

/* A header that did not come: only when SEARCH does not find the message either has it left the source. */
static void name_step(struct verify *vf, struct vfolder *f)
{
	struct vside *src = &f->side[MATCH_SOURCE];
	struct uidset untold = UIDSET_INIT;

	if (f->phase == V_NAMES && !src->failed && verify_name_untold(vf, f, &untold)) {
		f->phase = V_GONE;
		uidset_clear(&src->found);
		vpool_add(vf->pool[MATCH_SOURCE], f, V_GONE, &untold, false);
		vpool_pump(vf->pool[MATCH_SOURCE]);
		uidset_free(&untold);
		return;
	}
	uidset_free(&untold);
	verify_name_rest(vf, f);
	uidset_clear(&src->found);
	f->phase = V_DONE;
	if (--vf->naming == 0)
		vf->over = true;
}

void verify_folder_step(struct verify *vf, struct vfolder *f)
{
	if (vf->over)
		return;
	if (f->phase == V_NAMES || f->phase == V_GONE) {
		name_step(vf, f);
		return;
	}
	if (f->side[MATCH_SOURCE].failed || f->side[MATCH_DEST].failed)
		folder_over(vf, f);
	else
		next_phase(vf, f);
	if (vf->folders_done == vf->nfolder && vf->naming == 0 && !vf->over)
		all_folders_over(vf);
	for (int s = 0; s < MATCH_SIDES; s++)
		vpool_pump(vf->pool[s]);
}

/* --- all folders ------------------------------------------------------------------------------------------ */

/* LIST tasks of equal spans of UIDs, so that several connections can share a large folder. */
static void queue_list(struct verify *vf, struct vfolder *f, enum match_side side)
{
	const struct vside *s = &f->side[side];
	struct uidset uids = UIDSET_INIT;
	uint64_t pieces = 1, last = s->uidnext > 0 ? s->uidnext - 1 : UINT32_MAX;

	if (!s->exists || (s->counted && s->messages == 0) || last == 0)
		return;
	if (s->counted && s->uidnext > 0)
		pieces = s->messages / PIECE + 1;
	for (uint64_t k = 0; k < pieces; k++) {
		uidset_clear(&uids);
		uidset_add(&uids, (uint32_t)(1 + k * last / pieces), (uint32_t)((k + 1) * last / pieces));
		if (uids.n > 0)
			vpool_add(vf->pool[side], f, V_LIST, &uids, false);
	}
	uidset_free(&uids);
}

/* May the source hold messages that do not count? They get their partners by what LIST has read, never by BODIES. */
static bool some_not_expected(const struct verify *vf, const struct vfolder *f)
{
	return vf->since != 0 || vf->before != 0 || vf->app->opts.max_size != 0 ||
		(vf->baseline != NULL && (!f->has_baseline || f->side[MATCH_SOURCE].uidnext == 0 ||
						 f->side[MATCH_SOURCE].uidnext > f->base_uidnext));
}

static void start_folder(struct verify *vf, struct vfolder *f)
{
	vf->open_folders++;
	vf->weight += f->weight;
	vf->current = f->display;
	f->phase = V_LIST;
	if (f->excluded || f->lost) {
		f->count.excluded = f->excluded ? f->side[MATCH_SOURCE].messages : 0;
		f->phase = V_DONE;
		f->complete = !f->lost;
		vf->complete = vf->complete && f->complete;
		add_counts(&vf->total, &f->count);
		vf->open_folders--;
		vf->weight -= f->weight;
		vf->folders_done++;
		verify_report_folder(vf, f);
		return;
	}
	f->canonical = vf->deep && some_not_expected(vf, f);
	for (int s = 0; s < MATCH_SIDES; s++)
		queue_list(vf, f, (enum match_side)s);
	if (f->side[MATCH_SOURCE].open == 0 && f->side[MATCH_DEST].open == 0)
		next_phase(vf, f);
}

/* Not recursive, although a folder that needs no reading is over at once. */
static void start_folders(struct verify *vf)
{
	static bool busy;

	if (busy)
		return;
	busy = true;
	while (vf->next_folder < vf->nfolder &&
		(vf->open_folders == 0 || (vf->open_folders < OPEN_FOLDERS &&
						  vf->weight + vf->folder[vf->next_folder].weight <= OPEN_WEIGHT)))
		start_folder(vf, &vf->folder[vf->next_folder++]);
	busy = false;
}

/* --- the command ------------------------------------------------------------------------------------------ */

static void on_tick(void *arg)
{
	struct verify *vf = arg;

	if (vf->moved)
		verify_report_progress(vf);
	vf->moved = false;
	loop_arm(vf->app->loop, &vf->tick, TICK_MS);
}

struct arrival {
	struct verify *vf;
	enum match_side side;
	unsigned *left;
};

static void on_survey(void *arg, const struct err *e)
{
	struct arrival *a = arg;
	struct verify *vf = a->vf;

	if (e != NULL) {
		verify_fail(vf, e);
		return;
	}
	vpool_surveyed(vf->pool[a->side]);
	if (--*a->left > 0)
		return;
	e = verify_plan(vf);
	if (e != NULL) {
		verify_fail(vf, e);
		return;
	}
	verify_report_plan(vf);
	on_tick(vf);
	start_folders(vf);
	if (vf->folders_done == vf->nfolder && !vf->over)
		all_folders_over(vf);
	for (int s = 0; s < MATCH_SIDES; s++)
		vpool_pump(vf->pool[s]);
}

static void on_ready(void *arg, struct imap_conn *c)
{
	struct arrival *a = arg;

	survey_start(&a->vf->survey[a->side], c, false, on_survey, a);
}

static void on_stop(void *arg)
{
	struct verify *vf = arg;

	verify_fail(vf, err_new(ERR_RUN_CANCELLED, "stopped"));
}

static int32_t day_number(const char *date)
{
	int64_t y = 0, m = 0, d = 0;
	char part[5];

	if (date == NULL || strlen(date) != 10)
		return 0;
	snprintf(part, sizeof(part), "%.4s", date);
	str_i64(part, 0, 9999, &y);
	snprintf(part, sizeof(part), "%.2s", date + 5);
	str_i64(part, 0, 99, &m);
	snprintf(part, sizeof(part), "%.2s", date + 8);
	str_i64(part, 0, 99, &d);
	return (int32_t)(y * 10000 + m * 100 + d);
}

static void verify_free(struct verify *vf)
{
	loop_disarm(vf->app->loop, &vf->tick);
	for (int s = 0; s < MATCH_SIDES; s++) {
		vpool_free(vf->pool[s]);
		survey_free(&vf->survey[s]);
	}
	for (size_t i = 0; i < vf->nfolder; i++) {
		struct vfolder *f = &vf->folder[i];

		for (int s = 0; s < MATCH_SIDES; s++) {
			side_free(&f->side[s]);
			free(f->side[s].raw);
		}
		free(f->display);
		free(f->dest_display);
	}
	free(vf->folder);
	free(vf->item);
	free(vf->extra);
	map_free(vf->map);
	baseline_free(vf->baseline);
	flagsets_free(vf->flags);
}

static const struct err *run(struct verify *vf)
{
	struct opts *o = &vf->app->opts;
	const struct endpoint *ep[MATCH_SIDES] = {&o->from, &o->to};
	unsigned left = MATCH_SIDES, conns = o->max_connections > 0 ? o->max_connections : CONNECTIONS;
	struct arrival arrival[MATCH_SIDES];
	const struct err *e;

	if (!o->has_to)
		return err_new(ERR_USAGE, "verify needs --to");
	if (o->to.kind != URL_IMAP)
		return err_new(ERR_UNSUPPORTED, "verify looks for mail in an IMAP account: %s is none", o->to.label);
	if (o->baseline != NULL && (e = baseline_read(&vf->baseline, o->baseline)) != NULL)
		return e;
	if (o->ledger != NULL && (e = ledger_open(vf, o->ledger)) != NULL)
		return e;
	for (int s = 0; s < MATCH_SIDES; s++) {
		arrival[s] = (struct arrival){vf, (enum match_side)s, &left};
		vf->pool[s] = vpool_new(vf, (enum match_side)s, ep[s], ep[s]->feed != NULL ? 1 : conns);
		vpool_open(vf->pool[s], on_ready, &arrival[s]);
	}
	loop_run(vf->app->loop, &vf->over);
	if (!vf->failed && !vf->over)
		verify_fail(vf, err_new(ERR_INTERNAL, "the verifier has nothing to wait for"));
	return vf->failed ? &vf->error : NULL;
}

const struct err *cmd_verify(struct app *app)
{
	struct verify vf = {.app = app, .deep = app->opts.deep, .complete = true, .flags = flagsets_new(),
		.since = day_number(app->opts.since), .before = day_number(app->opts.before)};
	const struct err *e, *not_written;

	progress_start(&vf.progress, !app->opts.no_progress);
	vf.tick.fn = on_tick;
	vf.tick.arg = &vf;
	app->on_stop = on_stop;
	app->on_stop_arg = &vf;
	e = run(&vf);
	if (feed_damaged(app->opts.from.feed)) /* what the file has lost cannot be looked for */
		vf.complete = false;
	not_written = ledger_close(&vf, e == NULL);
	e = verify_report_done(&vf, e != NULL ? e : not_written);
	if (e != NULL) /* vf.error goes away with vf */
		e = err_new(e->id, "%s", e->msg);
	app->on_stop = NULL;
	verify_free(&vf);
	return e;
}
