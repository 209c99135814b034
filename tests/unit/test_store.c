/* Jobs, mailboxes, credentials, workers and artefacts on a real SQLite file; the schema against the words in
 * C. */
#include "store_unit.h"

#include <sys/stat.h>

#include "store_artefact.h"
#include "store_worker.h"

static void kinds_mirror_the_model(void **state)
{
	struct fixture *f = *state;
	int64_t n = 0;

	assert_ok(db_i64(store_db(f->s), &n, NULL, "SELECT count(*) FROM run_kinds", ""));
	assert_int_equal(n, RUN_KIND_COUNT);
	for (int k = 0; k < RUN_KIND_COUNT; k++) {
		const char *name = run_kind_name((enum run_kind)k);
		bool found;

		assert_ok(db_i64(store_db(f->s), &n, &found,
		        "SELECT changes_mail FROM run_kinds WHERE kind = ?1", "s", name));
		assert_true(found);
		assert_int_equal(n, run_kind_changes_mail((enum run_kind)k));
		assert_ok(db_i64(store_db(f->s), &n, NULL,
		        "SELECT needs_mailbox FROM run_kinds WHERE kind = ?1", "s", name));
		assert_int_equal(n, run_kind_needs_mailbox((enum run_kind)k));
	}
}

static void files_and_versions(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	struct stat st;
	char path[512], *report;
	int64_t v;

	snprintf(path, sizeof(path), "%s/migration.db", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(store_integrity(f->s, &report));
	assert_string_equal(report, "ok");
	free(report);
	assert_ok(db_i64(store_db(f->s), &v, NULL, "PRAGMA synchronous", ""));
	assert_int_equal(v, 2);
	assert_ok(db_i64(store_db(f->s), &v, NULL, "PRAGMA foreign_keys", ""));
	assert_int_equal(v, 1);
	assert_ok(store_open(&other, f->dir, STORE_MIGRATE)); /* again is fine */
	store_close(other);
	assert_ok(db_exec(store_db(f->s), "PRAGMA user_version=999"));
	assert_err(store_check_version(f->s), ERR_DB_VERSION);
	assert_err(store_open(&other, f->dir, STORE_USE), ERR_DB_VERSION);
	assert_err(store_open(&other, f->dir, STORE_MIGRATE), ERR_DB_VERSION);
	assert_err(store_open(&other, f->dir, STORE_READ), ERR_DB_VERSION);
}

static void progress_is_disposable(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	char path[512];

	store_close(f->s);
	snprintf(path, sizeof(path), "%s/progress.db", f->dir);
	assert_ok(fs_write(path, "this is no database, whatever it was before", 43, 0600));
	assert_ok(store_open(&f->s, f->dir, STORE_MIGRATE));
	assert_ok(store_open(&other, f->dir, STORE_READ));
	store_close(other);
}

static void transactions_nest(void **state)
{
	struct fixture *f = *state;
	struct job j;
	int64_t id;

	assert_ok(store_begin(f->s));
	id = new_job(f->s, "b.example");
	assert_err(store_end(f->s, err_new(ERR_INPUT, "changed my mind")), ERR_INPUT);
	assert_err(job_get(f->s, id, NULL, &j), ERR_NOT_FOUND);
	assert_ok(store_begin(f->s));
	new_job(f->s, "b.example");
	assert_err(
	        store_begin(f->s) == NULL ? store_end(f->s, err_new(ERR_INPUT, "an inner part fails")) : NULL,
	        ERR_INPUT);
	assert_err(store_end(f->s, NULL), ERR_INTERNAL); /* cannot be committed any more */
	assert_ok(store_read_begin(f->s));
	assert_err(store_begin(f->s), ERR_INTERNAL);
	store_read_end(f->s);
	new_job(f->s, "b.example");
}

static void domains_are_unique_among_open_jobs(void **state)
{
	struct fixture *f = *state;
	struct job j = {.domains = xcalloc(2, sizeof(char *)), .n_domains = 2}, first, *v;
	size_t n;

	j.domains[0] = xstrdup("c.example");
	j.domains[1] = xstrdup("a.example");
	assert_err(job_insert(f->s, &j, &tester), ERR_CONFLICT);
	assert_ok(job_get(f->s, f->job, NULL, &first));
	first.closed = true;
	assert_ok(job_update(f->s, &first, &tester));
	assert_ok(job_insert(f->s, &j, &tester)); /* a closed job gives its domain up */
	first.closed = false;
	assert_err(job_update(f->s, &first, &tester), ERR_CONFLICT); /* and cannot take it back */
	job_free(&first);
	assert_ok(job_list(f->s, &(struct job_filter){.closed = 0, .limit = 10}, &v, &n));
	assert_int_equal(n, 1);
	assert_string_equal(v[0].domains[0], "c.example");
	jobs_free(v, n);
	job_free(&j);
}

static void jobs_change_by_version(void **state)
{
	struct fixture *f = *state;
	struct job a, b;
	struct run r, *runs;

	assert_ok(job_get(f->s, f->job, NULL, &a));
	assert_ok(job_get(f->s, f->job, NULL, &b));
	assert_int_equal(a.version, 1);
	free(a.title);
	a.title = xstrdup("T\xc3\xadtulo");
	assert_ok(job_update(f->s, &a, &tester));
	assert_int_equal(a.version, 2);
	assert_err(job_update(f->s, &b, &tester), ERR_PRECONDITION);
	job_free(&b);
	assert_ok(job_get(f->s, f->job, NULL, &b));
	assert_string_equal(b.title, "T\xc3\xadtulo");
	job_free(&b);
	queue_one(f, f->box[0], RUN_VERIFY, PASS_NONE);
	a.closed = true;
	assert_err(job_update(f->s, &a, &tester), ERR_RUN_ACTIVE);
	job_free(&a);
	assert_ok(run_list(f->s,
	        &(struct run_filter){.job_id = f->job, .status = RUN_QUEUED, .kind = RUN_VERIFY, .limit = 1},
	        &runs, &(size_t){0}));
	assert_ok(run_cancel(f->s, runs[0].id, &tester, &r));
	run_free(&r);
	runs_free(runs, 1);
	assert_err(job_get(f->s, f->job, "another org", &a), ERR_NOT_FOUND);
	assert_ok(job_get(f->s, f->job, "", &a));
	a.closed = true;
	assert_ok(job_update(f->s, &a, &tester));
	assert_err(
	        run_enqueue(f->s,
	                &(struct run_request){.job_id = f->job, .mailbox_id = f->box[0], .kind = RUN_VERIFY},
	                1, false, &tester, &runs, NULL),
	        ERR_CONFLICT);
	job_free(&a);
}

static void jobs_are_found(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *domain, *q;
		size_t n;
	} cases[] = {{NULL, NULL, 3}, {"b.example", NULL, 1}, {"example", NULL, 0}, {NULL, "EXAMPLE", 3},
	        {NULL, "b.ex", 1}, {NULL, "%", 0}, {NULL, "_", 0}, {NULL, "\\", 0}};
	struct job *v;
	size_t n;

	new_job(f->s, "b.example");
	new_job(f->s, "c.example");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_ok(job_list(f->s,
		        &(struct job_filter){
		                .closed = -1, .domain = cases[i].domain, .q = cases[i].q, .limit = 10},
		        &v, &n));
		if (n != cases[i].n)
			fail_msg("case %zu: %zu jobs", i, n);
		jobs_free(v, n);
	}
	assert_ok(job_list(f->s, &(struct job_filter){.closed = -1, .limit = 2}, &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].domains[0], "c.example");
	jobs_free(v, n);
}

