/*
 * Reading a side: tasks (some UIDs of a folder, for a phase) over a few connections, each with a pipeline of
 * them, so that neither the line nor the server waits. What a task has read is noted UID by UID: whatever
 * breaks, only the rest is asked for again. A refused FETCH is halved until the message that causes it stands
 * alone; that one is unreadable, the others are not its hostages.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "imap_date.h"
#include "imap_quirk.h"
#include "log.h"
#include "mem.h"
#include "verify.h"

#include "banned.h"

enum {
	PIPELINE_TASKS = 16,
	PIPELINE_MESSAGES = 4000, /* further tasks wait while so many are asked for */
	SET_TEXT_MAX = 8000,      /* bytes of UIDs in a command */
	TRIES_ALONE = 2,          /* for a single message */
	TRIES_TASK = 2,           /* lost connections with this task alone, before it is halved */
	LOSSES_MAX = 6,           /* failures to connect in a row before we give up */
	BREAKS_MAX = 100,         /* connections lost in a row, after log-in: a message may be what the server dies of */
	REFUSALS_MAX = 1000,      /* refused FETCHes in a row: the folder cannot be read */
	SURVEY_TRIES = 3,
	CAREFUL_TASKS = 64,       /* after a break, so many tasks go alone */
	BACKOFF_FIRST_MS = 500,
	BACKOFF_MAX_MS = 30000,
	THROTTLE_MS = 10000
};

struct vconn;

struct vtask {
	struct vtask *next;
	struct vpool *pool;
	struct vconn *conn; /* while it is in a pipeline */
	struct vfolder *f;
	enum vphase phase;
	struct uidset uids, done;
	uint64_t weight;
	unsigned tries;
	bool selects; /* its EXAMINE went out with it */
};

struct vconn {
	struct vpool *pool;
	struct imap_conn *c; /* NULL: not open */
	bool ready, was_ready, logged_in, given_up; /* was_ready: ever; logged_in: this connection */
	struct loop_timer again;
	struct vfolder *selected; /* by what has been sent */
	bool select_ok;           /* by what has been answered */
	struct err select_why;
	struct vtask *first, **last; /* the pipeline, oldest first */
	unsigned ntasks;
	uint64_t weight;
	/* the message that is coming */
	struct ident_reader *quick, *full, *reader;
	struct ident id;
	bool has_body;
};

struct vpool {
	struct verify *vf;
	enum match_side side;
	const struct endpoint *ep;
	struct vconn *conn;
	unsigned nconn;
	struct vtask *first, **last; /* waiting */
	unsigned losses, breaks, throttled, refusals; /* since the last message that came */
	unsigned careful; /* tasks still to be sent one at a time */
	bool many;        /* the other connections may open too */
	void (*on_ready)(void *arg, struct imap_conn *c);
	void *on_ready_arg;
};

static void open_conn(struct vconn *vc);

/* --- tasks ------------------------------------------------------------------------------------------------ */

static void task_free(struct vtask *t)
{
	uidset_free(&t->uids);
	uidset_free(&t->done);
	free(t);
}

static void enqueue(struct vpool *p, struct vtask *t, bool first)
{
	t->conn = NULL;
	if (first) {
		t->next = p->first;
		p->first = t;
		if (t->next == NULL)
			p->last = &t->next;
	} else {
		t->next = NULL;
		*p->last = t;
		p->last = &t->next;
	}
}

void vpool_add(struct vpool *p, struct vfolder *f, enum vphase phase, const struct uidset *uids, bool first)
{
	struct vtask *t = xcalloc(1, sizeof(*t));
	const struct vside *s = &f->side[p->side];
	uint64_t n = uidset_count(uids);

	t->pool = p;
	t->f = f;
	t->phase = phase;
	uidset_add_set(&t->uids, uids);
	t->weight = s->counted && n > s->messages ? s->messages : n;
	f->side[p->side].open++;
	enqueue(p, t, first);
}

