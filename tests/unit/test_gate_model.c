/*
 * The gate against a model: random sequences of a thousand operations on a real database (passes, verifications,
 * acceptances, approvals with fresh and with old ETags, overrides, revocations, mailboxes added, changed and removed,
 * MX moved and rolled back, clocks, crashes inside and after transactions). After each of them the gate may be ready
 * only when the model, which keeps its own plain copy of the facts and knows nothing of the gate's, says that a
 * decision about exactly these facts stands. The seed of a sequence is printed when it fails:
 *
 *   GATE_MODEL_SEED=N tests/unit/test_gate_model        that sequence alone
 *   CHECK_LONG=1 tests/unit/test_gate_model             200 sequences (otherwise the first 400 operations of one)
 */
#include "store_unit.h"

#include <sys/wait.h>

#include "gate.h"
#include "store_audit.h"
#include "store_facts.h"

#define OPERATIONS (is_long() ? 1000 : 400)
#define BOXES 6
#define HOUR INT64_C(3600000)

static struct principal people[] = {
        {.role = ROLE_TECHNICIAN, .iss = (char *)(uintptr_t) "desk", .sub = (char *)(uintptr_t) "tess", .name = (char *)(uintptr_t) "Tess"},
        {.role = ROLE_OPS_LEAD, .iss = (char *)(uintptr_t) "desk", .sub = (char *)(uintptr_t) "lea", .name = (char *)(uintptr_t) "Lea"},
        {.role = ROLE_SUPER_ADMIN, .iss = (char *)(uintptr_t) "desk", .sub = (char *)(uintptr_t) "adam", .name = (char *)(uintptr_t) "Adam"},
};

/* --- the model --- */

/* All of one size, so that no padding comes between them: facts are compared as bytes. */
struct model_box {
	int64_t id, pair;                  /* pair rises when the accounts change */
	int64_t removed, removal_accepted;
	int64_t passes, pass_kind, pass_status; /* how many; of the last: enum pass, enum run_status */
	int64_t refused, refused_accepted;
	int64_t verifications, verified_pass; /* how many; passes when the last one was made */
	int64_t complete, weak_accepted, missing_accepted, found, missing, weak;
	int64_t final_at; /* model time of the last final pass that did not fail */
	int64_t active;   /* the run that changes mail */
};

struct model {
	struct model_box box[BOXES];
	int64_t n, clock, rolled_back_at; /* model time: one an operation */
	int64_t dns;                      /* 0 nothing, 1 applied, 2 rolled back */
};

struct decision {
	bool given;
	struct model facts;
	int64_t expires;
};

struct play {
	struct fixture *f;
	struct model m;
	struct decision approve, override;
	uint64_t rng;
	char old_etag[33]; /* of some moment before */
	int ready, approved, refused, crashes;
};

static uint64_t draw(struct play *p, uint64_t below)
{
	p->rng ^= p->rng << 13;
	p->rng ^= p->rng >> 7;
	p->rng ^= p->rng << 17;
	return p->rng % below;
}

static const struct gate_policy policy = {
        .enabled = true, .min_ratio = 990000, .override_roles = 1u << ROLE_SUPER_ADMIN};

/* The facts alone: what is running now, what DNS says and which model second it is are not part of them. */
static struct model facts_of(const struct model *m)
{
	struct model out = *m;

	out.clock = out.rolled_back_at = 0;
	out.dns = 0;
	for (int i = 0; i < BOXES; i++)
		out.box[i].active = 0;
	return out;
}

static bool same_facts(const struct model *a, const struct model *b)
{
	struct model x = facts_of(a), y = facts_of(b);

	return memcmp(&x, &y, sizeof(x)) == 0;
}

static bool any_active(const struct model *m)
{
	for (int i = 0; i < m->n; i++)
		if (m->box[i].active != 0)
			return true;
	return false;
}

/* Whether this mailbox is proven: section 5 of the design, its line ready_for_dns. */
static bool proven(const struct model_box *b)
{
	if (b->removed)
		return b->removal_accepted;
	return b->passes > 0 && b->pass_kind == PASS_FINAL &&
	       (b->pass_status == RUN_SUCCEEDED ||
	               (b->pass_status == RUN_PARTIAL && b->refused_accepted >= b->refused)) &&
	       b->verifications > 0 && b->complete && b->verified_pass == b->passes &&
	       b->found * 100 >= (b->found + b->missing + b->weak) * 99 && (b->missing == 0 || b->missing_accepted) &&
	       (b->weak == 0 || b->weak_accepted);
}

