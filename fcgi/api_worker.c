/* What workers say: claims, heartbeats, reports, run files dropped by hand, resealed credentials. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "dns_plan.h"
#include "folders_input.h"
#include "mem.h"
#include "report.h"
#include "store_worker.h"
#include "str.h"
#include "view.h"

#include "banned.h"

#define BEATS_MAX 1000
#define NUMBER_MAX (INT64_C(1) << 53) /* the sums over a job's mailboxes must stay in bounds */

static int64_t lease_ms(const struct call *c)
{
	return conf_int(c->app->service->conf, CONF_LEASE_SECONDS) * 1000;
}

/* --- claim --- */

static void claim_endpoint(struct writer *w, const struct endpoint *p)
{
	w_text(w, "host", p->host);
	w_i64(w, "port", p->port);
	w_str(w, "tls", tls_mode_name(p->tls));
	w_str(w, "user", p->user);
	w_str(w, "auth", auth_kind_name(p->auth));
}

static const struct err *claim_upload(struct writer *w, struct call *c, int64_t id)
{
	struct upload u = {0};
	const struct err *e;
	char *base, *path;

	if (id == 0) {
		w_null(w, "upload");
		return NULL;
	}
	if ((e = upload_get(c->app->store, id, &u)) != NULL)
		return e;
	base = conf_data_path(c->app->service->conf, "uploads");
	path = xasprintf("%s/%s", base, u.token);
	w_object(w, "upload");
	w_str(w, "token", u.token);
	w_str(w, "name", u.name);
	w_i64(w, "size", u.size);
	w_text(w, "sha256", u.sha256);
	w_str(w, "path", path);
	w_object_end(w);
	free(path);
	free(base);
	upload_free(&u);
	return NULL;
}

static const struct err *claim_mailbox(struct writer *w, struct call *c, const struct mailbox *m)
{
	struct job j = {0};
	const struct err *e;
	json_t *folders;
	char *text;

	if ((e = job_get(c->app->store, m->job_id, NULL, &j)) != NULL)
		return e;
	w_object(w, "mailbox");
	w_i64(w, "id", m->id);
	w_i64(w, "job_id", m->job_id);
	w_object(w, "source");
	w_str(w, "kind", source_kind_name(m->source_kind));
	claim_endpoint(w, &m->source);
	e = claim_upload(w, c, m->source_upload);
	w_object_end(w);
	w_object(w, "destination");
	claim_endpoint(w, &m->dest);
	w_object_end(w);
	folders = folders_merge(j.options, m->folders);
	text = js_text(folders);
	w_json(w, "folders", text);
	free(text);
	json_decref(folders);
	w_object_end(w);
	job_free(&j);
	return e;
}

static const struct err *claim_credentials(struct writer *w, struct call *c, int64_t mailbox_id)
{
	struct credential *v = NULL;
	const struct err *e;
	size_t n = 0;

	e = credential_list(c->app->store, mailbox_id, &v, &n);
	w_array(w, "credentials");
	for (size_t i = 0; e == NULL && i < n; i++) {
		w_object(w, NULL);
		w_i64(w, "id", v[i].id);
		w_str(w, "side", v[i].side);
		w_str(w, "key_id", v[i].key_id);
		w_str(w, "sealed", v[i].sealed);
		w_i64(w, "version", v[i].version);
		w_object_end(w);
	}
	w_array_end(w);
	credentials_free(v, n);
	return e;
}

static const struct err *claim_baseline(struct writer *w, struct call *c, int64_t mailbox_id)
{
	struct pass_folder *v = NULL;
	const struct err *e;
	int64_t pass_id = 0;
	size_t n = 0;

	if ((e = pass_baseline(c->app->store, mailbox_id, &pass_id, &v, &n)) != NULL)
		return e;
	if (pass_id == 0) {
		w_null(w, "baseline");
		return NULL;
	}
	w_object(w, "baseline");
	w_i64(w, "pass_id", pass_id);
	w_array(w, "folders");
	for (size_t i = 0; i < n; i++) {
		w_object(w, NULL);
		w_str(w, "folder", v[i].folder);
		w_i64(w, "uidvalidity", v[i].uidvalidity);
		w_i64(w, "uidnext", v[i].uidnext);
		w_object_end(w);
	}
	w_array_end(w);
	w_object_end(w);
	pass_folders_free(v, n);
	return NULL;
}

