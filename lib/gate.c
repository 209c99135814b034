#include "gate.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#include "banned.h"

#define MILLION INT64_C(1000000)

/* Reasons that block; every other one warns. */
static const bool blocks[GATE_CODE_COUNT] = {
        [GATE_DISABLED] = true,
        [GATE_RUN_ACTIVE] = true,
        [GATE_JOB_NONE] = true,
        [GATE_JOB_EMPTY] = true,
        [GATE_REMOVED] = true,
        [GATE_UNVERIFIED] = true,
        [GATE_VERIFY_PARTIAL] = true,
        [GATE_BELOW_MINIMUM] = true,
        [GATE_MISSING] = true,
        [GATE_SOURCE_EMPTY] = true,
        [GATE_SOURCE_SHRANK] = true,
};

void gate_free(struct gate *g)
{
	for (size_t i = 0; i < g->n_reasons; i++)
		free(g->reasons[i].detail);
	free(g->reasons);
	free(g->approval_void_because);
	memset(g, 0, sizeof(*g));
}

double gate_ratio(int64_t found, int64_t expected)
{
	if (expected <= 0)
		return -1;
	/* Cut, not rounded: 0.999999 of everything must not look like all of it. */
	return (double)(int64_t)((__int128)found * MILLION / expected) / (double)MILLION;
}

static int64_t sum(int64_t a, int64_t b)
{
	int64_t c;

	return __builtin_add_overflow(a, b, &c) ? INT64_MAX : c;
}

static void add(struct gate *g, enum gate_code code, int64_t job_id, int64_t mailbox_id, const char *fmt, ...)
        __attribute__((format(printf, 5, 6)));
static void add(struct gate *g, enum gate_code code, int64_t job_id, int64_t mailbox_id, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	g->reasons = xreallocarray(g->reasons, g->n_reasons + 1, sizeof(*g->reasons));
	g->reasons[g->n_reasons++] = (struct gate_reason){
	        .code = code, .job_id = job_id, .mailbox_id = mailbox_id, .detail = buf_detach(&b)};
}

static void add_rolled_back(struct gate *g, const struct gate_job *j, int64_t mailbox_id)
{
	const char *why = j->rollback_why;

	add(g, GATE_ROLLED_BACK, j->id, mailbox_id, "no final pass since the rollback%s%s%s", why != NULL ? " (" : "",
	        why != NULL ? why : "", why != NULL ? ")" : "");
}

/* --- reasons of one mailbox
 * ------------------------------------------------------------------------------------------- */

static void check_numbers(
        struct gate *g, const struct gate_job *j, const struct gate_mailbox *m, const struct gate_policy *p)
{
	const struct gate_verification *v = &m->verification;

	if (v->expected == 0) {
		if (!m->accepted.empty)
			add(g, GATE_SOURCE_EMPTY, j->id, m->id, "nothing expected, nothing found");
	} else if ((__int128)v->found * MILLION < (__int128)p->min_ratio * v->expected) {
		add(g, GATE_BELOW_MINIMUM, j->id, m->id,
		        "%" PRId64 " of %" PRId64 " found, at least %.6g needed", v->found, v->expected,
		        (double)p->min_ratio / (double)MILLION);
	}
	if (v->unexplained > 0 && m->accepted.missing < v->unexplained)
		add(g, GATE_MISSING, j->id, m->id, "%" PRId64 " missing without explanation", v->unexplained);
	if (v->found_weak > 0 && m->accepted.weak < v->found_weak)
		add(g, GATE_WEAK, j->id, m->id, "%" PRId64 " recognised by headers only", v->found_weak);
	if (v->excluded > 0 && m->accepted.excluded < v->excluded)
		add(g, GATE_EXCLUDED, j->id, m->id, "%" PRId64 " excluded", v->excluded);
}

static void check_verification(
        struct gate *g, const struct gate_job *j, const struct gate_mailbox *m, const struct gate_policy *p)
{
	const struct gate_verification *v = &m->verification;

