/*
 * The worker as a whole: watches the spool, gives slots to run files, keeps the list of runs, reports once a
 * heartbeat, and ends in good order.
 */
#ifndef WORKER_SUPERVISOR_H
#define WORKER_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "loop.h"
#include "spool.h"
#include "unseal.h"

struct run;

struct supervisor {
	struct loop *loop;
	const struct conf *conf;
	struct spool *spool;
	struct api *api;
	struct hosts *hosts;
	const struct keyring *keys;
	struct run *runs; /* changed only by run.c */
	bool stopping;
	struct scanner *scanner;
	struct heartbeat *heartbeat;
	struct retention *retention;
	struct timer *tick;
	void (*stopped)(void *arg); /* the last run has let go */
	void *arg;
};

/* The members up to keys, stopped and arg are set by the caller and stay his. */
const struct err *supervisor_start(struct supervisor *s);
/* Stops tools, keeps what must be taken up again, calls `stopped`. */
void supervisor_stop(struct supervisor *s);
void supervisor_end(struct supervisor *s); /* frees what supervisor_start made */

/* --- for run.c --- */
bool supervisor_slot_free(const struct supervisor *s);
void supervisor_freed(struct supervisor *s);    /* a slot or a host's connections are free, or a run is gone */
void supervisor_reported(struct supervisor *s); /* something new to report: do not wait for the next heartbeat */
void supervisor_api_back(struct supervisor *s); /* a call succeeded after others had failed */

#endif
