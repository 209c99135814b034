#include "run_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define STOP_GRACE_MS 10000
#define CONNECTIONS 2 /* to each host, for one run */

/* --- list --- */

static struct run *run_new(struct supervisor *sup, struct spool_run *own)
{
	struct run *r = xcalloc(1, sizeof(*r)), **p = &sup->runs;

	r->sup = sup;
	r->own = *own;
	memset(own, 0, sizeof(*own));
	while (*p != NULL)
		p = &(*p)->next; /* oldest first: who waits longest is served first */
	*p = r;
	return r;
}

/* A server's name among hosts_take's, NULL for a file; the caller's. */
static char *server_of(const struct account_row *row)
{
	return row->host != NULL && *row->host != '\0' ? xasprintf("%s:%lld", row->host, (long long)row->port) : NULL;
}

static bool take_hosts(struct run *r)
{
	char *source = server_of(&r->claim.source), *destination = server_of(&r->claim.destination);

	r->connections = hosts_take(r->sup->hosts, source, destination, CONNECTIONS);
	free(source);
	free(destination);
	return r->connections > 0;
}

void run_give_hosts(struct run *r)
{
	char *source = server_of(&r->claim.source), *destination = server_of(&r->claim.destination);

	if (r->connections > 0)
		hosts_give(r->sup->hosts, source, destination, r->connections);
	r->connections = 0;
	free(source);
	free(destination);
}

/* Out of the worker's hands; the folder was dropped, or stays for the next start. */
void run_let_go(struct run *r)
{
	struct supervisor *sup = r->sup;

	for (struct run **p = &sup->runs; *p != NULL; p = &(*p)->next)
		if (*p == r) {
			*p = r->next;
			break;
		}
	api_cancel(r->call);
	timer_free(r->timer);
	timer_free(r->deadline);
	tail_stop(r->tail);
	execution_free(r->exec);
	delivery_free(r->delivery);
	run_give_hosts(r);
	json_decref(r->report);
	json_decref(r->last);
	claim_free(&r->claim);
	runfile_free(&r->file);
	if (r->own.dir != NULL)
		spool_release(&r->own);
	free(r);
	supervisor_freed(sup);
}

void run_drop(struct run *r)
{
	const struct err *e = spool_drop(r->sup->spool, &r->own);

	if (e != NULL)
		log_error("run %lld: %s", (long long)r->own.id, e->msg);
	run_let_go(r);
}

/* --- numbers kept beside the run --- */

int64_t run_read_number(const struct run *r, const char *name)
{
	char *path = xasprintf("%s/%s", r->own.dir, name);
	struct buf b = BUF_INIT;
	int64_t n = 0;

	if (access(path, F_OK) != 0 || fs_read(path, 64, &b) != NULL || !str_i64(str_trim(b.ptr), 0, INT64_MAX, &n))
		n = 0;
	buf_free(&b);
	free(path);
	return n;
}

const struct err *run_write_number(const struct run *r, const char *name, int64_t n)
{
	char *path = xasprintf("%s/%s", r->own.dir, name), text[32];
	const struct err *e;

	snprintf(text, sizeof(text), "%lld\n", (long long)n);
	e = fs_write(path, text, strlen(text), 0600);
	free(path);
	return e;
}

/* --- execution --- */

/* The API said that it is over, or the worker stops: no report. True when the run is gone. */
static bool abandoned(struct run *r)
{
	if (r->stop == STOP_STALE) {
		log_warn("run %lld: attempt %lld is over, its work is dropped", (long long)r->own.id,
			(long long)r->attempt);
		run_drop(r);
		return true;
	}
	if (r->stop == STOP_SHUTDOWN) {
		log_info("run %lld: stopped, it goes on at the next start", (long long)r->own.id);
		run_let_go(r);
		return true;
	}
	return false;
}

