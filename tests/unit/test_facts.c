/* The gate as the database says it: the rows of section "Gate" of the design, and decisions about it. */
#include "store_unit.h"

#include "clock.h"
#include "gate.h"
#include "store_account.h"
#include "store_audit.h"
#include "store_facts.h"

static const struct gate_policy policy = {
        .enabled = true, .min_ratio = 990000, .override_roles = 1u << ROLE_SUPER_ADMIN};
static const struct report_verification good = {.complete = true, .expected = 100, .found = 100};

static struct principal lead = {.role = ROLE_OPS_LEAD,
        .iss = (char *)(uintptr_t) "desk",
        .sub = (char *)(uintptr_t) "lea",
        .name = (char *)(uintptr_t) "Lea"};
static struct principal admin = {.role = ROLE_SUPER_ADMIN,
        .iss = (char *)(uintptr_t) "desk",
        .sub = (char *)(uintptr_t) "adam",
        .name = (char *)(uintptr_t) "Adam"};
static struct principal tech = {.role = ROLE_TECHNICIAN,
        .iss = (char *)(uintptr_t) "desk",
        .sub = (char *)(uintptr_t) "tess",
        .name = (char *)(uintptr_t) "Tess"};

static struct gate gate_now(struct fixture *f)
{
	struct gate g;

	assert_ok(gate_of_job(f->s, f->job, &policy, f->now, &g, NULL));
	return g;
}

static bool has(const struct gate *g, const char *code, int64_t mailbox)
{
	for (size_t i = 0; i < g->n_reasons; i++)
		if (strcmp(gate_code_name(g->reasons[i].code), code) == 0 &&
		        g->reasons[i].mailbox_id == mailbox)
			return true;
	return false;
}

static void expect(struct fixture *f, const char *verdict, const char *code, int64_t mailbox)
{
	struct gate g = gate_now(f);

	if (strcmp(gate_verdict_name(g.verdict), verdict) != 0 || (code != NULL && !has(&g, code, mailbox))) {
		for (size_t i = 0; i < g.n_reasons; i++)
			print_error("  %s %lld %s%s\n", gate_code_name(g.reasons[i].code),
			        (long long)g.reasons[i].mailbox_id, g.reasons[i].detail,
			        g.reasons[i].covered ? " (covered)" : "");
		fail_msg("verdict %s, expected %s with %s", gate_verdict_name(g.verdict), verdict,
		        code != NULL ? code : "-");
	}
	gate_free(&g);
}

static void all_final_and_verified(struct fixture *f)
{
	for (int i = 0; i < 4; i++) {
		do_pass(f, f->box[i], PASS_FINAL, 100, 0);
		do_verify(f, f->box[i], good);
	}
}

static const struct err *decide(
        struct fixture *f, enum gate_act act, struct principal *who, const char *etag, int64_t n)
{
	struct gate g;
	const struct err *e = gate_decide(f->s,
	        &(struct gate_deed){.act = act,
	                .job_id = f->job,
	                .if_match = etag,
	                .mailboxes = n,
	                .reason = "because",
	                .override_hours = 72},
	        &policy, who, f->now, &g, NULL);

	gate_free(&g);
	return e;
}

static const struct err *decide_now(struct fixture *f, enum gate_act act, struct principal *who)
{
	struct gate g = gate_now(f);
	const struct err *e = decide(f, act, who, g.etag, g.mailboxes);

	gate_free(&g);
	return e;
}

static void from_nothing_to_ready(void **state)
{
	struct fixture *f = *state;
	struct gate g;

	assert_ok(gate_of_domain(f->s, NULL, "nowhere.example", &policy, f->now, &g));
	assert_int_equal(g.verdict, GATE_BLOCKED);
	assert_true(has(&g, "job.none", 0));
	gate_free(&g);
	expect(f, "blocked", "mailbox.unverified", f->box[0]);
	for (int i = 0; i < 4; i++)
		do_pass(f, f->box[i], PASS_INITIAL, 100, 0);
	expect(f, "blocked", "mailbox.unverified", f->box[3]);
	for (int i = 0; i < 4; i++)
		do_verify(f, f->box[i], good);
	expect(f, "warning", "pass.none_final", f->box[0]);
	all_final_and_verified(f);
	expect(f, "warning", "gate.not_approved", 0);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	expect(f, "ready_for_dns", NULL, 0);
	assert_ok(gate_of_domain(f->s, NULL, "a.example", &policy, f->now, &g));
	assert_true(g.ready);
	assert_true(g.approval_valid);
	gate_free(&g);
	assert_ok(decide_now(f, GATE_REVOKE, &lead));
	expect(f, "warning", "gate.not_approved", 0);
}

