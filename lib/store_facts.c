#include "store_facts.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

struct gate_policy gate_policy_of(const struct conf *c)
{
	return (struct gate_policy){.enabled = conf_bool(c, CONF_ENABLED),
	        .min_ratio = conf_int(c, CONF_GATE_MIN_RATIO),
	        .override_roles = (unsigned)conf_int(c, CONF_GATE_OVERRIDE_ROLES),
	        .four_eyes = conf_bool(c, CONF_GATE_FOUR_EYES)};
}

/* --- mailboxes
 * ----------------------------------------------------------------------------------------------------------
 */

/* passes of m's present pair that are syncs which did not fail */
#define SYNCS                                                                                                \
	"passes q WHERE q.mailbox_id = m.id AND q.run_id > m.pair_after AND q.kind = 'sync'"                 \
	" AND q.status IN ('succeeded', 'partial')"
#define ACCEPTED(what)                                                                                       \
	"COALESCE((SELECT max(a.count) FROM acceptances a WHERE a.mailbox_id = m.id AND a.verification_id "  \
	"= v.id"                                                                                             \
	" AND a.what = '" what "'), -1)"

enum {
	C_ID,
	C_REMOVED,
	C_PAIR,
	C_ACTIVE,
	C_REMOVAL_OK,
	C_PASS,
	C_PASS_RUN,
	C_PASS_SEQ,
	C_PASS_KIND,
	C_PASS_PASS,
	C_PASS_STATUS,
	C_PASS_MESSAGES,
	C_PASS_REFUSED,
	C_PASS_BY,
	C_VER,
	C_VER_RUN,
	C_VER_PASS,
	C_COMPLETE,
	C_EXPECTED,
	C_FOUND,
	C_WEAK,
	C_MISSING,
	C_UNEXPLAINED,
	C_EXCLUDED,
	C_A_MISSING,
	C_A_WEAK,
	C_A_REFUSAL,
	C_A_EXCLUDED,
	C_A_EMPTY,
	C_FINAL_SEQ,
	C_LAST_MESSAGES,
	C_MOST_MESSAGES
};

static const char mailboxes_sql[] =
        "SELECT m.id, m.removed,"
        " m.source_kind || '|' || m.source_host || '|' || m.source_port || '|' || m.source_tls || '|' || "
        "m.source_user || '|' ||"
        "  COALESCE(m.source_upload, 0) || '|' || m.dest_host || '|' || m.dest_port || '|' || m.dest_tls || "
        "'|' || m.dest_user ||"
        "  '|' || m.folders,"
        " EXISTS (SELECT 1 FROM runs a WHERE a.mailbox_id = m.id AND a.changes_mail = 1"
        "  AND a.status IN ('queued', 'running', 'paused', 'waiting')),"
        " m.removed AND EXISTS (SELECT 1 FROM acceptances a WHERE a.mailbox_id = m.id AND a.what = "
        "'mailbox.removed'),"
        " p.id, p.run_id, r.change_seq, p.kind, p.pass, p.status, p.messages, p.refused, r.created_by,"
        " v.id, v.run_id, COALESCE(v.pass_id, 0), v.complete, v.expected, v.found, v.found_weak, v.missing, "
        "v.unexplained,"
        "  v.excluded,"
        " " ACCEPTED("missing") ", " ACCEPTED("weak") ", " ACCEPTED("refusal") ", " ACCEPTED(
                "excluded") ","
                            "  " ACCEPTED(
                                    "source.empty") ","
                                                    " COALESCE((SELECT max(f.change_seq) FROM passes q JOIN "
                                                    "runs f ON f.id = q.run_id WHERE q.mailbox_id = m.id"
                                                    "  AND q.run_id > m.pair_after AND q.kind = 'sync' AND "
                                                    "q.pass = 'final' AND q.status IN ('succeeded', "
                                                    "'partial')), 0),"
                                                    " COALESCE((SELECT q.messages FROM " SYNCS
                                                    " ORDER BY q.id DESC LIMIT 1), -1),"
                                                    " max(COALESCE(s.count, -1), COALESCE((SELECT "
                                                    "max(q.messages) FROM " SYNCS
                                                    "  AND q.id > COALESCE(sv.pass_id, 0)), -1))"
                                                    " FROM mailboxes m"
                                                    " LEFT JOIN passes p ON p.id = (SELECT max(q.id) FROM "
                                                    "passes q WHERE q.mailbox_id = m.id AND q.run_id > "
                                                    "m.pair_after)"
                                                    " LEFT JOIN runs r ON r.id = p.run_id"
                                                    " LEFT JOIN verifications v ON v.id = (SELECT max(w.id) "
                                                    "FROM verifications w WHERE w.mailbox_id = m.id"
                                                    "  AND w.run_id > m.pair_after)"
                                                    /* the last accepted shrinkage of this pair: the new
                                                       measure */
                                                    " LEFT JOIN acceptances s ON s.id = (SELECT max(a.id) "
                                                    "FROM acceptances a JOIN verifications w ON w.id = "
                                                    "a.verification_id"
                                                    "  WHERE a.mailbox_id = m.id AND a.what = "
                                                    "'source.shrank' AND w.run_id > m.pair_after)"
                                                    " LEFT JOIN verifications sv ON sv.id = s.verification_id"
                                                    " WHERE m.job_id = ?1 ORDER BY m.id";

