/* What a job's certificate states, read in one snapshot: the facts that the report writer signs. */
#include "view.h"

#include <stdio.h>
#include <stdlib.h>

#include "store_artefact.h"
#include "store_audit.h"
#include "store_history.h"

#include "banned.h"

#define PAGE 500
/* The facts travel in one answer (worker/http.h bounds it). Beyond this size a mailbox's lists are cut: what is left out
 * is counted, and stands in the ledgers whose hashes the section holds. */
#define LISTS_ROOM (8u << 20)
#define LIST_LEAST 3 /* of each, however long the whole is */

static bool has_room(const struct writer *w)
{
	return w->out->len < LISTS_ROOM;
}

/* --- the job as a whole --- */

static void job_section(struct writer *w, const struct job *j)
{
	w_object(w, "job");
	w_i64(w, "id", j->id);
	w_text(w, "ticket", j->ticket);
	w_text(w, "title", j->title);
	w_text(w, "organisation", j->org);
	w_array(w, "domains");
	for (size_t i = 0; i < j->n_domains; i++)
		w_str(w, NULL, j->domains[i]);
	w_array_end(w);
	w_str(w, "engine", engine_kind_name(j->engine));
	w_bool(w, "closed", j->closed);
	w_str(w, "options", j->options);
	w_str(w, "created_by", j->created_by);
	w_time(w, "created_at", j->created_at);
	w_object_end(w);
}

static void gate_section(struct writer *w, const struct gate *g, const struct gate_job *facts, const struct gate_policy *p)
{
	char *text = gate_facts_text(facts);

	w_object(w, "gate");
	w_str(w, "verdict", gate_verdict_name(g->verdict));
	w_i64(w, "expected", g->expected);
	w_i64(w, "found", g->found);
	w_i64(w, "mailboxes", g->mailboxes);
	w_bool(w, "approval_valid", g->approval_valid);
	w_text(w, "approval_void_because", g->approval_void_because);
	w_bool(w, "override_valid", g->override_valid);
	w_i64(w, "least_ratio_millionths", p->min_ratio);
	w_bool(w, "four_eyes", p->four_eyes);
	w_array(w, "reasons");
	for (size_t i = 0; i < g->n_reasons; i++) {
		w_object(w, NULL);
		w_str(w, "code", gate_code_name(g->reasons[i].code));
		w_i64(w, "mailbox_id", g->reasons[i].mailbox_id);
		w_text(w, "detail", g->reasons[i].detail);
		w_bool(w, "covered", g->reasons[i].covered);
		w_object_end(w);
	}
	w_array_end(w);
	w_str(w, "facts_text", text); /* whose BLAKE2b-256 is the statement's facts, and what decisions name */
	w_object_end(w);
	free(text);
}

static const struct err *decisions_section(struct writer *w, struct call *c, int64_t job_id)
{
	struct history_decision *v;
	size_t n;
	const struct err *e = history_decisions(c->app->store, job_id, &v, &n);

	w_array(w, "decisions");
	for (size_t i = 0; i < n; i++) {
		w_object(w, NULL);
		w_str(w, "kind", v[i].kind);
		w_str(w, "by", v[i].by);
		w_str(w, "name", v[i].name);
		w_str(w, "role", v[i].role);
		w_text(w, "reason", v[i].reason);
		w_i64(w, "mailboxes", v[i].mailboxes);
		w_str(w, "facts", v[i].facts);
		w_time(w, "at", v[i].at);
		w_time(w, "expires_at", v[i].expires_at);
		w_object_end(w);
	}
	w_array_end(w);
	history_decisions_free(v, n);
	return e;
}

static void accounts_section(struct writer *w, const struct gate_job *facts)
{
	w_array(w, "accounts_not_in_job");
	for (size_t i = 0; i < facts->n_accounts; i++) {
		w_object(w, NULL);
		w_str(w, "account", facts->accounts[i].name);
		w_bool(w, "accepted", facts->accounts[i].accepted);
		w_object_end(w);
	}
	w_array_end(w);
}

/* --- one mailbox --- */

static void side(struct writer *w, const char *key, const struct endpoint *p)
{
	w_object(w, key);
	w_text(w, "host", p->host);
	w_i64(w, "port", p->port);
	w_str(w, "tls", tls_mode_name(p->tls));
	w_text(w, "user", p->user);
	w_object_end(w);
}

static const struct err *passes(struct writer *w, struct call *c, int64_t id, int64_t *last_run)
{
	struct history_pass *v;
	size_t n, first;
	const struct err *e = history_passes(c->app->store, id, &v, &n);

	first = has_room(w) || n < LIST_LEAST ? 0 : n - LIST_LEAST; /* the last ones say most */
	w_i64(w, "passes_left_out", (int64_t)first);
	w_array(w, "passes");
	for (size_t i = first; i < n; i++) {
		const struct pass_row *p = &v[i].pass;

		w_object(w, NULL);
		view_pass_members(w, p);
		w_str(w, "by", v[i].by);
		w_text(w, "worker", v[i].worker);
		w_time(w, "at", p->at);
		w_object_end(w);
		*last_run = p->run_id;
	}
	w_array_end(w);
	history_passes_free(v, n);
	return e;
}

