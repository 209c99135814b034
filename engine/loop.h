/*
 * The event loop: poll(2), a few descriptors, a few timers, one thread. Callbacks run only inside
 * loop_run; they may watch, unwatch, arm and disarm anything, also themselves.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct loop;

#define LOOP_READ 1u
#define LOOP_WRITE 2u
#define LOOP_KICK 4u /* loop_kick was called */

typedef void loop_fd_fn(void *arg, unsigned events);
typedef void loop_timer_fn(void *arg);

/* Embedded in its owner; zero it before first use. Only fn and arg are the owner's. */
struct loop_watch {
	int fd;
	unsigned want;
	bool active, kicked;
	loop_fd_fn *fn;
	void *arg;
};

struct loop_timer {
	int64_t at; /* clock_mono_ms */
	bool armed;
	loop_timer_fn *fn;
	void *arg;
};

struct loop *loop_new(void);
void loop_free(struct loop *l); /* what is still watched is forgotten, not closed */

void loop_watch(struct loop *l, struct loop_watch *w, int fd, unsigned want);
void loop_unwatch(struct loop *l, struct loop_watch *w); /* fine when not watched */
void loop_kick(struct loop *l, struct loop_watch *w);    /* calls it with LOOP_KICK before the next poll */

void loop_arm(struct loop *l, struct loop_timer *t, int64_t in_ms); /* again: moves it */
void loop_disarm(struct loop *l, struct loop_timer *t);

/* Runs until *stop is true or nothing is left to wait for. */
void loop_run(struct loop *l, const bool *stop);

/* SIGTERM, SIGINT: caught only while the loop waits; fn runs as an ordinary callback. Once a process. */
void loop_catch_signals(struct loop *l, loop_timer_fn *fn, void *arg);

#endif
