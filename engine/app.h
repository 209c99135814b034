/* What every command gets: options, loop, events, and whether it was told to stop. */
#ifndef APP_H
#define APP_H

#include "event.h"
#include "loop.h"
#include "opts.h"

struct app {
	struct opts opts;
	struct loop *loop;
	struct events *events;
	bool stop; /* SIGTERM or SIGINT came: finish cleanly, ERR_RUN_CANCELLED */
	void (*on_stop)(void *arg); /* called in the loop when it comes; may be NULL */
	void *on_stop_arg;
};

/* The commands. Each writes its own `done` event; ERR_PARTIAL ends with status 1. */
const struct err *cmd_copy(struct app *app);
const struct err *cmd_verify(struct app *app); /* verify.c */
const struct err *cmd_check(struct app *app);  /* check.c */

#endif