static bool may_be_ready(const struct play *p)
{
	const struct model *m = &p->m;
	bool approved = p->approve.given && same_facts(&p->approve.facts, m);
	bool overridden = p->override.given && same_facts(&p->override.facts, m) && p->f->now < p->override.expires;
	bool all = true, some = false;

	if (any_active(m) || m->dns == 1)
		return false;
	if (overridden)
		return true;
	for (int i = 0; i < m->n; i++) {
		all = all && proven(&m->box[i]);
		some = some || !m->box[i].removed;
		if (!m->box[i].removed && m->rolled_back_at > 0 && m->box[i].final_at <= m->rolled_back_at)
			return false;
	}
	return all && some && approved;
}

static bool must_be_ready(const struct play *p)
{
	/* An override covers the reasons that stood when it was given: a rollback after it may block again. */
	return p->approve.given && !p->override.given && may_be_ready(p);
}

/* --- operations: each does the same to the database and to the model --- */

static int some_box(struct play *p)
{
	return (int)draw(p, (uint64_t)p->m.n);
}

static void op_add(struct play *p)
{
	char user[32];

	if (p->m.n == BOXES)
		return;
	snprintf(user, sizeof(user), "user%d", (int)p->m.n);
	p->m.box[p->m.n] = (struct model_box){.id = new_mailbox(p->f->s, p->f->job, user, user)};
	p->m.n++;
}

static void op_remove(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];

	if (draw(p, 12) != 0 || b->removed)
		return;
	if (b->active != 0) {
		assert_err(mailbox_remove(p->f->s, b->id, 0, "gone", &tester), ERR_RUN_ACTIVE);
		return;
	}
	assert_ok(mailbox_remove(p->f->s, b->id, 0, "gone", &tester));
	b->removed = true;
}

static void op_repoint(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)], fresh = {.id = b->id, .pair = b->pair + 1};
	struct mailbox m;

	if (draw(p, 20) != 0 || b->removed || b->active != 0)
		return;
	assert_ok(mailbox_get(p->f->s, b->id, NULL, &m));
	free(m.source.user);
	m.source.user = xasprintf("other%d-%d", (int)b->id, (int)b->pair + 1);
	assert_ok(mailbox_update(p->f->s, &m, &tester));
	mailbox_free(&m);
	*b = fresh;
}

static int64_t pair_after(struct play *p, const struct model_box *b)
{
	struct mailbox m;
	int64_t after;

	assert_ok(mailbox_get(p->f->s, b->id, NULL, &m));
	after = m.pair_after;
	mailbox_free(&m);
	return after;
}

static void op_start(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];
	struct run_request q = {.job_id = p->f->job, .mailbox_id = b->id, .kind = RUN_SYNC,
	        .pass = draw(p, 3) == 0 ? PASS_DELTA : PASS_FINAL};
	struct run *v;

	if (b->removed)
		return;
	if (b->active != 0) {
		assert_err(run_enqueue(p->f->s, &q, 1, false, &tester, &v, NULL), ERR_RUN_ACTIVE);
		return;
	}
	assert_ok(run_enqueue(p->f->s, &q, 1, false, &tester, &v, NULL));
	b->active = v[0].id;
	runs_free(v, 1);
}

static void ended(struct play *p, struct model_box *b, enum pass pass, enum run_status st, int64_t refused)
{
	b->passes++;
	b->active = 0;
	b->pass_kind = (int)pass;
	b->pass_status = (int)st;
	b->refused = refused;
	b->refused_accepted = -1;
	b->missing_accepted = b->weak_accepted = false;
	if (pass == PASS_FINAL && (st == RUN_SUCCEEDED || st == RUN_PARTIAL))
		b->final_at = p->m.clock;
}