static void task_over(struct vtask *t)
{
	struct vpool *p = t->pool;
	struct vfolder *f = t->f;

	task_free(t);
	f->side[p->side].open--;
	if (f->side[MATCH_SOURCE].open == 0 && f->side[MATCH_DEST].open == 0)
		verify_folder_step(p->vf, f);
}

/* The message that cannot be had: it still counts as there. */
static void unreadable(struct vtask *t)
{
	struct vside *s = &t->f->side[t->pool->side];

	if (t->phase == V_LIST)
		for (size_t i = 0; i < t->uids.n; i++)
			uidset_add(&s->found, t->uids.r[i].lo, t->uids.r[i].hi);
	task_over(t);
}

static void split(struct vtask *t)
{
	struct vpool *p = t->pool;
	uint64_t n = uidset_count(&t->uids);
	uint32_t mid = uidset_at(&t->uids, n / 2 - 1);
	struct uidset low = UIDSET_INIT, high = UIDSET_INIT;

	uidset_add_set(&low, &t->uids);
	uidset_add_set(&high, &t->uids);
	uidset_clip(&low, 1, mid);
	uidset_clip(&high, mid + 1, UINT32_MAX);
	vpool_add(p, t->f, t->phase, &high, true);
	vpool_add(p, t->f, t->phase, &low, true);
	uidset_free(&low);
	uidset_free(&high);
	task_over(t);
}

/* The task was refused or its connection broke while it was at work. Keeps what has been read. */
static void task_again(struct vtask *t, bool refused)
{
	uidset_sub(&t->uids, &t->done);
	uidset_clear(&t->done);
	if (uidset_count(&t->uids) == 0) {
		task_over(t);
		return;
	}
	t->tries++;
	if (uidset_count(&t->uids) == 1 && t->tries > (refused ? TRIES_ALONE : TRIES_TASK))
		unreadable(t);
	else if (uidset_count(&t->uids) > 1 && (refused || t->tries >= TRIES_TASK))
		split(t);
	else
		enqueue(t->pool, t, true);
}

/* --- what comes in ---------------------------------------------------------------------------------------- */

static void body_begin(void *arg, const struct imap_fetch *fetch, const char *section, uint64_t size)
{
	struct vconn *vc = ((struct vtask *)arg)->conn;
	bool full = ((struct vtask *)arg)->phase >= V_BODIES;

	(void)fetch;
	(void)section;
	(void)size;
	vc->reader = full ? vc->full : vc->quick;
	vc->has_body = false;
	ident_reader_reset(vc->reader);
}

static void body_data(void *arg, const void *p, size_t n)
{
	struct vconn *vc = ((struct vtask *)arg)->conn;

	vc->pool->vf->bytes_read += n;
	ident_reader_feed(vc->reader, p, n);
}

static void body_end(void *arg)
{
	struct vconn *vc = ((struct vtask *)arg)->conn;

	ident_reader_end(vc->reader, &vc->id);
	vc->has_body = true;
}

static enum verify_when when_of(const struct verify *vf, const struct vfolder *f, uint32_t uid, int32_t day,
	uint64_t size)
{
	if ((vf->since != 0 && day < vf->since) || (vf->before != 0 && day >= vf->before) ||
		(vf->app->opts.max_size != 0 && size > vf->app->opts.max_size))
		return V_EXCLUDED;
	if (vf->baseline != NULL && (!f->has_baseline || uid >= f->base_uidnext))
		return V_LATE;
	return V_EXPECTED;
}

