#include "view.h"

#include "banned.h"

static void numbers(struct writer *w, const struct gate *g)
{
	w_str(w, "verdict", gate_verdict_name(g->verdict));
	w_bool(w, "ready", g->ready);
	w_ratio(w, "ratio", g->found, g->expected);
	w_i64(w, "mailboxes", g->mailboxes);
}

void view_gate_small(struct writer *w, const char *domain, const struct gate *g)
{
	w_object(w, NULL);
	w_str(w, "domain", domain);
	numbers(w, g);
	w_array(w, "reasons");
	for (size_t i = 0; i < g->n_reasons; i++) {
		if (g->reasons[i].covered)
			continue;
		w_object(w, NULL);
		w_str(w, "code", gate_code_name(g->reasons[i].code));
		if (g->reasons[i].mailbox_id != 0)
			w_i64(w, "mailbox_id", g->reasons[i].mailbox_id);
		w_object_end(w);
	}
	w_array_end(w);
	w_str(w, "etag", g->etag);
	w_object_end(w);
}

static void reasons(struct writer *w, const struct gate *g, bool pt)
{
	w_array(w, "reasons");
	for (size_t i = 0; i < g->n_reasons; i++) {
		const struct gate_reason *r = &g->reasons[i];

		w_object(w, NULL);
		w_str(w, "code", gate_code_name(r->code));
		if (r->mailbox_id != 0)
			w_i64(w, "mailbox_id", r->mailbox_id);
		else
			w_null(w, "mailbox_id");
		w_str(w, "text", gate_code_text(r->code, pt));
		w_text(w, "detail", r->detail);
		w_bool(w, "covered", r->covered);
		w_object_end(w);
	}
	w_array_end(w);
}

static void decision(struct writer *w, const struct gate_decision *d)
{
	w_str(w, "by", d->by);
	w_str(w, "name", d->by_name);
	w_str(w, "role", role_name(d->role));
	w_text(w, "reason", d->reason);
	w_i64(w, "mailboxes", d->mailboxes);
	w_time(w, "at", d->at);
}

static void decisions(struct writer *w, const struct gate *g, const struct gate_job *facts)
{
	if (facts->approval.id != 0) {
		w_object(w, "approval");
		decision(w, &facts->approval);
		w_bool(w, "valid", g->approval_valid);
		w_str(w, "void_because", g->approval_valid ? NULL : g->approval_void_because);
		w_object_end(w);
	} else {
		w_null(w, "approval");
	}
	if (facts->override.id != 0) {
		w_object(w, "override");
		decision(w, &facts->override);
		w_time(w, "expires_at", facts->override.expires_at);
		w_bool(w, "valid", g->override_valid);
		w_object_end(w);
	} else {
		w_null(w, "override");
	}
}

void view_gate(struct writer *w, const char *key, const char *domain, const struct gate *g,
	const struct gate_job *facts, bool pt)
{
	w_object(w, key);
	w_str(w, "domain", domain);
	numbers(w, g);
	reasons(w, g, pt);
	w_str(w, "facts", g->facts);
	decisions(w, g, facts);
	w_array(w, "job_ids");
	w_i64(w, NULL, facts->id);
	w_array_end(w);
	w_str(w, "etag", g->etag);
	w_object_end(w);
}
