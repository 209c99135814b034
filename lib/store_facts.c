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
 * Rows come in the order of the mailboxes' numbers: one walk through each table of the evidence for the whole job.
 * ---------------------------------------------------------------------------------------------------------- */

/* What is known of one mailbox while its rows are read. */
struct gathered {
	struct gate_mailbox *m;
	int64_t pair_after;
	int64_t measured_after; /* pass up to which an accepted shrinkage has measured anew */
	int64_t measure;        /* what it said, -1: none */
};

struct gather {
	struct gate_job *job;
	struct gathered *v; /* one a mailbox */
	size_t at;
};

/* The mailbox that the row is of; NULL for one that is not the job's. */
static struct gathered *mailbox_of(struct gather *g, int64_t id)
{
	while (g->at < g->job->n_mailboxes && g->v[g->at].m->id < id)
		g->at++;
	return g->at < g->job->n_mailboxes && g->v[g->at].m->id == id ? &g->v[g->at] : NULL;
}

/* Which accounts: what says that evidence is of this pair and no other. */
#define PAIR                                                                                                 \
	"m.source_kind || '|' || m.source_host || '|' || m.source_port || '|' || m.source_tls || '|' || "    \
	"m.source_user || '|' || COALESCE(m.source_upload, 0) || '|' || m.dest_host || '|' || m.dest_port "   \
	"|| '|' || m.dest_tls || '|' || m.dest_user || '|' || m.folders"

static const char mailboxes_sql[] =
        "SELECT m.id, m.removed, m.pair_after, " PAIR ", v.id, v.run_id, COALESCE(v.pass_id, 0), v.complete,"
        " v.expected, v.found, v.found_weak, v.missing, v.unexplained, v.excluded"
        " FROM mailboxes m LEFT JOIN verifications v ON v.id = (SELECT max(w.id) FROM verifications w"
        "  WHERE w.mailbox_id = m.id AND w.run_id > m.pair_after)"
        " WHERE m.job_id = ?1 ORDER BY m.id";

static void read_mailbox(struct stmt *st, void *arg)
{
	struct gate_job *j = arg;
	struct gate_mailbox *m;

	if ((j->n_mailboxes & (j->n_mailboxes - 1)) == 0)
		j->mailboxes = xreallocarray(
		        j->mailboxes, j->n_mailboxes == 0 ? 1 : j->n_mailboxes * 2, sizeof(*j->mailboxes));
	m = &j->mailboxes[j->n_mailboxes++];
	*m = (struct gate_mailbox){.id = db_col_i64(st, 0),
	        .removed = db_col_i64(st, 1) != 0,
	        .last.seq = db_col_i64(st, 2), /* pair_after, until gather() takes it */
	        .pair = db_col_dup(st, 3),
	        .last_messages = -1,
	        .most_messages = -1,
	        .accepted = {.missing = -1, .weak = -1, .refusals = -1, .excluded = -1}};
	if (!db_col_null(st, 4))
		m->verification = (struct gate_verification){.id = db_col_i64(st, 4),
		        .run_id = db_col_i64(st, 5),
		        .pass_id = db_col_i64(st, 6),
		        .complete = db_col_i64(st, 7) != 0,
		        .expected = db_col_i64(st, 8),
		        .found = db_col_i64(st, 9),
		        .found_weak = db_col_i64(st, 10),
		        .missing = db_col_i64(st, 11),
		        .unexplained = db_col_i64(st, 12),
		        .excluded = db_col_i64(st, 13)};
}

static const char active_sql[] =
        "SELECT mailbox_id FROM runs INDEXED BY runs_changing WHERE job_id = ?1 AND changes_mail = 1"
        " AND status IN ('queued', 'running', 'paused', 'waiting') ORDER BY mailbox_id";

static void read_active(struct stmt *st, void *arg)
{
	struct gathered *one = mailbox_of(arg, db_col_i64(st, 0));

	if (one != NULL)
		one->m->active = true;
}

static const char acceptances_sql[] =
        "SELECT a.mailbox_id, a.what, a.count, COALESCE(a.verification_id, 0), COALESCE(w.run_id, 0),"
        " COALESCE(w.pass_id, 0) FROM mailboxes m CROSS JOIN acceptances a ON a.mailbox_id = m.id"
        " LEFT JOIN verifications w ON w.id = a.verification_id WHERE m.job_id = ?1 ORDER BY m.id, a.id";

static void most(int64_t *to, int64_t n)
{
	if (n > *to)
		*to = n;
}

