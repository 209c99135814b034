/* Runs: queueing, claims, heartbeats, reports, leases, on a real SQLite file. */
#include "store_unit.h"

#include "store_audit.h"

static const struct err *enqueue(struct fixture *f, int64_t box, bool queue, struct run *out, bool *busy)
{
	struct run_request q = {.job_id = f->job, .mailbox_id = box, .kind = RUN_SYNC, .pass = PASS_INITIAL};
	struct run *v;
	const struct err *e = run_enqueue(f->s, &q, 1, queue, &tester, &v, busy);

	if (e == NULL) {
		*out = v[0];
		free(v);
	}
	return e;
}

static void one_active_run_a_mailbox(void **state)
{
	struct fixture *f = *state;
	struct run a, b;
	bool busy = false;

	assert_ok(enqueue(f, f->box[0], false, &a, &busy));
	assert_false(busy);
	assert_int_equal(a.status, RUN_QUEUED);
	assert_true(a.change_seq > 0);
	assert_err(enqueue(f, f->box[0], false, &b, &busy), ERR_RUN_ACTIVE);
	assert_true(busy);
	assert_ok(enqueue(f, f->box[0], true, &b, NULL));
	assert_true(b.held);
	run_free(&b);
	run_free(&a);
}

static void one_mail_changing_run_an_account(void **state)
{
	struct fixture *f = *state;
	int64_t twin = new_mailbox(f->s, f->job, "other", "ANA"); /* the same account in other letters */
	struct run a, b, *v;
	struct run_request verify = {.job_id = f->job, .mailbox_id = twin, .kind = RUN_VERIFY};

	assert_ok(enqueue(f, f->box[0], false, &a, NULL));
	assert_err(enqueue(f, twin, false, &b, NULL), ERR_RUN_ACTIVE);
	assert_ok(run_enqueue(f->s, &verify, 1, false, &tester, &v, NULL)); /* reading is no change */
	runs_free(v, 1);
	run_free(&a);
}

static void all_or_none(void **state)
{
	struct fixture *f = *state;
	struct run_request q[3];
	struct run a, *v;
	bool busy[3];
	size_t n;

	for (int i = 0; i < 3; i++)
		q[i] = (struct run_request){
		        .job_id = f->job, .mailbox_id = f->box[i], .kind = RUN_SYNC, .pass = PASS_DELTA};
	assert_ok(enqueue(f, f->box[1], false, &a, NULL));
	assert_err(run_enqueue(f->s, q, 3, false, &tester, &v, busy), ERR_RUN_ACTIVE);
	assert_false(busy[0]);
	assert_true(busy[1]);
	assert_false(busy[2]);
	assert_ok(run_list(f->s,
	        &(struct run_filter){.job_id = f->job, .status = -1, .kind = -1, .limit = 100}, &v, &n));
	assert_int_equal(n, 1);
	runs_free(v, n);
	run_free(&a);
}

static void refuses_nonsense(void **state)
{
	struct fixture *f = *state;
	struct run *v;
	struct run_request none = {.job_id = f->job, .kind = RUN_SYNC, .pass = PASS_DELTA};
	struct run_request no_pass = {.job_id = f->job, .mailbox_id = f->box[0], .kind = RUN_SYNC};
	struct run_request foreign = {.job_id = f->job, .mailbox_id = 999, .kind = RUN_VERIFY};
	struct run_request nowhere = {.job_id = 999, .mailbox_id = f->box[0], .kind = RUN_VERIFY};

	assert_err(run_enqueue(f->s, &none, 1, false, &tester, &v, NULL), ERR_INPUT);
	assert_err(run_enqueue(f->s, &no_pass, 1, false, &tester, &v, NULL), ERR_INPUT);
	assert_err(run_enqueue(f->s, &foreign, 1, false, &tester, &v, NULL), ERR_NOT_FOUND);
	assert_err(run_enqueue(f->s, &nowhere, 1, false, &tester, &v, NULL), ERR_NOT_FOUND);
}

