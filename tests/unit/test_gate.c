/*
 * The gate's truth table: every combination of facts, generated, against an oracle that reads the design's
 * table word by word and knows nothing of gate.c. Then what a table cannot show: several jobs, numbers at the
 * edge, hashes and differences.
 */
#include "unit.h"

#include "gate.h"
#include "mem.h"

enum dns { DNS_NONE, DNS_APPLIED, DNS_APPLIED_UNREADY, DNS_ROLLED_BACK, DNS_ROLLED_BACK_THEN_FINAL, DNS_N };
enum move {
	M_NEVER,
	M_INITIAL,
	M_DELTA_AFTER_FINAL,
	M_FINAL,
	M_PARTIAL_ACCEPTED,
	M_PARTIAL,
	M_FAILED_FINAL,
	M_REMOVED,
	M_REMOVED_ACCEPTED,
	M_N
};
enum check { V_NONE, V_PARTIAL, V_CURRENT, V_STALE, V_N };
enum numbers {
	N_GOOD,
	N_BELOW,
	N_ZERO,
	N_ZERO_ACCEPTED,
	N_LOST,
	N_LOST_ACCEPTED,
	N_WEAK,
	N_WEAK_ACCEPTED,
	N_EXCLUDED,
	N_EXCLUDED_ACCEPTED,
	N_N
};
enum approval { A_NONE, A_VALID, A_OTHER_FACTS, A_TECHNICIAN, A_SAME_PERSON, A_N };
enum account { K_ALL, K_OTHER, K_OTHER_ACCEPTED, K_N }; /* the new server's accounts: all in the job, or one is not */
enum override { O_NONE, O_VALID, O_EXPIRED, O_OTHER_FACTS, O_ROLE, O_COVERS_NOTHING, O_N };

struct row {
	bool enabled, active, shrank;
	enum dns dns;
	enum move move;
	enum check check;
	enum numbers numbers;
	enum approval approval;
	enum override override;
	enum account account;
};

#define NOW 1000000

/* One in so many, a number that no dimension divides; all of them with CHECK_LONG=1. */
#ifdef WITH_SANITIZERS
#define EVERY 97
#else
#define EVERY 17
#endif

/* --- the oracle: the gate's rules once more, written apart --------------------------------------- */

static bool gone(const struct row *r)
{
	return r->move == M_REMOVED || r->move == M_REMOVED_ACCEPTED;
}

static bool design_blocks(const struct row *r)
{
	if (gone(r))
		return r->move == M_REMOVED;
	if (r->check == V_NONE || r->check == V_PARTIAL || r->shrank)
		return true;
	return r->numbers == N_BELOW || r->numbers == N_ZERO || r->numbers == N_LOST;
}

static bool design_complete(const struct row *r)
{
	if (gone(r))
		return true;
	return (r->move == M_FINAL || r->move == M_PARTIAL_ACCEPTED) && r->check == V_CURRENT &&
	       r->numbers != N_WEAK && r->numbers != N_EXCLUDED;
}

static enum gate_verdict oracle(const struct row *r)
{
	bool overridden = r->override == O_VALID;

	if (r->dns == DNS_ROLLED_BACK && !overridden)
		return GATE_BLOCKED;
	if (r->dns == DNS_APPLIED || r->dns == DNS_APPLIED_UNREADY)
		return GATE_DNS_APPLIED;
	if (!r->enabled || r->active)
		return GATE_BLOCKED;
	if (overridden)
		return GATE_READY;
	if (design_blocks(r))
		return GATE_BLOCKED;
	return design_complete(r) && r->account != K_OTHER && r->approval == A_VALID ? GATE_READY : GATE_WARNING;
}

/* --- facts as the database would give them
 * ------------------------------------------------------------------------------ */

#define SEQ_ROLLBACK 100

