/* A task of the verifier: the command that it becomes, and what becomes of it when that is refused or lost. */
#include <stdlib.h>
#include <string.h>

#include "imap_quirk.h"
#include "log.h"
#include "mem.h"
#include "verify_pool.h"

#include "banned.h"

enum {
	SET_TEXT_MAX = 8000,      /* bytes of UIDs in a command */
	TRIES_ALONE = 2,          /* for a single message */
	TRIES_TASK = 2,           /* lost connections with this task alone, before it is halved */
	REFUSALS_MAX = 1000,      /* refused FETCHes in a row: the folder cannot be read */
	CAREFUL_TASKS = 64,       /* after a break, so many tasks go alone */
	THROTTLE_MS = 10000,
};

void vtask_free(struct vtask *t)
{
	uidset_free(&t->uids);
	uidset_free(&t->done);
	free(t);
}

void vtask_enqueue(struct vpool *p, struct vtask *t, bool first)
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
	vtask_enqueue(p, t, first);
}

void vtask_over(struct vtask *t)
{
	struct vpool *p = t->pool;
	struct vfolder *f = t->f;

	vtask_free(t);
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
	vtask_over(t);
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
	vtask_over(t);
}

/* The task was refused or its connection broke while it was at work. Keeps what has been read. */
static void task_again(struct vtask *t, bool refused)
{
	uidset_sub(&t->uids, &t->done);
	uidset_clear(&t->done);
	if (uidset_count(&t->uids) == 0) {
		vtask_over(t);
		return;
	}
	t->tries++;
	if (uidset_count(&t->uids) == 1 && t->tries > (refused ? TRIES_ALONE : TRIES_TASK))
		unreadable(t);
	else if (uidset_count(&t->uids) > 1 && (refused || t->tries >= TRIES_TASK))
		split(t);
	else
		vtask_enqueue(t->pool, t, true);
}


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
	vtask_over(t);
}

/* A server that dies may take answers with it that it had not sent yet: only a task that was alone in its pipeline
 * is suspect. From here on tasks go alone, until it looks well again. */
static void task_lost(struct vtask *t, bool alone)
{
	t->pool->careful = CAREFUL_TASKS;
	if (alone)
		task_again(t, false);
	else
		vtask_enqueue(t->pool, t, true);
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
		vtask_over(t);
	} else if (res->lost) {
		task_lost(t, alone);
	} else if (!vc->select_ok) {
		verify_side_failed(p->vf, t->f, p->side, &vc->select_why);
		vtask_over(t);
	} else if (res->kind == IMAP_OK) {
		p->careful -= p->careful > 0;
		vtask_over(t);
	} else if (res->err != NULL && res->err->id == ERR_THROTTLED) {
		throttle(vc, res);
		vtask_enqueue(p, t, true);
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
void vtask_send(struct vconn *vc, struct vtask *t)
{
	static const struct imap_handler fetch = {.untagged = vrecord_fetch, .body = {vrecord_begin, vrecord_data, vrecord_end},
		.done = task_done};
	static const struct imap_handler search = {.untagged = vrecord_search, .done = task_done};
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