static void mailboxes_and_pairs(void **state)
{
	struct fixture *f = *state;
	struct mailbox m, *v,
	        twin = {.job_id = f->job,
	                .source = {.host = xstrdup("old.example"), .port = 993, .user = xstrdup("ana")},
	                .dest = {.host = xstrdup("NEW.example"), .port = 143, .user = xstrdup("ANA")}};
	struct credential *c;
	size_t n;

	assert_err(mailbox_insert(f->s, &twin, &tester), ERR_CONFLICT); /* the same pair in other letters */
	mailbox_free(&twin);
	assert_ok(mailbox_get(f->s, f->box[0], NULL, &m));
	assert_string_equal(m.source.host, "old.example");
	assert_string_equal(m.dest_account, "new.example|ana");
	assert_false(m.source_secret);
	assert_ok(credential_put(f->s, m.id, "source", "k1", "sealed1", &tester));
	assert_ok(credential_put(f->s, m.id, "destination", "k1", "sealed2", &tester));
	free(m.folders);
	m.folders = xstrdup("{\"map\":{\"a\":\"b\"}}");
	assert_ok(mailbox_update(f->s, &m, &tester)); /* the pair stays, and so do the credentials */
	assert_ok(credential_list(f->s, m.id, &c, &n));
	assert_int_equal(n, 2);
	credentials_free(c, n);
	m.source.port = 143;
	assert_ok(mailbox_update(f->s, &m, &tester));
	assert_ok(credential_list(f->s, m.id, &c, &n));
	assert_int_equal(n, 1);
	assert_string_equal(c[0].side, "destination");
	credentials_free(c, n);
	m.version--;
	assert_err(mailbox_update(f->s, &m, &tester), ERR_PRECONDITION);
	m.version++;
	queue_one(f, m.id, RUN_SYNC, PASS_INITIAL);
	m.source.port = 993;
	assert_err(mailbox_update(f->s, &m, &tester), ERR_RUN_ACTIVE);
	assert_err(mailbox_remove(f->s, m.id, 0, "x", &tester), ERR_RUN_ACTIVE);
	mailbox_free(&m);
	assert_err(mailbox_remove(f->s, f->box[1], 99, "x", &tester), ERR_PRECONDITION);
	assert_ok(mailbox_remove(f->s, f->box[1], 1, "left", &tester));
	assert_err(mailbox_remove(f->s, f->box[1], 0, "left", &tester), ERR_CONFLICT);
	assert_ok(mailbox_list(f->s, f->job, false, 0, 10, &v, &n));
	assert_int_equal(n, 3);
	mailboxes_free(v, n);
	assert_ok(mailbox_list(f->s, f->job, true, f->box[0], 10, &v, &n));
	assert_int_equal(n, 3);
	mailboxes_free(v, n);
	new_mailbox(f->s, f->job, "bea", "bea"); /* its place is free again */
}

