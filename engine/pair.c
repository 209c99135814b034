/* A pair of connections, one to each server: opened, broken, drained, opened again with back-off, closed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "copy.h"
#include "imap_quirk.h"
#include "log.h"
#include "mem.h"
#include "names.h"

#include "banned.h"

#define CAREFUL 50
#define DRAIN_MS 10000
#define QUIET_MS 3000 /* the server may still be at work on what it had got */

static void on_ready(struct pair *p);

/* COMPRESS goes before the mail, but behind the listing, which is short and which everything waits for. */
static void is_ready(struct pair *p, enum line_side side)
{
	bool planned = p->cp->planned;

	if (planned)
		line_ready(p, side);
	on_ready(p);
	if (!planned && !p->dead)
		line_ready(p, side);
}

static void src_ready(void *arg)
{
	struct pair *p = arg;

	p->src_ready = true;
	is_ready(p, LINE_SRC);
}

static void dst_ready(void *arg)
{
	struct pair *p = arg;

	p->dst_ready = true;
	is_ready(p, LINE_DST);
}

static void src_closed(void *arg, const struct err *e)
{
	struct pair *p = arg;

	p->cp->conns--;
	pair_fail(p, e, "source");
	copy_conn_closed(p->cp);
}

static void dst_closed(void *arg, const struct err *e)
{
	struct pair *p = arg;

	p->cp->conns--;
	pair_fail(p, e, "destination");
	copy_conn_closed(p->cp);
}

static void dst_drained(void *arg)
{
	pair_flow(arg);
}

static void src_folders(void *arg, struct folders *f, const struct err *e)
{
	struct copy *cp = arg;

	(void)f;
	if (e != NULL) {
		if (cp->pairs[0].src != NULL && imap_ready(cp->pairs[0].src))
			pair_fail(&cp->pairs[0], err_wrap(e, "the folders cannot be listed"), "source");
		return;
	}
	cp->src_listed = true;
	on_ready(&cp->pairs[0]);
}

static void dst_folders(void *arg, struct folders *f, const struct err *e)
{
	struct copy *cp = arg;

	(void)f;
	if (e != NULL) {
		if (cp->pairs[0].dst != NULL && imap_ready(cp->pairs[0].dst))
			pair_fail(&cp->pairs[0], err_wrap(e, "the folders cannot be listed"), "destination");
		return;
	}
	cp->dst_listed = true;
	on_ready(&cp->pairs[0]);
}

static void relist(struct folders *f)
{
	folders_free(f);
	folders_init(f);
}

static void ask_folders(struct pair *p)
{
	struct copy *cp = p->cp;

	if (p->n != 0 || cp->planned)
		return;
	if (p->src_ready && !cp->src_listed && imap_pending(p->src) == 0) {
		relist(&cp->src);
		folders_ask(p->src, &cp->src, true, src_folders, cp);
	}
	if (p->dst_ready && !cp->dst_listed && imap_pending(p->dst) == 0) {
		relist(&cp->dst);
		folders_ask(p->dst, &cp->dst, false, dst_folders, cp);
	}
}

static void names_settled(struct copy *cp)
{
	cp->settling = false;
	copy_check(cp, plan_make(cp));
	if (!cp->failed && !cp->o->dry_run)
		on_ready(&cp->pairs[0]);
}

static void on_ready(struct pair *p)
{
	struct copy *cp = p->cp;

	if (p->dead)
		return;
	ask_folders(p);
	if (!cp->planned && cp->src_listed && cp->dst_listed && p->n == 0 && !cp->settling) {
		cp->settling = true;
		copy_check(cp, plan_map(cp));
		if (!cp->failed)
			names_settle(cp, names_settled);
		return;
	}
	if (cp->o->dry_run) { /* a new connection goes on with the preview, and makes nothing */
		if (cp->planned)
			copy_finish(cp);
		return;
	}
	/* a new first connection takes up what its predecessor left: flags to ask, folders to make */
	if (cp->planned && p->n == 0 && p->dst_ready && !cp->dst_bulk) {
		cp->dst_bulk = true;
		if (!cp->flags_known && (cp->unfinished > 0 || cp->o->flags_sync))
			append_ask_flags(cp, p->dst);
		plan_create(cp, p->dst);
	}
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_work(&cp->pairs[i]);
	if (cp->planned && cp->unfinished == 0)
		copy_finish(cp);
}

void pair_init(struct copy *cp, unsigned n)
{
	struct pair *p = &cp->pairs[n];

	memset(p, 0, sizeof(*p));
	p->cp = cp;
	p->n = n;
	p->dead = true;
	p->keep_fd = -1;
	spool_init(&p->spool);
}

