#include "mailbox_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "folders_input.h"
#include "mem.h"
#include "store_job.h"

#include "banned.h"

static const char empty_folders[] = "{\"map\":{},\"include\":[],\"exclude\":[]}";

struct defaults {
	struct endpoint_defaults source, dest;
	const struct conf *conf;
	const char *org; /* the job's */
};

/* The file must be one that the caller may have, be here as a whole, and hold what the kind says. */
static void check_upload(struct call *c, const struct js_at *at, int64_t id, enum source_kind kind, const char *org)
{
	bool tenants = conf_bool(c->app->service->conf, CONF_TENANTS);
	enum upload_kind is = UPLOAD_UNKNOWN;
	struct upload u = {0};
	const struct err *e = upload_get(c->app->store, id, &u);

	if (e != NULL || u.status == UPLOAD_REMOVED || (tenants && strcmp(u.org, org) != 0))
		js_problem(at, "upload_id", "there is no upload %lld", (long long)id);
	else if (u.status != UPLOAD_COMPLETE)
		js_problem(at, "upload_id", "upload %lld has not arrived as a whole yet", (long long)id);
	else if (!upload_kind_parse(u.kind, &is) || !upload_kind_serves(is, kind))
		js_problem(at, "upload_id", "upload %lld is of kind %s, no source of kind %s", (long long)id, u.kind,
			source_kind_name(kind));
	upload_free(&u);
}

static void read_one(struct call *c, const struct js_at *at, const struct defaults *d, bool keep, struct mailbox_input *in)
{
	struct js_at side;
	enum source_kind kind = in->m.source_kind;
	int64_t upload = in->m.source_upload;

	if (js_object(at, "source", keep ? JS_OPTIONAL : JS_REQUIRED, &side)) {
		endpoint_read(&side, SIDE_SOURCE, &d->source, d->conf, keep, &kind, &upload, &in->m.source,
			&in->source_secret);
		if (kind != SOURCE_IMAP && upload != 0 && (upload != in->m.source_upload || kind != in->m.source_kind))
			check_upload(c, &side, upload, kind, d->org);
		in->m.source_kind = kind;
		in->m.source_upload = kind != SOURCE_IMAP ? upload : 0;
	}
	if (js_object(at, "destination", keep ? JS_OPTIONAL : JS_REQUIRED, &side))
		endpoint_read(&side, SIDE_DESTINATION, &d->dest, d->conf, keep, &kind, &upload, &in->m.dest,
			&in->dest_secret);
	if (js_object(at, "folders", JS_OPTIONAL, &side)) {
		free(in->m.folders);
		in->m.folders = folders_json(&side);
	} else if (!keep) {
		in->m.folders = xstrdup(empty_folders);
	}
	js_known(at, (const char *const[]){"source", "destination", "folders", NULL});
}

static void defaults_of(struct call *c, const struct job *j, struct defaults *d)
{
	d->conf = c->app->service->conf;
	d->org = j->org;
	endpoint_defaults(&d->source, SIDE_SOURCE, j, d->conf);
	endpoint_defaults(&d->dest, SIDE_DESTINATION, j, d->conf);
}

void mailbox_input_patch(struct call *c, const struct js_at *at, struct mailbox_input *in)
{
	struct defaults d = {.conf = c->app->service->conf, .org = ""};
	struct job j = {0};

	if (job_get(c->app->store, in->m.job_id, NULL, &j) == NULL)
		d.org = j.org;
	read_one(c, at, &d, true, in);
	job_free(&j);
}

/* --- CSV: each row becomes the object that JSON would have been, its mistakes are told by line --- */

static const struct {
	const char *column, *side, *member;
	bool number;
} columns[] = {
	{"source_user", "source", "user", false},
	{"source_password", "source", "secret", false},
	{"source_host", "source", "host", false},
	{"source_port", "source", "port", true},
	{"source_tls", "source", "tls", false},
	{"source_auth", "source", "auth", false},
	{"dest_user", "destination", "user", false},
	{"dest_password", "destination", "secret", false},
	{"dest_host", "destination", "host", false},
	{"dest_port", "destination", "port", true},
	{"dest_tls", "destination", "tls", false},
	{"dest_auth", "destination", "auth", false},
};

static bool put_cell(json_t *mailbox, const char *column, const char *value)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		json_t *side, *cell;
		char *end;
		long long number;

		if (strcmp(columns[i].column, column) != 0)
			continue;
		side = json_object_get(mailbox, columns[i].side);
		number = columns[i].number ? strtoll(value, &end, 10) : 0;
		cell = columns[i].number && *end == '\0' ? json_integer(number) : json_string(value);
		json_object_set_new(side, columns[i].member, cell);
		return true;
	}
	return false;
}

static json_t *row_to_mailbox(struct call *c, json_t *row)
{
	json_t *mailbox = json_object(), *cell;
	char pointer[32];
	const char *column;

	json_object_set_new(mailbox, "source", json_object());
	json_object_set_new(mailbox, "destination", json_object());
	json_object_foreach(row, column, cell)
	{
		if (!json_is_string(cell) || put_cell(mailbox, column, json_string_value(cell)))
			continue;
		snprintf(pointer, sizeof(pointer), "line %lld",
			(long long)json_integer_value(json_object_get(row, "line")));
		call_problem(c, pointer, "the column %s is not known", column);
	}
	return mailbox;
}

