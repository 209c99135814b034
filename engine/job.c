/*
 * What a pair of connections does with a folder: stream it, look for what did not come, try refused messages
 * alone, keep those that stay refused. FETCHes of the next folders are sent while the one before still streams.
 */
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "event.h"

#include "banned.h"

#define AHEAD_TASKS 16

static void drop_job(struct pair *p, struct job *j)
{
	for (unsigned i = 0; i < p->njobs; i++)
		if (p->jobs[i] == j)
			p->jobs[i] = p->jobs[--p->njobs];
}

/* --- what was asked for and did not come --- */

static void on_look_data(void *arg, const struct imap_resp *r)
{
	struct job *j = arg;

	if (r->kind == IMAP_SEARCH || r->kind == IMAP_ESEARCH)
		uidset_add_set(&j->again, &r->uids);
}

static void on_look(void *arg, const struct imap_result *res)
{
	struct job *j = arg;
	struct copy *cp = j->cp;

	if (res->lost)
		return;
	j->searches--;
	if (res->kind != IMAP_OK && !j->failed) {
		j->failed = true;
		copy_warn(cp, j, err_wrap(res->err, "messages did not come, and the source does not say whether they are gone"));
	}
	for (unsigned i = 0; i < cp->npairs; i++)
		for (unsigned k = 0; k < cp->pairs[i].njobs; k++)
			if (cp->pairs[i].jobs[k] == j) {
				pair_job_check(&cp->pairs[i], j);
				pair_work(&cp->pairs[i]);
				return;
			}
}

/* A server may leave messages out of a FETCH that it answers with OK. Gone or kept back? SEARCH tells. */
static bool look_again(struct pair *p, struct job *j)
{
	static const struct imap_handler h = {.untagged = on_look_data, .done = on_look};
	struct uidset rest = UIDSET_INIT;
	struct buf text = BUF_INIT;

	j->looked = true;
	uidset_add_set(&rest, &j->todo);
	uidset_sub(&rest, &j->came);
	if (rest.n > 0 && uidset_count(&j->came) + j->base + j->matched < j->src->messages) {
		pair_examine(p, j);
		for (size_t at = 0; buf_reset(&text), uidset_format(&rest, &at, SET_TEXT_MAX, &text);) {
			j->searches++;
			imap_command(p->src, &h, j, "UID SEARCH UID %s", text.ptr);
		}
	}
	uidset_free(&rest);
	buf_free(&text);
	return j->searches > 0;
}

/* Asked for twice, there, and not given. */
static void give_up_on(struct job *j)
{
	uidset_clip(&j->again, 1, j->src->uidnext > 0 ? j->src->uidnext - 1 : 0);
	uidset_sub(&j->again, &j->came);
	for (size_t i = 0; i < j->again.n; i++)
		for (uint64_t uid = j->again.r[i].lo; uid <= j->again.r[i].hi; uid++)
			refuse(j, (uint32_t)uid, err_new(ERR_SOURCE_DAMAGED, "the source lists it and does not give it"), true);
	uidset_clear(&j->again);
}

static void start_retry(struct pair *p, struct job *j)
{
	struct uidset set = j->retry, again = UIDSET_INIT;

	j->phase = JOB_RETRY;
	trial_unsure(j);
	j->retry = (struct uidset)UIDSET_INIT;
	uidset_add_set(&again, &j->again);
	uidset_sub(&again, &j->came);
	uidset_add_set(&set, &again);
	uidset_free(&again);
	task_send(p, j, TASK_RETRY, &set);
	uidset_free(&set);
}

/* The bytes of refused messages are gone by the time of the refusal: they are fetched once more, to be kept. */
static bool start_keep(struct pair *p, struct job *j)
{
	struct uidset set = UIDSET_INIT;

	j->phase = JOB_KEEP;
	for (size_t i = j->kept; i < j->nrefused; i++)
		if (!j->refused[i].unreadable)
			uidset_add(&set, j->refused[i].uid, j->refused[i].uid);
	if (set.n > 0)
		task_send(p, j, TASK_KEEP, &set);
	uidset_free(&set);
	return j->tasks > 0;
}

