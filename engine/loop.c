#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

#include "banned.h"

struct loop {
	struct loop_watch **w; /* holes (NULL) while dispatching, closed afterwards */
	struct pollfd *p;
	size_t n, cap;
	struct loop_timer **t;
	size_t nt, tcap;
	loop_timer_fn *signal_fn;
	void *signal_arg;
	sigset_t wait_mask;
	bool kicked;
};

static volatile sig_atomic_t signalled;

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	sigprocmask(SIG_SETMASK, NULL, &l->wait_mask);
	return l;
}

void loop_watch(struct loop *l, struct loop_watch *w, int fd, unsigned want)
{
	w->fd = fd;
	w->want = want;
	if (w->active)
		return;
	w->active = true;
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 8;
		l->w = xreallocarray(l->w, l->cap, sizeof(struct loop_watch *));
		l->p = xreallocarray(l->p, l->cap, sizeof(*l->p));
	}
	l->p[l->n].revents = 0; /* added while dispatching: not ready yet */
	l->w[l->n++] = w;
}

void loop_unwatch(struct loop *l, struct loop_watch *w)
{
	if (!w->active)
		return;
	w->active = w->kicked = false;
	for (size_t i = 0; i < l->n; i++)
		if (l->w[i] == w)
			l->w[i] = NULL;
}

void loop_kick(struct loop *l, struct loop_watch *w)
{
	if (!w->active)
		return;
	w->kicked = true;
	l->kicked = true;
}

void loop_arm(struct loop *l, struct loop_timer *t, int64_t in_ms)
{
	t->at = clock_mono_ms() + in_ms;
	if (t->armed)
		return;
	t->armed = true;
	if (l->nt == l->tcap) {
		l->tcap = l->tcap * 2 + 8;
		l->t = xreallocarray(l->t, l->tcap, sizeof(struct loop_timer *));
	}
	l->t[l->nt++] = t;
}

void loop_disarm(struct loop *l, struct loop_timer *t)
{
	if (!t->armed)
		return;
	t->armed = false;
	for (size_t i = 0; i < l->nt; i++)
		if (l->t[i] == t)
			l->t[i] = l->t[--l->nt];
}

/* The earliest timer that is due at `now`, or NULL; *next: milliseconds to the earliest, -1 without one. */
static struct loop_timer *due(struct loop *l, int64_t now, int *next)
{
	struct loop_timer *first = NULL;

	for (size_t i = 0; i < l->nt; i++)
		if (first == NULL || l->t[i]->at < first->at)
			first = l->t[i];
	*next = -1;
	if (first == NULL)
		return NULL;
	if (first->at <= now)
		return first;
	*next = first->at - now > 60000 ? 60000 : (int)(first->at - now);
	return NULL;
}

static void run_timers(struct loop *l, int *wait)
{
	int64_t now = clock_mono_ms();
	struct loop_timer *t;

	/* each at most once a round: `now` stands still, and an armed-again timer lies after it */
	while ((t = due(l, now, wait)) != NULL) {
		loop_disarm(l, t);
		t->fn(t->arg);
	}
}

void loop_free(struct loop *l)
{
	int wait;

	if (l == NULL)
		return;
	run_timers(l, &wait); /* connections that were closed last are freed by one */
	free(l->w);
	free(l->p);
	free(l->t);
	free(l);
}

static void dispatch(struct loop *l)
{
	size_t n = l->n;

	for (size_t i = 0; i < n; i++) {
		struct loop_watch *w = l->w[i];
		unsigned ev = 0;
		short re = l->p[i].revents;

		if (w == NULL)
			continue;
		if (re & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
			ev |= LOOP_READ;
		if (re & (POLLOUT | POLLERR))
			ev |= LOOP_WRITE;
		ev &= w->want | (re & (POLLERR | POLLHUP | POLLNVAL) ? ~0u : 0u);
		if (w->kicked) {
			w->kicked = false;
			ev |= LOOP_KICK;
		}
		if (ev != 0)
			w->fn(w->arg, ev);
	}
}

static void close_holes(struct loop *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->w[i] != NULL)
			l->w[n++] = l->w[i];
	l->n = n;
}

static void wait_once(struct loop *l, int timeout)
{
	struct timespec ts = {timeout / 1000, (long)(timeout % 1000) * 1000000};

	for (size_t i = 0; i < l->n; i++) {
		struct loop_watch *w = l->w[i];

		l->p[i].fd = w->fd;
		l->p[i].events = (short)((w->want & LOOP_READ ? POLLIN : 0) | (w->want & LOOP_WRITE ? POLLOUT : 0));
		l->p[i].revents = 0;
		if (w->want == 0) /* poll reports POLLHUP even when nothing is asked: nobody wants to know now */
			l->p[i].fd = -1;
	}
	l->kicked = false;
	if (ppoll(l->p, l->n, timeout < 0 ? NULL : &ts, &l->wait_mask) < 0)
		for (size_t i = 0; i < l->n; i++)
			l->p[i].revents = 0;
}

void loop_run(struct loop *l, const bool *stop)
{
	while (!*stop) {
		int wait = -1;

		if (signalled && l->signal_fn != NULL) {
			signalled = 0;
			l->signal_fn(l->signal_arg);
			continue;
		}
		run_timers(l, &wait);
		if (*stop)
			break;
		close_holes(l);
		if (l->n == 0 && l->nt == 0)
			break;
		wait_once(l, l->kicked ? 0 : wait);
		dispatch(l);
		close_holes(l);
	}
}

static void on_signal(int sig)
{
	(void)sig;
	signalled = 1;
}

void loop_catch_signals(struct loop *l, loop_timer_fn *fn, void *arg)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t block;

	l->signal_fn = fn;
	l->signal_arg = arg;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &l->wait_mask);
	sigdelset(&l->wait_mask, SIGTERM);
	sigdelset(&l->wait_mask, SIGINT);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}
