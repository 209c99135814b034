/*
 * The source side: a pair of connections works off jobs. FETCHes of the next folders are sent while the one
 * before still streams; what comes goes straight on to the destination, and the source waits in the kernel
 * whenever the destination is behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "copy.h"
#include "imap_quirk.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

#define SET_TEXT_MAX 7000 /* of a command's UID set: servers read lines of 8 KiB at least */
#define FETCH_MESSAGES 2000
#define AHEAD_TASKS 16
#define BATCHES_MAX 8
#define CAREFUL 50
#define DRAIN_MS 10000
#define QUIET_MS 3000 /* the server may still be at work on what it had got */

static void on_ready(struct pair *p);

/* --- flow --- */

static int64_t rate_wait_ms(struct copy *cp)
{
	int64_t now = clock_mono_ms();

	if (cp->o->max_rate == 0)
		return 0;
	cp->rate_left += (double)(now - cp->rate_at) * (double)cp->o->max_rate / 1000;
	cp->rate_at = now;
	if (cp->rate_left > (double)cp->o->max_rate / 4)
		cp->rate_left = (double)cp->o->max_rate / 4;
	return cp->rate_left > 0 ? 0 : 1 + (int64_t)(-cp->rate_left * 1000 / (double)cp->o->max_rate);
}

bool pair_may_append(const struct pair *p, const struct job *j)
{
	return p->dst_ready && p->cp->flags_known && j->created && !p->emitting &&
	       imap_out_pending(p->dst) < IMAP_OUT_HIGH && p->batches <= BATCHES_MAX;
}

static bool must_hold(struct pair *p)
{
	const struct message *m = &p->msg;

	if (p->emitting)
		return true;
	if (!m->open || m->to != TO_APPEND)
		return false;
	return !pair_may_append(p, m->job) || rate_wait_ms(p->cp) > 0;
}

/* Sends on what was spooled, as far as the destination takes it. */
static void emit(struct pair *p)
{
	struct message *m = &p->msg;
	struct job *j = m->job;
	char piece[32768];
	size_t got = 0;
	const struct err *e = NULL;

	p->emitting = false;
	if (!pair_may_append(p, m->job)) {
		p->emitting = true;
		return;
	}
	if (!m->begun)
		append_begin(p, m);
	while (imap_out_pending(p->dst) < IMAP_OUT_HIGH) {
		e = spool_read(&p->spool, piece, sizeof(piece), &got);
		if (e != NULL || got == 0)
			break;
		append_data(p, m, piece, got);
	}
	if (e != NULL) {
		copy_fail(p->cp, e);
		return;
	}
	if (got > 0) {
		p->emitting = true;
		return;
	}
	append_end(p, m);
	spool_reset(&p->spool);
	m->begun = false;
	m->job = NULL;
	pair_job_check(p, j);
}

void pair_flow(struct pair *p)
{
	if (p->dead || p->src == NULL || !p->src_ready)
		return;
	if (p->emitting)
		emit(p);
	if (must_hold(p)) {
		int64_t ms = rate_wait_ms(p->cp);

		imap_pause(p->src);
		if (ms > 0 && !p->cp->tick.armed)
			loop_arm(p->cp->loop, &p->cp->tick, ms < 20 ? 20 : ms);
	} else {
		imap_resume(p->src);
	}
}

/* --- one message --- */

static void forget_message(struct message *m)
{
	free(m->flags);
	free(m->date);
	memset(m, 0, sizeof(*m));
}

static void copy_text(char **to, const char *from)
{
	free(*to);
	*to = from != NULL ? xstrdup(from) : NULL;
}

static void take_attributes(struct message *m, const struct imap_fetch *f)
{
	if (f->uid != 0)
		m->uid = f->uid;
	if (f->has_flags)
		copy_text(&m->flags, f->flags);
	if (f->has_date)
		copy_text(&m->date, f->date);
}

static bool wanted(const struct task *t, uint32_t uid)
{
	return uidset_has(&t->uids, uid) && !uidset_has(&t->got, uid);
}

/* Which FETCH asked for it: a server may work on several at once, so the oldest need not be the one. */
static struct task *asked_by(struct task *oldest, uint32_t uid)
{
	if (uid == 0 || wanted(oldest, uid))
		return oldest;
	for (struct task *t = oldest->p->first; t != NULL; t = t->next)
		if (t->job == oldest->job && wanted(t, uid))
			return t;
	return oldest;
}