void pair_job_check(struct pair *p, struct job *j)
{
	if (j->phase == JOB_DONE || j->phase == JOB_WAITING || p->dead || j->tasks > 0 || j->searches > 0)
		return;
	if (p->batch != NULL && p->batch->job == j && !(p->msg.open || p->emitting))
		append_close(p); /* nothing more comes for it */
	if (j->trial && p->batch == NULL && !(p->msg.open || p->emitting))
		trial_sent(p, j);
	if (j->batches > 0 || (p->emitting && p->msg.job == j))
		return;
	if (!j->failed && j->phase == JOB_STREAM && !j->looked && look_again(p, j))
		return;
	if (!j->failed && (j->phase == JOB_STREAM || j->phase == JOB_RETRY) &&
		(j->retry.n > 0 || (j->phase == JOB_STREAM && j->again.n > 0))) {
		start_retry(p, j);
		if (j->tasks > 0)
			return;
	}
	if (!j->failed)
		give_up_on(j);
	if (!j->failed && j->phase != JOB_KEEP && j->nrefused > j->kept && p->cp->o->quarantine != NULL &&
		start_keep(p, j))
		return;
	refuse_rest(p, j);
	drop_job(p, j);
	copy_job_done(p->cp, j);
}

static void announce(struct job *j)
{
	json_t *o = json_object();

	event_name(o, "folder", j->name, strlen(j->name));
	event_name(o, "dest", j->dst_name, strlen(j->dst_name));
	json_object_set_new(o, "messages", json_integer((json_int_t)j->src->messages));
	json_object_set_new(o, "uidvalidity", json_integer(j->src->uidvalidity));
	json_object_set_new(o, "uidnext", json_integer(j->src->uidnext));
	event(j->cp->ev, "folder", o);
}

void pair_stream(struct pair *p, struct job *j)
{
	turn_cut(j);
	p->ahead += uidset_count(&j->todo) < j->src->messages ? uidset_count(&j->todo) : j->src->messages;
	task_send(p, j, TASK_STREAM, &j->todo);
	pair_job_check(p, j);
}

static void start_job(struct pair *p, struct job *j)
{
	if (j->phase == JOB_WAITING && j->attempts++ == 0)
		announce(j);
	p->jobs[p->njobs++] = j;
	j->phase = JOB_STREAM;
	if (j->reconcile || j->search) {
		reconcile_start(p, j);
		return;
	}
	pair_stream(p, j);
}

/* How many messages may still be to come when the next folder is asked for. Near, only so many as bridge the gap: a
 * folder taken early is one that another pair, out of work, cannot take. */
static uint64_t messages_ahead(const struct pair *p)
{
	return imap_rtt_ms(p->src) >= FAR_MS ? 500 : 50;
}

/* Round trips cost: so much further ahead is asked for when the server is far. */
static unsigned tasks_ahead(const struct pair *p)
{
	int64_t rtt = imap_rtt_ms(p->src);
	int64_t n = 2 + (rtt > 0 ? rtt / 4 : 0);

	return n > AHEAD_TASKS ? AHEAD_TASKS : (unsigned)n;
}

void pair_work(struct pair *p)
{
	struct copy *cp = p->cp;

	if (p->dead || !p->src_ready || !cp->planned || cp->finishing || cp->holding)
		return;
	while (p->rec == NULL && p->tasks < tasks_ahead(p) && p->njobs < 60 && (p->tasks == 0 || p->ahead < messages_ahead(p))) {
		struct job *j = copy_next_job(cp, p);

		if (j == NULL)
			break;
		/* comparing both sides needs both connections for itself */
		if ((j->reconcile || j->search) && (p->njobs > 0 || !p->dst_ready))
			break;
		j->phase = JOB_WAITING;
		start_job(p, j);
	}
	pair_flow(p);
}