static void claim_is_compare_and_set(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	struct run r;

	assert_err(run_claim(f->s, id, "w1", 1, "aa", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_err(run_claim(f->s, 999, "w1", 0, "aa", LEASE, f->now, &r), ERR_NOT_FOUND);
	claim_one(f, id, 0);
	/* the answer was lost: the same nonce gets it again, another worker or nonce does not */
	claim_one(f, id, 0);
	assert_err(run_claim(f->s, id, "w2", 0, "aa", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_err(run_claim(f->s, id, "w1", 0, "bb", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_err(run_claim(f->s, id, "w2", 1, "bb", LEASE, f->now, &r), ERR_RUN_STALE);
}

static void held_runs_wait_for_their_turn(void **state)
{
	struct fixture *f = *state;
	struct run a, b, r, *v;
	size_t n;

	assert_ok(enqueue(f, f->box[0], false, &a, NULL));
	assert_ok(enqueue(f, f->box[0], true, &b, NULL));
	assert_err(run_claim(f->s, b.id, "w1", 0, "aa", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_ok(run_emittable(f->s, f->now, 0, 10, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].id, a.id);
	runs_free(v, n);
	claim_one(f, a.id, 0);
	assert_true(report_one(f, a.id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED})
	                    .accepted);
	/* the end itself lets the next one go */
	assert_ok(run_emittable(f->s, f->now, 0, 10, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].id, b.id);
	runs_free(v, n);
	claim_one(f, b.id, 0);
	run_free(&a);
	run_free(&b);
}

static void beats_go_to_progress_only(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL), before, after;
	struct run_beat b = {
	        .id = id, .attempt = 1, .seq = 1, .status = RUN_RUNNING, .progress = "{\"messages_done\":7}"};
	struct store *other;
	struct run_progress p;

	claim_one(f, id, 0);
	assert_ok(store_open(&other, f->dir, STORE_USE));
	assert_ok(store_data_version(other, &before));
	assert_ok(run_beats(f->s, "w1", &b, 1, LEASE, f->now + 1000));
	assert_true(b.accepted);
	assert_ok(store_data_version(other, &after));
	assert_int_equal(before, after);
	assert_ok(run_progress_get(other, id, &p));
	assert_string_equal(p.totals, "{\"messages_done\":7}");
	run_progress_free(&p);
	assert_ok(run_beats(f->s, "w1", &b, 1, LEASE, f->now + 1000)); /* the same seq again */
	assert_false(b.accepted);
	assert_int_equal(b.refused, ERR_NONE);
	/* less than half of the lease left: the row is renewed */
	b.seq = 2;
	assert_ok(run_beats(f->s, "w1", &b, 1, LEASE, f->now + LEASE / 2 + 1000));
	assert_ok(store_data_version(other, &after));
	assert_int_not_equal(before, after);
	store_close(other);
}

static void beats_carry_wishes_and_refusals(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	struct run_beat v[3] = {{.id = id, .attempt = 1, .seq = 1, .status = RUN_WAITING},
	        {.id = id, .attempt = 2, .seq = 1, .status = RUN_RUNNING},
	        {.id = 999, .attempt = 1, .seq = 1, .status = RUN_RUNNING}};
	struct run r;

	claim_one(f, id, 0);
	assert_ok(run_pause(f->s, id, &tester, &r));
	run_free(&r);
	assert_ok(run_beats(f->s, "w1", v, 3, LEASE, f->now));
	assert_true(v[0].accepted && v[0].pause && !v[0].cancel);
	assert_int_equal(v[1].refused, ERR_RUN_STALE);
	assert_int_equal(v[2].refused, ERR_NOT_FOUND);
	assert_int_equal(status_of(f, id), RUN_WAITING);
	v[0].seq = 2;
	assert_ok(run_beats(f->s, "w2", v, 1, LEASE, f->now));
	assert_int_equal(v[0].refused, ERR_RUN_STALE);
}

static void reports_count_once(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	struct report end = {.worker = "w1", .message = "", .attempt = 1, .seq = 5, .status = RUN_SUCCEEDED};
	struct run_reported out;
	struct pass_row p;

	claim_one(f, id, 0);
	assert_true(report_one(f, id, end).accepted);
	assert_false(report_one(f, id, end).accepted); /* the answer was lost, it comes again */
	assert_ok(pass_last(f->s, f->box[0], &p));
	assert_int_equal(p.run_id, id);
	end.seq = 6;
	assert_err(run_report(f->s, id, &end, ATTEMPTS, f->now, &out), ERR_RUN_STALE);
	end.attempt = 2;
	assert_err(run_report(f->s, id, &end, ATTEMPTS, f->now, &out), ERR_RUN_STALE);
	end.attempt = 1;
	end.worker = "w2";
	assert_err(run_report(f->s, id, &end, ATTEMPTS, f->now, &out), ERR_RUN_STALE);
}

static void leases_expire(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	struct report late = {.worker = "w1", .message = "", .attempt = 1, .seq = 9, .status = RUN_SUCCEEDED};
	struct run_reported out;
	struct pass_row p;
	struct run r;
	size_t n;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		claim_one(f, id, attempt);
		assert_ok(run_expire_leases(f->s, f->now + LEASE, ATTEMPTS, &n));
		assert_int_equal(n, 0);
		assert_ok(run_expire_leases(f->s, f->now + LEASE + 1, ATTEMPTS, &n));
		assert_int_equal(n, 1);
		late.attempt = attempt + 1;
		assert_err(run_report(f->s, id, &late, ATTEMPTS, f->now, &out), ERR_RUN_STALE);
	}
	assert_ok(run_get(f->s, id, NULL, &r));
	assert_int_equal(r.status, RUN_FAILED);
	assert_string_equal(r.code, "run.lost");
	run_free(&r);
	assert_ok(pass_last(f->s, f->box[0], &p)); /* it may have changed mail */
	assert_int_equal(p.status, RUN_FAILED);
}

static void nobody_is_lost_while_nobody_listens(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	size_t n;

	claim_one(f, id, 0);
	f->now += 10 * LEASE; /* the service was away */
	assert_ok(run_extend_leases(f->s, LEASE, f->now));
	assert_ok(run_expire_leases(f->s, f->now, ATTEMPTS, &n));
	assert_int_equal(n, 0);
	assert_true(report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED}).accepted);
	/* not for ever: who is not heard after it is gone */
	id = queue_one(f, f->box[1], RUN_SYNC, PASS_INITIAL);
	claim_one(f, id, 0);
	assert_ok(run_extend_leases(f->s, LEASE, f->now + 10));
	assert_ok(run_expire_leases(f->s, f->now + LEASE + 11, ATTEMPTS, &n));
	assert_int_equal(n, 1);
}

static void failures_are_tried_again_by_their_class(void **state)
{
	static const struct {
		const char *code;
		int tries;
	} cases[] = {{"auth.rejected", 1}, {"no.such.code", 1}, {"source.changed", 2}, {"line.lost", 3},
	        {NULL, 2}};
	struct fixture *f = *state;
	struct run *v;
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_DELTA);
		int tries = 0;
		struct run_reported out;

		do {
			claim_one(f, id, tries++);
			out = report_one(f, id,
			        (struct report){.attempt = tries,
			                .seq = 1,
			                .status = RUN_FAILED,
			                .code = cases[i].code});
			assert_true(out.accepted);
			if (out.requeued) {
				assert_ok(run_emittable(f->s, f->now, 0, 10, &v, &n)); /* not at once */
				assert_int_equal(n, 0);
				runs_free(v, n);
				assert_ok(run_emittable(f->s, f->now + 600000, 0, 10, &v, &n));
				assert_int_equal(n, 1);
				runs_free(v, n);
			}
		} while (out.requeued);
		assert_int_equal(tries, cases[i].tries);
		assert_int_equal(status_of(f, id), RUN_FAILED);
	}
}

static void a_failed_preflight_is_an_answer(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_PREFLIGHT, PASS_NONE);

	claim_one(f, id, 0);
	assert_false(report_one(f, id,
	        (struct report){.attempt = 1, .seq = 1, .status = RUN_FAILED, .code = "host.unreachable"})
	                     .requeued);
	assert_int_equal(status_of(f, id), RUN_FAILED);
}

