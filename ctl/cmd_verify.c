/* migrationctl verify: queues a verify run, waits for it, prints what was found folder by folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "ctl.h"
#include "gate.h"
#include "json.h"
#include "mem.h"
#include "queue.h"
#include "store_evidence.h"
#include "store_job.h"
#include "store_mailbox.h"
#include "store_run.h"

#include "banned.h"

static const struct err *start(struct ctl *c, int64_t job_id, int64_t mailbox_id, bool deep, int64_t *run_id)
{
	struct job j = {0};
	struct run *v = NULL;
	struct queue *q = NULL;
	const struct err *e = job_get(c->store, job_id, NULL, &j);

	if (e == NULL)
		e = queue_open(&q, c->conf);
	if (e == NULL)
		e = run_enqueue(c->store,
		        &(struct run_request){.job_id = job_id,
		                .mailbox_id = mailbox_id,
		                .kind = RUN_VERIFY,
		                .engine = j.engine,
		                .options = deep ? "{\"deep\":true}" : "{}"},
		        1, false, &c->by, &v, NULL);
	if (e == NULL) {
		*run_id = v[0].id;
		e = queue_emit(q, &v[0]);
	}
	runs_free(v, v != NULL ? 1 : 0);
	queue_close(q);
	job_free(&j);
	return e;
}

static void show_progress(struct ctl *c, const struct run *r)
{
	struct run_progress p = {0};
	json_t *o;

	if (!isatty(STDERR_FILENO) || run_progress_get(c->store, r->id, &p) != NULL)
		return;
	o = js_column(p.totals);
	fprintf(stderr, "\r%-9s %lld/%lld messages\033[K", run_status_name(r->status),
	        (long long)json_integer_value(json_object_get(o, "messages_done")),
	        (long long)json_integer_value(json_object_get(o, "messages_total")));
	json_decref(o);
	run_progress_free(&p);
}

static const struct err *wait_for(struct ctl *c, int64_t run_id, struct run *r)
{
	const struct timespec second = {.tv_sec = 1};
	const struct err *e;

	for (;;) {
		e = run_get(c->store, run_id, NULL, r);
		if (e != NULL || !run_status_active(r->status))
			break;
		show_progress(c, r);
		run_free(r);
		nanosleep(&second, NULL);
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return e;
}

static void print_row(const char *name, bool complete, const int64_t v[8])
{
	for (int i = 0; i < 8; i++)
		printf("%9lld ", (long long)v[i]);
	printf(" %s ", complete ? "yes" : "NO ");
	ctl_print(name);
	putchar('\n');
}

static const struct err *print_table(struct ctl *c, const struct verification *v)
{
	struct verification_folder *f;
	double ratio = gate_ratio(v->found, v->expected);
	char at[24];
	size_t n;
	const struct err *e = verification_folders(c->store, v->id, &f, &n);

	if (e != NULL)
		return e;
	printf(" expected     found      weak   missing      late  excluded differing     extra  read "
	       "folder\n");
	for (size_t i = 0; i < n; i++)
		print_row(f[i].folder, f[i].complete,
		        (const int64_t[]){f[i].expected, f[i].found, f[i].found_weak, f[i].missing, f[i].late,
		                f[i].excluded, f[i].differing, f[i].extra});
	print_row("(all)", v->complete,
	        (const int64_t[]){v->expected, v->found, v->found_weak, v->missing, v->late, v->excluded,
	                v->differing, v->extra});
	printf("\nverification %lld of %s UTC, %s, %s, %s\n", (long long)v->id, ctl_time(v->at, at),
	        v->deep ? "deep" : "quick", v->current ? "after the last pass" : "OLDER than the last pass",
	        v->complete ? "complete" : "NOT COMPLETE: it proves nothing");
	if (ratio >= 0)
		printf("ratio %.6f, %lld missing without explanation\n", ratio, (long long)v->unexplained);
	verification_folders_free(f, n);
	return NULL;
}

static const struct err *run_one(struct ctl *c, int64_t job_id, int64_t mailbox_id, bool deep)
{
	int64_t run_id = 0;
	struct run r = {0};
	const struct err *e = start(c, job_id, mailbox_id, deep, &run_id);

	if (e != NULL)
		return e;
	fprintf(stderr, "run %lld\n", (long long)run_id);
	e = wait_for(c, run_id, &r);
	if (e == NULL && (r.status == RUN_FAILED || r.status == RUN_CANCELLED)) {
		const struct err_row *row = err_row_by_code(r.code);

		e = err_new(row != NULL ? row->id : ERR_TOOL_FAILED, "run %lld %s: %s: %s", (long long)run_id,
		        run_status_name(r.status), r.code, r.message);
	}
	run_free(&r);
	return e;
}

static const struct err *check_mailbox(struct ctl *c, int64_t job_id, int64_t mailbox_id)
{
	struct mailbox m;
	const struct err *e = mailbox_get(c->store, mailbox_id, NULL, &m);

	if (e == NULL && m.job_id != job_id)
		e = err_new(ERR_NOT_FOUND, "mailbox %lld is not in job %lld", (long long)mailbox_id,
		        (long long)job_id);
	mailbox_free(&m);
	return e;
}

const struct err *cmd_verify(struct ctl *c, int argc, char **argv, int *status)
{
	const char *job = NULL, *mailbox = NULL;
	bool deep = false, last = false;
	const struct ctl_option options[] = {{"--job-id", &job, NULL}, {"--mailbox-id", &mailbox, NULL},
	        {"--deep", NULL, &deep}, {"--last", NULL, &last}, {NULL, NULL, NULL}};
	int64_t job_id = 0, mailbox_id = 0;
	struct verification v = {0};
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	if (e == NULL)
		e = ctl_number("--job-id", job, 1, INT64_MAX, &job_id);
	if (e == NULL)
		e = ctl_number("--mailbox-id", mailbox, 1, INT64_MAX, &mailbox_id);
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = check_mailbox(c, job_id, mailbox_id);
	if (e == NULL && !last)
		e = run_one(c, job_id, mailbox_id, deep);
	if (e == NULL)
		e = verification_last(c->store, mailbox_id, &v);
	if (e == NULL && v.id == 0)
		e = err_new(ERR_NOT_FOUND, "mailbox %lld was never verified", (long long)mailbox_id);
	if (e == NULL)
		e = print_table(c, &v);
	*status = v.complete && v.missing == 0 && v.found_weak == 0 ? 0 : 1;
	return e;
}
