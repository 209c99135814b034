/* mailmover copy: start, end, and what happens in between to the run as a whole. */
#include "copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim.h"
#include "clock.h"
#include "feed.h"
#include "fs.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

#define SAVE_MS 250
#define QUIET_MS 3000 /* a server may go on with what a killed run has sent: then both sides are compared */
#define PATIENCE_MS 5000
#define NEAR_PAIRS 2
#define FAR_PAIRS 4

void copy_fail(struct copy *cp, const struct err *e)
{
	if (cp->failed)
		return;
	cp->failed = true;
	cp->why = *e;
	cp->stop = true;
}

void copy_check(struct copy *cp, const struct err *e)
{
	if (e != NULL)
		copy_fail(cp, e);
}

void copy_warn(struct copy *cp, const struct job *j, const struct err *e)
{
	event_warning(cp->ev, e, j != NULL ? j->name : NULL);
}

static void on_save(void *arg)
{
	struct copy *cp = arg;

	copy_check(cp, state_commit(cp->state));
}

void copy_dirty(struct copy *cp)
{
	if (!cp->save.armed)
		loop_arm(cp->loop, &cp->save, SAVE_MS);
}

/* --- progress --- */

static void show(struct copy *cp, bool force)
{
	struct progress_now n = {.folder = ""};
	const struct job *at = NULL;

	for (size_t i = 0; i < cp->njobs; i++) {
		const struct job *j = &cp->jobs[i];
		uint64_t done = j->base + j->copied + j->matched, all = plan_size(j);

		if (j->phase == JOB_DONE) {
			n.folders_done++;
			done = j->failed ? done : all - (j->nrefused < all ? j->nrefused : all);
		} else if (j->phase != JOB_WAITING) {
			at = j;
		}
		done = done < all ? done : all;
		n.messages_done += done;
		n.bytes_done += all > 0 ? (uint64_t)((double)j->src->size * (double)done / (double)all) : 0;
	}
	n.messages_total = cp->messages_total;
	n.bytes_total = cp->src.has_size ? cp->bytes_total : 0;
	n.messages_moved = cp->copied;
	n.bytes_moved = cp->copied_bytes;
	n.refused = cp->refused;
	n.folders_total = cp->njobs;
	n.folder = at != NULL ? at->name : "";
	progress_show(&cp->progress, cp->ev, &n, force);
}

static void on_tick(void *arg)
{
	struct copy *cp = arg;

	if (cp->planned)
		show(cp, false);
	line_look(cp);
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_flow(&cp->pairs[i]);
	if (events_failed(cp->ev) != NULL)
		copy_fail(cp, err_wrap(events_failed(cp->ev), "events"));
	loop_arm(cp->loop, &cp->tick, 250);
}

/* --- jobs --- */

/* During the trial the first pair is the trial's; the others may begin with folders that it does not need. */
static bool is_for(const struct job *j, const struct pair *p)
{
	if (j->cp->trial == NULL)
		return true;
	return p->n == 0 ? j->trial : !trial_holds(j->cp->trial, j) && !j->reconcile && !j->search;
}

struct job *copy_next_job(struct copy *cp, const struct pair *p)
{
	if (cp->finishing || cp->failed || cp->o->dry_run)
		return NULL;
	do {
		for (size_t i = 0; i < cp->njobs; i++) {
			struct job *j = &cp->jobs[cp->order[i]];

			if (j->phase == JOB_WAITING && is_for(j, p) && turn_has_come(j))
				return j;
		}
	} while (cp->trial == NULL && p->njobs == 0 && turn_next(cp));
	return NULL;
}

/* Folders and subscriptions are part of the copy: plan.c calls copy_finish when they are answered for. */
static bool to_be_made(const struct copy *cp)
{
	return !cp->o->dry_run && (!cp->dst_bulk || cp->making > 0);
}

/* True: something is at work still, and will call copy_finish again. */
static bool after_the_mail(struct copy *cp)
{
	return cp->o->dry_run ? preview_start(cp) || prune_start(cp) : flags_start(cp) || prune_start(cp);
}

void copy_finish(struct copy *cp)
{
	if (cp->finishing || (!cp->failed && (to_be_made(cp) || after_the_mail(cp))))
		return;
	cp->finishing = true;
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_logout(&cp->pairs[i]);
	loop_arm(cp->loop, &cp->patience, PATIENCE_MS);
	copy_conn_closed(cp);
}

void copy_conn_closed(struct copy *cp)
{
	if (cp->finishing && cp->conns == 0)
		cp->stop = true;
}

/* --only: what the source did not give is told, or it would look as if it had been copied. */
static void tell_gone(struct copy *cp, struct job *j)
{
	struct uidset gone = UIDSET_INIT;
	struct buf text = BUF_INIT;
	size_t at = 0;

	uidset_add_set(&gone, &j->todo);
	uidset_sub(&gone, &j->came);
	for (size_t i = 0; i < j->nrefused; i++) {
		struct uidset one = UIDSET_INIT;

		uidset_add(&one, j->refused[i].uid, j->refused[i].uid);
		uidset_sub(&gone, &one);
		uidset_free(&one);
	}
	if (gone.n > 0) {
		uidset_format(&gone, &at, 200, &text);
		copy_warn(cp, j, err_new(ERR_NOT_FOUND, "not in the source any more: UID %s%s", text.ptr,
					    at < gone.n ? " ..." : ""));
		cp->partial = true;
	}
	uidset_free(&gone);
	buf_free(&text);
}

