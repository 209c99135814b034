/* Decisions of people about the gate: read, compared, decided and written in one transaction. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "store_facts.h"

#include "banned.h"

static const char *const kinds[] = {
        [GATE_APPROVE] = "approve", [GATE_REVOKE] = "revoke", [GATE_OVERRIDE] = "override"};
static const char *const actions[] = {
        [GATE_APPROVE] = "gate.approve", [GATE_REVOKE] = "gate.revoke", [GATE_OVERRIDE] = "gate.override"};

static const struct err *check_role(
        const struct gate_deed *d, const struct gate_policy *p, const struct principal *who)
{
	unsigned may =
	        d->act == GATE_OVERRIDE ? p->override_roles : 1u << ROLE_OPS_LEAD | 1u << ROLE_SUPER_ADMIN;

	if ((may & (1u << who->role)) != 0)
		return NULL;
	return err_new(ERR_FORBIDDEN, "the role %s may not %s the gate", role_name(who->role), kinds[d->act]);
}

static const struct err *check_etag(const struct gate_deed *d, const struct gate *g)
{
	if (d->if_match == NULL && d->act == GATE_REVOKE)
		return NULL;
	if (d->if_match == NULL)
		return err_new(ERR_PRECONDITION_REQUIRED, "If-Match with the gate's ETag is required");
	if (strcmp(d->if_match, g->etag) == 0)
		return NULL;
	return err_new(ERR_PRECONDITION, "the gate is %s now, of other facts than those you have seen",
	        gate_verdict_name(g->verdict));
}

/* The first reason that stands and satisfies nothing: for the error's text. */
static const struct gate_reason *first_open(const struct gate *g, enum gate_code only)
{
	for (size_t i = 0; i < g->n_reasons; i++)
		if (!g->reasons[i].covered && (only == GATE_CODE_COUNT || g->reasons[i].code == only))
			return &g->reasons[i];
	return NULL;
}

static const struct err *check_approve(const struct gate_policy *p, const struct gate_job *j,
        const struct gate *g, const struct principal *who)
{
	const struct gate_reason *r = first_open(g, GATE_CODE_COUNT);
	char *me;
	bool same = false;

	if (g->verdict == GATE_BLOCKED)
		return err_new(ERR_CONFLICT, "the gate is blocked: %s%s%s",
		        r != NULL ? gate_code_name(r->code) : "", r != NULL ? ": " : "",
		        r != NULL ? r->detail : "");
	if (!p->four_eyes)
		return NULL;
	me = principal_text(who);
	for (size_t i = 0; i < j->n_mailboxes; i++)
		same = same || (!j->mailboxes[i].removed && j->mailboxes[i].last.by != NULL &&
		                       strcmp(j->mailboxes[i].last.by, me) == 0);
	free(me);
	return same ? err_new(ERR_FORBIDDEN, "four eyes: who started a mailbox's last pass may not approve")
	            : NULL;
}

static const struct err *check_deed(const struct gate_deed *d, const struct gate_policy *p,
        const struct gate_job *j, const struct gate *g, const struct principal *who)
{
	const struct err *e = check_role(d, p, who);

	if (e == NULL)
		e = check_etag(d, g);
	if (e != NULL)
		return e;
	if (d->act != GATE_APPROVE && (d->reason == NULL || *d->reason == '\0'))
		return err_new(ERR_INPUT, "a reason is required");
	if (d->act == GATE_REVOKE)
		return j->approval.id != 0 || j->override.id != 0
		               ? NULL
		               : err_new(ERR_CONFLICT, "there is nothing to revoke");
	if (d->mailboxes != g->mailboxes)
		return err_new(ERR_INPUT, "the job has %lld mailboxes, not %lld", (long long)g->mailboxes,
		        (long long)d->mailboxes);
	if (d->act == GATE_APPROVE)
		return check_approve(p, j, g, who);
	if (first_open(g, GATE_RUN_ACTIVE) != NULL)
		return err_new(ERR_CONFLICT, "a run that changes mail is active: no override covers it");
	return first_open(g, GATE_CODE_COUNT) != NULL ? NULL
	                                              : err_new(ERR_CONFLICT, "there is nothing to override");
}

static const struct err *write_deed(struct store *s, const struct gate_deed *d, const struct gate_job *j,
        const struct gate *g, const struct principal *who, int64_t now_ms)
{
	char *by = principal_text(who), *covers = d->act == GATE_OVERRIDE ? gate_covers(g) : xstrdup("[]");
	char *snapshot = d->act == GATE_REVOKE ? xstrdup("") : gate_facts_text(j);
	const char *reason = d->reason != NULL ? d->reason : "";
	int64_t expires = d->act == GATE_OVERRIDE ? now_ms + d->override_hours * 3600 * 1000 : 0;
	json_t *o;
	const struct err *e = db_run(store_db(s),
	        "INSERT INTO approvals (job_id, kind, facts, snapshot, covers, mailboxes, reason, by_sub, "
	        "by_name, by_role, at,"
	        " expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULLIF(?12, 0))",
	        "issssissssii", d->job_id, kinds[d->act], g->facts, snapshot, covers, g->mailboxes, reason,
	        by, who->name, role_name(who->role), now_ms, expires);

	o = json_pack("{s:s, s:s, s:I, s:s}", "facts", g->facts, "reason", reason, "mailboxes",
	        (json_int_t)g->mailboxes, "verdict_before", gate_verdict_name(g->verdict));
	if (e == NULL) {
		char *detail = o != NULL ? js_text(o) : xstrdup("{}");

		e = audit_add(s, &(struct actor){.who = by, .role = role_name(who->role)}, actions[d->act],
		        d->job_id, NULL, detail);
		free(detail);
	}
	json_decref(o);
	free(by);
	free(covers);
	free(snapshot);
	return e;
}

const struct err *gate_decide(struct store *s, const struct gate_deed *d, const struct gate_policy *p,
        const struct principal *who, int64_t now_ms, struct gate *out, struct gate_job *facts)
{
	struct gate_job own = {0}, *j = facts != NULL ? facts : &own;
	const struct err *e;

	memset(out, 0, sizeof(*out));
	memset(j, 0, sizeof(*j));
	if ((e = store_begin(s)) != NULL)
		return e;
	e = gate_of_job(s, d->job_id, p, now_ms, out, j);
	if (e == NULL)
		e = check_deed(d, p, j, out, who);
	if (e == NULL)
		e = write_deed(s, d, j, out, who, now_ms);
	if (e == NULL) {
		gate_free(out);
		gate_job_free(j);
		e = gate_of_job(s, d->job_id, p, now_ms, out, j);
	}
	e = store_end(s, e);
	if (facts == NULL)
		gate_job_free(&own);
	return e;
}