static void on_again(void *arg)
{
	pair_open(arg);
}

static void on_dawdle(void *arg)
{
	struct pair *p = arg;

	if (!p->msg.begun && !p->emitting)
		append_close(p);
	else
		loop_arm(p->cp->loop, &p->dawdle, 500);
}

void pair_open(struct pair *p)
{
	static const struct imap_conn_events src = {.ready = src_ready, .closed = src_closed};
	static const struct imap_conn_events dst = {.ready = dst_ready, .closed = dst_closed, .drained = dst_drained};

	p->again.fn = on_again;
	p->dawdle.fn = on_dawdle;
	p->again.arg = p->dawdle.arg = p;
	p->dead = p->src_ready = p->dst_ready = false;
	p->selected = NULL;
	p->tasks = 0;
	p->ahead = 0;
	p->batches = 0;
	p->src = imap_open(p->cp->loop, &p->cp->o->from, &src, p);
	p->dst = imap_open(p->cp->loop, &p->cp->o->to, &dst, p);
	p->cp->conns += 2;
}

/* Both connections go: half a pair is of no use, and the jobs are taken up again from what is known for sure. */
static void disconnect(struct pair *p, const struct err *e)
{
	struct imap_conn *src = p->src, *dst = p->dst;

	p->cp->conns -= (src != NULL && !imap_dead(src)) + (dst != NULL && !imap_dead(dst));
	p->dead = true;
	p->src = p->dst = NULL;
	p->src_ready = p->dst_ready = false;
	imap_abort(src, e);
	imap_abort(dst, e);
	append_close(p);
	reconcile_free(p->rec);
	p->rec = NULL;
	if (p->n == 0 && !p->cp->flags_done) {
		flags_free(p->cp->flags_run);
		p->cp->flags_run = NULL;
	}
	if (p->n == 0) {
		preview_free(p->cp->preview);
		p->cp->preview = NULL;
	}
	if (p->n == 0 && !p->cp->prune_done) {
		prune_free(p->cp->prune);
		p->cp->prune = NULL;
	}
	p->emitting = false;
	spool_reset(&p->spool);
	message_forget(&p->msg);
	loop_disarm(p->cp->loop, &p->dawdle);
	loop_disarm(p->cp->loop, &p->drain);
	p->draining = false;
	if (p->keep_fd >= 0)
		close(p->keep_fd);
	p->keep_fd = -1;
	if (p->keep_name != NULL)
		unlink(p->keep_name);
	free(p->keep_name);
	p->keep_name = NULL;
}

/* Whoever takes them up next looks at the destination first; not before the old session has had its time. */
static void give_back_jobs(struct pair *p, bool in_flight)
{
	if (in_flight && p->njobs > 0) {
		p->cp->holding = true;
		loop_arm(p->cp->loop, &p->cp->hold, QUIET_MS);
	}
	while (p->njobs > 0) {
		struct job *j = p->jobs[--p->njobs];

		j->tasks = j->batches = 0;
		j->phase = JOB_WAITING;
		copy_check(p->cp, plan_again(j));
	}
}

/* Has it work that it can end without the first pair? */
static bool has_own_work(struct copy *cp, const struct pair *p)
{
	return cp->flags_known && cp->dst_bulk && (p->njobs > 0 || copy_next_job(cp, p) != NULL);
}

/* A server limits connections, and the first pair gets none. It alone makes folders, tries the destination and sees to
 * flags, so the others may be waiting for it while they hold the very places that it needs: they are done without. */
static void make_room(struct pair *first, const struct err *e)
{
	struct copy *cp = first->cp;

	for (unsigned i = 0; i < cp->npairs; i++) {
		struct pair *p = &cp->pairs[i];

		if (p == first || has_own_work(cp, p))
			continue;
		loop_disarm(cp->loop, &p->again);
		if (!p->dead)
			pair_fail(p, e, "destination"); /* throttled: it is not opened again */
	}
}

/* Worth another try without a person? `again`: it is not the first in a row. */
static bool passes_by_itself(const struct err *e, bool again)
{
	enum err_retry r = err_row(e->id)->retry;

	return r == RETRY_LATER || e->id == ERR_HOST_REFUSED || (r == RETRY_ONCE && !again);
}

void pair_drained(struct pair *p)
{
	if (!p->draining || p->batches > (p->batch != NULL))
		return;
	p->draining = false;
	loop_disarm(p->cp->loop, &p->drain);
	pair_fail(p, &p->drain_why, "source");
}