static void empty_job(void **state)
{
	struct fixture *f = *state;

	f->job = new_job(f->s, "empty.example");
	expect(f, "blocked", "job.empty", 0);
}

static void a_sync_after_the_approval(void **state)
{
	struct fixture *f = *state;
	struct gate g;
	struct run r;
	int64_t id;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	id = queue_one(f, f->box[1], RUN_SYNC, PASS_DELTA);
	expect(f, "blocked", "run.active", f->box[1]);
	assert_ok(run_cancel(f->s, id, &tester, &r)); /* never ran: the facts are what they were */
	run_free(&r);
	expect(f, "ready_for_dns", NULL, 0);
	do_pass(f, f->box[1], PASS_DELTA, 101, 0);
	expect(f, "warning", "gate.approval_void", 0);
	g = gate_now(f);
	assert_non_null(strstr(g.approval_void_because, "a newer pass"));
	assert_true(has(&g, "pass.not_last_final", f->box[1]));
	assert_true(has(&g, "verify.stale", f->box[1]));
	gate_free(&g);
}

static void readers_do_not_void(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	id = queue_one(f, f->box[1], RUN_STRAGGLER, PASS_NONE);
	expect(f, "ready_for_dns", NULL, 0);
	claim_one(f, id, 0);
	report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED});
	expect(f, "ready_for_dns", NULL, 0);
	do_verify(f, f->box[1], good); /* but a new verification is another fact */
	expect(f, "warning", "gate.approval_void", 0);
}

static void one_mailbox_below_while_the_sum_is_above(void **state)
{
	struct fixture *f = *state;

	all_final_and_verified(f);
	do_verify(f, f->box[2],
	        (struct report_verification){
	                .complete = true, .expected = 10, .found = 9, .missing = 1, .unexplained = 0});
	expect(f, "blocked", "mailbox.below_minimum", f->box[2]);
	/* 98.99 % is not 99 %, however it is written */
	do_verify(f, f->box[2],
	        (struct report_verification){
	                .complete = true, .expected = 10000, .found = 9899, .missing = 101});
	expect(f, "blocked", "mailbox.below_minimum", f->box[2]);
	do_verify(f, f->box[2],
	        (struct report_verification){
	                .complete = true, .expected = 10000, .found = 9900, .missing = 100});
	expect(f, "warning", "gate.not_approved", 0);
}

static void acceptances(void **state)
{
	struct fixture *f = *state;
	const struct report_verification lost = {
	        .complete = true, .expected = 1000, .found = 999, .missing = 1, .unexplained = 1};
	struct acceptance a;

	all_final_and_verified(f);
	do_verify(f, f->box[0], lost);
	expect(f, "blocked", "mailbox.missing_unexplained", f->box[0]);
	assert_err(acceptance_add(f->s, f->box[0], "missing", 2, "spam", &tester, &a), ERR_CONFLICT);
	assert_err(acceptance_add(f->s, f->box[0], "everything", 1, "spam", &tester, &a), ERR_INPUT);
	assert_err(acceptance_add(f->s, f->box[0], "missing", 1, "", &tester, &a), ERR_INPUT);
	assert_ok(acceptance_add(f->s, f->box[0], "missing", 1, "spam", &tester, &a));
	free(a.what), free(a.reason), free(a.by), free(a.role);
	expect(f, "warning", "gate.not_approved", 0);
	do_verify(f, f->box[0], lost); /* accepted was that verification, not this one */
	expect(f, "blocked", "mailbox.missing_unexplained", f->box[0]);
}

static void accept(struct fixture *f, int64_t box, const char *what, int64_t count)
{
	struct acceptance *a = xcalloc(1, sizeof(*a));

	assert_ok(acceptance_add(f->s, box, what, count, "looked at", &tester, a));
	acceptances_free(a, 1);
}

