/* What the tests of the store share: a real SQLite file in a private directory, with a job and its mailboxes.
 */
#ifndef STORE_UNIT_H
#define STORE_UNIT_H

#include "unit.h"

#include "mem.h"
#include "store_evidence.h"
#include "store_job.h"
#include "store_mailbox.h"
#include "store_run.h"

#define LEASE 60000
#define ATTEMPTS 3

struct fixture {
	char *dir;
	struct store *s;
	int64_t job;
	int64_t box[4];
	int64_t now;
};

static const struct actor tester = {.who = "desk|tess", .role = "technician"};

static inline int64_t new_job(struct store *s, const char *domain)
{
	struct job j = {.domains = xcalloc(1, sizeof(char *)), .n_domains = 1};
	int64_t id;

	j.domains[0] = xstrdup(domain);
	assert_ok(job_insert(s, &j, &tester));
	id = j.id;
	job_free(&j);
	return id;
}

static inline int64_t new_mailbox(struct store *s, int64_t job, const char *user, const char *dest)
{
	struct mailbox m = {.job_id = job,
	        .source = {.host = xstrdup("Old.Example"), .port = 993, .user = xstrdup(user)},
	        .dest = {.host = xstrdup("new.example"), .port = 993, .user = xstrdup(dest)}};
	int64_t id;

	assert_ok(mailbox_insert(s, &m, &tester));
	id = m.id;
	mailbox_free(&m);
	return id;
}

static inline int store_setup(void **state)
{
	static const char *const users[] = {"ana", "bea", "caio", "duda"};
	struct fixture *f = xcalloc(1, sizeof(*f));

	if (dir_setup(state) != 0)
		return -1;
	f->dir = *state;
	f->now = 1000000;
	assert_ok(store_open(&f->s, f->dir, STORE_MIGRATE));
	f->job = new_job(f->s, "a.example");
	for (int i = 0; i < 4; i++)
		f->box[i] = new_mailbox(f->s, f->job, users[i], users[i]);
	*state = f;
	return 0;
}

static inline int store_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	*state = f->dir;
	free(f);
	return dir_teardown(state);
}

static inline int64_t queue_one(struct fixture *f, int64_t box, enum run_kind kind, enum pass pass)
{
	struct run_request q = {.job_id = f->job, .mailbox_id = box, .kind = kind, .pass = pass};
	struct run *v;
	int64_t id;

	assert_ok(run_enqueue(f->s, &q, 1, false, &tester, &v, NULL));
	id = v[0].id;
	runs_free(v, 1);
	return id;
}

static inline void claim_one(struct fixture *f, int64_t id, int64_t attempt)
{
	struct run r;

	assert_ok(run_claim(f->s, id, "w1", attempt, "aa", LEASE, f->now, &r));
	assert_int_equal(r.status, RUN_RUNNING);
	assert_int_equal(r.attempt, attempt + 1);
	run_free(&r);
}

static inline struct run_reported report_one(struct fixture *f, int64_t id, struct report r)
{
	struct run_reported out;

	r.worker = r.worker != NULL ? r.worker : "w1";
	r.message = r.message != NULL ? r.message : "";
	assert_ok(run_report(f->s, id, &r, ATTEMPTS, f->now, &out));
	return out;
}

static inline enum run_status status_of(struct fixture *f, int64_t id)
{
	struct run r;
	enum run_status st;

	assert_ok(run_get(f->s, id, NULL, &r));
	st = r.status;
	run_free(&r);
	return st;
}

/* A whole pass: queued, claimed, ended with these counts. */
static inline void do_pass(struct fixture *f, int64_t box, enum pass pass, int64_t messages, int64_t refused)
{
	int64_t id = queue_one(f, box, RUN_SYNC, pass);
	struct report_folder folder = {.folder = "INBOX",
	        .dest = "INBOX",
	        .uidvalidity = 1,
	        .uidnext = messages + 1,
	        .messages = messages};
	struct report_pass p = {.messages = messages,
	        .copied = messages - refused,
	        .refused = refused,
	        .folders = &folder,
	        .n_folders = 1};

	claim_one(f, id, 0);
	assert_true(report_one(f, id,
	        (struct report){.attempt = 1,
	                .seq = 1,
	                .status = refused > 0 ? RUN_PARTIAL : RUN_SUCCEEDED,
	                .pass = &p})
	                    .accepted);
}

static inline void do_verify(struct fixture *f, int64_t box, struct report_verification v)
{
	int64_t id = queue_one(f, box, RUN_VERIFY, PASS_NONE);

	claim_one(f, id, 0);
	assert_true(report_one(
	        f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED, .verification = &v})
	                    .accepted);
}

#endif