static struct vmsg *add_msg(struct vside *s)
{
	if (s->n == s->cap) {
		/* STATUS says how many to expect, but a server's word never makes us take memory at once */
		s->cap += s->cap / 2 + 64;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	return &s->v[s->n++];
}

static void record_listed(struct vtask *t, const struct imap_fetch *f)
{
	struct verify *vf = t->pool->vf;
	struct vconn *vc = t->conn;
	struct vside *s = &t->f->side[t->pool->side];
	struct vmsg *m = add_msg(s);
	uint64_t size = vf->deep ? vc->id.size : f->size;
	int64_t date = 0;
	int32_t day = 0;
	bool dated = f->has_date && imap_date_parse(f->date, &date) && imap_date_as_written(f->date, &day);

	*m = (struct vmsg){.uid = f->uid, .size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX, .rung = V_NONE,
		.date_hi = (uint32_t)((uint64_t)date >> 32), .date_lo = (uint32_t)date,
		.flags = f->has_flags ? flagset_of(vf->flags, f->flags) : 0, .no_date = !dated};
	if (t->pool->side == MATCH_SOURCE)
		m->when = (uint8_t)when_of(vf, t->f, f->uid, day, size);
	if (!vf->deep) {
		ident_summary_key(&vc->id, size, &m->key);
	} else {
		m->key = vc->id.key[IDENT_EXACT];
		if (!vc->id.canonical_same) {
			if (s->nalt == s->cap_alt) {
				s->cap_alt += s->cap_alt / 2 + 64;
				s->alt = xreallocarray(s->alt, s->cap_alt, sizeof(*s->alt));
			}
			s->alt[s->nalt++] = (struct valt){.uid = f->uid, .key = vc->id.key[IDENT_CANONICAL]};
		}
	}
	if (t->pool->side == MATCH_SOURCE)
		vf->messages_done++;
}

static void record_body(struct vtask *t, uint32_t uid)
{
	struct vside *s = &t->f->side[t->pool->side];
	struct vdeep *d;

	if (s->ndeep == s->cap_deep) {
		s->cap_deep += s->cap_deep / 2 + 64;
		s->deep = xreallocarray(s->deep, s->cap_deep, sizeof(*s->deep));
	}
	d = &s->deep[s->ndeep++];
	d->uid = uid;
	d->have = t->conn->id.have;
	memcpy(d->key, t->conn->id.key, sizeof(d->key));
}

/* Whose message is it? A server may work on several commands at a time: what it sends is no answer to the oldest
 * one, only to one that asked for that UID. NULL: nobody's, or had already. */
static struct vtask *asked_for(const struct vconn *vc, const struct vtask *oldest, uint32_t uid)
{
	for (struct vtask *t = vc->first; t != NULL; t = t->next)
		if (t->f == oldest->f && t->phase == oldest->phase && uidset_has(&t->uids, uid))
			return uidset_has(&t->done, uid) ? NULL : t;
	return NULL;
}

/* A FETCH response is complete: its body, if it has one, went through the callbacks above. */
static void on_fetch(void *arg, const struct imap_resp *r)
{
	struct vtask *t = arg;
	struct vconn *vc = t->conn;
	const struct imap_fetch *f = &r->fetch;
	bool has_body = vc->has_body;

	if (r->kind != IMAP_FETCH)
		return;
	vc->has_body = false;
	/* Without a body it is news of flags that nobody asked for. */
	if (!has_body || f->uid == 0 || (t = asked_for(vc, t, f->uid)) == NULL)
		return;
	if (t->phase < V_BODIES && !f->has_size && !t->pool->vf->deep)
		return;
	uidset_add(&t->done, f->uid, f->uid);
	t->pool->losses = t->pool->breaks = t->pool->throttled = t->pool->refusals = 0;
	t->pool->vf->moved = true;
	if (t->phase == V_LIST || t->phase == V_RECHECK)
		record_listed(t, f);
	else if (t->phase == V_BODIES)
		record_body(t, f->uid);
	else
		verify_name_message(t->pool->vf, t->f, f->uid, vc->full);
}

static void on_search(void *arg, const struct imap_resp *r)
{
	struct vtask *t = arg;

	if (r->kind == IMAP_SEARCH || r->kind == IMAP_ESEARCH)
		uidset_add_set(&t->f->side[t->pool->side].found, &r->uids);
}

/* --- what is sent ----------------------------------------------------------------------------------------- */

static void on_select(void *arg, const struct imap_resp *r)
{
	struct vtask *t = arg;
	struct vside *s = &t->f->side[t->pool->side];
	uint64_t n;

	if (!imap_resp_code_number(r, "UIDVALIDITY", &n))
		return;
	if (s->uidvalidity == 0)
		s->uidvalidity = (uint32_t)n;
	if (s->uidvalidity != n)
		verify_side_failed(t->pool->vf, t->f, t->pool->side,
			err_new(ERR_SOURCE_CHANGED, "%s: UIDVALIDITY changed from %u to %llu while it was verified",
				t->f->display, s->uidvalidity, (unsigned long long)n));
}

static void select_done(void *arg, const struct imap_result *res)
{
	struct vtask *t = arg;

	if (res->lost)
		return;
	t->conn->select_ok = res->kind == IMAP_OK;
	if (res->err != NULL)
		t->conn->select_why = *res->err;
}

static void remove_task(struct vtask *t)
{
	struct vconn *vc = t->conn;

	for (struct vtask **p = &vc->first; *p != NULL; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			if (vc->last == &t->next)
				vc->last = p;
			break;
		}
	vc->ntasks--;
	vc->weight -= t->weight;
}

static void throttle(struct vconn *vc, const struct imap_result *res)
{
	struct vpool *p = vc->pool;
	int64_t ms = quirk_backoff_ms(res->err->msg, THROTTLE_MS << (p->throttled < 4 ? p->throttled : 4));

	p->throttled++;
	vc->ready = false;
	loop_arm(p->vf->app->loop, &vc->again, ms);
	event(p->vf->app->events, "wait", json_pack("{ss sf}", "code", err_code(res->err), "seconds", (double)ms / 1000));
}

/* Its FETCH or SEARCH got NO or BAD. */
static void task_refused(struct vtask *t, const struct imap_result *res)
{
	struct vpool *p = t->pool;

	log_debug("%s: %s: %s", p->ep->label, t->f->display, res->err != NULL ? res->err->msg : "refused");
	if (t->phase != V_CHECK && t->phase != V_GONE && ++p->refusals <= REFUSALS_MAX) {
		task_again(t, true);
		return;
	}
	p->refusals = 0;
	verify_side_failed(p->vf, t->f, p->side, res->err);
	task_over(t);
}

/* A server that dies may take answers with it that it had not sent yet: only a task that was alone in its pipeline
 * is suspect. From here on tasks go alone, until it looks well again. */
static void task_lost(struct vtask *t, bool alone)
{
	t->pool->careful = CAREFUL_TASKS;
	if (alone)
		task_again(t, false);
	else
		enqueue(t->pool, t, true);
}

static void task_done(void *arg, const struct imap_result *res)
{
	struct vtask *t = arg;
	struct vconn *vc = t->conn;
	struct vpool *p = t->pool;
	bool alone = vc->ntasks == 1 && vc->ready;

	remove_task(t);
	vc->has_body = false;
	if (res->lost)
		vc->ready = false;
	if (t->f->side[p->side].failed) {
		task_over(t);
	} else if (res->lost) {
		task_lost(t, alone);
	} else if (!vc->select_ok) {
		verify_side_failed(p->vf, t->f, p->side, &vc->select_why);
		task_over(t);
	} else if (res->kind == IMAP_OK) {
		p->careful -= p->careful > 0;
		task_over(t);
	} else if (res->err != NULL && res->err->id == ERR_THROTTLED) {
		throttle(vc, res);
		enqueue(p, t, true);
	} else {
		task_refused(t, res);
	}
	if (vc->ready)
		vpool_pump(p);
}

static const char *items(const struct vtask *t)
{
	switch (t->phase) {
	case V_BODIES:
		return "UID BODY.PEEK[]";
	case V_NAMES:
		return "UID BODY.PEEK[HEADER]";
	default:
		return t->pool->vf->deep ? "UID FLAGS INTERNALDATE BODY.PEEK[]"
					 : "UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER]";
	}
}

static void send_select(struct vconn *vc, struct vtask *t)
{
	static const struct imap_handler h = {.untagged = on_select, .done = select_done};
	const char *raw = t->f->side[vc->pool->side].raw;

	imap_begin(vc->c, &h, t);
	imap_text(vc->c, "EXAMINE ");
	imap_mailbox(vc->c, raw, strlen(raw));
	imap_end(vc->c);
	vc->selected = t->f;
}

/* The UIDs as one command; those that do not fit are a task of their own. */
static void send_task(struct vconn *vc, struct vtask *t)
{
	static const struct imap_handler fetch = {.untagged = on_fetch, .body = {body_begin, body_data, body_end},
		.done = task_done};
	static const struct imap_handler search = {.untagged = on_search, .done = task_done};
	struct buf text = BUF_INIT;
	struct uidset rest = UIDSET_INIT;
	size_t at = 0;

	uidset_format(&t->uids, &at, SET_TEXT_MAX, &text);
	for (size_t i = at; i < t->uids.n; i++)
		uidset_add(&rest, t->uids.r[i].lo, t->uids.r[i].hi);
	if (rest.n > 0) {
		vpool_add(vc->pool, t->f, t->phase, &rest, true);
		uidset_sub(&t->uids, &rest);
	}
	if (vc->selected != t->f)
		send_select(vc, t);
	if (t->phase == V_CHECK || t->phase == V_GONE)
		imap_command(vc->c, &search, t, "UID SEARCH UID %s", text.ptr);
	else
		imap_command(vc->c, &fetch, t, "UID FETCH %s (%s)", text.ptr, items(t));
	uidset_free(&rest);
	buf_free(&text);
}

static void start_task(struct vconn *vc)
{
	struct vpool *p = vc->pool;
	struct vtask *t = p->first;

	p->first = t->next;
	if (p->first == NULL)
		p->last = &p->first;
	t->next = NULL;
	t->conn = vc;
	*vc->last = t;
	vc->last = &t->next;
	vc->ntasks++;
	vc->weight += t->weight;
	send_task(vc, t);
}

static struct vconn *least_busy(struct vpool *p)
{
	struct vconn *best = NULL;