static void missing_one(struct writer *w, const struct missing_row *m)
{
	w_object(w, NULL);
	view_missing_members(w, m);
	w_object_end(w);
}

/* How many rows to read next of a list of which `written` are written: 0 when the rest is left out. */
static size_t next_page(const struct writer *w, size_t written)
{
	if (w->out->len < LISTS_ROOM)
		return PAGE;
	return written < LIST_LEAST ? LIST_LEAST - written : 0;
}

static const struct err *missing(struct writer *w, struct call *c, int64_t verification_id)
{
	int64_t after = 0, left_out = 0;
	size_t n = 1, written = 0, page;
	const struct err *e = NULL;

	w_array(w, "missing");
	while (e == NULL && n > 0 && verification_id != 0 && (page = next_page(w, written)) > 0) {
		struct missing_row *v;

		e = missing_list(c->app->store, verification_id, NULL, after, page, &v, &n);
		for (size_t i = 0; i < n; i++)
			missing_one(w, &v[i]);
		written += n;
		after = n > 0 ? v[n - 1].id : after;
		missing_free(v, n);
	}
	w_array_end(w);
	if (e == NULL && n > 0)
		e = db_i64(store_db(c->app->store), &left_out, NULL,
			"SELECT count(*) FROM missing WHERE verification_id = ?1 AND id > ?2", "ii", verification_id, after);
	w_i64(w, "missing_left_out", left_out);
	return e;
}

static void refused_one(struct writer *w, const struct refusal_row *r)
{
	w_object(w, NULL);
	w_i64(w, "run_id", r->run_id);
	w_str(w, "folder", r->folder);
	w_i64(w, "uid", r->uid);
	w_i64(w, "size", r->size);
	w_str(w, "code", r->code);
	w_text(w, "server", r->server);
	w_time(w, "at", r->at);
	w_object_end(w);
}

static const struct err *refused(struct writer *w, struct call *c, int64_t mailbox_id)
{
	int64_t after = 0, left_out = 0;
	size_t n = 1, written = 0, page;
	const struct err *e = NULL;

	w_array(w, "refused");
	while (e == NULL && n > 0 && (page = next_page(w, written)) > 0) {
		struct refusal_row *v;

		e = refusal_list(c->app->store, mailbox_id, after, page, &v, &n);
		for (size_t i = 0; i < n; i++)
			refused_one(w, &v[i]);
		written += n;
		after = n > 0 ? v[n - 1].id : after;
		refusals_free(v, n);
	}
	w_array_end(w);
	if (e == NULL && n > 0)
		e = db_i64(store_db(c->app->store), &left_out, NULL,
			"SELECT count(*) FROM refusals WHERE mailbox_id = ?1 AND id > ?2", "ii", mailbox_id, after);
	w_i64(w, "refused_left_out", left_out);
	return e;
}

static const struct err *accepted(struct writer *w, struct call *c, int64_t mailbox_id)
{
	struct acceptance *v;
	size_t n;
	const struct err *e = acceptance_list(c->app->store, mailbox_id, &v, &n);

	w_array(w, "accepted");
	for (size_t i = 0; i < n; i++) {
		w_object(w, NULL);
		w_str(w, "what", v[i].what);
		w_i64(w, "count", v[i].count);
		w_i64(w, "verification_id", v[i].verification_id);
		w_str(w, "reason", v[i].reason);
		w_str(w, "by", v[i].by);
		w_str(w, "role", v[i].role);
		w_time(w, "at", v[i].at);
		w_object_end(w);
	}
	w_array_end(w);
	acceptances_free(v, n);
	return e;
}

/* What a run handed over: its log and its events, which name each message. */
static const struct err *ledgers_of(struct writer *w, struct call *c, int64_t run_id)
{
	struct artefact *v;
	size_t n;
	const struct err *e = artefact_list(c->app->store, run_id, &v, &n);

	for (size_t i = 0; i < n; i++) {
		if (!v[i].complete)
			continue;
		w_object(w, NULL);
		w_i64(w, "run_id", run_id);
		w_str(w, "name", v[i].name);
		w_i64(w, "size", v[i].size);
		w_str(w, "sha256", v[i].sha256);
		w_object_end(w);
	}
	artefacts_free(v, n);
	return e;
}

static const struct err *ledgers(struct writer *w, struct call *c, int64_t pass_run, int64_t verify_run)
{
	const struct err *e = NULL;

	w_array(w, "ledgers");
	if (pass_run != 0)
		e = ledgers_of(w, c, pass_run);
	if (e == NULL && verify_run != 0)
		e = ledgers_of(w, c, verify_run);
	w_array_end(w);
	return e;
}