static void on_body(void *arg, const struct imap_fetch *f, const char *section, uint64_t size)
{
	struct task *t = asked_by(arg, f->uid);
	struct pair *p = t->p;
	struct message *m = &p->msg;
	uint64_t limit = p->dst_ready ? imap_appendlimit(p->dst) : 0;

	(void)section;
	forget_message(m);
	m->open = true;
	m->task = t;
	m->job = t->job;
	m->size = size;
	m->alone = t->kind == TASK_RETRY || p->careful > 0;
	take_attributes(m, f);
	if (t->job->failed || (m->uid != 0 && !wanted(t, m->uid)))
		m->to = TO_NOWHERE;
	else if (t->kind == TASK_KEEP && m->uid != 0)
		m->to = TO_KEEP;
	else if (m->uid == 0 || !f->has_flags || !f->has_date || t->kind == TASK_KEEP)
		m->to = TO_SPOOL; /* the rest comes behind the body */
	else if (limit > 0 && size > limit)
		m->to = TO_NOWHERE;
	else
		m->to = TO_APPEND;
	if (limit > 0 && size > limit && m->to == TO_NOWHERE && !t->job->failed && wanted(t, m->uid))
		refuse(t->job, m->uid, err_new(ERR_MESSAGE_TOO_LARGE, "%llu bytes; the server takes at most %llu",
				(unsigned long long)size, (unsigned long long)limit), false);
	if (m->to == TO_KEEP)
		refuse_begin(p, m);
	pair_flow(p);
}

static void spool(struct pair *p, const void *data, size_t n)
{
	const struct err *e = spool_add(&p->spool, data, n);

	if (e != NULL)
		copy_fail(p->cp, e);
}

static void on_body_data(void *arg, const void *data, size_t n)
{
	struct task *t = arg;
	struct pair *p = t->p;
	struct message *m = &p->msg;

	if (p->cp->o->max_rate > 0)
		p->cp->rate_left -= (double)n;
	m->fed += n;
	if (m->to == TO_APPEND && !m->begun) {
		if (pair_may_append(p, m->job))
			append_begin(p, m);
		else
			m->to = TO_SPOOL; /* a short body in quotes cannot be held back */
	}
	switch (m->to) {
	case TO_APPEND:
		append_data(p, m, data, n);
		break;
	case TO_SPOOL:
		spool(p, data, n);
		break;
	case TO_KEEP:
		refuse_data(p, data, n);
		break;
	case TO_NOWHERE:
		break;
	}
	pair_flow(p);
}

static void has_come(struct task *t, uint32_t uid)
{
	if (t == NULL || !uidset_has(&t->uids, uid))
		return;
	uidset_add(&t->got, uid, uid);
	uidset_add(&t->job->came, uid, uid);
}

static void on_body_end(void *arg)
{
	struct task *t = arg;
	struct pair *p = t->p;
	struct message *m = &p->msg;

	m->open = false;
	if (m->to == TO_APPEND) {
		if (!m->begun && pair_may_append(p, m->job))
			append_begin(p, m);
		if (m->begun)
			append_end(p, m);
		else
			m->to = TO_SPOOL;
		m->begun = false;
	} else if (m->to == TO_KEEP) {
		refuse_end(p, m);
	}
	if (m->uid != 0)
		has_come(m->task, m->uid);
	if (p->ahead > 0)
		p->ahead--;
}

/* The whole FETCH response has come: a message that had to wait for its attributes can go on now. */
static void on_fetch(void *arg, const struct imap_resp *r)
{
	struct task *t = arg;
	struct pair *p = t->p;
	struct message *m = &p->msg;

	if (r->kind != IMAP_FETCH || m->job == NULL || m->to != TO_SPOOL)
		return;
	take_attributes(m, &r->fetch);
	if (!uidset_has(&m->task->uids, m->uid))
		m->task = asked_by(t, m->uid);
	t = m->task;
	if (m->uid == 0 || !uidset_has(&t->uids, m->uid) || t->job->failed) {
		spool_reset(&p->spool);
		m->job = NULL;
		return;
	}
	has_come(t, m->uid);
	if (t->kind == TASK_KEEP) {
		char piece[32768];
		size_t got = 0;

		refuse_begin(p, m);
		while (spool_read(&p->spool, piece, sizeof(piece), &got) == NULL && got > 0)
			refuse_data(p, piece, got);
		refuse_end(p, m);
		spool_reset(&p->spool);
		m->job = NULL;
		return;
	}
	p->emitting = true;
	pair_flow(p);
}

