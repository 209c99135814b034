/*
 * A pre-forked pool: the parent supervises and touches neither requests nor the database; each child takes
 * connections from the one listening socket. A child that dies is replaced; one that dies at once is replaced
 * after a pause that grows. An optional keeper child does what must happen without requests.
 *
 * SIGTERM and SIGINT to the parent: children end after the request they are at, then the parent; what is left
 * after POOL_GRACE_SECONDS is killed. A child whose parent died gets SIGTERM from the kernel.
 */
#ifndef POOL_H
#define POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define POOL_GRACE_SECONDS 30
#define POOL_MAX 256
#define POOL_CLASSES 6 /* status classes: [2] counts 2xx … [0] counts what got no answer */

/* One a child, in a page that all share; the sum survives the children. */
struct pool_slot {
	_Atomic uint64_t answers[POOL_CLASSES];
	_Atomic uint64_t cache_hits, cache_misses; /* gate verdicts */
	_Atomic uint64_t busy_us;                  /* time spent answering */
	_Atomic int64_t busy_since_ms;             /* monotonic; 0: waiting */
} __attribute__((aligned(64)));

struct pool_page {
	_Atomic bool stopping;
	_Atomic uint64_t forks; /* children started, the first ones included */
	int processes;
	struct pool_slot slots[]; /* processes of them */
};

struct pool {
	const char *name;
	int listen_fd; /* non-blocking */
	int processes;
	/* Runs in a child until page->stopping; its result is the child's exit status. `slot` is its own. */
	int (*serve)(const struct pool *p, int slot);
	/* NULL, or the keeper: writes one byte to ready_fd when requests may be answered. */
	int (*keep)(const struct pool *p, int ready_fd);
	void *context;          /* for serve and keep */
	struct pool_page *page; /* made by pool_run */
};

/* Supervises until told to stop; returns the exit status of the program. */
int pool_run(struct pool *p);

/* In a child: whether it is time to end (the parent says so, or is gone, or SIGTERM came while waiting). */
bool pool_stopping(const struct pool *p);
/* In a child: waits, at most until SIGTERM. */
void pool_pause(int64_t ms);

#endif