static void end_run(struct play *p, struct model_box *b, enum run_status st, int64_t refused)
{
	int64_t messages = st == RUN_CANCELLED ? 0 : 100;
	struct report_pass pass = {.messages = messages, .copied = messages - refused, .refused = refused};
	struct run r;

	assert_ok(run_get(p->f->s, b->active, NULL, &r));
	claim_one(p->f, b->active, r.attempt);
	assert_true(report_one(p->f, b->active,
	        (struct report){.attempt = r.attempt + 1, .seq = 1, .status = st, .pass = &pass}).accepted);
	ended(p, b, r.pass, st, refused);
	run_free(&r);
}

static void op_end(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];
	uint64_t how = draw(p, 8);

	if (b->active != 0)
		end_run(p, b, how == 0 ? RUN_CANCELLED : how == 1 ? RUN_PARTIAL : RUN_SUCCEEDED, how == 1 ? 2 : 0);
}

/* Ended partial, then its file was moved back by hand: it runs, and ends, a second time. */
static void op_again(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];
	struct run r;
	bool found;

	if (b->removed || b->active != 0)
		return;
	assert_ok(run_last_of(p->f->s, b->id, &r, &found));
	if (found && r.kind == RUN_SYNC && r.status == RUN_PARTIAL && b->passes > 0 && r.id > pair_after(p, b)) {
		b->active = r.id;
		end_run(p, b, draw(p, 2) == 0 ? RUN_CANCELLED : RUN_SUCCEEDED, 0);
	}
	run_free(&r);
}

static void op_verify(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];
	struct report_verification v = {.complete = draw(p, 8) != 0, .expected = 100, .found = 100};

	if (b->removed || b->active != 0)
		return;
	switch (draw(p, 8)) {
	case 0:
		v.found = 99;
		v.missing = v.unexplained = 1;
		break;
	case 1:
		v.found = 99;
		v.found_weak = 1;
		break;
	case 2:
		v.found = 90;
		v.missing = v.unexplained = 10;
		break;
	default:
		break;
	}
	do_verify(p->f, b->id, v);
	b->verifications++;
	b->verified_pass = b->passes;
	b->complete = v.complete;
	b->found = v.found;
	b->missing = v.missing;
	b->weak = v.found_weak;
	b->missing_accepted = b->weak_accepted = false;
	b->refused_accepted = -1;
}

static void op_accept(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];
	struct acceptance a;
	const struct err *e;

	if (b->removed) {
		assert_ok(acceptance_add(p->f->s, b->id, "mailbox.removed", 0, "left", &tester, &a));
		b->removal_accepted = true;
	} else if (b->verifications == 0 || !b->complete) {
		assert_err(acceptance_add(p->f->s, b->id, "missing", 0, "why not", &tester, &a), ERR_CONFLICT);
		return;
	} else if (draw(p, 3) == 0) {
		e = acceptance_add(p->f->s, b->id, "missing", b->missing + 1, "not the number", &tester, &a);
		assert_non_null(e);
		return;
	} else if (b->missing > 0) {
		assert_ok(acceptance_add(p->f->s, b->id, "missing", b->missing, "spam", &tester, &a));
		b->missing_accepted = true;
	} else if (b->weak > 0) {
		assert_ok(acceptance_add(p->f->s, b->id, "weak", b->weak, "looked at", &tester, &a));
		b->weak_accepted = true;
	} else {
		assert_ok(acceptance_add(p->f->s, b->id, "refusal", b->refused, "too large", &tester, &a));
		b->refused_accepted = b->refused;
	}
	acceptances_free(memcpy(xcalloc(1, sizeof(a)), &a, sizeof(a)), 1);
}

static void decide(struct play *p, enum gate_act act, const struct principal *who, const char *etag, bool fresh,
        const struct gate *now)
{
	struct gate_deed d = {.act = act, .job_id = p->f->job, .if_match = etag, .mailboxes = now->mailboxes,
	        .reason = "because", .override_hours = 1 + (int64_t)draw(p, 72)};
	struct gate after;
	const struct err *e = gate_decide(p->f->s, &d, &policy, who, p->f->now, &after, NULL);
	bool may = act == GATE_OVERRIDE ? who->role == ROLE_SUPER_ADMIN : who->role != ROLE_TECHNICIAN;

	gate_free(&after);
	if (e != NULL) {
		p->refused++;
		return;
	}
	p->approved++;
	if (!may || (!fresh && act != GATE_REVOKE))
		fail_msg("%s was taken from a %s with %s ETag", act == GATE_APPROVE ? "approve" : "override",
		        role_name(who->role), fresh ? "this" : "an old");
	if (act == GATE_REVOKE) {
		p->approve.given = p->override.given = false;
	} else {
		struct decision *to = act == GATE_APPROVE ? &p->approve : &p->override;

		*to = (struct decision){.given = true, .facts = p->m, .expires = p->f->now + d.override_hours * HOUR};
	}
}