static const struct err *removal(struct writer *w, struct call *c, int64_t mailbox_id)
{
	struct history_removal r;
	const struct err *e = history_removal(c->app->store, mailbox_id, &r);

	if (e == NULL && r.at != 0) {
		w_object(w, "removed");
		w_text(w, "reason", r.reason);
		w_str(w, "by", r.by);
		w_time(w, "at", r.at);
		w_object_end(w);
	} else {
		w_null(w, "removed");
	}
	history_removal_free(&r);
	return e;
}

static const struct err *verification(struct writer *w, struct call *c, const struct verification *v)
{
	const bool room = has_room(w);
	const struct err *e = NULL;

	if (v->id == 0) {
		w_null(w, "verification");
		return NULL;
	}
	w_object(w, "verification");
	view_verification_counts(w, v);
	w_bool(w, "folders_left_out", !room);
	if (room) {
		e = view_verification_folders(w, c, v->id);
	} else {
		w_array(w, "folders");
		w_array_end(w);
	}
	w_object_end(w);
	return e;
}

static const struct err *mailbox_section(struct writer *w, struct call *c, const struct mailbox *m)
{
	struct verification v = {0};
	int64_t pass_run = 0;
	const struct err *e;
	char key[40];

	snprintf(key, sizeof(key), "mailbox %lld", (long long)m->id);
	w_object(w, key);
	w_i64(w, "id", m->id);
	w_str(w, "source_kind", source_kind_name(m->source_kind));
	side(w, "source", &m->source);
	side(w, "destination", &m->dest);
	w_str(w, "folder_rules", m->folders);
	e = removal(w, c, m->id);
	if (e == NULL)
		e = passes(w, c, m->id, &pass_run);
	if (e == NULL)
		e = verification_last(c->app->store, m->id, &v);
	if (e == NULL)
		e = verification(w, c, &v);
	if (e == NULL)
		e = missing(w, c, v.id);
	if (e == NULL)
		e = refused(w, c, m->id);
	if (e == NULL)
		e = accepted(w, c, m->id);
	if (e == NULL)
		e = ledgers(w, c, pass_run, v.run_id);
	w_object_end(w);
	return e;
}

static const struct err *mailbox_sections(struct writer *w, struct call *c, int64_t job_id)
{
	const struct err *e = NULL;
	int64_t after = 0;
	size_t n = PAGE;

	while (e == NULL && n == PAGE) {
		struct mailbox *v;

		e = mailbox_list(c->app->store, job_id, true, after, PAGE, &v, &n);
		for (size_t i = 0; e == NULL && i < n; i++)
			e = mailbox_section(w, c, &v[i]);
		after = e == NULL && n > 0 ? v[n - 1].id : after;
		mailboxes_free(v, n);
	}
	return e;
}

/* --- the whole --- */

static const struct err *statement(
	struct writer *w, struct call *c, const struct job *j, const struct gate *g, int64_t run_id)
{
	char hash[AUDIT_HASH];
	int64_t rows;
	const struct err *e = audit_head(c->app->store, &rows, hash);

	w_object(w, "statement");
	w_i64(w, "job_id", j->id);
	w_str(w, "domain", j->n_domains > 0 ? j->domains[0] : "");
	w_i64(w, "run_id", run_id);
	w_time(w, "issued_at", c->now_ms);
	w_str(w, "verdict", gate_verdict_name(g->verdict));
	w_str(w, "facts", g->facts);
	w_object(w, "audit");
	w_i64(w, "rows", rows);
	w_str(w, "head", hash);
	w_object_end(w);
	w_object_end(w);
	return e;
}

const struct err *view_report(struct writer *w, const char *key, struct call *c, int64_t job_id, int64_t run_id)
{
	const struct gate_policy *policy = &c->app->service->policy;
	struct gate_job facts = {0};
	struct gate g = {0};
	struct job j = {0};
	const struct err *e = job_get(c->app->store, job_id, NULL, &j);

	if (e == NULL)
		e = gate_of_job(c->app->store, job_id, policy, c->now_ms, &g, &facts);
	if (e != NULL)
		goto done;
	w_object(w, key);
	e = statement(w, c, &j, &g, run_id);
	w_object(w, "sections");
	job_section(w, &j);
	gate_section(w, &g, &facts, policy);
	accounts_section(w, &facts);
	if (e == NULL)
		e = decisions_section(w, c, job_id);
	if (e == NULL)
		e = view_report_dns(w, c, &j);
	if (e == NULL)
		e = mailbox_sections(w, c, job_id);
	w_object_end(w);
	w_object_end(w);
done:
	gate_free(&g);
	gate_job_free(&facts);
	job_free(&j);
	return e;
}