static struct gate_mailbox sound_mailbox(int64_t id)
{
	return (struct gate_mailbox){.id = id,
	        .pair = xstrdup("pair"),
	        .any_final = true,
	        .final_seq = SEQ_ROLLBACK + 50,
	        .last_messages = 100,
	        .most_messages = 100,
	        .last = {.id = 10 * id,
	                .run_id = id,
	                .seq = SEQ_ROLLBACK + 50,
	                .kind = RUN_SYNC,
	                .pass = PASS_FINAL,
	                .status = RUN_SUCCEEDED,
	                .messages = 100},
	        .verification = {.id = id,
	                .run_id = id,
	                .pass_id = 10 * id,
	                .complete = true,
	                .expected = 100,
	                .found = 100},
	        .accepted = {.missing = -1, .weak = -1, .refusals = -1, .excluded = -1}};
}

static void set_move(struct gate_mailbox *m, const struct row *r)
{
	struct gate_pass *p = &m->last;

	m->removed = gone(r);
	m->removal_accepted = r->move == M_REMOVED_ACCEPTED;
	if (r->move == M_NEVER) {
		*p = (struct gate_pass){0};
		m->last_messages = m->most_messages = -1;
	}
	if (r->move == M_INITIAL)
		p->pass = PASS_INITIAL;
	if (r->move == M_DELTA_AFTER_FINAL)
		p->pass = PASS_DELTA;
	if (r->move == M_NEVER || r->move == M_INITIAL || r->move == M_FAILED_FINAL) {
		m->any_final = false;
		m->final_seq = 0;
	}
	if (r->move == M_FAILED_FINAL)
		p->status = RUN_FAILED;
	if (r->move == M_PARTIAL || r->move == M_PARTIAL_ACCEPTED) {
		p->status = RUN_PARTIAL;
		p->refused = 3;
	}
	if (r->move == M_PARTIAL_ACCEPTED)
		m->accepted.refusals = 3;
	if (r->dns == DNS_ROLLED_BACK && m->final_seq > 0)
		m->final_seq = SEQ_ROLLBACK - 50;
}

static void set_numbers(struct gate_mailbox *m, const struct row *r)
{
	struct gate_verification *v = &m->verification;

	v->pass_id = m->last.id;
	if (r->check == V_NONE)
		*v = (struct gate_verification){0};
	if (r->check == V_PARTIAL)
		v->complete = false;
	if (r->check == V_STALE)
		v->pass_id = 3;
	switch (r->numbers) {
	case N_BELOW:
		v->found = 98;
		break;
	case N_ZERO:
	case N_ZERO_ACCEPTED:
		v->expected = v->found = 0;
		m->accepted.empty = r->numbers == N_ZERO_ACCEPTED;
		if (!r->shrank)
			m->last_messages = m->most_messages = m->last_messages < 0 ? -1 : 0;
		break;
	case N_LOST:
	case N_LOST_ACCEPTED:
		v->missing = v->unexplained = 1;
		v->found = 99;
		m->accepted.missing = r->numbers == N_LOST_ACCEPTED ? 1 : 0;
		break;
	case N_WEAK:
	case N_WEAK_ACCEPTED:
		v->found = 99;
		v->found_weak = 1;
		m->accepted.weak = r->numbers == N_WEAK_ACCEPTED ? 1 : -1;
		break;
	case N_EXCLUDED:
	case N_EXCLUDED_ACCEPTED:
		v->excluded = 4;
		m->accepted.excluded = r->numbers == N_EXCLUDED_ACCEPTED ? 4 : 3;
		break;
	default:
		break;
	}
	if (r->check == V_NONE)
		*v = (struct gate_verification){0};
	if (r->shrank && m->most_messages >= 0)
		m->most_messages += 1;
}

