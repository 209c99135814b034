#include "store_unit.h"

#include "store_retention.h"
#include "store_upload.h"

#define DAY INT64_C(86400000)

static void close_job(struct fixture *f, int64_t id, int64_t at)
{
	struct job j;

	assert_ok(job_get(f->s, id, NULL, &j));
	j.closed = true;
	assert_ok(job_update(f->s, &j, &tester));
	job_free(&j);
	assert_ok(db_run(store_db(f->s), "UPDATE jobs SET closed_at = ?2 WHERE id = ?1", "ii", id, at));
}

static void open_job(struct fixture *f, int64_t id)
{
	struct job j;

	assert_ok(job_get(f->s, id, NULL, &j));
	j.closed = false;
	assert_ok(job_update(f->s, &j, &tester));
	job_free(&j);
}

static int64_t next(struct fixture *f, int64_t before, int64_t but)
{
	int64_t job = -1;

	assert_ok(retention_next(f->s, before, but, &job));
	return job;
}

static bool over_mailbox(struct fixture *f, int64_t id, int64_t before)
{
	bool over = true;

	assert_ok(retention_over_mailbox(f->s, id, before, &over));
	return over;
}

static void due(void **state)
{
	struct fixture *f = *state;
	int64_t second = new_job(f->s, "b.example"), n = -1, pruned = -1, now = 100 * DAY;
	bool still;

	assert_int_equal(next(f, now, 0), 0); /* open ones never are */
	close_job(f, f->job, 50 * DAY);
	close_job(f, second, 40 * DAY);
	assert_int_equal(next(f, 39 * DAY, 0), 0);
	assert_int_equal(next(f, 40 * DAY, 0), second);
	assert_int_equal(next(f, 60 * DAY, 0), second); /* the oldest first */
	assert_int_equal(next(f, 60 * DAY, second), f->job);
	assert_false(over_mailbox(f, f->box[0], 49 * DAY));
	assert_true(over_mailbox(f, f->box[0], 50 * DAY));
	assert_false(over_mailbox(f, 999, 50 * DAY));
	assert_ok(retention_done(f->s, second, 3, 1000, &tester, now));
	assert_int_equal(next(f, 60 * DAY, 0), f->job);
	assert_ok(retention_count(f->s, 60 * DAY, &n, &pruned));
	assert_int_equal(n, 1);
	assert_int_equal(pruned, 1);

	/* opened again in the middle: it is not due any more, and what was done is not noted */
	open_job(f, f->job);
	assert_ok(retention_due(f->s, f->job, 60 * DAY, &still));
	assert_false(still);
	assert_ok(retention_done(f->s, f->job, 1, 1, &tester, now));
	assert_false(over_mailbox(f, f->box[0], now));
	close_job(f, f->job, now + DAY);
	assert_int_equal(next(f, now, 0), 0);
	assert_int_equal(next(f, now + DAY, 0), f->job);
	/* and one that was done before is there again after it was opened */
	open_job(f, second);
	close_job(f, second, now + 2 * DAY);
	assert_int_equal(next(f, now + 2 * DAY, f->job), second);
}

static void what_stays(void **state)
{
	struct fixture *f = *state;
	struct retention_run *v;
	int64_t at = -1;
	bool over;
	size_t n;

	do_pass(f, f->box[0], PASS_INITIAL, 10, 0);
	do_pass(f, f->box[0], PASS_FINAL, 10, 0);
	do_pass(f, f->box[1], PASS_INITIAL, 10, 0);
	do_verify(f, f->box[0], (struct report_verification){.complete = true, .expected = 10, .found = 10});
	do_verify(f, f->box[0], (struct report_verification){.complete = true, .expected = 10, .found = 10});
	assert_ok(retention_runs(f->s, f->job, 0, 100, &v, &n));
	assert_int_equal(n, 5);
	assert_int_equal(v[0].keep, KEEP_NOTHING);
	assert_int_equal(v[1].keep, KEEP_LEDGER); /* the last pass of a mailbox */
	assert_int_equal(v[2].keep, KEEP_LEDGER);
	assert_int_equal(v[3].keep, KEEP_NOTHING);
	assert_int_equal(v[4].keep, KEEP_LEDGER); /* its last verification */
	assert_ok(retention_over_run(f->s, v[0].id, INT64_MAX, &over));
	assert_false(over);
	close_job(f, f->job, 50 * DAY);
	assert_ok(retention_over_run(f->s, v[0].id, 50 * DAY, &over));
	assert_true(over);
	assert_ok(retention_removed_at(f->s, v[0].id, &at));
	assert_int_equal(at, 0);
	assert_ok(db_run(store_db(f->s), "UPDATE runs SET created_at = ?1", "i", 49 * DAY));
	assert_ok(retention_done(f->s, f->job, 1, 1, &tester, 90 * DAY));
	assert_ok(retention_removed_at(f->s, v[0].id, &at));
	assert_int_equal(at, 90 * DAY);
	free(v);
	assert_ok(retention_runs(f->s, f->job, 0, 2, &v, &n)); /* a page */
	assert_int_equal(n, 2);
	free(v);
}

static int64_t new_upload(struct fixture *f, const char *token, int64_t job, int64_t other)
{
	struct upload u = {.token = xstrdup(token),
		.org = xstrdup(""),
		.name = xstrdup("a.pst"),
		.metadata = xstrdup("{}"),
		.size = 1};
	const int64_t jobs[] = {job, other};
	int64_t id;

	assert_ok(upload_insert(f->s, &u, &tester, f->now));
	id = u.id;
	upload_free(&u);
	assert_ok(upload_complete(f->s, id, "00", UPLOAD_PST, &tester, f->now));
	for (int i = 0; i < 2; i++)
		if (jobs[i] != 0)
			assert_ok(db_run(store_db(f->s),
				"UPDATE mailboxes SET source_kind = 'pst', source_upload = ?2 WHERE id = "
				"(SELECT id FROM mailboxes"
				" WHERE job_id = ?1 AND source_upload IS NULL LIMIT 1)",
				"ii", jobs[i], id));
	return id;
}

static void uploads(void **state)
{
	struct fixture *f = *state;
	int64_t second = new_job(f->s, "b.example"), alone;
	struct upload *v;
	size_t n;

	new_mailbox(f->s, second, "eva", "eva");
	alone = new_upload(f, "00000000000000000000000000000001", f->job, 0);
	new_upload(f, "00000000000000000000000000000002", f->job, second);
	new_upload(f, "00000000000000000000000000000003", 0, 0);
	close_job(f, f->job, 50 * DAY);
	for (int round = 0; round < 3; round++) {
		assert_ok(upload_list_closed(f->s, f->job, 50 * DAY, &v, &n));
		assert_int_equal(n,
			round < 2 ? 1
				  : 2); /* shared with an open job, with one closed later, with one as old */
		assert_int_equal(v[0].id, alone);
		uploads_free(v, n);
		close_job(f, second, round == 0 ? 51 * DAY : 50 * DAY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(due, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(what_stays, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(uploads, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