/* --- tasks: FETCH commands --- */

static void task_free(struct task *t)
{
	struct task **at = &t->p->first;

	while (*at != NULL && *at != t)
		at = &(*at)->next;
	if (*at == t)
		*at = t->next;
	if (t->p->msg.task == t)
		t->p->msg.task = NULL;
	uidset_free(&t->uids);
	uidset_free(&t->got);
	free(t);
}

static void send_tasks(struct pair *p, struct job *j, enum task_kind kind, const struct uidset *uids);

/* The source could not give everything: the rest is asked for in halves, until what is left is one message. */
static void fetch_refused(struct task *t, const struct err *e)
{
	struct uidset rest = UIDSET_INIT, half = UIDSET_INIT;
	uint64_t n;

	uidset_add_set(&rest, &t->uids);
	uidset_sub(&rest, &t->got);
	n = uidset_count(&rest);
	if (n == 1) {
		refuse(t->job, rest.r[0].lo, err_wrap(e, "the source does not give it"), true);
	} else if (n > 1) {
		uint32_t middle = uidset_at(&rest, n / 2);

		uidset_add_set(&half, &rest);
		uidset_clip(&half, 1, middle - 1);
		uidset_clip(&rest, middle, UINT32_MAX);
		send_tasks(t->p, t->job, t->kind, &half);
		send_tasks(t->p, t->job, t->kind, &rest);
	}
	uidset_free(&rest);
	uidset_free(&half);
}

static void on_fetch_done(void *arg, const struct imap_result *res)
{
	struct task *t = arg;
	struct pair *p = t->p;
	struct job *j = t->job;

	if (res->lost) {
		task_free(t);
		return;
	}
	p->tasks--;
	j->tasks--;
	if (res->kind != IMAP_OK && res->err->id == ERR_THROTTLED) {
		task_free(t);
		pair_fail(p, res->err, "source");
		return;
	}
	if (res->kind != IMAP_OK && !j->failed)
		fetch_refused(t, res->err);
	task_free(t);
	pair_job_check(p, j);
	pair_work(p);
}

static void on_examine_data(void *arg, const struct imap_resp *r)
{
	struct job *j = arg;
	uint64_t v;

	if (imap_resp_code_number(r, "UIDVALIDITY", &v) && v != j->src->uidvalidity && !j->failed) {
		j->failed = true;
		copy_warn(j->cp, j, err_new(ERR_SOURCE_CHANGED,
					    "the folder was made anew while it was to be read (UIDVALIDITY)"));
	}
}

static void on_examine(void *arg, const struct imap_result *res)
{
	struct job *j = arg;

	if (res->lost || res->kind == IMAP_OK || j->failed)
		return;
	j->failed = true;
	copy_warn(j->cp, j, err_new(ERR_FOLDER_DENIED, "the source does not open it: %s", res->err->msg));
}

void pair_examine(struct pair *p, struct job *j)
{
	static const struct imap_handler h = {.untagged = on_examine_data, .done = on_examine};

	if (p->selected == j)
		return;
	p->selected = j;
	imap_begin(p->src, &h, j);
	imap_text(p->src, "EXAMINE ");
	imap_mailbox(p->src, j->src->raw, j->src->len);
	imap_end(p->src);
}

static void send_task(struct pair *p, struct job *j, enum task_kind kind, const char *set, size_t n)
{
	static const struct imap_handler h = {
		.untagged = on_fetch,
		.body = {.begin = on_body, .data = on_body_data, .end = on_body_end},
		.done = on_fetch_done,
	};
	struct task *t = xcalloc(1, sizeof(*t));

	t->p = p;
	t->job = j;
	t->kind = kind;
	t->next = p->first;
	p->first = t;
	uidset_parse(&t->uids, set, n);
	p->tasks++;
	j->tasks++;
	pair_examine(p, j);
	imap_command(p->src, &h, t, "UID FETCH %.*s (UID FLAGS INTERNALDATE BODY.PEEK[])", (int)n, set);
}