static void op_decide(struct play *p)
{
	static const enum gate_act acts[] = {GATE_APPROVE, GATE_APPROVE, GATE_APPROVE, GATE_APPROVE, GATE_APPROVE,
	        GATE_OVERRIDE, GATE_REVOKE};
	const struct principal *who = &people[draw(p, 3)];
	enum gate_act act = acts[draw(p, 7)];
	struct gate now;

	assert_ok(gate_of_job(p->f->s, p->f->job, &policy, p->f->now, &now, NULL));
	if (act == GATE_OVERRIDE && draw(p, 4) != 0)
		act = GATE_APPROVE;
	if (draw(p, 4) == 0)
		decide(p, act, who, p->old_etag, strcmp(p->old_etag, now.etag) == 0, &now);
	else
		decide(p, act, who, now.etag, true, &now);
	if (draw(p, 4) == 0)
		memcpy(p->old_etag, now.etag, sizeof(p->old_etag));
	gate_free(&now);
}

static void op_dns(struct play *p)
{
	bool back;

	if (draw(p, 25) != 0)
		return;
	back = p->m.dns == 1 || draw(p, 2) == 0;
	assert_ok(dns_event_add(p->f->s, p->f->job, back, "webhook", false, "{}", &tester));
	p->m.dns = back ? 2 : 1;
	if (back)
		p->m.rolled_back_at = p->m.clock;
}

static void op_clock(struct play *p)
{
	p->f->now += (int64_t)draw(p, 8) * HOUR;
}

/* Power goes in another process, in the middle of a transaction: nothing of it may be left. */
static void op_crash(struct play *p)
{
	struct model_box *b = &p->m.box[some_box(p)];
	int status = 0;
	pid_t child;

	if (draw(p, 6) != 0)
		return;
	store_close(p->f->s);
	p->crashes++;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct acceptance a;
		struct store *s;
		struct gate out;

		if (store_open(&s, p->f->dir, STORE_USE) != NULL || store_begin(s) != NULL)
			_exit(9);
		if (mailbox_remove(s, b->id, 0, "half", &tester) != NULL)
			acceptance_add(s, b->id, "mailbox.removed", 0, "half", &tester, &a);
		gate_decide(s, &(struct gate_deed){.act = GATE_REVOKE, .job_id = p->f->job, .reason = "half"}, &policy,
		        &people[2], p->f->now, &out, NULL);
		dns_event_add(s, p->f->job, true, "webhook", false, "{}", &tester);
		_exit(0);
	}
	assert_true(waitpid(child, &status, 0) == child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_ok(store_open(&p->f->s, p->f->dir, STORE_USE));
}

static void (*const operations[])(struct play *p) = {op_start, op_start, op_end, op_end, op_end, op_end, op_verify,
        op_verify, op_verify, op_accept, op_accept, op_decide, op_decide, op_decide, op_add, op_remove, op_repoint,
        op_dns, op_clock, op_crash, op_again};
#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void work_on(struct play *p, struct model_box *b)
{
	if (b->active != 0)
		end_run(p, b, RUN_SUCCEEDED, 0);
	if (b->pass_kind != PASS_FINAL || b->pass_status != RUN_SUCCEEDED || b->final_at <= p->m.rolled_back_at) {
		do_pass(p->f, b->id, PASS_FINAL, 100, 0);
		ended(p, b, PASS_FINAL, RUN_SUCCEEDED, 0);
	}
	do_verify(p->f, b->id, (struct report_verification){.complete = true, .expected = 100, .found = 100});
	b->verifications++;
	b->verified_pass = b->passes;
	b->complete = true;
	b->found = 100;
	b->missing = b->weak = 0;
	b->missing_accepted = b->weak_accepted = false;
	b->refused_accepted = -1;
}