static void read_pass(struct stmt *st, struct gate_pass *p)
{
	if (db_col_null(st, C_PASS))
		return;
	*p = (struct gate_pass){.id = db_col_i64(st, C_PASS),
	        .run_id = db_col_i64(st, C_PASS_RUN),
	        .seq = db_col_i64(st, C_PASS_SEQ),
	        .messages = db_col_i64(st, C_PASS_MESSAGES),
	        .refused = db_col_i64(st, C_PASS_REFUSED),
	        .by = db_col_dup(st, C_PASS_BY)};
	run_kind_parse(db_col_text(st, C_PASS_KIND), &p->kind);
	if (!db_col_null(st, C_PASS_PASS))
		pass_parse(db_col_text(st, C_PASS_PASS), &p->pass);
	run_status_parse(db_col_text(st, C_PASS_STATUS), &p->status);
}

static void read_mailbox(struct stmt *st, struct gate_mailbox *m)
{
	*m = (struct gate_mailbox){.id = db_col_i64(st, C_ID),
	        .removed = db_col_i64(st, C_REMOVED) != 0,
	        .pair = db_col_dup(st, C_PAIR),
	        .active = db_col_i64(st, C_ACTIVE) != 0,
	        .removal_accepted = db_col_i64(st, C_REMOVAL_OK) != 0,
	        .final_seq = db_col_i64(st, C_FINAL_SEQ),
	        .last_messages = db_col_i64(st, C_LAST_MESSAGES),
	        .most_messages = db_col_i64(st, C_MOST_MESSAGES)};
	m->any_final = m->final_seq > 0;
	read_pass(st, &m->last);
	if (!db_col_null(st, C_VER))
		m->verification = (struct gate_verification){.id = db_col_i64(st, C_VER),
		        .run_id = db_col_i64(st, C_VER_RUN),
		        .pass_id = db_col_i64(st, C_VER_PASS),
		        .complete = db_col_i64(st, C_COMPLETE) != 0,
		        .expected = db_col_i64(st, C_EXPECTED),
		        .found = db_col_i64(st, C_FOUND),
		        .found_weak = db_col_i64(st, C_WEAK),
		        .missing = db_col_i64(st, C_MISSING),
		        .unexplained = db_col_i64(st, C_UNEXPLAINED),
		        .excluded = db_col_i64(st, C_EXCLUDED)};
	m->accepted = (struct gate_accepted){.missing = db_col_i64(st, C_A_MISSING),
	        .weak = db_col_i64(st, C_A_WEAK),
	        .refusals = db_col_i64(st, C_A_REFUSAL),
	        .excluded = db_col_i64(st, C_A_EXCLUDED),
	        .empty = db_col_i64(st, C_A_EMPTY) >= 0};
}

static const struct err *load_mailboxes(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	bool row;
	const struct err *e = db_query(store_db(s), &st, mailboxes_sql, "i", j->id);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		if ((j->n_mailboxes & (j->n_mailboxes - 1)) == 0)
			j->mailboxes = xreallocarray(j->mailboxes,
			        j->n_mailboxes == 0 ? 1 : j->n_mailboxes * 2, sizeof(*j->mailboxes));
		read_mailbox(st, &j->mailboxes[j->n_mailboxes++]);
	}
	return e;
}

/* --- the job
 * ------------------------------------------------------------------------------------------------------------
 */

static const struct err *load_job(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT org, json_extract(options, '$.folders', '$.automap', '$.since', '$.before', '$.max_size')"
	        " FROM jobs WHERE id = ?1",
	        "i", j->id);

	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "job %lld does not exist", (long long)j->id);
	j->org = db_col_dup(st, 0);
	j->rules = db_col_dup(st, 1);
	db_done(st);
	e = db_query(store_db(s), &st, "SELECT domain FROM job_domains WHERE job_id = ?1 ORDER BY domain",
	        "i", j->id);
	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		j->domains = xreallocarray(j->domains, j->n_domains + 1, sizeof(*j->domains));
		j->domains[j->n_domains++] = db_col_dup(st, 0);
	}
	return e;
}

