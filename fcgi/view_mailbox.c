#include "view.h"

#include "banned.h"

static void endpoint(struct writer *w, const struct endpoint *p, bool has_secret)
{
	w_text(w, "host", p->host);
	if (p->port != 0)
		w_i64(w, "port", p->port);
	else
		w_null(w, "port");
	w_str(w, "tls", tls_mode_name(p->tls));
	w_str(w, "user", p->user);
	w_str(w, "auth", auth_kind_name(p->auth));
	w_bool(w, "has_secret", has_secret);
}

void view_pass_members(struct writer *w, const struct pass_row *p)
{
	w_i64(w, "run_id", p->run_id);
	w_str(w, "kind", run_kind_name(p->kind));
	w_text(w, "pass", pass_name(p->pass));
	w_str(w, "status", run_status_name(p->status));
	w_i64(w, "messages", p->messages);
	w_i64(w, "copied", p->copied);
	w_i64(w, "present", p->present);
	w_i64(w, "refused", p->refused);
	w_i64(w, "bytes", p->bytes);
}

void view_missing_members(struct writer *w, const struct missing_row *m)
{
	w_str(w, "folder", m->folder);
	w_i64(w, "uid", m->uid);
	w_i64(w, "size", m->size);
	w_text(w, "date", m->date);
	w_text(w, "message_id", m->message_id);
	w_text(w, "from", m->from);
	w_text(w, "subject", m->subject);
	w_str(w, "class", m->class);
	w_text(w, "detail", m->detail);
	w_text(w, "server", m->server);
}

void view_pass(struct writer *w, const char *key, const struct pass_row *p)
{
	if (p->id == 0) {
		w_null(w, key);
		return;
	}
	w_object(w, key);
	view_pass_members(w, p);
	w_time(w, "at", p->at);
	w_object_end(w);
}

static const struct err *run_or_null(
	struct writer *w, const char *key, struct call *c, const struct run *r, bool found)
{
	if (found)
		return view_run(w, key, c, r);
	w_null(w, key);
	return NULL;
}

static const struct err *state(struct writer *w, struct call *c, const struct mailbox *m)
{
	struct run active = {0}, last = {0};
	struct verification v = {0};
	struct pass_row p = {0};
	bool is_active = false, is_last = false;
	const struct err *e;

	e = pass_last(c->app->store, m->id, &p);
	if (e == NULL)
		e = verification_last(c->app->store, m->id, &v);
	if (e == NULL)
		e = run_active_of(c->app->store, m->id, &active, &is_active);
	if (e == NULL)
		e = run_last_of(c->app->store, m->id, &last, &is_last);
	w_object(w, "state");
	view_pass(w, "last_pass", &p);
	if (e == NULL)
		e = view_verification(w, "verification", c, &v, false);
	if (e == NULL)
		e = run_or_null(w, "active_run", c, &active, is_active);
	if (e == NULL)
		e = run_or_null(w, "last_run", c, &last, is_last);
	w_ratio(w, "ratio", v.found, v.expected);
	w_object_end(w);
	run_free(&active);
	run_free(&last);
	return e;
}

const struct err *view_mailbox(struct writer *w, const char *key, struct call *c, const struct mailbox *m)
{
	const struct err *e;

	w_object(w, key);
	w_i64(w, "id", m->id);
	w_i64(w, "job_id", m->job_id);
	w_object(w, "source");
	w_str(w, "kind", source_kind_name(m->source_kind));
	endpoint(w, &m->source, m->source_secret);
	if (m->source_upload != 0)
		w_i64(w, "upload_id", m->source_upload);
	else
		w_null(w, "upload_id");
	w_object_end(w);
	w_object(w, "destination");
	endpoint(w, &m->dest, m->dest_secret);
	w_object_end(w);
	w_json(w, "folders", m->folders);
	w_bool(w, "removed", m->removed);
	w_i64(w, "version", m->version);
	w_str(w, "created_by", m->created_by);
	w_time(w, "created_at", m->created_at);
	w_time(w, "updated_at", m->updated_at);
	e = state(w, c, m);
	w_object_end(w);
	return e;
}
