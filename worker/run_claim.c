/* A run file becomes a run: the claim, and what its answer starts. */
#include "run_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "fault.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

#define RESUMES_MAX 100       /* times that a claim is taken up again: a run that kills its worker must end */
#define SEQ_BLOCK (1ll << 31) /* numbers reserved a time: the first half for heartbeats, the rest for the end */

/* Numbers for this time's reports: above all that an earlier worker process may have used for this attempt. */
static const struct err *reserve_seq(struct run *r)
{
	int64_t start = run_read_number(r, "seq");

	r->seq = start;
	r->seq_final = start + SEQ_BLOCK / 2;
	return run_write_number(r, "seq", start + SEQ_BLOCK);
}

static void set_deadline(struct run *r)
{
	int64_t seconds = conf_int(r->sup->conf, CONF_RUN_DEADLINE_HOURS) * 3600;
	json_t *own = json_object_get(r->claim.options, "deadline_seconds");

	if (json_is_integer(own) && json_integer_value(own) > 0 && json_integer_value(own) < seconds)
		seconds = json_integer_value(own);
	timer_set(r->deadline, seconds * 1000);
}

static void claimed(struct run *r, json_t *doc)
{
	const struct err *e = claim_parse(json_incref(doc), &r->claim);
	int64_t resumes;

	if (e == NULL && r->claim.run_id != r->own.id)
		e = err_new(ERR_INPUT, "the API's answer to the claim is of run %lld", (long long)r->claim.run_id);
	if (e == NULL) {
		r->attempt = r->claim.attempt;
		e = reserve_seq(r);
	}
	if (e != NULL) {
		log_error("run %lld: %s", (long long)r->own.id, e->msg);
		claim_free(&r->claim);
		timer_set(r->timer, RUN_RETRY_MAX_MS);
		return;
	}
	r->cancel = r->claim.cancel;
	r->pause = r->claim.pause;
	resumes = run_read_number(r, "resumes");
	r->state = READY;
	set_deadline(r);
	log_info("run %lld: %s claimed, attempt %lld", (long long)r->own.id, run_kind_name(r->claim.kind),
		(long long)r->attempt);
	if (resumes > RESUMES_MAX)
		run_end_failed(r, err_new(ERR_TOOL_FAILED, "the worker ended %lld times while it ran", (long long)resumes));
	else
		run_ready(r);
}

/* Nothing to run here: noted in failed/ for an administrator. */
static void refused(struct run *r, const struct api_answer *a)
{
	json_t *doc = runfile_ended(&r->file, r->file.attempt, "failed", a->code, a->e->msg);
	const struct err *e = spool_put(r->sup->spool, SPOOL_FAILED, r->own.id, doc);

	json_decref(doc);
	if (e != NULL)
		log_error("run %lld: %s", (long long)r->own.id, e->msg);
	log_error("run %lld cannot be claimed: %s", (long long)r->own.id, a->e->msg);
	run_drop(r);
}

static void claim_answered(void *arg, const struct api_answer *a)
{
	struct run *r = arg;

	r->call = NULL;
	FAULT("claim.sent");
	if (a->away) {
		if (r->pause_ms == 0)
			log_warn("run %lld: not claimed yet: %s", (long long)r->own.id, a->e->msg);
		r->pause_ms = r->pause_ms == 0 ? RUN_RETRY_MIN_MS : r->pause_ms * 2;
		if (r->pause_ms > RUN_RETRY_MAX_MS)
			r->pause_ms = RUN_RETRY_MAX_MS;
		timer_set(r->timer, r->pause_ms);
		return;
	}
	supervisor_api_back(r->sup);
	if (a->e == NULL) {
		FAULT("claim.answered");
		claimed(r, a->doc);
	} else if (a->status == 409) {
		log_info("run %lld: its run file is out of date (%s), dropped", (long long)r->own.id, a->code);
		run_drop(r);
	} else {
		refused(r, a);
	}
}

void run_send_claim(struct run *r)
{
	char *path = xasprintf("/runs/%lld/claim", (long long)r->own.id);
	json_t *body = json_pack("{s:s, s:I, s:s}", "worker", api_worker(r->sup->api), "attempt",
		(json_int_t)r->file.attempt, "nonce", r->own.nonce);

	r->call = api_send(r->sup->api, "POST", path, body, NULL, claim_answered, r);
	json_decref(body);
	free(path);
}