static void empty_source(void **state)
{
	struct fixture *f = *state;

	all_final_and_verified(f);
	do_pass(f, f->box[3], PASS_FINAL, 100, 0);
	do_verify(f, f->box[3], (struct report_verification){.complete = true});
	expect(f, "blocked", "source.empty", f->box[3]);
	expect(f, "blocked", "source.shrank", f->box[3]);
	accept(f, f->box[3], "source.empty", 0);
	expect(f, "blocked", "source.shrank", f->box[3]);
	accept(f, f->box[3], "source.shrank", 0);
	expect(f, "warning", "gate.not_approved", 0);
}

static void source_that_shrank(void **state)
{
	struct fixture *f = *state;
	const struct report_verification less = {.complete = true, .expected = 90, .found = 90};

	do_pass(f, f->box[0], PASS_INITIAL, 100, 0);
	all_final_and_verified(f);
	do_pass(f, f->box[0], PASS_FINAL, 90, 0);
	do_verify(f, f->box[0], less);
	expect(f, "blocked", "source.shrank", f->box[0]);
	accept(f, f->box[0], "source.shrank", 90);
	expect(f, "warning", "gate.not_approved", 0);
	do_verify(f, f->box[0], less); /* the accepted number is the measure now */
	expect(f, "warning", "gate.not_approved", 0);
	do_pass(f, f->box[0], PASS_FINAL, 89, 0);
	do_verify(f, f->box[0], (struct report_verification){.complete = true, .expected = 89, .found = 89});
	expect(f, "blocked", "source.shrank", f->box[0]);
}

static void removed_mailbox(void **state)
{
	struct fixture *f = *state;
	struct gate g;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	assert_ok(mailbox_remove(f->s, f->box[3], 0, "left the company", &tester));
	expect(f, "blocked", "mailbox.removed", f->box[3]);
	accept(f, f->box[3], "mailbox.removed", 0);
	expect(f, "warning", "gate.approval_void", 0);
	g = gate_now(f);
	assert_int_equal(g.mailboxes, 3);
	gate_free(&g);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	expect(f, "ready_for_dns", NULL, 0);
	new_mailbox(f->s, f->job, "eva", "eva");
	expect(f, "blocked", "gate.approval_void", 0);
}

static void partial_verification_proves_nothing(void **state)
{
	struct fixture *f = *state;

	all_final_and_verified(f);
	do_verify(
	        f, f->box[0], (struct report_verification){.complete = false, .expected = 100, .found = 100});
	expect(f, "blocked", "mailbox.verify_partial", f->box[0]);
}

static void refusals_weak_and_excluded(void **state)
{
	struct fixture *f = *state;

	all_final_and_verified(f);
	do_pass(f, f->box[0], PASS_FINAL, 1000, 2);
	do_verify(f, f->box[0],
	        (struct report_verification){.complete = true,
	                .expected = 1000,
	                .found = 995,
	                .found_weak = 3,
	                .missing = 2,
	                .excluded = 5});
	expect(f, "warning", "mailbox.refusals_unaccepted", f->box[0]);
	accept(f, f->box[0], "refusal", 2);
	expect(f, "warning", "mailbox.weak_unaccepted", f->box[0]);
	accept(f, f->box[0], "weak", 3);
	expect(f, "warning", "mailbox.excluded_unaccepted", f->box[0]);
	accept(f, f->box[0], "excluded", 5);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	expect(f, "ready_for_dns", NULL, 0);
}

static void another_pair_has_no_evidence(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	assert_ok(mailbox_get(f->s, f->box[0], NULL, &m));
	free(m.dest.user);
	m.dest.user = xstrdup("somebody.else");
	assert_ok(mailbox_update(f->s, &m, &tester));
	mailbox_free(&m);
	expect(f, "blocked", "mailbox.unverified", f->box[0]);
	expect(f, "blocked", "gate.approval_void", 0);
}

static void the_jobs_own_rules_are_facts(void **state)
{
	struct fixture *f = *state;
	struct gate g;
	struct job j;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	assert_ok(job_get(f->s, f->job, NULL, &j));
	free(j.options);
	j.options = xstrdup("{\"max_rate\":4096}"); /* how fast, not what */
	assert_ok(job_update(f->s, &j, &tester));
	expect(f, "ready_for_dns", NULL, 0);
	free(j.options);
	j.options = xstrdup("{\"max_rate\":4096,\"folders\":{\"map\":{},\"include\":[],\"exclude\":[\"Archive\"]}}");
	assert_ok(job_update(f->s, &j, &tester));
	job_free(&j);
	expect(f, "warning", "gate.approval_void", 0);
	g = gate_now(f);
	assert_non_null(strstr(g.approval_void_because, "folder rules"));
	gate_free(&g);
}

