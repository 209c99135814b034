/* The accounts of the new server: listed by a technician or read from it by a run, compared with the job's mailboxes, accepted when they are
 * not to be moved. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "domain.h"
#include "mem.h"
#include "store_account.h"
#include "str.h"
#include "view.h"

#include "banned.h"

#define ACCOUNTS_MAX 20000

struct names {
	char **v;
	size_t n;
};

static void names_free(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i]);
	free(n->v);
}

static bool add(struct names *n, const char *text)
{
	char *account;

	if (domain_address(text, &account) != NULL)
		return false;
	n->v = xreallocarray(n->v, n->n + 1, sizeof(*n->v));
	n->v[n->n++] = account;
	return true;
}

static const struct err *from_json(struct call *c, struct js_at *root, struct names *out)
{
	struct js_at list;

	if (js_array(root, "accounts", JS_REQUIRED, 1, ACCOUNTS_MAX, &list))
		for (size_t i = 0; i < json_array_size(list.v); i++) {
			struct js_at item = js_item(&list, i);
			const char *text;

			if (js_str_item(&item, 3, 320, &text) && !add(out, text))
				js_problem(&item, NULL, "an address, user@domain, is expected");
		}
	return call_bad(c);
}

/* A table with a column account, email or name; or what zmprov -l gaa prints: an address a line, no head. */
static const struct err *from_csv(struct call *c, struct names *out)
{
	static const char *const columns[] = {"account", "email", "user", "name"};
	const struct buf *body = &c->req.body;
	size_t first = strcspn(body->ptr, "\r\n");
	struct buf text = BUF_INIT;
	json_t *rows = NULL, *row;
	const struct err *e;
	size_t i;

	if (memchr(body->ptr, '@', first < body->len ? first : body->len) != NULL)
		buf_adds(&text, "account\n");
	buf_add(&text, body->ptr, body->len);
	e = csv_parse(text.ptr, text.len, &rows);
	buf_free(&text);
	if (e != NULL)
		return e;
	json_array_foreach(rows, i, row) {
		const char *name = NULL;

		for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]) && name == NULL; k++)
			name = json_string_value(json_object_get(row, columns[k]));
		if (name == NULL || !add(out, name))
			call_problem(c, "accounts", "line %lld: an address, user@domain, is expected in a column account",
				(long long)json_integer_value(json_object_get(row, "line")));
	}
	json_decref(rows);
	if (out->n == 0 && call_bad(c) == NULL)
		call_problem(c, "accounts", "no account is listed");
	return call_bad(c);
}

static const struct err *say(struct call *c, int64_t job_id)
{
	struct account_list list = {0};
	struct gate_job facts = {0};
	const struct err *e = account_list_last(c->app->store, job_id, &list);
	struct writer w;

	if (e == NULL)
		e = facts_load(c->app->store, job_id, &facts);
	if (e == NULL) {
		w_init(&w, &c->res.body);
		w_object(&w, NULL);
		w_i64(&w, "job_id", job_id);
		w_i64(&w, "listed", list.accounts);
		w_text(&w, "how", list.how);
		w_text(&w, "by", list.by);
		w_time(&w, "at", list.at);
		w_array(&w, "not_in_job");
		for (size_t i = 0; i < facts.n_accounts; i++) {
			w_object(&w, NULL);
			w_str(&w, "account", facts.accounts[i].name);
			w_bool(&w, "accepted", facts.accounts[i].accepted);
			w_object_end(&w);
		}
		w_array_end(&w);
		w_object_end(&w);
	}
	account_list_free(&list);
	gate_job_free(&facts);
	return e;
}

static const struct err *job_of(struct call *c)
{
	struct job j = {0};
	const struct err *e = job_get(c->app->store, c->args.id, call_org(c), &j);

	job_free(&j);
	return e;
}

const struct err *api_accounts_get(struct call *c)
{
	const struct err *e = job_of(c);

	if (e == NULL)
		e = say(c, c->args.id);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

const struct err *api_accounts_put(struct call *c)
{
	struct names names = {0};
	struct js_at root;
	const struct err *e = job_of(c);

	if (e == NULL && request_is_type(&c->req, "text/csv")) {
		e = from_csv(c, &names);
	} else if (e == NULL && (e = call_json(c, &root)) == NULL) {
		js_known(&root, (const char *const[]){"accounts", NULL});
		e = from_json(c, &root, &names);
	}
	if (e == NULL)
		e = account_list_put(c->app->store, c->args.id, "given", names.v, names.n, &c->by);
	if (e == NULL)
		e = say(c, c->args.id);
	names_free(&names);
	return e;
}

/* A run asks the new server itself. */
const struct err *api_accounts_read(struct call *c)
{
	struct run_request q = {.kind = RUN_DISCOVER, .engine = ENGINE_NATIVE};
	json_t *o = NULL;
	struct run *v = NULL;
	struct job j = {0};
	char *options = NULL;
	const struct err *e = call_nothing(c);

	if (e == NULL)
		e = job_get(c->app->store, c->args.id, call_org(c), &j);
	if (e == NULL) {
		o = json_pack("{s:o}", "domains", job_domains_json(&j));
		options = js_text(o);
		q.job_id = j.id;
		q.options = options;
		e = run_enqueue(c->app->store, &q, 1, false, &c->by, &v, NULL);
	}
	if (e == NULL)
		e = view_run_accepted(c, v);
	json_decref(o);
	free(options);
	job_free(&j);
	return e;
}

const struct err *api_accounts_accept(struct call *c)
{
	struct names names = {0};
	const char *reason = "";
	struct js_at root;
	const struct err *e = call_json(c, &root);

	if (e == NULL) {
		js_multiline(&root, "reason", JS_REQUIRED, 1, 1000, &reason);
		js_known(&root, (const char *const[]){"accounts", "reason", NULL});
		e = from_json(c, &root, &names);
	}
	if (e == NULL)
		e = job_of(c);
	if (e == NULL)
		e = account_accept(c->app->store, c->args.id, names.v, names.n, reason, &c->by);
	if (e == NULL)
		e = say(c, c->args.id);
	names_free(&names);
	return e;
}