static const struct err *claim_about(struct writer *w, struct call *c, const struct run *r, const char *nonce)
{
	struct mailbox m = {0};
	const struct err *e;

	if (r->mailbox_id == 0) {
		w_null(w, "mailbox");
		w_null(w, "baseline");
		if (r->kind == RUN_DNS_APPLY)
			return dns_claim(w, c, r, nonce);
		w_json(w, "credentials", "[]");
		return NULL;
	}
	e = mailbox_get(c->app->store, r->mailbox_id, NULL, &m);
	if (e == NULL)
		e = claim_mailbox(w, c, &m);
	if (e == NULL)
		e = claim_credentials(w, c, m.id);
	if (e == NULL)
		e = claim_baseline(w, c, m.id);
	mailbox_free(&m);
	return e;
}

static const struct err *say_claim(struct call *c, const struct run *r, const char *nonce)
{
	const struct err *e;
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	e = view_run(&w, "run", c, r);
	w_i64(&w, "lease_seconds", conf_int(c->app->service->conf, CONF_LEASE_SECONDS));
	w_i64(&w, "heartbeat_seconds", conf_int(c->app->service->conf, CONF_HEARTBEAT_SECONDS));
	w_i64(&w, "attempt", r->attempt);
	if (e == NULL)
		e = claim_about(&w, c, r, nonce);
	if (e == NULL && r->kind == RUN_REPORT)
		e = view_report(&w, "report", c, r->job_id, r->id);
	w_json(&w, "options", r->options);
	w_object_end(&w);
	return e;
}

static bool is_nonce(const char *s)
{
	size_t n = strlen(s);

	return n >= 16 && strspn(s, "0123456789abcdefABCDEF") == n;
}

/* One transaction around claim and answer: the credentials are those of the moment of the claim. */
const struct err *api_runs_claim(struct call *c)
{
	const char *worker = NULL, *nonce = "";
	struct run r = {0};
	int64_t attempt = 0;
	struct js_at root;
	const struct err *e;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	js_str(&root, "worker", JS_REQUIRED, 1, 64, &worker);
	js_int(&root, "attempt", JS_REQUIRED, 0, INT64_MAX, &attempt);
	if (js_str(&root, "nonce", JS_REQUIRED, 16, 128, &nonce) && !is_nonce(nonce))
		js_problem(&root, "nonce", "hex digits are expected");
	js_known(&root, (const char *const[]){"worker", "attempt", "nonce", NULL});
	if ((e = call_bad(c)) != NULL || (e = call_worker(c, worker)) != NULL)
		return e;
	if ((e = store_begin(c->app->store)) != NULL)
		return e;
	e = run_claim(c->app->store, c->args.id, worker, attempt, nonce, lease_ms(c), c->now_ms, &r);
	if (e == NULL)
		e = say_claim(c, &r, nonce);
	e = store_end(c->app->store, e);
	run_free(&r);
	return e;
}

/* --- run files dropped by hand --- */

/* A file in the spool says what a technician could have said: what moves MX or takes a move back needs somebody who
 * is known by name and role. */
static bool adoptable(const char *s, enum run_kind *out)
{
	return run_kind_parse(s, out) && *out != RUN_DNS_APPLY && *out != RUN_ROLLBACK;
}

