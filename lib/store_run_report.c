/* Reports of workers: how a run comes to its end, and what it leaves as evidence. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "store_account.h"
#include "store_dns.h"
#include "store_evidence.h"
#include "store_run.h"
#include "store_run_row.h"
#include "store_watch.h"

#include "banned.h"

struct job_of_report {
	const struct run *run;
	const struct report *r;
	struct actor by;
	int64_t max_attempts, now_ms;
	struct run_reported *out;
};

static const struct err *stale(const struct run *run)
{
	return err_new(ERR_RUN_STALE, "run %lld is %s at attempt %lld", (long long)run->id,
	        run_status_name(run->status), (long long)run->attempt);
}

static const struct err *add_missing(struct store *s, const struct job_of_report *j, int64_t verification_id)
{
	int64_t id = verification_id;
	bool found = true;
	const struct err *e = NULL;

	if (j->r->n_missing == 0)
		return NULL;
	if (id == 0)
		e = db_i64(store_db(s), &id, &found,
		        "SELECT id FROM verifications WHERE run_id = ?1 AND attempt = ?2", "ii", j->run->id,
		        j->run->attempt);
	if (e == NULL && !found)
		e = err_new(ERR_CONFLICT, "run %lld has no verification that misses anything",
		        (long long)j->run->id);
	return e != NULL ? e : evidence_missing(s, id, j->r->missing, j->r->n_missing);
}

static const struct err *add_lists(struct store *s, const struct job_of_report *j, int64_t verification_id)
{
	const struct err *e = add_missing(s, j, verification_id);

	if (e == NULL)
		e = evidence_refusals(s, j->run->id, j->r->refusals, j->r->n_refusals, j->now_ms);
	return e;
}

/* Only lists: the run goes on, or has ended and the lists were too long for one report. */
static const struct err *more(struct store *s, const struct job_of_report *j)
{
	const struct err *e = add_lists(s, j, 0);

	if (e == NULL)
		e = db_run(
		        store_db(s), "UPDATE runs SET seq = ?2 WHERE id = ?1", "ii", j->run->id, j->r->seq);
	return e;
}

/* Failed or given back: queued again or ended, as the lifecycle says. */
static const struct err *failed(struct store *s, const struct job_of_report *j)
{
	enum lifecycle_event ev = j->r->status == RUN_QUEUED ? LIFE_GIVEN_BACK : LIFE_FAILED;
	const char *code = j->r->code != NULL || ev == LIFE_GIVEN_BACK ? j->r->code : "internal";
	struct lifecycle_next next =
	        lifecycle_next(ev, j->run->kind, code, j->run->attempt, j->max_attempts, j->run->cancel);

	j->out->requeued = next.status == RUN_QUEUED;
	if (j->out->requeued)
		return run_requeue(s, j->run, code, j->r->message, next.delay_ms, &j->by, j->now_ms);
	return run_finish(s, j->run, next.status, next.code, j->r->message, j->r->result, j->r->seq,
	        j->r->pass, &j->by, j->now_ms);
}

/* What DNS runs and looks for late mail mean for the job. */
static const struct err *around_the_switch(struct store *s, const struct job_of_report *j)
{
	json_t *result = js_column(j->r->result);
	int64_t copied = json_integer_value(json_object_get(result, "messages_copied"));
	const struct err *e = watch_looked(s, j->run, copied, j->now_ms);

	json_decref(result);
	return e != NULL ? e : dns_run_ended(s, j->run, j->r->status, j->r->result, &j->by, j->now_ms);
}

/* The accounts of the new server; a job that was closed meanwhile has no use for them. */
static const struct err *take_accounts(struct store *s, const struct job_of_report *j)
{
	int64_t open = 0;
	const struct err *e;

	if (j->r->accounts == NULL || j->run->kind != RUN_DISCOVER || j->r->status != RUN_SUCCEEDED)
		return NULL;
	e = db_i64(store_db(s), &open, NULL, "SELECT status = 'open' FROM jobs WHERE id = ?1", "i", j->run->job_id);
	if (e != NULL || !open)
		return e;
	return account_list_put(s, j->run->job_id, "server", j->r->accounts, j->r->n_accounts, &j->by);
}

static const struct err *ended(struct store *s, const struct job_of_report *j)
{
	const char *code = j->r->code;
	int64_t verification = 0;
	const struct err *e;

	if (j->r->status == RUN_CANCELLED && code == NULL)
		code = "run.cancelled";
	else if (j->r->status == RUN_PARTIAL && code == NULL)
		code = "partial";
	e = run_finish(s, j->run, j->r->status, code, j->r->message, j->r->result, j->r->seq, j->r->pass,
	        &j->by, j->now_ms);
	if (e == NULL && j->r->verification != NULL && j->run->kind == RUN_VERIFY &&
	        j->r->status != RUN_CANCELLED)
		e = evidence_verification(s, j->run->id, j->r->verification, j->now_ms, &verification);
	if (e == NULL)
		e = add_lists(s, j, verification);
	if (e == NULL)
		e = take_accounts(s, j);
	if (e == NULL)
		e = around_the_switch(s, j);
	return e;
}

static const struct err *apply(struct store *s, const struct job_of_report *j)
{
	const struct run *run = j->run;
	const struct report *r = j->r;
	const struct err *e;

	if (run->attempt != r->attempt || strcmp(run->worker, r->worker) != 0 || run->status == RUN_QUEUED)
		return stale(run);
	if (r->seq <= run->seq)
		return NULL;
	if (!run_status_active(run->status)) {
		if ((r->status != run->status && r->status != RUN_RUNNING) ||
		        (r->n_missing == 0 && r->n_refusals == 0))
			return stale(run);
		e = more(s, j);
	} else if (r->status == RUN_RUNNING) {
		e = more(s, j);
	} else if (r->status == RUN_FAILED || r->status == RUN_QUEUED) {
		e = failed(s, j);
		if (e == NULL) /* what a verify missed before it failed proves nothing */
			e = evidence_refusals(s, run->id, r->refusals, r->n_refusals, j->now_ms);
	} else {
		e = ended(s, j);
	}
	j->out->accepted = e == NULL;
	return e;
}

const struct err *run_report(struct store *s, int64_t id, const struct report *r, int64_t max_attempts,
        int64_t now_ms, struct run_reported *out)
{
	char *who = xasprintf("worker:%s", r->worker);
	struct run run = {0}, after = {0};
	struct job_of_report j = {.run = &run,
	        .r = r,
	        .by = {.who = who, .role = role_name(ROLE_WORKER)},
	        .max_attempts = max_attempts,
	        .now_ms = now_ms,
	        .out = out};
	const struct err *e;

	memset(out, 0, sizeof(*out));
	if ((e = store_begin(s)) == NULL) {
		e = run_get(s, id, NULL, &run);
		if (e == NULL)
			e = apply(s, &j);
		if (e == NULL)
			e = run_get(s, id, NULL, &after);
		e = store_end(s, e);
	}
	if (e == NULL) {
		out->status = after.status;
		out->cancel = after.cancel;
		out->pause = after.pause;
	}
	run_free(&run);
	run_free(&after);
	free(who);
	return e;
}