/* As few commands as line lengths and FETCH_MESSAGES allow; how many messages a range holds is guessed. */
static void send_tasks(struct pair *p, struct job *j, enum task_kind kind, const struct uidset *uids)
{
	uint64_t span = uidset_count(uids), have = j->src->messages > 0 ? j->src->messages : 1;
	uint64_t step = span <= have ? FETCH_MESSAGES : FETCH_MESSAGES * (span / have + 1);
	struct uidset part = UIDSET_INIT;
	struct buf text = BUF_INIT;
	size_t at;

	for (size_t i = 0; i < uids->n; i++) {
		uint64_t lo = uids->r[i].lo;

		while (lo <= uids->r[i].hi) {
			uint64_t room = step - uidset_count(&part), hi = lo + room - 1;

			if (hi > uids->r[i].hi)
				hi = uids->r[i].hi;
			uidset_add(&part, (uint32_t)lo, (uint32_t)hi);
			lo = hi + 1;
			if (uidset_count(&part) < step && (lo <= uids->r[i].hi || i + 1 < uids->n) && part.n < 500)
				continue;
			for (at = 0; buf_reset(&text), uidset_format(&part, &at, SET_TEXT_MAX, &text);)
				send_task(p, j, kind, text.ptr, text.len);
			uidset_clear(&part);
		}
	}
	for (at = 0; buf_reset(&text), uidset_format(&part, &at, SET_TEXT_MAX, &text);)
		send_task(p, j, kind, text.ptr, text.len);
	uidset_free(&part);
	buf_free(&text);
}

/* --- jobs --- */

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
	j->retry = (struct uidset)UIDSET_INIT;
	uidset_add_set(&again, &j->again);
	uidset_sub(&again, &j->came);
	uidset_add_set(&set, &again);
	uidset_free(&again);
	send_tasks(p, j, TASK_RETRY, &set);
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
		send_tasks(p, j, TASK_KEEP, &set);
	uidset_free(&set);
	return j->tasks > 0;
}

void pair_job_check(struct pair *p, struct job *j)
{
	if (j->phase == JOB_DONE || j->phase == JOB_WAITING || p->dead || j->tasks > 0 || j->searches > 0)
		return;
	if (p->batch != NULL && p->batch->job == j && !(p->msg.open || p->emitting))
		append_close(p); /* nothing more comes for it */
	if (j->batches > 0 || (p->emitting && p->msg.job == j))
		return;
	if (!j->failed && j->phase == JOB_STREAM && !j->looked && look_again(p, j))
		return;
	if (!j->failed && j->phase == JOB_STREAM && (j->retry.n > 0 || j->again.n > 0)) {
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
	p->ahead += uidset_count(&j->todo) < j->src->messages ? uidset_count(&j->todo) : j->src->messages;
	send_tasks(p, j, TASK_STREAM, &j->todo);
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
	while (p->rec == NULL && p->tasks < tasks_ahead(p) && p->njobs < 60 && (p->tasks < 2 || p->ahead < 500)) {
		struct job *j = copy_next_job(cp);

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

/* --- connections --- */

static void src_ready(void *arg)
{
	struct pair *p = arg;

	p->src_ready = true;
	on_ready(p);
}

static void dst_ready(void *arg)
{
	struct pair *p = arg;

	p->dst_ready = true;
	on_ready(p);
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
			copy_fail(cp, err_wrap(e, "the source's folders cannot be listed"));
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
			copy_fail(cp, err_wrap(e, "the destination's folders cannot be listed"));
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

static void on_ready(struct pair *p)
{
	struct copy *cp = p->cp;

	if (p->dead)
		return;
	ask_folders(p);
	if (!cp->planned && cp->src_listed && cp->dst_listed && p->n == 0) {
		copy_check(cp, plan_make(cp));
		if (cp->failed || cp->o->dry_run)
			return;
	}
	/* a new first connection takes up what its predecessor left: flags to ask, folders to make */
	if (cp->planned && p->n == 0 && p->dst_ready && !cp->dst_bulk) {
		cp->dst_bulk = true;
		if (cp->unfinished > 0 || cp->o->flags_sync)
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
	p->emitting = false;
	spool_reset(&p->spool);
	forget_message(&p->msg);
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

static void give_back_jobs(struct pair *p)
{
	while (p->njobs > 0) {
		struct job *j = p->jobs[--p->njobs];

		j->tasks = j->batches = 0;
		j->phase = JOB_WAITING;
		copy_check(p->cp, plan_again(j));
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
	give_back_jobs(p);
	if (p->n == 0 && !cp->planned)
		cp->src_listed = cp->dst_listed = false;
	if (p->n == 0 && !cp->flags_known)
		cp->dst_bulk = false;
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
	forget_message(&p->msg);
}