static void given_back_costs_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);

	for (int i = 0; i < 5; i++) {
		claim_one(f, id, i);
		assert_true(
		        report_one(f, id, (struct report){.attempt = i + 1, .seq = 1, .status = RUN_QUEUED})
		                .requeued);
	}
	assert_int_equal(status_of(f, id), RUN_QUEUED);
}

static void cancel_and_pause(void **state)
{
	struct fixture *f = *state;
	int64_t a = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL),
	        b = queue_one(f, f->box[1], RUN_SYNC, PASS_INITIAL);
	struct pass_row p;
	struct run r, *v;
	size_t n;

	assert_ok(run_cancel(f->s, a, &tester, &r));
	assert_int_equal(r.status, RUN_CANCELLED);
	run_free(&r);
	assert_ok(pass_last(f->s, f->box[0], &p)); /* never ran: no pass */
	assert_int_equal(p.id, 0);
	assert_err(run_cancel(f->s, a, &tester, &r), ERR_CONFLICT);
	assert_ok(run_pause(f->s, b, &tester, &r));
	run_free(&r);
	assert_ok(run_emittable(f->s, f->now, 0, 10, &v, &n));
	assert_int_equal(n, 0);
	runs_free(v, n);
	assert_err(run_claim(f->s, b, "w1", 0, "aa", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_ok(run_resume(f->s, b, &tester, &r));
	run_free(&r);
	assert_err(run_resume(f->s, b, &tester, &r), ERR_CONFLICT);
	claim_one(f, b, 0);
	assert_ok(run_cancel(f->s, b, &tester, &r));
	assert_int_equal(r.status, RUN_RUNNING);
	assert_true(r.cancel);
	run_free(&r);
	assert_ok(run_expire_leases(
	        f->s, f->now + LEASE + 1, ATTEMPTS, &n)); /* the worker is gone: cancelled all the same */
	assert_int_equal(status_of(f, b), RUN_CANCELLED);
	assert_ok(pass_last(f->s, f->box[1], &p));
	assert_int_equal(p.status, RUN_CANCELLED);
}

static void moved_back_by_hand(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL), other;
	struct audit_row *v;
	struct pass_row p;
	struct run r;
	size_t n;

	claim_one(f, id, 0);
	report_one(f, id,
	        (struct report){.attempt = 1, .seq = 1, .status = RUN_FAILED, .code = "auth.rejected"});
	assert_err(
	        run_claim(f->s, id, "w1", 0, "cc", LEASE, f->now, &r), ERR_RUN_STALE); /* a file of before */
	other = queue_one(f, f->box[0], RUN_VERIFY, PASS_NONE);
	assert_err(run_claim(f->s, id, "w1", 1, "cc", LEASE, f->now, &r), ERR_RUN_ACTIVE);
	assert_ok(run_cancel(f->s, other, &tester, &r));
	run_free(&r);
	claim_one(f, id, 1);
	assert_ok(audit_list(f->s, f->job, 0, 2, &v, &n));
	assert_string_equal(v[1].actor, "spool");
	assert_string_equal(v[0].action, "run.claim");
	audit_rows_free(v, n);
	assert_true(
	        report_one(f, id, (struct report){.attempt = 2, .seq = 1, .status = RUN_SUCCEEDED}).accepted);
	assert_ok(pass_last(f->s, f->box[0], &p)); /* a second end, a second pass */
	assert_int_equal(p.status, RUN_SUCCEEDED);
	/* one that succeeded stays */
	assert_err(run_claim(f->s, id, "w1", 2, "cc", LEASE, f->now, &r), ERR_RUN_STALE);
}