static void credentials_by_version(void **state)
{
	struct fixture *f = *state;
	struct credential *c;
	int64_t version;
	size_t n;

	assert_ok(credential_put(f->s, f->box[0], "source", "k1", "one", &tester));
	assert_ok(credential_list(f->s, f->box[0], &c, &n));
	assert_ok(credential_replace(f->s, c[0].id, c[0].version, "k2", "two", &tester, &version));
	assert_int_equal(version, 2);
	assert_err(credential_replace(f->s, c[0].id, c[0].version, "k2", "three", &tester, NULL),
	        ERR_PRECONDITION);
	assert_err(credential_replace(f->s, 999, 1, "k2", "three", &tester, NULL), ERR_NOT_FOUND);
	credentials_free(c, n);
}

static void summaries(void **state)
{
	struct fixture *f = *state;
	struct job_summary sum;
	int64_t id;
	struct run_beat b;

	do_pass(f, f->box[0], PASS_INITIAL, 100, 10);
	id = queue_one(f, f->box[1], RUN_SYNC, PASS_INITIAL);
	claim_one(f, id, 0);
	b = (struct run_beat){.id = id,
	        .attempt = 1,
	        .seq = 1,
	        .status = RUN_RUNNING,
	        .progress = "{\"messages_total\":50,\"messages_done\":20,\"bytes_total\":5000,\"bytes_done\":"
	                    "2000}"};
	assert_ok(run_beats(f->s, "w1", &b, 1, LEASE, f->now));
	assert_ok(job_summary(f->s, f->job, &sum));
	assert_int_equal(sum.mailboxes, 4);
	assert_int_equal(sum.active_runs, 1);
	assert_int_equal(sum.messages_total, 150);
	assert_int_equal(sum.messages_done, 110);
	assert_int_equal(sum.bytes_done, 2000);
}