static void set_decisions(struct gate_job *j, const struct row *r, const struct gate_policy *p)
{
	char *text = gate_facts_text(j);
	char hash[65];
	struct gate g;

	gate_facts_hash(text, hash);
	if (r->approval != A_NONE)
		j->approval = (struct gate_decision){.id = 1,
		        .facts = xstrdup(r->approval == A_OTHER_FACTS ? "other" : hash),
		        .snapshot = xstrdup("facts 1\n"),
		        .covers = xstrdup("[]"),
		        .by = xstrdup("desk|lea"),
		        .by_name = xstrdup("Lea"),
		        .reason = xstrdup(""),
		        .role = r->approval == A_TECHNICIAN ? ROLE_TECHNICIAN : ROLE_OPS_LEAD};
	if (r->override != O_NONE) {
		gate_evaluate(j, p, NOW, &g); /* covers what is there without it */
		j->override = (struct gate_decision){.id = 2,
		        .facts = xstrdup(r->override == O_OTHER_FACTS ? "other" : hash),
		        .snapshot = text,
		        .covers = r->override == O_COVERS_NOTHING ? xstrdup("[]") : gate_covers(&g),
		        .by = xstrdup("desk|adam"),
		        .by_name = xstrdup("Adam"),
		        .reason = xstrdup("must go"),
		        .role = r->override == O_ROLE ? ROLE_OPS_LEAD : ROLE_SUPER_ADMIN,
		        .expires_at = r->override == O_EXPIRED ? NOW : NOW + 1};
		gate_free(&g);
		return;
	}
	free(text);
}

static struct gate_job build(const struct row *r, const struct gate_policy *p)
{
	struct gate_job j = {
	        .id = 1, .org = xstrdup(""), .mailboxes = xcalloc(2, sizeof(*j.mailboxes)), .n_mailboxes = 2};
	struct gate_mailbox *m = &j.mailboxes[0];

	j.mailboxes[0] = sound_mailbox(7);
	j.mailboxes[1] = sound_mailbox(8);
	set_move(m, r);
	set_numbers(m, r);
	m->active = r->active;
	if (r->dns == DNS_APPLIED || r->dns == DNS_APPLIED_UNREADY)
		j.dns = (struct gate_dns){.seq = 60, .was_ready = r->dns == DNS_APPLIED};
	if (r->dns == DNS_ROLLED_BACK || r->dns == DNS_ROLLED_BACK_THEN_FINAL) {
		j.rollback_seq = SEQ_ROLLBACK;
		j.dns = (struct gate_dns){.seq = SEQ_ROLLBACK, .rolled_back = true};
	}
	if (r->account != K_ALL) {
		j.accounts = xcalloc(1, sizeof(*j.accounts));
		j.n_accounts = 1;
		j.accounts[0] = (struct gate_account){
		        .name = xstrdup("boss@a.example"), .accepted = r->account == K_OTHER_ACCEPTED};
	}
	if (r->approval == A_SAME_PERSON)
		j.mailboxes[1].last.by = xstrdup("desk|lea");
	/* without a final pass since, a rollback stays in force */
	set_decisions(&j, r, p);
	return j;
}

/* Combinations that no history leads to. */
static bool impossible(const struct row *r)
{
	bool never = r->move == M_NEVER;

	if (r->shrank && (never || gone(r)))
		return true; /* nothing was ever counted */
	if (r->dns == DNS_ROLLED_BACK_THEN_FINAL &&
	        (never || r->move == M_INITIAL || r->move == M_FAILED_FINAL))
		return true; /* there was a final pass since */
	if (r->shrank && (r->numbers == N_ZERO || r->numbers == N_ZERO_ACCEPTED) && r->check == V_NONE)
		return true;
	if (gone(r) && r->active)
		return true;
	if (gone(r) && r->dns == DNS_ROLLED_BACK)
		return true; /* the other mailbox is the one that holds it back: a case of its own below */
	return r->check == V_STALE && never;
}