	for (unsigned i = 0; i < p->nconn; i++) {
		struct vconn *vc = &p->conn[i];

		if (!vc->ready || vc->ntasks >= (p->careful > 0 ? 1 : PIPELINE_TASKS) || (vc->ntasks > 1 && vc->weight > PIPELINE_MESSAGES))
			continue;
		if (best == NULL || vc->weight < best->weight)
			best = vc;
	}
	return best;
}

void vpool_pump(struct vpool *p)
{
	struct vconn *vc;

	if (p->vf->over)
		return;
	while (p->first != NULL) {
		if (p->first->f->side[p->side].failed) {
			struct vtask *t = p->first;

			p->first = t->next;
			if (p->first == NULL)
				p->last = &p->first;
			task_over(t);
			continue;
		}
		vc = least_busy(p);
		if (vc == NULL)
			break;
		start_task(vc);
	}
	if (p->first != NULL && p->many) /* there is work for more than one */
		for (unsigned i = 1; i < p->nconn; i++)
			open_conn(&p->conn[i]);
}

/* --- connections ------------------------------------------------------------------------------------------ */

static void on_conn_ready(void *arg)
{
	struct vconn *vc = arg;
	struct vpool *p = vc->pool;

	vc->ready = vc->was_ready = vc->logged_in = true;
	if (p->on_ready != NULL) /* again, when the line broke during the survey */
		p->on_ready(p->on_ready_arg, vc->c);
	vpool_pump(p);
}

void vpool_surveyed(struct vpool *p)
{
	p->on_ready = NULL;
	p->many = true;
}

/* Is there another connection on this side that can do the work? */
static bool others_live(const struct vconn *vc)
{
	const struct vpool *p = vc->pool;

	for (unsigned i = 0; i < p->nconn; i++)
		if (&p->conn[i] != vc && p->conn[i].ready)
			return true;
	return false;
}

static void on_conn_closed(void *arg, const struct err *e)
{
	struct vconn *vc = arg;
	struct vpool *p = vc->pool;
	struct err why = e != NULL ? *e : *err_new(ERR_LINE_LOST, "%s: closed", p->ep->label);
	const struct err_row *row = err_row(why.id);
	bool logged_in = vc->logged_in;
	int64_t ms;

	imap_close(vc->c);
	vc->c = NULL;
	vc->ready = vc->logged_in = false;
	vc->selected = NULL;
	if (!vc->was_ready && others_live(vc)) { /* a server that allows fewer connections */
		vc->given_up = true;
		vpool_pump(p);
		return;
	}
	p->losses = logged_in ? 0 : p->losses + 1;
	p->breaks += logged_in;
	if (row->retry == RETRY_NEVER || p->losses > LOSSES_MAX || p->breaks > BREAKS_MAX ||
		(p->on_ready != NULL && (!vc->was_ready || p->breaks >= SURVEY_TRIES))) {
		verify_fail(p->vf, &why);
		return;
	}
	ms = (int64_t)BACKOFF_FIRST_MS << (p->losses + p->breaks / 8);
	if (p->breaks <= 2 && p->losses == 0)
		ms = 0;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	event(p->vf->app->events, "reconnect", json_pack("{ss ss ss si}", "side", p->ep->side, "code", err_code(&why),
		"message", why.msg, "attempt", (int)(p->losses + p->breaks)));
	loop_arm(p->vf->app->loop, &vc->again, ms);
	vpool_pump(p);
}

static void open_conn(struct vconn *vc)
{
	static const struct imap_conn_events ev = {.ready = on_conn_ready, .closed = on_conn_closed};

	if (vc->c != NULL || vc->given_up || vc->again.armed)
		return;
	vc->selected = NULL;
	vc->c = imap_open(vc->pool->vf->app->loop, vc->pool->ep, &ev, vc);
}

/* After a loss: connect again. After throttling: the same connection goes on. */
static void on_again(void *arg)
{
	struct vconn *vc = arg;

	if (vc->c == NULL) {
		open_conn(vc);
	} else {
		vc->ready = imap_ready(vc->c);
		vpool_pump(vc->pool);
	}
}

struct vpool *vpool_new(struct verify *vf, enum match_side side, const struct endpoint *ep, unsigned connections)
{
	struct vpool *p = xcalloc(1, sizeof(*p));
	unsigned want = IDENT_WANT_EXACT | (vf->deep ? IDENT_WANT_CANONICAL : 0);