/* What the state may know after the pass: all of the folder, or only the messages that were asked for. */
static const struct err *settle_state(struct copy *cp, struct job *j)
{
	if (cp->only != NULL) {
		j->row.active = j->unsure;
		return state_pending_drop(cp->state, j->row.id, &j->only);
	}
	j->row.done = j->src->uidnext > 0 ? j->src->uidnext - 1 : 0;
	j->row.active = false;
	/* flags travelled with the mail; of what others had copied before, nothing is known */
	if (j->compared && j->matched == 0)
		j->row.modseq = j->src->modseq;
	/* refused by an earlier pass: taken, gone, or refused again */
	return state_pending_clear(cp->state, j->row.id);
}

void copy_job_done(struct copy *cp, struct job *j)
{
	const struct err *e = NULL;

	j->phase = JOB_DONE;
	if (trial_took(cp, j) || turn_more(j))
		return;
	if (j->failed) {
		cp->partial = true;
	} else {
		if (j->unsaved.n > 0)
			e = state_copied_add(cp->state, j->row.id, &j->unsaved, NULL);
		if (e == NULL && cp->only != NULL)
			tell_gone(cp, j);
		if (e == NULL)
			e = settle_state(cp, j);
		for (size_t i = 0; i < j->nrefused && e == NULL; i++)
			e = state_pending_add(cp->state, j->row.id, j->refused[i].uid, STATE_REFUSED,
				err_row(j->refused[i].id)->code, j->refused[i].words);
		if (e == NULL)
			e = state_folder_put(cp->state, j->src->raw, j->src->len, j->dst_raw, &j->row);
	}
	copy_check(cp, e);
	copy_dirty(cp);
	uidset_free(&j->unsaved);
	uidset_free(&j->came);
	show(cp, false);
	if (--cp->unfinished == 0)
		copy_finish(cp);
}

static void release(void *arg)
{
	struct copy *cp = arg;

	cp->holding = false;
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_work(&cp->pairs[i]);
}

/* More pairs than one only where there is work for them; more of them where round trips are long. */
static void open_pairs(struct copy *cp)
{
	int64_t rtt = cp->pairs[0].src != NULL ? imap_rtt_ms(cp->pairs[0].src) : 0;
	unsigned n = cp->o->max_connections > 0 ? cp->o->max_connections : rtt >= FAR_MS ? FAR_PAIRS : NEAR_PAIRS;

	if (cp->o->from.feed != NULL) /* each would read the whole file */
		n = 1;
	if (n > PAIRS_MAX)
		n = PAIRS_MAX;
	if (n > cp->unfinished)
		n = (unsigned)cp->unfinished;
	while (cp->npairs < n) {
		pair_init(cp, cp->npairs);
		pair_open(&cp->pairs[cp->npairs++]);
	}
}

const struct err *copy_planned(struct copy *cp)
{
	int64_t age = state_age_ms(cp->state);
	const struct err *e = cp->o->dry_run ? NULL : state_commit(cp->state);

	cp->planned = true;
	plan_event(cp);
	if (e != NULL)
		return e;
	if (cp->o->dry_run) {
		cp->unfinished = 0;
		copy_finish(cp);
		return NULL;
	}
	if (cp->holding && age < QUIET_MS)
		loop_arm(cp->loop, &cp->hold, age < 0 ? QUIET_MS : QUIET_MS - age);
	else
		cp->holding = false;
	trial_start(cp);
	open_pairs(cp);
	show(cp, true);
	return NULL;
}

/* --- the run --- */

static void on_stop(void *arg)
{
	struct copy *cp = arg;

	cp->cancelled = true;
	cp->stop = true;
}

static void on_patience(void *arg)
{
	struct copy *cp = arg;

	cp->stop = true;
}

static void pass_event(struct copy *cp)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cp->njobs; i++) {
		const struct job *j = &cp->jobs[i];
		json_t *o = json_object();

		event_name(o, "folder", j->name, strlen(j->name));
		event_name(o, "dest", j->dst_name, strlen(j->dst_name));
		json_object_set_new(o, "uidvalidity", json_integer(j->src->uidvalidity));
		json_object_set_new(o, "uidnext", json_integer(j->src->uidnext));
		json_object_set_new(o, "messages", json_integer((json_int_t)j->src->messages));
		json_object_set_new(o, "bytes", json_integer((json_int_t)j->src->size));
		json_array_append_new(list, o);
	}
	event(cp->ev, "pass", json_pack("{s:o}", "folders", list));
}

