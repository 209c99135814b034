#include "tail.h"

#include <stdlib.h>

#include "log.h"
#include "mem.h"
#include "piece.h"

#include "banned.h"

#define LOOK_MS 2000
#define AWAY_MS 30000

struct tail {
	struct api *api;
	struct timer *timer;
	struct http_call *call;
	struct piece next;
	char *path, *name;
};

static void answered(void *arg, const struct api_answer *a)
{
	struct tail *t = arg;
	int64_t end = piece_end(a);

	t->call = NULL;
	if (a->away) {
		timer_set(t->timer, AWAY_MS);
	} else if (piece_stale(a) || end < 0) {
		/* the heartbeat hears of an attempt that is over; anything else the delivery meets again, and tells */
		if (!piece_stale(a))
			log_warn("run %lld: its log is not taken while it runs: %s", (long long)t->next.run,
				a->e != NULL ? a->e->msg : "no offset in the answer");
	} else {
		t->next.offset = end;
		timer_set(t->timer, LOOK_MS);
	}
}

static void look(void *arg)
{
	struct tail *t = arg;

	t->call = piece_send(t->api, &t->next, answered, t);
	if (t->call == NULL)
		timer_set(t->timer, LOOK_MS);
}

struct tail *tail_start(struct loop *l, struct api *a, int64_t run, int64_t attempt, const char *dir)
{
	struct tail *t = xcalloc(1, sizeof(*t));

	t->api = a;
	t->path = xasprintf("%s/log", dir);
	t->name = piece_name(attempt, "log");
	t->next = (struct piece){.run = run, .attempt = attempt, .path = t->path, .name = t->name};
	t->timer = timer_new(l, look, t);
	timer_set(t->timer, LOOK_MS);
	return t;
}

void tail_stop(struct tail *t)
{
	if (t == NULL)
		return;
	api_cancel(t->call);
	timer_free(t->timer);
	free(t->path);
	free(t->name);
	free(t);
}
