/*
 * A running tool: its own session and process group, output and events read on the loop, TERM then KILL of the
 * whole group, and nothing of it left when its end is reported: the worker is the subreaper of what its tools
 * leave behind. The kernel kills a tool whose worker dies (PR_SET_PDEATHSIG).
 */
#ifndef WORKER_CHILD_H
#define WORKER_CHILD_H

#include <sys/types.h>

#include "err.h"
#include "loop.h"
#include "spawn.h"

struct child;

struct child_events {
	void (*output)(void *arg, const char *p, size_t n); /* standard output and error, as they come */
	void (*event)(void *arg, const char *p, size_t n);  /* bytes of the events pipe */
	void (*ended)(void *arg, int status);               /* as of waitpid; last call, the child is freed after it */
};

/* Once a process, before the first child: makes it the subreaper of its descendants. */
const struct err *child_init(void);

/* Starts it. The spawn stays the caller's (its descriptors are used up). */
const struct err *child_start(struct child **out, struct loop *l, struct spawn *s, const struct child_events *ev,
	void *arg);
pid_t child_pid(const struct child *c);
/* TERM to the group now, KILL after grace_ms (0: KILL now). May be called again with less. */
void child_stop(struct child *c, int64_t grace_ms);

/* KILL, and no callback any more. */
void child_abandon(struct child *c);

/* For SIGCHLD: reaps whatever has ended. */
void child_reap(void);

/* Kills what a dead worker's tool has left: every process of session `sid` that is ours. */
void child_kill_session(pid_t sid);

#endif