static void executed(void *arg, const struct outcome *result)
{
	struct run *r = arg;
	struct outcome out = *result;
	bool finished = out.status == RUN_SUCCEEDED || out.status == RUN_PARTIAL;

	tail_stop(r->tail);
	r->tail = NULL;
	/* what was finished before it could stop is finished, whatever was asked meanwhile */
	if ((r->stop == STOP_STALE || !finished) && abandoned(r))
		return;
	if (finished || r->stop == STOP_NONE) {
		/* nobody asked the tool to stop: somebody else on the machine did */
		if (out.status == RUN_CANCELLED)
			outcome_fail(&out, err_new(ERR_TOOL_FAILED, "the tool was stopped by a signal that is not the worker's"));
		run_end_with(r, &out);
	} else if (r->stop == STOP_CANCEL) {
		run_end_cancelled(r);
	} else if (r->stop == STOP_DEADLINE) {
		run_end_failed(r, err_new(ERR_RUN_DEADLINE, "not done within its time: it was ended"));
	} else {
		execution_free(r->exec);
		r->exec = NULL;
		run_give_hosts(r);
		r->stop = STOP_NONE;
		r->state = PAUSED;
		r->said = false;
		log_info("run %lld: paused", (long long)r->own.id);
		supervisor_reported(r->sup);
		supervisor_freed(r->sup);
		if (!r->pause || r->cancel)
			run_ready(r);
	}
}

static void stop_tool(struct run *r, enum run_stop why, int64_t grace_ms)
{
	/* later reasons count more: stale and shutdown end a run that is being paused */
	if (why > r->stop)
		r->stop = why;
	execution_stop(r->exec, grace_ms);
}

static void deadline_over(void *arg)
{
	struct run *r = arg;

	if (r->state == EXECUTING)
		stop_tool(r, STOP_DEADLINE, STOP_GRACE_MS);
	else if (r->state == READY || r->state == PAUSED)
		run_end_failed(r, err_new(ERR_RUN_DEADLINE, "not done within its time: it was ended"));
}

static void wait_for(struct run *r, const char *what, int64_t ms)
{
	if (r->waits != what)
		log_info("run %lld: waits: %s", (long long)r->own.id, what);
	r->waits = what;
	r->said = false;
	timer_set(r->timer, ms);
}

/* Whether all that a tool needs is there; otherwise it waits, or has ended. */
static bool prepare(struct run *r)
{
	uint64_t available;
	const struct err *e = fs_free_bytes(spool_path(r->sup->spool, SPOOL_WORK), &available);
	bool busy;

	if (e == NULL && available < (uint64_t)conf_int(r->sup->conf, CONF_DISK_RESERVE_MB) << 20) {
		wait_for(r, "less free disk space than MIGRATION_DISK_RESERVE_MB", RUN_WAIT_MS);
		return false;
	}
	if (e == NULL)
		e = execution_clear(r->own.dir, &busy);
	if (e != NULL) {
		run_end_failed(r, e);
		return false;
	}
	if (busy) {
		wait_for(r, "an earlier process of its tool is still ending", 200);
		return false;
	}
	if (!take_hosts(r)) {
		wait_for(r, "its mail server has no connection left (MIGRATION_HOST_CONNECTIONS)", RUN_WAIT_MS);
		return false;
	}
	return true;
}

void run_ready(struct run *r)
{
	struct execution_env env = {r->sup->loop, r->sup->conf, r->sup->spool, r->sup->keys};
	const struct err *e;

	timer_stop(r->timer);
	if (r->cancel) {
		run_end_cancelled(r);
		return;
	}
	if (r->pause) {
		r->state = PAUSED;
		r->said = false;
		return;
	}
	if (r->state == PAUSED && !supervisor_slot_free(r->sup)) {
		timer_set(r->timer, RUN_WAIT_MS);
		return;
	}
	r->state = READY;
	if (!prepare(r))
		return;
	e = execution_start(&r->exec, &env, &r->claim, r->own.dir, r->connections, executed, r);
	if (e != NULL) {
		run_end_failed(r, e);
		return;
	}
	r->tail = tail_start(r->sup->loop, r->sup->api, r->own.id, r->attempt, r->own.dir);
	r->state = EXECUTING;
	r->said = false;
	r->waits = NULL;
	supervisor_reported(r->sup);
}

static void timer_over(void *arg)
{
	struct run *r = arg;

	if (r->state == CLAIMING)
		run_send_claim(r);
	else if (r->state == ENDING)
		run_post(r);
	else
		run_ready(r);
}

void run_claim(struct supervisor *sup, struct spool_run *own, struct runfile *file)
{
	struct run *r = run_new(sup, own);
	int64_t resumes;

	r->file = *file;
	memset(file, 0, sizeof(*file));
	r->timer = timer_new(sup->loop, timer_over, r);
	r->deadline = timer_new(sup->loop, deadline_over, r);
	resumes = run_read_number(r, "resumes");
	if (run_write_number(r, "resumes", resumes + 1) != NULL)
		log_warn("run %lld: not counted in %s/resumes", (long long)r->own.id, r->own.dir);
	r->state = CLAIMING;
	run_send_claim(r);
}