const struct err *api_runs_adopt(struct call *c)
{
	struct run_request q = {.kind = RUN_SYNC};
	struct run *v = NULL;
	int64_t version = 0, attempt;
	struct job j = {0};
	struct js_at root, o;
	const struct err *e;
	struct writer w;
	bool engine;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	js_int(&root, "version", JS_REQUIRED, 1, 1, &version);
	js_int(&root, "job_id", JS_REQUIRED, 1, INT64_MAX, &q.job_id);
	js_int(&root, "mailbox_id", JS_OPTIONAL, 1, INT64_MAX, &q.mailbox_id);
	js_word(&root, "kind", JS_REQUIRED, adoptable, &q.kind);
	js_word(&root, "pass", q.kind == RUN_SYNC ? JS_REQUIRED : JS_OPTIONAL, pass_parse, &q.pass);
	engine = js_word(&root, "engine", JS_OPTIONAL, engine_kind_parse, &q.engine);
	js_int(&root, "attempt", JS_OPTIONAL, 0, INT64_MAX, &attempt);
	char *options = js_object(&root, "options", JS_OPTIONAL, &o) ? js_text(o.v) : NULL;
	js_known(&root, (const char *const[]){"version", "job_id", "mailbox_id", "kind", "pass", "engine",
				"attempt", "options", NULL});
	q.options = options;
	e = call_bad(c);
	if (e == NULL)
		e = job_get(c->app->store, q.job_id, NULL, &j);
	if (!engine)
		q.engine = j.engine;
	if (e == NULL)
		e = run_enqueue(c->app->store, &q, 1, false, &c->by, &v, NULL);
	job_free(&j);
	free(options);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	e = view_run(&w, NULL, c, v);
	call_created(c, "/runs/%lld", (long long)v->id);
	call_emit(c, v, 1);
	return e;
}

/* --- heartbeats --- */

/* The totals that pages show: numbers, and the folder's name. */
static char *read_progress(const struct js_at *at)
{
	static const char *const numbers[] = {"messages_total", "messages_done", "bytes_total", "bytes_done",
		"refused", "folders_total", "folders_done", "rate_messages", "rate_bytes", "eta_seconds"};
	static const char *const known[] = {"messages_total", "messages_done", "bytes_total", "bytes_done",
		"refused", "folders_total", "folders_done", "rate_messages", "rate_bytes", "eta_seconds",
		"folder", "at", NULL};
	json_t *out = json_object();
	const char *folder;
	char *text;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_t *v = json_object_get(at->v, numbers[i]);

		if (v == NULL || json_is_null(v))
			continue;
		if (!json_is_number(v) || json_number_value(v) < 0)
			js_problem(at, numbers[i], "a number of at least 0 is expected");
		else if (json_number_value(v) > (double)NUMBER_MAX)
			json_object_set_new(out, numbers[i], json_integer(NUMBER_MAX));
		else
			json_object_set(out, numbers[i], v);
	}
	if (js_str(at, "folder", JS_OPTIONAL, 0, 1000, &folder))
		json_object_set_new(out, "folder", json_string(folder));
	js_known(at, known);
	text = js_text(out);
	json_decref(out);
	return text;
}

static bool beat_status(const char *s, enum run_status *out)
{
	return run_status_parse(s, out) && (*out == RUN_RUNNING || *out == RUN_PAUSED || *out == RUN_WAITING);
}

static void read_beat(const struct js_at *at, struct run_beat *b, char **progress)
{
	struct js_at o;

	js_int(at, "id", JS_REQUIRED, 1, INT64_MAX, &b->id);
	js_int(at, "attempt", JS_REQUIRED, 1, INT64_MAX, &b->attempt);
	js_int(at, "seq", JS_REQUIRED, 0, INT64_MAX, &b->seq);
	js_word(at, "status", JS_REQUIRED, beat_status, &b->status);
	if (js_object(at, "progress", JS_OPTIONAL, &o))
		*progress = read_progress(&o);
	b->progress = *progress;
	js_known(at, (const char *const[]){"id", "attempt", "seq", "status", "progress", NULL});
}

