#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#include "banned.h"

#define BATCH 64

struct watch {
	struct loop *loop;
	struct watch *next;
	loop_fd_fn *fn;
	void *arg;
	int fd;
	bool dead; /* ended inside this turn: freed when the turn is over */
};

struct timer {
	struct loop *loop;
	struct timer *next;
	loop_timer_fn *fn;
	void *arg;
	int64_t due; /* monotonic ms; -1: idle */
	bool dead;
};

struct loop {
	int epoll, timerfd, signalfd;
	struct watch *watches, *timer_watch, *signal_watch;
	struct timer *timers;
	loop_signal_fn *signal_fn;
	void *signal_arg;
	int64_t armed; /* what the timerfd is set to, -1: nothing */
	bool stop;
};

static void timers_ready(void *arg, uint32_t events)
{
	struct loop *l = arg;
	uint64_t n;

	(void)events;
	if (read(l->timerfd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		abort(); /* the descriptor is ours: this cannot fail otherwise */
	l->armed = -1;
}

const struct err *loop_new(struct loop **out)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	const struct err *e = NULL;

	l->signalfd = -1;
	l->armed = -1;
	l->timerfd = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		e = err_errno("epoll_create1");
	if (e == NULL && (l->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0)
		e = err_errno("timerfd_create");
	if (e == NULL)
		e = loop_watch(l, &l->timer_watch, l->timerfd, EPOLLIN, timers_ready, l);
	if (e != NULL)
		loop_free(l);
	else
		*out = l;
	return e;
}

/* Frees what ended while callbacks ran. */
static void sweep(struct loop *l)
{
	for (struct watch **p = &l->watches; *p != NULL;) {
		struct watch *w = *p;

		if (w->dead) {
			*p = w->next;
			free(w);
		} else {
			p = &w->next;
		}
	}
	for (struct timer **p = &l->timers; *p != NULL;) {
		struct timer *t = *p;

		if (t->dead) {
			*p = t->next;
			free(t);
		} else {
			p = &t->next;
		}
	}
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (struct watch *w = l->watches; w != NULL; w = w->next)
		w->dead = true;
	for (struct timer *t = l->timers; t != NULL; t = t->next)
		t->dead = true;
	sweep(l);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->timerfd >= 0)
		close(l->timerfd);
	if (l->signalfd >= 0)
		close(l->signalfd);
	free(l);
}

/* Due timers run; the timerfd is set to the earliest of the others. */
static const struct err *run_timers(struct loop *l)
{
	int64_t now = clock_mono_ms(), first = -1;
	struct itimerspec when = {0};

	for (struct timer *t = l->timers; t != NULL; t = t->next)
		if (!t->dead && t->due >= 0 && t->due <= now) {
			t->due = -1;
			t->fn(t->arg);
		}
	for (struct timer *t = l->timers; t != NULL; t = t->next)
		if (!t->dead && t->due >= 0 && (first < 0 || t->due < first))
			first = t->due;
	if (first == l->armed)
		return NULL;
	l->armed = first;
	if (first >= 0) {
		/* nought would disarm it; the past fires at once */
		when.it_value.tv_sec = first / 1000;
		when.it_value.tv_nsec = first % 1000 * 1000000 + 1;
	}
	if (timerfd_settime(l->timerfd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
		return err_errno("timerfd_settime");
	return NULL;
}

const struct err *loop_run(struct loop *l)
{
	struct epoll_event ev[BATCH];

	l->stop = false;
	while (!l->stop) {
		const struct err *e = run_timers(l);
		int n;

		sweep(l);
		if (e != NULL)
			return e;
		if (l->stop)
			break;
		n = epoll_wait(l->epoll, ev, BATCH, -1);
		if (n < 0 && errno != EINTR)
			return err_errno("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct watch *w = ev[i].data.ptr;

			if (!w->dead)
				w->fn(w->arg, ev[i].events);
		}
		sweep(l);
	}
	return NULL;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

static void signals_ready(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(l->signalfd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		l->signal_fn(l->signal_arg, (int)info.ssi_signo);
}

const struct err *loop_signals(struct loop *l, const int *signals, int n, loop_signal_fn *fn, void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < n; i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_errno("sigprocmask");
	l->signalfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signalfd < 0)
		return err_errno("signalfd");
	l->signal_fn = fn;
	l->signal_arg = arg;
	return loop_watch(l, &l->signal_watch, l->signalfd, EPOLLIN, signals_ready, l);
}

const struct err *loop_watch(struct loop *l, struct watch **out, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	struct epoll_event ev = {.events = events, .data.ptr = w};

	*w = (struct watch){.loop = l, .fn = fn, .arg = arg, .fd = fd};
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		free(w);
		return err_errno("epoll_ctl");
	}
	w->next = l->watches;
	l->watches = w;
	*out = w;
	return NULL;
}

const struct err *loop_rewatch(struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (epoll_ctl(w->loop->epoll, EPOLL_CTL_MOD, w->fd, &ev) != 0)
		return err_errno("epoll_ctl");
	return NULL;
}

void loop_unwatch(struct watch *w)
{
	if (w == NULL || w->dead)
		return;
	epoll_ctl(w->loop->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->dead = true;
}

struct timer *timer_new(struct loop *l, loop_timer_fn *fn, void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	*t = (struct timer){.loop = l, .next = l->timers, .fn = fn, .arg = arg, .due = -1};
	l->timers = t;
	return t;
}

void timer_set(struct timer *t, int64_t ms)
{
	t->due = clock_mono_ms() + (ms > 0 ? ms : 0);
}

void timer_within(struct timer *t, int64_t ms)
{
	int64_t due = clock_mono_ms() + (ms > 0 ? ms : 0);

	if (t->due < 0 || t->due > due)
		t->due = due;
}

void timer_stop(struct timer *t)
{
	t->due = -1;
}

bool timer_is_set(const struct timer *t)
{
	return t->due >= 0;
}

void timer_free(struct timer *t)
{
	if (t != NULL)
		t->dead = true;
}