	p->vf = vf;
	p->side = side;
	p->ep = ep;
	p->nconn = connections;
	p->conn = xcalloc(connections, sizeof(*p->conn));
	p->last = &p->first;
	for (unsigned i = 0; i < connections; i++) {
		struct vconn *vc = &p->conn[i];

		vc->pool = p;
		vc->last = &vc->first;
		vc->again.fn = on_again;
		vc->again.arg = vc;
		vc->quick = ident_reader_new(want, NULL);
		vc->full = ident_reader_new(IDENT_WANT_ALL, NULL);
	}
	return p;
}

void vpool_open(struct vpool *p, void (*ready)(void *arg, struct imap_conn *c), void *arg)
{
	p->on_ready = ready;
	p->on_ready_arg = arg;
	open_conn(&p->conn[0]);
}

void vpool_free(struct vpool *p)
{
	struct vtask *t;

	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->nconn; i++) {
		struct vconn *vc = &p->conn[i];

		loop_disarm(p->vf->app->loop, &vc->again);
		if (vc->c != NULL)
			imap_close(vc->c);
		while ((t = vc->first) != NULL) {
			vc->first = t->next;
			task_free(t);
		}
		ident_reader_free(vc->quick);
		ident_reader_free(vc->full);
	}
	while ((t = p->first) != NULL) {
		p->first = t->next;
		task_free(t);
	}
	free(p->conn);
	free(p);
}