static void cancelled_in_the_queue_stays_cancelled(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_INITIAL);
	struct run r;

	/* its run file was written already, and comes to a worker later */
	assert_ok(run_cancel(f->s, id, &tester, &r));
	run_free(&r);
	assert_err(run_claim(f->s, id, "w1", 0, "aa", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_int_equal(status_of(f, id), RUN_CANCELLED);
	/* the same after a first attempt that was given back */
	id = queue_one(f, f->box[1], RUN_SYNC, PASS_INITIAL);
	claim_one(f, id, 0);
	report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_QUEUED});
	assert_ok(run_cancel(f->s, id, &tester, &r));
	run_free(&r);
	assert_err(run_claim(f->s, id, "w1", 1, "bb", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_int_equal(status_of(f, id), RUN_CANCELLED);
}

static int64_t failed_one(struct fixture *f, int64_t box)
{
	int64_t id = queue_one(f, box, RUN_SYNC, PASS_DELTA);

	claim_one(f, id, 0);
	report_one(f, id,
	        (struct report){.attempt = 1, .seq = 1, .status = RUN_FAILED, .code = "auth.rejected"});
	return id;
}

static void not_moved_back_when_things_changed(void **state)
{
	struct fixture *f = *state;
	int64_t removed = failed_one(f, f->box[0]), moved = failed_one(f, f->box[1]),
	        closed = failed_one(f, f->box[2]);
	struct mailbox m;
	struct job j;
	struct run r;

	assert_ok(mailbox_remove(f->s, f->box[0], 0, "left", &tester));
	assert_err(run_claim(f->s, removed, "w1", 1, "cc", LEASE, f->now, &r), ERR_RUN_STALE);
	/* the gate would not see what such a run does to the new account */
	assert_ok(mailbox_get(f->s, f->box[1], NULL, &m));
	free(m.dest.user);
	m.dest.user = xstrdup("elsewhere");
	assert_ok(mailbox_update(f->s, &m, &tester));
	mailbox_free(&m);
	assert_err(run_claim(f->s, moved, "w1", 1, "cc", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_ok(job_get(f->s, f->job, NULL, &j));
	j.closed = true;
	assert_ok(job_update(f->s, &j, &tester));
	job_free(&j);
	assert_err(run_claim(f->s, closed, "w1", 1, "cc", LEASE, f->now, &r), ERR_RUN_STALE);
	assert_int_equal(status_of(f, closed), RUN_FAILED);
}

static void retry_makes_a_new_run(void **state)
{
	struct fixture *f = *state;
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_FINAL);
	struct run r;

	assert_err(run_retry(f->s, id, false, &tester, &r), ERR_CONFLICT);
	claim_one(f, id, 0);
	report_one(f, id,
	        (struct report){.attempt = 1, .seq = 1, .status = RUN_FAILED, .code = "auth.rejected"});
	assert_ok(run_retry(f->s, id, false, &tester, &r));
	assert_int_equal(r.retry_of, id);
	assert_int_equal(r.pass, PASS_FINAL);
	assert_int_equal(r.attempt, 0);
	run_free(&r);
}

static void verifications_become_evidence(void **state)
{
	struct fixture *f = *state;
	struct report_verify_folder folder = {.folder = "Caf\xc3\xa9",
	        .dest = "Caf\xc3\xa9",
	        .complete = true,
	        .expected = 10,
	        .found = 8,
	        .exact = 8,
	        .missing = 2};
	struct report_verification in = {.complete = true,
	        .deep = true,
	        .expected = 10,
	        .found = 8,
	        .missing = 2,
	        .unexplained = 1,
	        .folders = &folder,
	        .n_folders = 1};
	struct report_missing lost[2] = {{.folder = "x",
	                                         .date = "",
	                                         .message_id = "<1@x>",
	                                         .from = "",
	                                         .subject = "s",
	                                         .class = "unexplained",
	                                         .detail = "",
	                                         .uid = 4,
	                                         .size = 10},
	        {.folder = "x",
	                .date = "",
	                .message_id = "",
	                .from = "",
	                .subject = "",
	                .class = "refused",
	                .detail = "",
	                .uid = 5}};
	struct report first = {.attempt = 1,
	        .seq = 1,
	        .status = RUN_SUCCEEDED,
	        .verification = &in,
	        .missing = lost,
	        .n_missing = 1};
	struct report more = {
	        .attempt = 1, .seq = 2, .status = RUN_RUNNING, .missing = lost + 1, .n_missing = 1};
	struct verification_folder *folders;
	struct missing_row *missing;
	struct verification v;
	int64_t id;
	size_t n;

	do_pass(f, f->box[0], PASS_INITIAL, 10, 0);
	id = queue_one(f, f->box[0], RUN_VERIFY, PASS_NONE);
	claim_one(f, id, 0);
	assert_true(report_one(f, id, first).accepted);
	assert_true(report_one(f, id, more).accepted);
	assert_false(report_one(f, id, more).accepted);
	assert_int_equal(status_of(f, id), RUN_SUCCEEDED);
	assert_ok(verification_last(f->s, f->box[0], &v));
	assert_true(v.complete && v.current && v.deep);
	assert_int_equal(v.unexplained, 1);
	assert_ok(verification_folders(f->s, v.id, &folders, &n));
	assert_int_equal(n, 1);
	assert_string_equal(folders[0].folder, "Caf\xc3\xa9");
	verification_folders_free(folders, n);
	assert_ok(missing_list(f->s, v.id, NULL, 0, 10, &missing, &n));
	assert_int_equal(n, 2);
	missing_free(missing, n);
	assert_ok(missing_list(f->s, v.id, "refused", 0, 10, &missing, &n));
	assert_int_equal(n, 1);
	missing_free(missing, n);
	do_pass(f, f->box[0], PASS_DELTA, 10, 0);
	assert_ok(verification_last(f->s, f->box[0], &v));
	assert_false(v.current);
}

static void baseline_is_the_last_pass(void **state)
{
	struct fixture *f = *state;
	struct pass_folder *v;
	int64_t pass_id;
	size_t n;

	assert_ok(pass_baseline(f->s, f->box[0], &pass_id, &v, &n));
	assert_int_equal(pass_id, 0);
	assert_int_equal(n, 0);
	do_pass(f, f->box[0], PASS_INITIAL, 10, 0);
	do_pass(f, f->box[0], PASS_DELTA, 12, 0);
	assert_ok(pass_baseline(f->s, f->box[0], &pass_id, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].uidnext, 13);
	pass_folders_free(v, n);
}

/* Two processes on one file: exactly one gets the run. */
static void two_workers_one_claim(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	struct run r;

	assert_ok(store_open(&other, f->dir, STORE_USE));
	for (int i = 0; i < 20; i++) {
		int64_t id = queue_one(f, f->box[0], RUN_VERIFY, PASS_NONE);
		struct store *first = i % 2 ? other : f->s, *second = i % 2 ? f->s : other;

		assert_ok(run_claim(first, id, "w1", 0, "aa", LEASE, f->now, &r));
		run_free(&r);
		assert_err(run_claim(second, id, "w2", 0, "bb", LEASE, f->now, &r), ERR_RUN_STALE);
		report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED});
	}
	store_close(other);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(one_active_run_a_mailbox), T(one_mail_changing_run_an_account),
	        T(all_or_none), T(refuses_nonsense), T(claim_is_compare_and_set),
	        T(held_runs_wait_for_their_turn), T(beats_go_to_progress_only),
	        T(beats_carry_wishes_and_refusals), T(reports_count_once), T(leases_expire), T(nobody_is_lost_while_nobody_listens),
	        T(failures_are_tried_again_by_their_class), T(a_failed_preflight_is_an_answer),
	        T(given_back_costs_nothing), T(cancel_and_pause), T(moved_back_by_hand),
	        T(cancelled_in_the_queue_stays_cancelled), T(not_moved_back_when_things_changed), T(retry_makes_a_new_run), T(verifications_become_evidence), T(baseline_is_the_last_pass),
	        T(two_workers_one_claim)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