/* People who mean well: what leads to an open gate. Random steps alone would hardly ever get there. */
static void work_towards_ready(struct play *p)
{
	struct acceptance a;
	struct gate now;

	if (p->m.dns == 1) {
		assert_ok(dns_event_add(p->f->s, p->f->job, true, "webhook", false, "{}", &tester));
		p->m.dns = 2;
		p->m.rolled_back_at = p->m.clock++;
	}
	for (int i = 0; i < p->m.n; i++) {
		struct model_box *b = &p->m.box[i];

		if (!b->removed) {
			work_on(p, b);
		} else if (!b->removal_accepted) {
			assert_ok(acceptance_add(p->f->s, b->id, "mailbox.removed", 0, "left", &tester, &a));
			acceptances_free(memcpy(xcalloc(1, sizeof(a)), &a, sizeof(a)), 1);
			b->removal_accepted = true;
		}
	}
	assert_ok(gate_of_job(p->f->s, p->f->job, &policy, p->f->now, &now, NULL));
	decide(p, GATE_APPROVE, &people[1 + draw(p, 2)], now.etag, true, &now);
	gate_free(&now);
}

static void judge(struct play *p, uint64_t seed, int step)
{
	struct gate g, domain;

	assert_ok(gate_of_job(p->f->s, p->f->job, &policy, p->f->now, &g, NULL));
	assert_ok(gate_of_domain(p->f->s, NULL, "a.example", &policy, p->f->now, &domain));
	p->ready += g.ready;
	if (g.ready && !may_be_ready(p))
		fail_msg("GATE_MODEL_SEED=%llu, operation %d: ready_for_dns, and the model knows of no decision about "
		         "these facts", (unsigned long long)seed, step);
	if (!g.ready && must_be_ready(p)) {
		for (size_t i = 0; i < g.n_reasons; i++)
			print_error("  %s %lld %s\n", gate_code_name(g.reasons[i].code),
			        (long long)g.reasons[i].mailbox_id, g.reasons[i].detail);
		fail_msg("GATE_MODEL_SEED=%llu, operation %d: approved and proven, and %s", (unsigned long long)seed,
		        step, gate_verdict_name(g.verdict));
	}
	if (g.verdict != domain.verdict || g.ready != domain.ready || g.ready != (g.verdict == GATE_READY))
		fail_msg("GATE_MODEL_SEED=%llu, operation %d: the job's gate and the domain's differ",
		        (unsigned long long)seed, step);
	gate_free(&g);
	gate_free(&domain);
}

static struct play one_sequence(uint64_t seed)
{
	struct play p = {.rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
	struct audit_check audit;
	void *state = NULL;

	assert_int_equal(store_setup(&state), 0);
	p.f = state;
	for (int i = 0; i < 4; i++)
		p.m.box[i].id = p.f->box[i];
	p.m.n = 4;
	for (int step = 0; step < OPERATIONS; step++) {
		p.m.clock++;
		if (draw(&p, 40) == 0)
			work_towards_ready(&p);
		else
			operations[draw(&p, N_OPERATIONS)](&p);
		judge(&p, seed, step);
	}
	assert_ok(audit_verify(p.f->s, &audit));
	assert_true(audit.ok);
	assert_int_equal(store_teardown(&state), 0);
	return p;
}

static void never_ready_without_a_decision(void **state)
{
	const char *only = getenv("GATE_MODEL_SEED");
	uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 1;
	int n = only != NULL ? 1 : is_long() ? 200 : 1, ready = 0, approved = 0, refused = 0, crashes = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		struct play p = one_sequence(first + (uint64_t)i);

		ready += p.ready;
		approved += p.approved;
		refused += p.refused;
		crashes += p.crashes;
	}
	print_message("%d sequences of %d operations: ready after %d of them, %d decisions taken, %d refused, %d crashes\n",
	        n, OPERATIONS, ready, approved, refused, crashes);
	assert_true(ready > 0 && approved > 0 && refused > 0 && crashes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(never_ready_without_a_decision)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