static const struct err *load_decision(
        struct store *s, int64_t job_id, const char *kind, struct gate_decision *d)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, facts, snapshot, covers, mailboxes, reason, by_sub, by_name, by_role, at, "
	        "COALESCE(expires_at, 0)"
	        " FROM approvals WHERE job_id = ?1 AND kind = ?2 AND id > COALESCE((SELECT max(id) FROM "
	        "approvals"
	        "  WHERE job_id = ?1 AND kind = 'revoke'), 0) ORDER BY id DESC LIMIT 1",
	        "is", job_id, kind);

	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*d = (struct gate_decision){.id = db_col_i64(st, 0),
	        .facts = db_col_dup(st, 1),
	        .snapshot = db_col_dup(st, 2),
	        .covers = db_col_dup(st, 3),
	        .mailboxes = db_col_i64(st, 4),
	        .reason = db_col_dup(st, 5),
	        .by = db_col_dup(st, 6),
	        .by_name = db_col_dup(st, 7),
	        .at = db_col_i64(st, 9),
	        .expires_at = db_col_i64(st, 10)};
	role_parse(db_col_text(st, 8), &d->role);
	db_done(st);
	return NULL;
}

static const struct err *load_dns(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_i64(store_db(s), &j->rollback_seq, NULL,
	        "SELECT max(COALESCE((SELECT max(seq) FROM dns_events WHERE job_id = ?1 AND what = "
	        "'rolled_back'), 0),"
	        " COALESCE((SELECT max(r.change_seq) FROM runs r JOIN passes p ON p.run_id = r.id"
	        "  WHERE r.job_id = ?1 AND r.kind = 'rollback'), 0))",
	        "i", j->id);

	if (e == NULL)
		e = db_query(store_db(s), &st,
		        "SELECT seq, what = 'rolled_back', was_ready FROM dns_events WHERE job_id = ?1 ORDER "
		        "BY seq DESC LIMIT 1",
		        "i", j->id);
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (row) {
		j->dns = (struct gate_dns){.seq = db_col_i64(st, 0),
		        .rolled_back = db_col_i64(st, 1) != 0,
		        .was_ready = db_col_i64(st, 2) != 0};
		db_done(st);
	}
	if (j->rollback_seq > j->dns.seq)
		j->dns = (struct gate_dns){.seq = j->rollback_seq, .rolled_back = true};
	return NULL;
}

const struct err *facts_load(struct store *s, int64_t job_id, struct gate_job *out)
{
	const struct err *e;

	memset(out, 0, sizeof(*out));
	out->id = job_id;
	if ((e = store_read_begin(s)) != NULL)
		return e;
	e = load_job(s, out);
	if (e == NULL)
		e = load_mailboxes(s, out);
	if (e == NULL)
		e = load_decision(s, job_id, "approve", &out->approval);
	if (e == NULL)
		e = load_decision(s, job_id, "override", &out->override);
	if (e == NULL)
		e = load_dns(s, out);
	store_read_end(s);
	if (e != NULL)
		gate_job_free(out);
	return e;
}

void facts_free(struct gate_job *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gate_job_free(&v[i]);
	free(v);
}

static const struct err *load_domain(
        struct store *s, const char *org, const char *domain, struct gate_job **v, size_t *n)
{
	int64_t *ids = NULL;
	size_t count = 0;
	struct stmt *st;
	bool row;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT job_id FROM job_domains WHERE domain = ?1 AND open = 1 AND (?2 IS NULL OR org = ?2) "
	        "ORDER BY job_id",
	        "ss", domain, org);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		ids = xreallocarray(ids, count + 1, sizeof(*ids));
		ids[count++] = db_col_i64(st, 0);
	}
	*v = xcalloc(count + 1, sizeof(**v));
	for (size_t i = 0; e == NULL && i < count; i++) {
		e = facts_load(s, ids[i], &(*v)[i]);
		*n += e == NULL;
	}
	free(ids);
	return e;
}

const struct err *facts_load_domain(
        struct store *s, const char *org, const char *domain, struct gate_job **v, size_t *n)
{
	const struct err *e;

	*v = NULL;
	*n = 0;
	if ((e = store_read_begin(s)) != NULL)
		return e;
	e = load_domain(s, org, domain, v, n);
	store_read_end(s);
	if (e != NULL) {
		facts_free(*v, *n);
		*v = NULL;
		*n = 0;
	}
	return e;
}

/* --- gates
 * --------------------------------------------------------------------------------------------------------------
 */

const struct err *gate_of_job(struct store *s, int64_t job_id, const struct gate_policy *p, int64_t now_ms,
        struct gate *out, struct gate_job *facts)
{
	struct gate_job own, *j = facts != NULL ? facts : &own;
	const struct err *e = facts_load(s, job_id, j);

	memset(out, 0, sizeof(*out));
	if (e != NULL)
		return e;
	gate_evaluate(j, p, now_ms, out);
	if (facts == NULL)
		gate_job_free(&own);
	return NULL;
}

const struct err *gate_of_domain(struct store *s, const char *org, const char *domain,
        const struct gate_policy *p, int64_t now_ms, struct gate *out)
{
	struct gate_job *v;
	size_t n;
	const struct err *e = facts_load_domain(s, org, domain, &v, &n);

	memset(out, 0, sizeof(*out));
	if (e != NULL)
		return e;
	gate_evaluate_domain(v, n, p, now_ms, out);
	facts_free(v, n);
	return NULL;
}
