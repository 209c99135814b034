/*
 * Messages on their way: FETCH commands to the source, and what comes goes straight on to the destination. The
 * source waits in the kernel whenever the destination is behind.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "copy.h"
#include "mem.h"

#include "banned.h"

#define FETCH_MESSAGES 2000
#define BATCHES_MAX 8

/* --- flow --- */

/* A quarter of a second's worth may come at once; what was taken beyond it is waited for. */
static int64_t refill(double *left, double a_second, int64_t ms)
{
	*left += (double)ms * a_second / 1000;
	if (*left > a_second / 4)
		*left = a_second / 4;
	return *left > 0 ? 0 : 1 + (int64_t)(-*left * 1000 / a_second);
}

static int64_t rate_wait_ms(struct copy *cp)
{
	int64_t now = clock_mono_ms(), past = now - cp->rate_at, bytes = 0, messages = 0;

	cp->rate_at = now;
	if (cp->o->max_rate > 0)
		bytes = refill(&cp->rate_left, (double)cp->o->max_rate, past);
	if (cp->o->max_messages_rate > 0)
		messages = refill(&cp->messages_left, cp->o->max_messages_rate, past);
	return bytes > messages ? bytes : messages;
}

/* After a breakdown the first APPEND waits for its answer: see not_accepted. */
static bool probe_is_out(const struct pair *p, const struct job *j)
{
	return j->probing && j->batches > 0 && !(p->msg.begun && p->msg.job == j);
}

bool pair_may_append(const struct pair *p, const struct job *j)
{
	return !probe_is_out(p, j) && p->dst_ready && p->cp->flags_known && j->created && !p->emitting &&
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

void message_forget(struct message *m)
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
	message_forget(m);
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
	p->cp->messages_left -= 1; /* after the look: one a second lets the first one through */
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
		task_send(t->p, t->job, t->kind, &half);
		task_send(t->p, t->job, t->kind, &rest);
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
	if (--p->tasks == 0)
		p->ahead = 0; /* what did not come is not waited for */
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
void task_send(struct pair *p, struct job *j, enum task_kind kind, const struct uidset *uids)
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