static void check_row(const struct row *r, size_t counts[GATE_VERDICT_COUNT])
{
	const struct gate_policy p = {.enabled = r->enabled,
	        .min_ratio = 990000,
	        .override_roles = 1u << ROLE_SUPER_ADMIN,
	        .four_eyes = r->approval == A_SAME_PERSON};
	struct gate_job j = build(r, &p);
	enum gate_verdict want = oracle(r);
	struct gate g;

	gate_evaluate(&j, &p, NOW, &g);
	if (g.verdict != want) {
		for (size_t i = 0; i < g.n_reasons; i++)
			print_error("  %s %lld: %s%s\n", gate_code_name(g.reasons[i].code),
			        (long long)g.reasons[i].mailbox_id, g.reasons[i].detail,
			        g.reasons[i].covered ? " (covered)" : "");
		fail_msg("enabled %d active %d shrank %d dns %d move %d check %d numbers %d approval %d "
		         "override %d account %d: %s, not %s",
		        r->enabled, r->active, r->shrank, r->dns, r->move, r->check, r->numbers, r->approval,
		        r->override, r->account, gate_verdict_name(g.verdict), gate_verdict_name(want));
	}
	assert_int_equal(g.ready, want == GATE_READY);
	if (g.ready)
		assert_true(g.approval_valid || g.override_valid);
	counts[g.verdict]++;
	gate_free(&g);
	gate_job_free(&j);
}

static int take_digit(size_t *n, size_t base)
{
	int digit = (int)(*n % base);

	*n /= base;
	return digit;
}

static void truth_table(void **state)
{
	const size_t all = (size_t)2 * 2 * 2 * DNS_N * M_N * V_N * N_N * A_N * O_N * K_N;
	const size_t every = is_long() ? 1 : EVERY;
	size_t counts[GATE_VERDICT_COUNT] = {0}, n = 0;

	(void)state;
	for (size_t i = 0; i < all; i++) {
		size_t rest = i;
		struct row r;

		r.account = take_digit(&rest, K_N);
		r.override = take_digit(&rest, O_N);
		r.approval = take_digit(&rest, A_N);
		r.numbers = take_digit(&rest, N_N);
		r.check = take_digit(&rest, V_N);
		r.move = take_digit(&rest, M_N);
		r.dns = take_digit(&rest, DNS_N);
		r.enabled = take_digit(&rest, 2);
		r.active = take_digit(&rest, 2);
		r.shrank = take_digit(&rest, 2);
		if (!impossible(&r) && n++ % every == 0)
			check_row(&r, counts);
	}
	print_message("%zu combinations, one in %zu looked at: blocked %zu, warning %zu, dns_applied %zu, "
	              "ready %zu\n",
	        n, every, counts[0], counts[1], counts[2], counts[3]);
	for (int v = 0; v < GATE_VERDICT_COUNT; v++)
		assert_true(counts[v] > 0);
}

/* --- numbers at the edge
 * ---------------------------------------------------------------------------------------------- */

static enum gate_verdict verdict_at(int64_t found, int64_t expected, int64_t min)
{
	const struct gate_policy p = {.enabled = true, .min_ratio = min};
	struct gate_job j = build(
	        &(struct row){.enabled = true, .move = M_FINAL, .check = V_CURRENT, .approval = A_NONE}, &p);
	enum gate_verdict v;
	struct gate g;

	for (int i = 0; i < 2; i++) {
		j.mailboxes[i].verification.expected = expected;
		j.mailboxes[i].verification.found = found;
	}
	gate_evaluate(&j, &p, NOW, &g);
	v = g.verdict;
	gate_free(&g);
	gate_job_free(&j);
	return v;
}

static void never_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(verdict_at(99, 100, 990000), GATE_WARNING);
	assert_int_equal(verdict_at(989999, 1000000, 990000), GATE_BLOCKED);
	assert_int_equal(verdict_at(1234566, 1234567, 1000000), GATE_BLOCKED);
	assert_int_equal(verdict_at(1234567, 1234567, 1000000), GATE_WARNING);
	assert_int_equal(verdict_at(INT64_MAX / 2, INT64_MAX, 500000), GATE_BLOCKED);
	assert_int_equal(verdict_at(INT64_MAX / 2 + 1, INT64_MAX, 500000), GATE_WARNING);
	assert_true(gate_ratio(1999999, 2000000) < 1.0);
	assert_true(gate_ratio(9999999, 10000000) < 1.0);
	assert_true(gate_ratio(1, 0) < 0);
	assert_true(gate_ratio(5, 5) == 1.0);
}