static void on_drain(void *arg)
{
	struct pair *p = arg;

	p->draining = false;
	pair_fail(p, &p->drain_why, "source");
}

/* The source's line broke: what had come whole is worth waiting for. True: pair_fail comes again by itself. */
static bool drain(struct pair *p, const struct err *why)
{
	struct imap_conn *src = p->src;

	if (p->draining || src == NULL || p->dst == NULL || !p->dst_ready || imap_dead(p->dst) || p->rec != NULL)
		return false;
	if (p->batch != NULL && !p->msg.begun && !p->emitting)
		append_close(p);
	if (p->batches <= (p->batch != NULL))
		return false;
	p->draining = true;
	p->drain_why = *why;
	p->drain.fn = on_drain;
	p->drain.arg = p;
	p->src = NULL;
	p->src_ready = false;
	p->cp->conns -= src != NULL && !imap_dead(src);
	imap_abort(src, why);
	loop_arm(p->cp->loop, &p->drain, DRAIN_MS);
	return true;
}

void pair_fail(struct pair *p, const struct err *e, const char *side)
{
	struct copy *cp = p->cp;
	struct err why = *(e != NULL ? e : err_new(ERR_LINE_LOST, "%s: the connection ended", side));
	int64_t wait, failing;
	bool in_flight, before = p->src_ready || p->dst_ready; /* it had worked */

	if (p->dead || (p->draining && p->src == NULL && why.id == p->drain_why.id && !imap_dead(p->dst)))
		return;
	if (!cp->finishing && !cp->failed && strcmp(side, "source") == 0 && drain(p, &why))
		return;
	in_flight = p->batches > 0;
	disconnect(p, &why);
	give_back_jobs(p, in_flight);
	if (p->n == 0 && !cp->planned)
		cp->src_listed = cp->dst_listed = cp->settling = false;
	if (p->n == 0 && (!cp->flags_known || cp->making > 0)) { /* or mail would wait for a folder that nobody makes */
		cp->dst_bulk = false;
		cp->making = 0;
	}
	if (cp->finishing || cp->failed)
		return;
	if (p->failures++ == 0)
		p->failing_since = clock_mono_ms();
	failing = clock_mono_ms() - p->failing_since;
	p->careful = CAREFUL;
	/* a further pair that a server does not want is done without */
	if (p->n > 0 && (!before || why.id == ERR_THROTTLED) && why.id != ERR_AUTH_REJECTED) {
		log_info("%s: going on with fewer connections: %s", side, why.msg);
		for (unsigned i = 0; i < cp->npairs; i++)
			pair_work(&cp->pairs[i]);
		return;
	}
	if (cp->cancelled)
		return;
	wait = 1000LL << (p->failures < 6 ? p->failures - 1 : 5);
	if (in_flight && wait < QUIET_MS)
		wait = QUIET_MS;
	if (why.id == ERR_THROTTLED)
		wait = quirk_backoff_ms(why.msg, wait < 10000 ? 10000 : wait * 4);
	if (!passes_by_itself(&why, p->failures > 1) || failing + wait > (int64_t)cp->o->patience * 1000 ||
		(!before && p->failures == 1 && !cp->planned && why.id != ERR_THROTTLED)) {
		copy_fail(cp, err_new(why.id, "%s: %s", side, why.msg));
		return;
	}
	if (why.id == ERR_THROTTLED) {
		event(cp->ev, "wait", json_pack("{s:s, s:I}", "code", err_code(&why), "seconds", (json_int_t)((wait + 999) / 1000)));
		if (p->n == 0)
			make_room(p, &why);
	}
	{
		json_t *o = json_pack("{s:s, s:i}", "side", side, "attempt", (int)p->failures);

		event_err(o, &why);
		event(cp->ev, "reconnect", o);
	}
	log_info("%s: %s; again in %lld ms", side, why.msg, (long long)wait);
	loop_arm(cp->loop, &p->again, wait);
}

void pair_logout(struct pair *p)
{
	loop_disarm(p->cp->loop, &p->again);
	loop_disarm(p->cp->loop, &p->dawdle);
	if (p->dead)
		return;
	p->dead = true;
	if (p->src != NULL)
		imap_logout(p->src);
	if (p->dst != NULL)
		imap_logout(p->dst);
}

void pair_free(struct pair *p)
{
	p->dead = false;
	disconnect(p, NULL);
	loop_disarm(p->cp->loop, &p->again);
	spool_free(&p->spool);
	ident_reader_free(p->keep_reader);
	message_forget(&p->msg);
}
