/* The end of a run: its report goes into the outbox, then to the API, and its file to done/ or failed/. */
#include "run_impl.h"

#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "log.h"

#include "banned.h"

static void delivered(void *arg, enum delivery_end how)
{
	struct run *r = arg;
	const char *status = delivery_text(r->delivery, "status");
	int64_t attempt = delivery_attempt(r->delivery);
	const struct err *e = NULL;

	supervisor_api_back(r->sup);
	if (how == DELIVERY_DONE) {
		bool good = strcmp(status, "succeeded") == 0 || strcmp(status, "partial") == 0;
		json_t *doc = runfile_ended(delivery_file(r->delivery), attempt, status,
			delivery_text(r->delivery, "code"), delivery_text(r->delivery, "message"));

		e = spool_put(r->sup->spool, good ? SPOOL_DONE : SPOOL_FAILED, r->own.id, doc);
		json_decref(doc);
		FAULT("done.written");
	}
	log_info("run %lld: attempt %lld %s%s%s", (long long)r->own.id, (long long)attempt, status,
		how == DELIVERY_REQUEUED ? ", queued again" : how == DELIVERY_STALE ? ", dropped: the attempt is over" : "",
		e != NULL ? " (not noted in the spool)" : "");
	if (e != NULL)
		log_error("run %lld: %s", (long long)r->own.id, e->msg);
	e = outbox_remove(r->sup->spool, r->own.id);
	if (e != NULL)
		log_error("run %lld: %s", (long long)r->own.id, e->msg);
	run_drop(r);
}

/* Into the outbox, then out; a full disk is waited for. */
void run_post(struct run *r)
{
	const struct err *e;

	if (r->report != NULL) {
		e = outbox_write(r->sup->spool, &r->file, r->report, r->last);
		if (e != NULL) {
			log_error("run %lld: its report waits: %s", (long long)r->own.id, e->msg);
			if (r->sup->stopping)
				run_let_go(r); /* no room for it even now: the next start does the work again */
			else
				timer_set(r->timer, RUN_WAIT_MS);
			return;
		}
		json_decref(r->report);
		r->report = NULL;
		FAULT("report.outbox");
	}
	if (r->sup->stopping) {
		run_let_go(r); /* the next start delivers it */
		return;
	}
	e = delivery_start(&r->delivery, r->sup->loop, r->sup->api, r->sup->spool, r->own.id, r->own.dir, delivered, r);
	if (e != NULL) {
		log_error("run %lld: %s", (long long)r->own.id, e->msg);
		timer_set(r->timer, RUN_RETRY_MAX_MS);
	}
}

void run_end_with(struct run *r, const struct outcome *out)
{
	const char *status = run_status_name(out->status);
	json_t *body = json_pack("{s:s, s:I, s:I, s:s, s:o, s:o}", "worker", api_worker(r->sup->api), "attempt",
		(json_int_t)r->attempt, "seq", (json_int_t)r->seq_final, "status", status, "code",
		out->code[0] != '\0' ? json_string(out->code) : json_null(), "message",
		out->message[0] != '\0' ? json_string(out->message) : json_null());

	if (r->exec != NULL) {
		r->last = run_beat(r);
		execution_report(r->exec, status, body);
	}
	execution_free(r->exec);
	r->exec = NULL;
	run_give_hosts(r);
	timer_stop(r->deadline);
	r->state = ENDING;
	r->report = body;
	if (out->status != RUN_SUCCEEDED)
		log_warn("run %lld: %s %s: %s", (long long)r->own.id, status, out->code, out->message);
	run_post(r);
	supervisor_freed(r->sup);
}

void run_end_failed(struct run *r, const struct err *e)
{
	struct outcome out;

	outcome_fail(&out, e);
	run_end_with(r, &out);
}

void run_end_cancelled(struct run *r)
{
	struct outcome out = {.status = RUN_CANCELLED};

	snprintf(out.code, sizeof(out.code), "%s", err_row(ERR_RUN_CANCELLED)->code);
	snprintf(out.message, sizeof(out.message), "cancelled before it was done");
	run_end_with(r, &out);
}