	if (v->id == 0) {
		add(g, GATE_UNVERIFIED, j->id, m->id, "never verified");
		return;
	}
	if (!v->complete) {
		add(g, GATE_VERIFY_PARTIAL, j->id, m->id, "verification %" PRId64 " is not complete", v->id);
		return;
	}
	g->expected = sum(g->expected, v->expected);
	g->found = sum(g->found, v->found);
	check_numbers(g, j, m, p);
	if (v->pass_id != m->last.id)
		add(g, GATE_VERIFY_STALE, j->id, m->id, "verified before the last pass ended");
}

static void check_shrinkage(struct gate *g, const struct gate_job *j, const struct gate_mailbox *m)
{
	const struct gate_verification *v = &m->verification;
	int64_t seen = m->last_messages;

	if (m->most_messages < 0)
		return;
	/* A verification from before the last pass could not see what that pass saw. */
	if (v->id != 0 && v->complete && v->pass_id == m->last.id &&
	        (seen < 0 || v->expected + v->excluded < seen))
		seen = v->expected + v->excluded;
	if (seen >= 0 && seen < m->most_messages)
		add(g, GATE_SOURCE_SHRANK, j->id, m->id, "%" PRId64 " messages, once %" PRId64, seen,
		        m->most_messages);
}

static void check_pass(struct gate *g, const struct gate_job *j, const struct gate_mailbox *m)
{
	const struct gate_pass *p = &m->last;

	if (p->id != 0 && p->status != RUN_SUCCEEDED && p->status != RUN_PARTIAL)
		add(g, GATE_PASS_FAILED, j->id, m->id, "run %" PRId64 " %s", p->run_id,
		        run_status_name(p->status));
	if (!m->any_final)
		add(g, GATE_NONE_FINAL, j->id, m->id, "no final pass yet");
	else if (p->kind != RUN_SYNC || p->pass != PASS_FINAL)
		add(g, GATE_NOT_LAST_FINAL, j->id, m->id, "%s after the final pass",
		        p->kind == RUN_SYNC ? pass_name(p->pass) : run_kind_name(p->kind));
	/* Partial means that something was refused, even if no number came with it. */
	if (p->id != 0 && (p->refused > 0 || p->status == RUN_PARTIAL) && m->accepted.refusals < p->refused)
		add(g, GATE_REFUSALS, j->id, m->id, "%" PRId64 " refused", p->refused);
}

static void check_mailbox(
        struct gate *g, const struct gate_job *j, const struct gate_mailbox *m, const struct gate_policy *p)
{
	if (m->active)
		add(g, GATE_RUN_ACTIVE, j->id, m->id, "a run that changes mail is active");
	if (m->removed) {
		if (!m->removal_accepted)
			add(g, GATE_REMOVED, j->id, m->id, "removed, not accepted");
		return;
	}
	g->mailboxes++;
	if (j->rollback_seq > 0 && m->final_seq <= j->rollback_seq)
		add_rolled_back(g, j, m->id);
	check_verification(g, j, m, p);
	check_shrinkage(g, j, m);
	check_pass(g, j, m);
}

#define NAMES_SHOWN 5

static void check_accounts(struct gate *g, const struct gate_job *j)
{
	struct buf names = BUF_INIT;
	size_t open = 0;

	for (size_t i = 0; i < j->n_accounts; i++)
		if (!j->accounts[i].accepted && open++ < NAMES_SHOWN)
			buf_addf(&names, "%s%s", open > 1 ? ", " : "", j->accounts[i].name);
	if (open > 0)
		add(g, GATE_NOT_IN_JOB, j->id, 0, "%zu account%s of the destination without a mailbox here: %s%s", open,
		        open > 1 ? "s" : "", names.ptr, open > NAMES_SHOWN ? " …" : "");
	buf_free(&names);
}

/* --- decisions
 * -------------------------------------------------------------------------------------------------------- */

static bool broke_four_eyes(const struct gate_job *j, const struct gate_decision *d)
{
	for (size_t i = 0; i < j->n_mailboxes; i++) {
		const struct gate_mailbox *m = &j->mailboxes[i];

		if (!m->removed && m->last.by != NULL && strcmp(m->last.by, d->by) == 0)
			return true;
	}
	return false;
}