static void workers(void **state)
{
	static const char pem[] =
	        "-----BEGIN PUBLIC KEY-----\n"
	        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGveSWCd/qH+VxPygquDoeEOZ81vO"
	        "HlzMHwyv5mVBmYCXmkFPuaGse8Z8sIxebKJWHahBl0lZzc/4UuG6L6xi5g==\n-----END PUBLIC KEY-----\n";
	struct fixture *f = *state;
	struct worker w, *v;
	size_t n;

	assert_err(worker_add(f->s, "bad name", pem, &tester), ERR_INPUT);
	assert_err(worker_add(f->s, "w1", "rubbish", &tester), ERR_KEY);
	assert_ok(worker_add(f->s, "w1", pem, &tester));
	assert_err(worker_add(f->s, "w1", pem, &tester), ERR_CONFLICT);
	assert_ok(worker_seen(f->s, "w1", "1.0", 5000000));
	assert_ok(worker_get(f->s, "w1", false, &w));
	assert_string_equal(w.version, "1.0");
	assert_int_equal(w.seen_at, 5000000);
	worker_free(&w);
	assert_ok(worker_seen(f->s, "w1", "1.0", 5000001)); /* not written again so soon */
	assert_ok(worker_get(f->s, "w1", false, &w));
	assert_int_equal(w.seen_at, 5000000);
	worker_free(&w);
	assert_ok(worker_revoke(f->s, "w1", &tester));
	assert_err(worker_get(f->s, "w1", false, &w), ERR_NOT_FOUND);
	assert_err(worker_revoke(f->s, "w1", &tester), ERR_NOT_FOUND);
	assert_ok(worker_add(f->s, "w1", pem, &tester));
	assert_ok(worker_list(f->s, &v, &n));
	assert_int_equal(n, 1);
	workers_free(v, n);
}

static void artefacts(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	struct artefact a, *v;
	size_t n;

	claim_one(f, id, 0);
	assert_err(artefact_put(f->s, id, "w1", 1, "../log", 1, false, NULL, LEASE, 1), ERR_INPUT);
	assert_err(artefact_put(f->s, id, "w2", 1, "log", 1, false, NULL, LEASE, 1), ERR_RUN_STALE);
	assert_err(artefact_put(f->s, id, "w1", 2, "log", 1, false, NULL, LEASE, 1), ERR_RUN_STALE);
	assert_err(artefact_put(f->s, 999, "w1", 1, "log", 1, false, NULL, LEASE, 1), ERR_NOT_FOUND);
	assert_ok(artefact_put(f->s, id, "w1", 1, "log", 10, false, NULL, LEASE, 1));
	assert_ok(artefact_put(f->s, id, "w1", 1, "log", 20, true, "ab", LEASE, 2));
	assert_ok(artefact_put(f->s, id, "w1", 1, "log", 20, true, "ab", LEASE, 3)); /* the answer was lost */
	assert_ok(artefact_put(f->s, id, "w1", 1, "log", 20, false, NULL, LEASE, 3)); /* a late piece without bytes */
	assert_err(artefact_put(f->s, id, "w1", 1, "log", 30, true, "ab", LEASE, 3), ERR_CONFLICT);
	/* handing over takes its time: the lease goes on meanwhile */
	assert_ok(artefact_put(f->s, id, "w1", 1, "ledger", 5, false, NULL, LEASE, f->now + LEASE));
	assert_ok(run_expire_leases(f->s, f->now + LEASE + 1, ATTEMPTS, &n));
	assert_int_equal(n, 0);
	assert_ok(artefact_get(f->s, id, "log", &a));
	assert_true(a.complete);
	assert_int_equal(a.size, 20);
	artefact_free(&a);
	assert_ok(artefact_list(f->s, id, &v, &n));
	assert_int_equal(n, 2);
	artefacts_free(v, n);
	assert_err(artefact_get(f->s, id, "nothing", &a), ERR_NOT_FOUND);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(kinds_mirror_the_model), T(files_and_versions),
	        T(progress_is_disposable), T(transactions_nest), T(domains_are_unique_among_open_jobs),
	        T(jobs_change_by_version), T(jobs_are_found), T(mailboxes_and_pairs),
	        T(credentials_by_version), T(summaries), T(workers), T(artefacts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