static void decisions_are_checked(void **state)
{
	struct fixture *f = *state;
	struct gate g, stale;

	assert_err(decide_now(f, GATE_APPROVE, &lead), ERR_CONFLICT); /* blocked */
	stale = gate_now(f);
	all_final_and_verified(f);
	assert_err(decide_now(f, GATE_APPROVE, &tech), ERR_FORBIDDEN);
	assert_err(decide_now(f, GATE_OVERRIDE, &lead), ERR_FORBIDDEN);
	g = gate_now(f);
	assert_err(decide(f, GATE_APPROVE, &lead, NULL, 4), ERR_PRECONDITION_REQUIRED);
	assert_err(decide(f, GATE_APPROVE, &lead, stale.etag, 4), ERR_PRECONDITION);
	assert_err(decide(f, GATE_APPROVE, &lead, "*", 4), ERR_PRECONDITION);
	assert_err(decide(f, GATE_APPROVE, &lead, g.etag, 3), ERR_INPUT);
	assert_err(decide(f, GATE_REVOKE, &lead, NULL, 0), ERR_CONFLICT);
	assert_ok(decide(f, GATE_APPROVE, &lead, g.etag, 4));
	assert_err(decide(f, GATE_APPROVE, &lead, g.etag, 4),
	        ERR_PRECONDITION);                                      /* the gate has moved: ready now */
	assert_err(decide_now(f, GATE_OVERRIDE, &admin), ERR_CONFLICT); /* nothing to override */
	gate_free(&g);
	gate_free(&stale);
}

static void four_eyes(void **state)
{
	struct fixture *f = *state;
	struct gate_policy strict = policy;
	struct principal same = tech;
	struct gate g, out;

	all_final_and_verified(f);
	same.role = ROLE_OPS_LEAD;
	assert_ok(decide_now(f, GATE_APPROVE, &same)); /* desk|tess started the passes */
	expect(f, "ready_for_dns", NULL, 0);
	strict.four_eyes = true;
	assert_ok(gate_of_job(f->s, f->job, &strict, f->now, &g, NULL));
	assert_int_equal(g.verdict, GATE_WARNING);
	assert_err(gate_decide(f->s,
	                   &(struct gate_deed){
	                           .act = GATE_APPROVE, .job_id = f->job, .if_match = g.etag, .mailboxes = 4},
	                   &strict, &same, f->now, &out, NULL),
	        ERR_FORBIDDEN);
	gate_free(&out);
	assert_ok(gate_decide(f->s,
	        &(struct gate_deed){
	                .act = GATE_APPROVE, .job_id = f->job, .if_match = g.etag, .mailboxes = 4},
	        &strict, &lead, f->now, &out, NULL));
	assert_true(out.ready);
	gate_free(&out);
	gate_free(&g);
}

static void override_covers_what_was_there(void **state)
{
	struct fixture *f = *state;
	int64_t day = 24 * 3600 * 1000, id;

	all_final_and_verified(f);
	do_verify(f, f->box[0],
	        (struct report_verification){
	                .complete = true, .expected = 100, .found = 50, .missing = 50, .unexplained = 50});
	id = queue_one(f, f->box[1], RUN_SYNC, PASS_DELTA);
	assert_err(decide_now(f, GATE_OVERRIDE, &admin), ERR_CONFLICT); /* a run is active */
	claim_one(f, id, 0);
	report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_CANCELLED});
	assert_ok(decide_now(f, GATE_OVERRIDE, &admin));
	expect(f, "ready_for_dns", "mailbox.below_minimum", f->box[0]);
	id = queue_one(f, f->box[1], RUN_RECOPY, PASS_NONE);
	expect(f, "blocked", "run.active", f->box[1]);
	claim_one(f, id, 0);
	report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED});
	expect(f, "blocked", "mailbox.below_minimum", f->box[0]); /* other facts: void */
	assert_ok(decide_now(f, GATE_OVERRIDE, &admin));
	expect(f, "ready_for_dns", NULL, 0);
	f->now += 3 * day - 1;
	expect(f, "ready_for_dns", NULL, 0);
	f->now += 1;
	expect(f, "blocked", "mailbox.below_minimum", f->box[0]); /* expired */
	assert_ok(decide_now(f, GATE_OVERRIDE, &admin));
	assert_ok(decide_now(f, GATE_REVOKE, &lead));
	expect(f, "blocked", "mailbox.below_minimum", f->box[0]);
}

