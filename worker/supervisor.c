#include "supervisor.h"

#include <stddef.h>

#include "heartbeat.h"
#include "log.h"
#include "retention.h"
#include "run.h"
#include "scanner.h"

#include "banned.h"

#define TICK_MS 1000

static void tick(void *arg)
{
	struct supervisor *s = arg;

	timer_set(s->tick, TICK_MS);
	for (struct run *r = s->runs, *next; r != NULL; r = next) {
		next = run_next(r);
		run_tick(r);
	}
	heartbeat_tick(s->heartbeat);
}

const struct err *supervisor_start(struct supervisor *s)
{
	const struct err *e;

	s->heartbeat = heartbeat_new(s);
	s->tick = timer_new(s->loop, tick, s);
	timer_set(s->tick, TICK_MS);
	s->retention = retention_new(s);
	e = scanner_new(&s->scanner, s);
	if (e != NULL)
		supervisor_end(s);
	return e;
}

void supervisor_stop(struct supervisor *s)
{
	s->stopping = true;
	for (struct run *r = s->runs, *next; r != NULL; r = next) {
		next = run_next(r);
		run_shutdown(r);
	}
	if (s->runs == NULL)
		s->stopped(s->arg);
}

void supervisor_end(struct supervisor *s)
{
	scanner_free(s->scanner);
	retention_free(s->retention);
	heartbeat_free(s->heartbeat);
	timer_free(s->tick);
	s->scanner = NULL;
	s->heartbeat = NULL;
	s->retention = NULL;
	s->tick = NULL;
}

bool supervisor_slot_free(const struct supervisor *s)
{
	int64_t used = 0;

	for (const struct run *r = s->runs; r != NULL; r = run_next(r))
		if (run_has_slot(r))
			used++;
	return used < conf_int(s->conf, CONF_WORKER_SLOTS);
}

void supervisor_freed(struct supervisor *s)
{
	if (s->stopping) {
		if (s->runs == NULL)
			s->stopped(s->arg);
		return;
	}
	for (struct run *r = s->runs; r != NULL; r = run_next(r))
		run_continue(r); /* sets timers only */
	scanner_look(s->scanner);
}

void supervisor_reported(struct supervisor *s)
{
	if (!s->stopping)
		timer_set(s->tick, 0);
}

void supervisor_api_back(struct supervisor *s)
{
	for (struct run *r = s->runs; r != NULL; r = run_next(r))
		run_continue(r);
}