static void check_approval(
        struct gate *g, const struct gate_job *j, const struct gate_policy *p, const char *text)
{
	const struct gate_decision *d = &j->approval;

	if (d->id == 0) {
		add(g, GATE_NOT_APPROVED, j->id, 0, "not approved");
	} else if (d->role != ROLE_OPS_LEAD && d->role != ROLE_SUPER_ADMIN) {
		g->approval_void_because = xasprintf("the role %s may not approve", role_name(d->role));
		add(g, GATE_NOT_APPROVED, j->id, 0, "%s", g->approval_void_because);
	} else if (p->four_eyes && broke_four_eyes(j, d)) {
		g->approval_void_because = xstrdup("the approver started the last pass of a mailbox");
		add(g, GATE_NOT_APPROVED, j->id, 0, "%s", g->approval_void_because);
	} else if (strcmp(d->facts, g->facts) != 0) {
		g->approval_void_because = gate_facts_diff(d->snapshot, text);
		add(g, GATE_APPROVAL_VOID, j->id, 0, "%s", g->approval_void_because);
	} else {
		g->approval_valid = true;
	}
}

static bool is_covered(const json_t *covers, const struct gate_reason *r)
{
	size_t i;
	json_t *c;

	json_array_foreach(covers, i, c)
	{
		const char *code = json_string_value(json_object_get(c, "code"));

		if (code != NULL && strcmp(code, gate_code_name(r->code)) == 0 &&
		        json_integer_value(json_object_get(c, "mailbox_id")) == r->mailbox_id)
			return true;
	}
	return false;
}

/* An override is about what is known of the mail. It never covers a run that is changing it now, nor states
 * of the service and of DNS that nobody's reason can undo. */
static bool coverable(enum gate_code c)
{
	return c != GATE_RUN_ACTIVE && c != GATE_DISABLED && c != GATE_APPLIED && c != GATE_APPLIED_UNREADY;
}

static void apply_override(
        struct gate *g, const struct gate_job *j, const struct gate_policy *p, int64_t now_ms)
{
	const struct gate_decision *d = &j->override;
	json_t *covers;

	g->override_valid = d->id != 0 && (p->override_roles & (1u << d->role)) != 0 &&
	                    d->expires_at > now_ms && strcmp(d->facts, g->facts) == 0;
	if (!g->override_valid)
		return;
	g->recheck_at = d->expires_at;
	covers = json_loads(d->covers, 0, NULL);
	for (size_t i = 0; i < g->n_reasons; i++)
		g->reasons[i].covered = coverable(g->reasons[i].code) && is_covered(covers, &g->reasons[i]);
	json_decref(covers);
}

static enum gate_verdict decide(const struct gate *g)
{
	bool applied = false, blocked = false, any = false;

	for (size_t i = 0; i < g->n_reasons; i++) {
		const struct gate_reason *r = &g->reasons[i];

		if (r->covered)
			continue;
		if (r->code == GATE_ROLLED_BACK)
			return GATE_BLOCKED;
		applied = applied || r->code == GATE_APPLIED || r->code == GATE_APPLIED_UNREADY;
		blocked = blocked || blocks[r->code];
		any = true;
	}
	if (applied)
		return GATE_DNS_APPLIED;
	return blocked ? GATE_BLOCKED : any ? GATE_WARNING : GATE_READY;
}

/* --- ETag
 * -------------------------------------------------------------------------------------------------------------
 */

static void make_etag(struct gate *g, const struct gate_job *j)
{
	struct buf b = BUF_INIT;
	unsigned char h[16];

	buf_reserve(&b, 256 + 128 * g->n_reasons);
	buf_addf(&b, "%s %lld %d %lld %d %s %lld\n", g->facts, (long long)(j != NULL ? j->approval.id : 0),
	        g->approval_valid, (long long)(j != NULL ? j->override.id : 0), g->override_valid,
	        gate_verdict_name(g->verdict), (long long)g->mailboxes);
	for (size_t i = 0; i < g->n_reasons; i++)
		buf_addf(&b, "%s %lld %lld %d %s\n", gate_code_name(g->reasons[i].code),
		        (long long)g->reasons[i].job_id, (long long)g->reasons[i].mailbox_id,
		        g->reasons[i].covered, g->reasons[i].detail);
	crypto_generichash(h, sizeof(h), (const unsigned char *)b.ptr, b.len, NULL, 0);
	sodium_bin2hex(g->etag, sizeof(g->etag), h, sizeof(h));
	buf_free(&b);
}