static void dns_events(void **state)
{
	struct fixture *f = *state;

	all_final_and_verified(f);
	assert_ok(dns_event_add(f->s, f->job, false, "webhook", false, "{}", &tester));
	expect(f, "dns_applied", "dns.applied_without_gate", 0);
	assert_ok(dns_event_add(f->s, f->job, true, "rollback", false, "{}", &tester));
	expect(f, "blocked", "rolled_back", f->box[0]);
	for (int i = 0; i < 4; i++) {
		do_pass(f, f->box[i], PASS_FINAL, 100, 0);
		do_verify(f, f->box[i], good);
	}
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	expect(f, "ready_for_dns", NULL, 0);
	assert_ok(dns_event_add(f->s, f->job, false, "dns_apply", true, "{}", &tester));
	expect(f, "dns_applied", "dns.applied", 0);
}

static void rollback_run(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	id = queue_one(f, f->box[0], RUN_ROLLBACK, PASS_NONE);
	claim_one(f, id, 0);
	report_one(f, id, (struct report){.attempt = 1, .seq = 1, .status = RUN_SUCCEEDED});
	expect(f, "blocked", "rolled_back", f->box[3]);
}

/* A run's change_seq moves on when its file is moved back by hand: what its first attempt has proven does not. */
static void a_run_moved_back_after_a_rollback(void **state)
{
	struct fixture *f = *state;
	struct run r;
	bool found;

	all_final_and_verified(f);
	do_pass(f, f->box[0], PASS_FINAL, 100, 2);
	assert_ok(dns_event_add(f->s, f->job, true, "rollback", false, "{}", &tester));
	expect(f, "blocked", "rolled_back", f->box[0]);
	assert_ok(run_last_of(f->s, f->box[0], &r, &found));
	assert_true(found && r.status == RUN_PARTIAL);
	claim_one(f, r.id, 1);
	report_one(f, r.id, (struct report){.attempt = 2, .seq = 1, .status = RUN_CANCELLED});
	run_free(&r);
	expect(f, "blocked", "rolled_back", f->box[0]);
}

static void accounts_of_the_destination(void **state)
{
	static char *const listed[] = {(char *)(uintptr_t) "ana@a.example", (char *)(uintptr_t) "galsync@a.example",
	        (char *)(uintptr_t) "rui@a.example", (char *)(uintptr_t) "x@other.example"};
	struct fixture *f = *state;
	struct gate g;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	expect(f, "ready_for_dns", NULL, 0);
	assert_ok(account_list_put(f->s, f->job, "given", listed, 4, &tester));
	expect(f, "warning", "account.not_in_job", 0);
	g = gate_now(f);
	assert_non_null(strstr(g.approval_void_because, "account galsync@a.example without a mailbox: added"));
	gate_free(&g);
	assert_err(account_accept(f->s, f->job, &listed[0], 1, "mine", &tester), ERR_CONFLICT);
	assert_ok(account_accept(f->s, f->job, &listed[1], 1, "a system account", &tester));
	expect(f, "warning", "account.not_in_job", 0);
	new_mailbox(f->s, f->job, "rui", "Rui@A.example");
	g = gate_now(f);
	assert_false(has(&g, "account.not_in_job", 0));
	gate_free(&g);
}

static void the_audit_tells_it(void **state)
{
	struct fixture *f = *state;
	struct audit_check check;

	all_final_and_verified(f);
	assert_ok(decide_now(f, GATE_APPROVE, &lead));
	assert_ok(audit_verify(f->s, &check));
	assert_true(check.ok);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(from_nothing_to_ready), T(empty_job),
	        T(a_sync_after_the_approval), T(readers_do_not_void),
	        T(one_mailbox_below_while_the_sum_is_above), T(acceptances), T(empty_source),
	        T(source_that_shrank), T(removed_mailbox), T(partial_verification_proves_nothing),
	        T(refusals_weak_and_excluded), T(another_pair_has_no_evidence), T(the_jobs_own_rules_are_facts),
	        T(decisions_are_checked),
	        T(four_eyes), T(override_covers_what_was_there), T(dns_events), T(rollback_run),
	        T(a_run_moved_back_after_a_rollback), T(accounts_of_the_destination),
	        T(the_audit_tells_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