static void say_beats(struct call *c, const struct run_beat *v, size_t n)
{
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "runs");
	for (size_t i = 0; i < n; i++) {
		w_object(&w, NULL);
		w_i64(&w, "id", v[i].id);
		w_bool(&w, "accepted", v[i].accepted);
		w_str(&w, "code", v[i].refused != ERR_NONE ? err_row(v[i].refused)->code : NULL);
		w_bool(&w, "cancel", v[i].cancel);
		w_bool(&w, "pause", v[i].pause);
		w_object_end(&w);
	}
	w_array_end(&w);
	w_object_end(&w);
}

const struct err *api_runs_beat(struct call *c)
{
	const char *worker = NULL;
	struct run_beat *v;
	struct js_at root, list;
	const struct err *e;
	char **progress;
	size_t n = 0;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	js_str(&root, "worker", JS_REQUIRED, 1, 64, &worker);
	if (js_array(&root, "runs", JS_REQUIRED, 0, BEATS_MAX, &list))
		n = json_array_size(list.v);
	js_known(&root, (const char *const[]){"worker", "runs", NULL});
	v = xcalloc(n + 1, sizeof(*v));
	progress = xcalloc(n + 1, sizeof(*progress));
	for (size_t i = 0; i < n; i++) {
		struct js_at item = js_item(&list, i);

		if (json_is_object(item.v))
			read_beat(&item, &v[i], &progress[i]);
		else
			js_problem(&item, NULL, "an object is expected");
	}
	e = call_bad(c);
	if (e == NULL)
		e = call_worker(c, worker);
	if (e == NULL)
		e = run_beats(c->app->store, worker, v, n, lease_ms(c), c->now_ms);
	if (e == NULL)
		say_beats(c, v, n);
	for (size_t i = 0; i < n; i++)
		free(progress[i]);
	free(progress);
	free(v);
	return e;
}

/* --- reports --- */

const struct err *api_runs_report(struct call *c)
{
	struct run_reported out = {0};
	struct report r = {0};
	struct js_at root;
	const struct err *e;
	struct writer w;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	report_parse(&root, &r);
	e = call_bad(c);
	if (e == NULL)
		e = call_worker(c, r.worker);
	if (e == NULL)
		e = run_report(c->app->store, c->args.id, &r,
			conf_int(c->app->service->conf, CONF_RUN_ATTEMPTS), c->now_ms, &out);
	report_free(&r);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_i64(&w, "id", c->args.id);
	w_bool(&w, "accepted", out.accepted);
	w_bool(&w, "requeued", out.requeued);
	w_str(&w, "status", run_status_name(out.status));
	w_bool(&w, "cancel", out.cancel);
	w_bool(&w, "pause", out.pause);
	w_object_end(&w);
	return NULL;
}

/* --- credentials --- */

const struct err *api_credential_replace(struct call *c)
{
	const char *key_id = "", *sealed = "";
	struct buf bytes = BUF_INIT;
	int64_t version, now = 0;
	struct js_at root;
	const struct err *e;
	struct writer w;

	if ((e = call_if_match_version(c, &version)) != NULL || (e = call_json(c, &root)) != NULL)
		return e;
	if (js_str(&root, "key_id", JS_REQUIRED, 16, 16, &key_id) && strspn(key_id, "0123456789abcdef") != 16)
		js_problem(&root, "key_id", "16 hex digits are expected");
	if (js_str(&root, "sealed", JS_REQUIRED, 64, 32768, &sealed) &&
		!str_unbase64(&bytes, sealed, strlen(sealed), BASE64))
		js_problem(&root, "sealed", "base64 is expected");
	js_known(&root, (const char *const[]){"key_id", "sealed", NULL});
	buf_free(&bytes);
	e = call_bad(c);
	if (e == NULL)
		e = credential_replace(c->app->store, c->args.id, version, key_id, sealed, &c->by, &now);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_i64(&w, "id", c->args.id);
	w_i64(&w, "version", now);
	w_object_end(&w);
	response_header(&c->res, "ETag", "\"%lld\"", (long long)now);
	return NULL;
}