static void both_must_meet_the_minimum(void **state)
{
	const struct gate_policy p = {.enabled = true, .min_ratio = 990000};
	struct gate_job j = build(&(struct row){.enabled = true, .move = M_FINAL, .check = V_CURRENT}, &p);
	struct gate g;

	(void)state;
	j.mailboxes[0].verification.expected = j.mailboxes[0].verification.found = 100000;
	j.mailboxes[0].last_messages = j.mailboxes[0].most_messages = 100000;
	j.mailboxes[1].verification.found = 98;
	gate_evaluate(&j, &p, NOW, &g);
	assert_true(gate_ratio(g.found, g.expected) > 0.999);
	assert_int_equal(g.verdict, GATE_BLOCKED);
	gate_free(&g);
	gate_job_free(&j);
}

/* --- several jobs, no job
 * --------------------------------------------------------------------------------------------- */

static void the_worst_of_several(void **state)
{
	const struct gate_policy p = {
	        .enabled = true, .min_ratio = 990000, .override_roles = 1u << ROLE_SUPER_ADMIN};
	static const struct row rows[] = {
	        {.enabled = true, .move = M_FINAL, .check = V_CURRENT, .approval = A_VALID}, /* ready */
	        {.enabled = true, .move = M_FINAL, .check = V_CURRENT, .approval = A_NONE},  /* warning */
	        {.enabled = true, .move = M_FINAL, .check = V_NONE},                         /* blocked */
	        {.enabled = true,
	                .move = M_FINAL,
	                .check = V_CURRENT,
	                .approval = A_VALID,
	                .dns = DNS_APPLIED}}; /* dns_applied */
	static const enum gate_verdict alone[] = {GATE_READY, GATE_WARNING, GATE_BLOCKED, GATE_DNS_APPLIED};

	(void)state;
	for (int a = 0; a < 4; a++)
		for (int b = 0; b < 4; b++) {
			struct gate_job v[2] = {build(&rows[a], &p), build(&rows[b], &p)};
			struct gate g;

			gate_evaluate_domain(v, 2, &p, NOW, &g);
			assert_int_equal(g.verdict, alone[a] < alone[b] ? alone[a] : alone[b]);
			assert_int_equal(g.mailboxes, 4);
			gate_free(&g);
			gate_job_free(&v[0]);
			gate_job_free(&v[1]);
		}
}

static void no_job(void **state)
{
	const struct gate_policy p = {.enabled = true};
	struct gate g;

	(void)state;
	gate_evaluate_domain(NULL, 0, &p, NOW, &g);
	assert_int_equal(g.verdict, GATE_BLOCKED);
	assert_int_equal(g.reasons[0].code, GATE_JOB_NONE);
	assert_int_equal(strlen(g.etag), 32);
	gate_free(&g);
}

static void no_mailbox(void **state)
{
	const struct gate_policy p = {.enabled = true};
	struct gate_job j = {.id = 1};
	struct gate g;

	(void)state;
	gate_evaluate(&j, &p, NOW, &g);
	assert_int_equal(g.verdict, GATE_BLOCKED);
	assert_int_equal(g.reasons[0].code, GATE_JOB_EMPTY);
	gate_free(&g);
}

/* --- hash and ETag
 * ---------------------------------------------------------------------------------------------------- */