static const struct err *outcome(struct copy *cp)
{
	if (cp->failed)
		return err_new(cp->why.id, "%s", cp->why.msg);
	if (cp->cancelled)
		return err_new(ERR_RUN_CANCELLED, "stopped on request; the next run goes on from here");
	if (cp->refused == 0 && !cp->partial && feed_damaged(cp->o->from.feed))
		return err_new(ERR_PARTIAL, "the source file is damaged: what could be read of it is there");
	if (cp->refused > 0 || cp->partial)
		return err_new(ERR_PARTIAL, "%llu messages were refused%s", (unsigned long long)cp->refused,
			cp->partial ? ", and folders could not be copied" : "");
	return NULL;
}

static void done_event(struct copy *cp, const struct err *e)
{
	const char *status = e == NULL ? "succeeded" : e->id == ERR_PARTIAL ? "partial"
				       : e->id == ERR_RUN_CANCELLED	    ? "cancelled"
									    : "failed";
	uint64_t present = cp->matched;
	json_t *o;

	for (size_t i = 0; i < cp->njobs; i++)
		present += cp->jobs[i].base;
	o = json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I}", "status", status, "exit", err_exit(e), "messages_total",
		(json_int_t)cp->messages_total, "messages_copied", (json_int_t)cp->copied, "messages_present",
		(json_int_t)present, "refused", (json_int_t)cp->refused, "bytes_copied", (json_int_t)cp->copied_bytes);
	if (cp->o->from.feed != NULL)
		json_object_set_new(o, "messages_unrecognised", json_integer((json_int_t)cp->unrecognised));
	if (cp->o->delete_extra)
		json_object_set_new(o, "deleted", json_integer((json_int_t)cp->deleted));
	event_err(o, e);
	event(cp->ev, "done", o);
}

static void init(struct copy *cp, struct app *app)
{
	cp->app = app;
	cp->claim = -1;
	cp->o = &app->opts;
	cp->loop = app->loop;
	cp->ev = app->events;
	folders_init(&cp->src);
	folders_init(&cp->dst);
	buf_init(&cp->permanent);
	cp->save.fn = on_save;
	cp->tick.fn = on_tick;
	cp->hold.fn = release;
	cp->patience.fn = on_patience;
	cp->save.arg = cp->tick.arg = cp->hold.arg = cp->patience.arg = cp;
	cp->rate_at = clock_mono_ms();
	app->on_stop = on_stop;
	app->on_stop_arg = cp;
}

static const struct err *open_state(struct copy *cp)
{
	const struct err *rebuilt = NULL, *e;

	if (!cp->o->dry_run && (e = claim_pair(&cp->claim, cp->o->from.label, cp->o->to.label)) != NULL)
		return e;
	e = (cp->o->dry_run ? state_peek : state_open)(&cp->state, cp->o->state, cp->o->from.label, cp->o->to.label, &rebuilt);
	if (e != NULL)
		return err_wrap(e, "--state");
	if (rebuilt != NULL)
		copy_warn(cp, NULL, rebuilt);
	/* now, and not at the first refusal, hours later */
	if (!cp->o->dry_run && cp->o->quarantine != NULL && (e = fs_mkdir_p(cp->o->quarantine, 0700)) != NULL)
		return err_wrap(e, "--quarantine");
	return NULL;
}

static void clean_up(struct copy *cp)
{
	struct loop_timer *const timers[] = {&cp->save, &cp->tick, &cp->hold, &cp->patience};

	cp->finishing = true;
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_free(&cp->pairs[i]);
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		loop_disarm(cp->loop, timers[i]);
	flags_free(cp->flags_run);
	prune_free(cp->prune);
	preview_free(cp->preview);
	trial_free(cp->trial);
	trial_forget(cp);
	state_close(cp->state);
	if (cp->claim >= 0)
		close(cp->claim);
	plan_free(cp);
	folders_free(&cp->src);
	folders_free(&cp->dst);
	buf_free(&cp->permanent);
	cp->app->on_stop = NULL;
}

const struct err *cmd_copy(struct app *app)
{
	struct copy *cp = xcalloc(1, sizeof(*cp));
	const struct err *e;

	init(cp, app);
	if (cp->o->to.kind != URL_IMAP)
		e = err_new(ERR_UNSUPPORTED, "%s: mail is copied to IMAP servers only", cp->o->to.label);
	else
		e = open_state(cp);
	if (e == NULL && cp->o->only != NULL)
		e = err_wrap(only_read(&cp->only, cp->o->only), "--only");
	copy_check(cp, e);
	if (e == NULL) {
		progress_start(&cp->progress, !cp->o->no_progress && !cp->o->dry_run);
		cp->npairs = 1;
		pair_init(cp, 0);
		pair_open(&cp->pairs[0]);
		loop_arm(cp->loop, &cp->tick, 250);
		loop_run(cp->loop, &cp->stop);
		copy_check(cp, state_commit(cp->state));
		if (cp->planned)
			show(cp, true);
		progress_end(&cp->progress);
	}
	e = outcome(cp);
	if (cp->planned && !cp->failed && !cp->cancelled && !cp->o->dry_run && cp->only == NULL)
		pass_event(cp);
	done_event(cp, e);
	clean_up(cp);
	free(cp);
	return e;
}