/* --- one job, one domain
 * ---------------------------------------------------------------------------------------------- */

void gate_evaluate(const struct gate_job *j, const struct gate_policy *p, int64_t now_ms, struct gate *out)
{
	char *text = gate_facts_text(j);

	memset(out, 0, sizeof(*out));
	gate_facts_hash(text, out->facts);
	if (!p->enabled)
		add(out, GATE_DISABLED, 0, 0, "MIGRATION_ENABLED=false");
	if (j->dns.seq > 0 && !j->dns.rolled_back)
		add(out, j->dns.was_ready ? GATE_APPLIED : GATE_APPLIED_UNREADY, j->id, 0, "MX was changed");
	for (size_t i = 0; i < j->n_mailboxes; i++)
		check_mailbox(out, j, &j->mailboxes[i], p);
	if (out->mailboxes == 0)
		add(out, GATE_JOB_EMPTY, j->id, 0, "no mailboxes");
	if (out->mailboxes == 0 && j->rollback_seq > 0)
		add_rolled_back(out, j, 0);
	check_accounts(out, j);
	check_approval(out, j, p, text);
	apply_override(out, j, p, now_ms);
	out->verdict = decide(out);
	out->ready = out->verdict == GATE_READY;
	make_etag(out, j);
	free(text);
}

static void merge(struct gate *out, struct gate *one)
{
	if (one->verdict < out->verdict)
		out->verdict = one->verdict;
	out->expected = sum(out->expected, one->expected);
	out->found = sum(out->found, one->found);
	out->mailboxes += one->mailboxes;
	out->approval_valid = out->approval_valid && one->approval_valid;
	out->override_valid = out->override_valid || one->override_valid;
	if (one->recheck_at != 0 && (out->recheck_at == 0 || one->recheck_at < out->recheck_at))
		out->recheck_at = one->recheck_at;
	out->reasons =
	        xreallocarray(out->reasons, out->n_reasons + one->n_reasons + 1, sizeof(*out->reasons));
	for (size_t i = 0; i < one->n_reasons; i++)
		out->reasons[out->n_reasons++] = one->reasons[i];
	one->n_reasons = 0;
}

void gate_evaluate_domain(
        const struct gate_job *jobs, size_t n, const struct gate_policy *p, int64_t now_ms, struct gate *out)
{
	struct buf facts = BUF_INIT;

	if (n == 1) {
		gate_evaluate(jobs, p, now_ms, out);
		return;
	}
	memset(out, 0, sizeof(*out));
	if (n == 0) {
		if (!p->enabled)
			add(out, GATE_DISABLED, 0, 0, "MIGRATION_ENABLED=false");
		add(out, GATE_JOB_NONE, 0, 0, "no open job has the domain");
		out->verdict = GATE_BLOCKED;
		gate_facts_hash("", out->facts);
		make_etag(out, NULL);
		return;
	}
	out->verdict = GATE_READY;
	out->approval_valid = true;
	for (size_t i = 0; i < n; i++) {
		struct gate one;

		gate_evaluate(&jobs[i], p, now_ms, &one);
		buf_addf(&facts, "%s %s\n", one.facts, one.etag);
		merge(out, &one);
		gate_free(&one);
	}
	out->ready = out->verdict == GATE_READY;
	gate_facts_hash(facts.ptr, out->facts);
	make_etag(out, NULL);
	buf_free(&facts);
}

char *gate_covers(const struct gate *g)
{
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < g->n_reasons; i++) {
		const struct gate_reason *r = &g->reasons[i];

		if (coverable(r->code))
			json_array_append_new(list, json_pack("{s:s, s:I}", "code", gate_code_name(r->code),
			                                    "mailbox_id", (json_int_t)r->mailbox_id));
	}
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text != NULL ? text : xstrdup("[]");
}