void run_deliver(struct supervisor *sup, struct spool_run *own)
{
	struct run *r = run_new(sup, own);

	r->timer = timer_new(sup->loop, timer_over, r);
	r->deadline = timer_new(sup->loop, deadline_over, r);
	r->state = ENDING;
	run_post(r);
}

/* --- for the supervisor --- */

struct run *run_next(const struct run *r)
{
	return r->next;
}

int64_t run_id(const struct run *r)
{
	return r->own.id;
}

int64_t run_file_attempt(const struct run *r)
{
	return r->file.attempt;
}

bool run_has_slot(const struct run *r)
{
	return r->state == CLAIMING || r->state == READY || r->state == EXECUTING;
}

json_t *run_beat(struct run *r)
{
	static const char *const words[] = {[READY] = "waiting", [EXECUTING] = "running", [PAUSED] = "paused",
		[ENDING] = "running"};
	json_t *beat;

	/* a delivery of an earlier process has no numbers left below its report's */
	if (r->state == CLAIMING || r->attempt == 0 || r->stop == STOP_STALE || r->seq + 1 >= r->seq_final)
		return NULL;
	beat = json_pack("{s:I, s:I, s:I, s:s}", "id", (json_int_t)r->own.id, "attempt", (json_int_t)r->attempt,
		"seq", (json_int_t)++r->seq, "status", words[r->state]);
	if (r->exec != NULL) {
		json_t *progress = execution_progress(r->exec);

		if (json_is_object(progress))
			json_object_set(beat, "progress", progress);
		json_decref(progress);
	}
	r->said = true;
	return beat;
}

bool run_changed(const struct run *r)
{
	return r->state != CLAIMING && (!r->said || (r->exec != NULL && execution_changed(r->exec)));
}

static void become_stale(struct run *r)
{
	if (r->state == EXECUTING) {
		stop_tool(r, STOP_STALE, 0);
	} else if (r->state != ENDING) {
		r->stop = STOP_STALE;
		abandoned(r);
	} /* a delivery hears it from its own answer */
}

static void ask_cancel(struct run *r)
{
	if (r->cancel)
		return;
	r->cancel = true;
	log_info("run %lld: cancel was asked for", (long long)r->own.id);
	if (r->state == EXECUTING)
		stop_tool(r, STOP_CANCEL, STOP_GRACE_MS);
	else if (r->state == READY || r->state == PAUSED)
		run_end_cancelled(r);
}

void run_beaten(struct run *r, int64_t attempt, const json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));
	bool pause = json_is_true(json_object_get(answer, "pause"));

	if (r->attempt != attempt || r->state == CLAIMING)
		return;
	if (code != NULL && (strcmp(code, "run.stale") == 0 || strcmp(code, "not_found") == 0)) {
		become_stale(r);
		return;
	}
	if (r->state == ENDING)
		return;
	if (json_is_true(json_object_get(answer, "cancel"))) {
		ask_cancel(r);
		return;
	}
	if (pause == r->pause)
		return;
	r->pause = pause;
	if (pause && r->state == EXECUTING)
		stop_tool(r, STOP_PAUSE, STOP_GRACE_MS);
	else if (pause && r->state == READY)
		run_ready(r);
	else if (!pause && r->state == PAUSED)
		run_ready(r);
}

void run_tick(struct run *r)
{
	char *path = xasprintf("%s/cancel", r->own.dir);
	bool cancel = access(path, F_OK) == 0;

	free(path);
	/* other workers on this spool see by the lock's time that its owner was alive a moment ago */
	futimens(r->own.lock, NULL);
	if (cancel && r->state != CLAIMING && r->state != ENDING)
		ask_cancel(r);
}

void run_continue(struct run *r)
{
	if (r->delivery != NULL)
		delivery_hurry(r->delivery);
	else if (r->state == READY || r->state == CLAIMING || (r->state == PAUSED && !r->pause))
		if (r->call == NULL && timer_is_set(r->timer))
			timer_set(r->timer, 0);
}

void run_shutdown(struct run *r)
{
	if (r->state == EXECUTING)
		stop_tool(r, STOP_SHUTDOWN, STOP_GRACE_MS);
	else if (r->state != ENDING || r->report == NULL)
		run_let_go(r);
	else
		run_post(r); /* a report that found no room: one more try, it must not be lost */
}