static void read_acceptance(struct stmt *st, void *arg)
{
	struct gathered *one = mailbox_of(arg, db_col_i64(st, 0));
	const char *what = db_col_text(st, 1);
	int64_t count = db_col_i64(st, 2), verification = db_col_i64(st, 3);

	if (one == NULL)
		return;
	if (strcmp(what, "mailbox.removed") == 0) {
		one->m->removal_accepted = one->m->removed;
	} else if (strcmp(what, "source.shrank") == 0) {
		/* the last one of this pair is the new measure */
		if (db_col_i64(st, 4) > one->pair_after) {
			one->measure = count;
			one->measured_after = db_col_i64(st, 5);
		}
	} else if (verification == one->m->verification.id) {
		struct gate_accepted *a = &one->m->accepted;

		if (strcmp(what, "missing") == 0)
			most(&a->missing, count);
		else if (strcmp(what, "weak") == 0)
			most(&a->weak, count);
		else if (strcmp(what, "refusal") == 0)
			most(&a->refusals, count);
		else if (strcmp(what, "excluded") == 0)
			most(&a->excluded, count);
		else if (strcmp(what, "source.empty") == 0)
			a->empty = true;
	}
}

static const char passes_sql[] =
        "SELECT q.mailbox_id, q.id, q.run_id, q.seq, q.kind, q.pass, q.status, q.messages, q.refused, r.created_by"
        " FROM mailboxes m CROSS JOIN passes q ON q.mailbox_id = m.id JOIN runs r ON r.id = q.run_id"
        " WHERE m.job_id = ?1 ORDER BY m.id, q.id";

/* A sync that did not fail has seen the source. */
static void seen_source(struct gathered *one, const struct gate_pass *p)
{
	struct gate_mailbox *m = one->m;

	if (p->pass == PASS_FINAL)
		most(&m->final_seq, p->seq);
	m->last_messages = p->messages;
	if (p->id > one->measured_after)
		most(&m->most_messages, p->messages);
}

static void read_pass(struct stmt *st, void *arg)
{
	struct gather *g = arg;
	struct gathered *one = mailbox_of(g, db_col_i64(st, 0));
	struct gate_pass p = {.id = db_col_i64(st, 1),
	        .run_id = db_col_i64(st, 2),
	        .seq = db_col_i64(st, 3),
	        .messages = db_col_i64(st, 7),
	        .refused = db_col_i64(st, 8)};

	run_kind_parse(db_col_text(st, 4), &p.kind);
	if (!db_col_null(st, 5))
		pass_parse(db_col_text(st, 5), &p.pass);
	run_status_parse(db_col_text(st, 6), &p.status);
	if (p.kind == RUN_ROLLBACK) /* of an earlier pair as well */
		most(&g->job->rollback_seq, p.seq);
	if (one == NULL || p.run_id <= one->pair_after)
		return;
	if (p.kind == RUN_SYNC && (p.status == RUN_SUCCEEDED || p.status == RUN_PARTIAL))
		seen_source(one, &p);
	free(one->m->last.by);
	p.by = db_col_dup(st, 9);
	one->m->last = p;
}

static const struct err *each(struct store *s, const char *sql, struct gather *g, db_row_fn *fn)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st, sql, "i", g->job->id);

	g->at = 0;
	return e != NULL ? e : db_each(st, fn, g);
}

static const struct err *gather(struct store *s, struct gate_job *j)
{
	struct gather g = {.job = j, .v = xcalloc(j->n_mailboxes + 1, sizeof(*g.v))};
	const struct err *e;

	for (size_t i = 0; i < j->n_mailboxes; i++) {
		g.v[i] = (struct gathered){
		        .m = &j->mailboxes[i], .pair_after = j->mailboxes[i].last.seq, .measure = -1};
		j->mailboxes[i].last.seq = 0;
	}
	e = each(s, active_sql, &g, read_active);
	if (e == NULL)
		e = each(s, acceptances_sql, &g, read_acceptance);
	if (e == NULL)
		e = each(s, passes_sql, &g, read_pass);
	for (size_t i = 0; i < j->n_mailboxes; i++) {
		most(&j->mailboxes[i].most_messages, g.v[i].measure);
		j->mailboxes[i].any_final = j->mailboxes[i].final_seq > 0;
	}
	free(g.v);
	return e;
}

static const struct err *load_mailboxes(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st, mailboxes_sql, "i", j->id);

	if (e == NULL)
		e = db_each(st, read_mailbox, j);
	return e != NULL ? e : gather(s, j);
}