/* "/source/user: required" of row i becomes "line 4": "source/user: required" */
static void move_problems(struct call *c, struct js_problems *from, const char *pointer)
{
	for (size_t i = 0; i < from->n; i++)
		call_problem(c, pointer, "%s: %s", from->v[i].pointer + (from->v[i].pointer[0] == '/'),
			from->v[i].detail);
	js_problems_free(from);
}

static const struct err *from_csv(
	struct call *c, const struct defaults *d, struct mailbox_input **v, size_t *n)
{
	const struct err *e;
	json_t *rows, *all;

	if ((e = csv_parse(c->req.body.ptr, c->req.body.len, &rows)) != NULL)
		return e;
	all = c->json = json_array(); /* keeps what the secrets point to */
	*n = json_array_size(rows);
	*v = xcalloc(*n, sizeof(**v));
	for (size_t i = 0; i < *n; i++) {
		json_t *row = json_array_get(rows, i), *mailbox = row_to_mailbox(c, row);
		struct js_problems bad = {0};
		struct js_at at = js_root(mailbox, &bad);

		json_array_append_new(all, mailbox);
		snprintf((*v)[i].pointer, sizeof((*v)[i].pointer), "line %lld",
			(long long)json_integer_value(json_object_get(row, "line")));
		read_one(c, &at, d, false, &(*v)[i]);
		move_problems(c, &bad, (*v)[i].pointer);
	}
	json_decref(rows);
	if (*n == 0)
		call_problem(c, "line 2", "there are no rows");
	return NULL;
}

static const struct err *from_json(
	struct call *c, const struct defaults *d, struct mailbox_input **v, size_t *n)
{
	const struct err *e;
	struct js_at root;

	if ((e = call_json_any(c, &root)) != NULL)
		return e;
	if (json_is_object(root.v)) {
		*n = 1;
		*v = xcalloc(1, sizeof(**v));
		read_one(c, &root, d, false, *v);
		return NULL;
	}
	if (json_array_size(root.v) == 0 || json_array_size(root.v) > MAILBOXES_MAX) {
		call_problem(c, "", "from 1 to %d mailboxes are expected", MAILBOXES_MAX);
		return NULL;
	}
	*n = json_array_size(root.v);
	*v = xcalloc(*n, sizeof(**v));
	for (size_t i = 0; i < *n; i++) {
		struct js_at item = js_item(&root, i);

		snprintf((*v)[i].pointer, sizeof((*v)[i].pointer), "/%zu", i);
		if (json_is_object(item.v))
			read_one(c, &item, d, false, &(*v)[i]);
		else
			js_problem(&item, NULL, "an object is expected");
	}
	return NULL;
}

const struct err *mailbox_inputs(struct call *c, const struct job *j, struct mailbox_input **v, size_t *n)
{
	struct defaults d;
	const struct err *e;

	*v = NULL;
	*n = 0;
	defaults_of(c, j, &d);
	e = request_is_type(&c->req, "text/csv") ? from_csv(c, &d, v, n) : from_json(c, &d, v, n);
	for (size_t i = 0; i < *n; i++) {
		(*v)[i].m.job_id = j->id;
		(*v)[i].m.created_by = xstrdup(c->who_text);
	}
	return e != NULL ? e : call_bad(c);
}

void mailbox_inputs_free(struct mailbox_input *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mailbox_free(&v[i].m);
	free(v);
}

/* The certificate that the job pins for that side goes into the seal; *options keeps its text alive. */
static const struct err *read_pin(struct call *c, int64_t job_id, enum side side, json_t **options, const char **pin)
{
	struct job j = {0};
	const struct err *e = job_get(c->app->store, job_id, NULL, &j);

	if (e == NULL && (*options = json_loads(j.options, 0, NULL)) == NULL)
		e = err_new(ERR_INTERNAL, "job %lld: options are not JSON", (long long)job_id);
	if (e == NULL)
		*pin = json_string_value(json_object_get(
			*options, side == SIDE_SOURCE ? "from_tls_fingerprint" : "to_tls_fingerprint"));
	job_free(&j);
	return e;
}

const struct err *mailbox_seal(struct call *c, const struct mailbox *m, enum side side, const char *secret)
{
	const struct endpoint *p = side == SIDE_SOURCE ? &m->source : &m->dest;
	const struct seal_key *key = &c->app->service->seal;
	const char *name = side == SIDE_SOURCE ? "source" : "destination";
	struct seal_doc doc = {.mailbox_id = m->id,
		.side = name,
		.host = p->host,
		.port = p->port,
		.tls = p->tls,
		.user = p->user,
		.auth = p->auth,
		.secret = secret};
	const struct err *e;
	json_t *options = NULL;
	char *sealed = NULL;

	if (!c->app->service->can_seal)
		return err_new(ERR_KEY, "MIGRATION_SEAL_PUBLIC_KEYS is not set: secrets cannot be kept");
	e = read_pin(c, m->job_id, side, &options, &doc.pin);
	if (e == NULL)
		e = seal_document(key, &doc, &sealed);
	if (e == NULL)
		e = credential_put(c->app->store, m->id, name, key->id, sealed, &c->by);
	free(sealed);
	json_decref(options);
	return e;
}