static void evaluate_hash(
        const struct row *r, void (*change)(struct gate_job *), char facts[65], char etag[33])
{
	const struct gate_policy p = {.enabled = true, .min_ratio = 990000};
	struct gate_job j = build(r, &p);
	struct gate g;

	if (change != NULL)
		change(&j);
	gate_evaluate(&j, &p, NOW, &g);
	memcpy(facts, g.facts, 65);
	memcpy(etag, g.etag, 33);
	gate_free(&g);
	gate_job_free(&j);
}

static void newer_pass(struct gate_job *j)
{
	j->mailboxes[0].last.id++;
}

static void other_pair(struct gate_job *j)
{
	j->mailboxes[0].pair[0] = 'P';
}

static void becomes_active(struct gate_job *j)
{
	j->mailboxes[0].active = true;
}

static void is_applied(struct gate_job *j)
{
	j->dns = (struct gate_dns){.seq = 5, .was_ready = true};
}

static void hash_is_of_facts(void **state)
{
	static const struct row r = {
	        .enabled = true, .move = M_FINAL, .check = V_CURRENT, .approval = A_VALID};
	static const struct {
		void (*change)(struct gate_job *);
		bool facts;
	} cases[] = {{newer_pass, true}, {other_pair, true}, {becomes_active, false}, {is_applied, false}};
	char facts[65], etag[33], other[65], other_tag[33];

	(void)state;
	evaluate_hash(&r, NULL, facts, etag);
	evaluate_hash(&r, NULL, other, other_tag);
	assert_string_equal(facts, other);
	assert_string_equal(etag, other_tag);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evaluate_hash(&r, cases[i].change, other, other_tag);
		assert_int_equal(strcmp(facts, other) != 0, cases[i].facts);
		assert_string_not_equal(etag, other_tag);
	}
}

static void differences_are_told(void **state)
{
	const struct gate_policy p = {.enabled = true};
	static const struct row r = {.enabled = true, .move = M_FINAL, .check = V_CURRENT};
	struct gate_job a = build(&r, &p), b = build(&r, &p);
	char *before = gate_facts_text(&a), *now, *diff;

	(void)state;
	b.mailboxes[0].last.id++;
	b.mailboxes[1].id = 9;
	now = gate_facts_text(&b);
	diff = gate_facts_diff(before, now);
	assert_non_null(strstr(diff, "mailbox 7: a newer pass"));
	assert_non_null(strstr(diff, "mailbox 9: added"));
	assert_non_null(strstr(diff, "mailbox 8: gone"));
	free(diff);
	diff = gate_facts_diff(before, before);
	assert_string_equal(diff, "the facts changed");
	free(diff);
	free(before);
	free(now);
	gate_job_free(&a);
	gate_job_free(&b);
}

/* A line feed in a user name must not forge a line of facts. */
static void facts_cannot_be_forged(void **state)
{
	const struct gate_policy p = {.enabled = true};
	struct gate_job j = build(&(struct row){.move = M_FINAL, .check = V_CURRENT}, &p);
	char *text;
	size_t lines = 0;

	(void)state;
	free(j.mailboxes[0].pair);
	j.mailboxes[0].pair = xstrdup("x\nmailbox 7 removed = 1 1\n");
	text = gate_facts_text(&j);
	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 3 + 2 * 6);
	free(text);
	gate_job_free(&j);
}

static void every_word_has_its_text(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_CODE_COUNT; i++) {
		enum gate_code c;

		assert_true(gate_code_parse(gate_code_name((enum gate_code)i), &c));
		assert_int_equal(c, i);
		assert_true(strlen(gate_code_text(c, true)) > 10 && strlen(gate_code_text(c, false)) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(truth_table), cmocka_unit_test(never_rounded_up),
	        cmocka_unit_test(both_must_meet_the_minimum), cmocka_unit_test(the_worst_of_several),
	        cmocka_unit_test(no_job), cmocka_unit_test(no_mailbox), cmocka_unit_test(hash_is_of_facts),
	        cmocka_unit_test(differences_are_told), cmocka_unit_test(facts_cannot_be_forged),
	        cmocka_unit_test(every_word_has_its_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