/* --- the job
 * ------------------------------------------------------------------------------------------------------------
 */

static void read_domain(struct stmt *st, void *arg)
{
	struct gate_job *j = arg;

	j->domains = xreallocarray(j->domains, j->n_domains + 1, sizeof(*j->domains));
	j->domains[j->n_domains++] = db_col_dup(st, 0);
}

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
	return e != NULL ? e : db_each(st, read_domain, j);
}

/* Accounts of the new server, in the job's domains, that no mailbox of it goes to. A master user's name is
 * "mailbox*master"; a name without a domain is of the main one. */
static const char accounts_sql[] =
        "SELECT i.account, EXISTS (SELECT 1 FROM account_acceptances a WHERE a.job_id = ?1 AND a.account = i.account)"
        " FROM account_list_items i WHERE i.list_id = (SELECT max(id) FROM account_lists WHERE job_id = ?1)"
        " AND substr(i.account, instr(i.account, '@') + 1) IN (SELECT domain FROM job_domains WHERE job_id = ?1)"
        " AND i.account NOT IN (SELECT CASE WHEN instr(u, '@') > 0 THEN u ELSE u || '@' || d END FROM"
        "  (SELECT lower(CASE WHEN dest_auth = 'master' AND instr(dest_user, '*') > 1"
        "    THEN substr(dest_user, 1, instr(dest_user, '*') - 1) ELSE dest_user END) AS u,"
        "    (SELECT domain FROM job_domains WHERE job_id = ?1 AND position = 0) AS d"
        "   FROM mailboxes WHERE job_id = ?1 AND removed = 0))"
        " ORDER BY i.account";

static void read_account(struct stmt *st, void *arg)
{
	struct gate_job *j = arg;

	j->accounts = xreallocarray(j->accounts, j->n_accounts + 1, sizeof(*j->accounts));
	j->accounts[j->n_accounts++] =
	        (struct gate_account){.name = db_col_dup(st, 0), .accepted = db_col_i64(st, 1) != 0};
}

static const struct err *load_accounts(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st, accounts_sql, "i", j->id);

	return e != NULL ? e : db_each(st, read_account, j);
}

/* Newest first: the first of its kind speaks. */
static const char decisions_sql[] =
        "SELECT id, facts, snapshot, covers, mailboxes, reason, by_sub, by_name, by_role, at,"
        " COALESCE(expires_at, 0), kind FROM approvals WHERE job_id = ?1"
        " AND id > COALESCE((SELECT max(id) FROM approvals WHERE job_id = ?1 AND kind = 'revoke'), 0)"
        " ORDER BY id DESC";

static void read_decision(struct stmt *st, void *arg)
{
	struct gate_job *j = arg;
	bool approve = strcmp(db_col_text(st, 11), "approve") == 0;
	struct gate_decision *d = approve ? &j->approval : &j->override;

	if (d->id != 0)
		return;
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
}

static const struct err *load_decisions(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st, decisions_sql, "i", j->id);

	return e != NULL ? e : db_each(st, read_decision, j);
}

/* What of DNS came last; rollback_seq holds that of the runs already. */
static void read_dns(struct stmt *st, void *arg)
{
	struct gate_job *j = arg;
	struct gate_dns d = {.seq = db_col_i64(st, 0),
	        .rolled_back = db_col_i64(st, 1) != 0,
	        .was_ready = db_col_i64(st, 2) != 0};

	if (d.rolled_back) {
		most(&j->rollback_seq, d.seq);
		if (db_col_text(st, 3) != NULL && db_col_text(st, 4) != NULL) { /* in order: the last one stays */
			free(j->rollback_why);
			j->rollback_why = xasprintf("%s: %s", db_col_text(st, 3), db_col_text(st, 4));
		}
	}
	if (d.seq > j->dns.seq)
		j->dns = d;
}

static const struct err *load_dns(struct store *s, struct gate_job *j)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT seq, what = 'rolled_back', was_ready, json_extract(detail, '$.by'), json_extract(detail, '$.reason')"
	        " FROM dns_events WHERE job_id = ?1 ORDER BY id",
	        "i", j->id);

	if (e == NULL)
		e = db_each(st, read_dns, j);
	if (e == NULL && j->rollback_seq > j->dns.seq)
		j->dns = (struct gate_dns){.seq = j->rollback_seq, .rolled_back = true};
	return e;
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
		e = load_accounts(s, out);
	if (e == NULL)
		e = load_decisions(s, out);
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
