/* The verifier's connections to one side: which of them gets the next task, and what happens when one breaks. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "verify_pool.h"

#include "banned.h"

enum {
	PIPELINE_TASKS = 16,
	PIPELINE_MESSAGES = 4000, /* further tasks wait while so many are asked for */
	LOSSES_MAX = 6,           /* failures to connect in a row before we give up */
	BREAKS_MAX = 100,         /* connections lost in a row, after log-in: a message may be what the server dies of */
	SURVEY_TRIES = 3,
	BACKOFF_FIRST_MS = 500,
	BACKOFF_MAX_MS = 30000,
};

static void open_conn(struct vconn *vc);

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
	vtask_send(vc, t);
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
			vtask_over(t);
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
		vc->exact = ident_reader_new(IDENT_WANT_EXACT, NULL);
		vc->canonical = ident_reader_new(IDENT_WANT_EXACT | IDENT_WANT_CANONICAL, NULL);
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
			vtask_free(t);
		}
		ident_reader_free(vc->exact);
		ident_reader_free(vc->canonical);
		ident_reader_free(vc->full);
	}
	while ((t = p->first) != NULL) {
		p->first = t->next;
		vtask_free(t);
	}
	free(p->conn);
	free(p);
}
