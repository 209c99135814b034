/*
 * The worker's one event loop: file descriptors (epoll), timers (one timerfd), signals (one signalfd).
 * Everything runs in one thread, and no callback may block on the network or on a child. A watch or a timer
 * may be ended from inside any callback, its own included.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct loop;
struct watch;
struct timer;

/* `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as epoll gives them. */
typedef void loop_fd_fn(void *arg, uint32_t events);
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

const struct err *loop_new(struct loop **out);
void loop_free(struct loop *l); /* NULL is fine; ends every watch and timer */

/* Runs callbacks until loop_stop. */
const struct err *loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Blocks these signals for the process and hands them to fn; once a loop. Children must unblock them. */
const struct err *loop_signals(struct loop *l, const int *signals, int n, loop_signal_fn *fn, void *arg);

/* The descriptor stays the caller's: end the watch before closing it. */
const struct err *loop_watch(struct loop *l, struct watch **out, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
const struct err *loop_rewatch(struct watch *w, uint32_t events);
void loop_unwatch(struct watch *w); /* NULL is fine */

/* A timer is idle until it is set; setting it again moves it. It fires once. */
struct timer *timer_new(struct loop *l, loop_timer_fn *fn, void *arg);
void timer_set(struct timer *t, int64_t ms);   /* from now, 0: as soon as possible */
void timer_within(struct timer *t, int64_t ms); /* like timer_set, but never later than it is set already */
void timer_stop(struct timer *t);
bool timer_is_set(const struct timer *t);
void timer_free(struct timer *t); /* NULL is fine */

#endif
