/* Messages that the latest verification did not find: listed, exported, copied again, accepted. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "recopy.h"
#include "view.h"

#include "banned.h"

#define PAGE 500
#define RECOPY_MAX 5000 /* messages of one run; its options have a bound of their own */

/* The mailbox, and its latest verification (zero when there is none). */
static const struct err *latest(struct call *c, struct mailbox *m, struct verification *v)
{
	const struct err *e = mailbox_get(c->app->store, c->args.id, call_org(c), m);

	return e != NULL ? e : verification_last(c->app->store, m->id, v);
}

/* --- JSON --- */

static void item(struct writer *w, const struct missing_row *m)
{
	w_object(w, NULL);
	w_i64(w, "id", m->id);
	view_missing_members(w, m);
	w_object_end(w);
}

/* How many there are of each class, whatever part of them is shown. */
static const struct err *say_classes(struct writer *w, struct call *c, int64_t verification_id)
{
	struct missing_class *v = NULL;
	const struct err *e;
	size_t n = 0;

	e = missing_classes(c->app->store, verification_id, &v, &n);
	w_array(w, "classes");
	for (size_t i = 0; i < n; i++) {
		w_object(w, NULL);
		w_str(w, "class", v[i].class);
		w_i64(w, "count", v[i].count);
		w_object_end(w);
	}
	w_array_end(w);
	missing_classes_free(v, n);
	return e;
}

static const struct err *say_page(struct call *c, const struct verification *last, const char *class)
{
	struct missing_row *v = NULL;
	const struct err *e = NULL;
	struct writer w;
	int64_t after;
	size_t n = 0, limit;

	call_page(c, &limit, &after);
	e = call_bad(c);
	if (e == NULL && last->id != 0)
		e = missing_list(c->app->store, last->id, class, after, limit, &v, &n);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	if (last->id != 0)
		w_i64(&w, "verification_id", last->id);
	else
		w_null(&w, "verification_id");
	e = say_classes(&w, c, last->id);
	w_array(&w, "items");
	for (size_t i = 0; i < n; i++)
		item(&w, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == limit ? v[n - 1].id : 0);
	w_object_end(&w);
	missing_free(v, n);
	return e;
}

/* --- CSV --- */

/* Mail is written by strangers: a cell that begins like a formula gets an apostrophe, which makes it text. */
static void cell(struct buf *out, const char *s, char end)
{
	buf_addc(out, '"');
	if (*s != '\0' && strchr("=+-@\t\r\n", *s) != NULL)
		buf_addc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_addc(out, '"');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
	buf_addc(out, end);
}

static void csv_row(struct buf *out, const struct missing_row *m)
{
	cell(out, m->folder, ',');
	cell(out, m->date, ',');
	cell(out, m->from, ',');
	cell(out, m->subject, ',');
	buf_addf(out, "%lld,", (long long)m->size);
	cell(out, m->class, ',');
	cell(out, *m->server != '\0' ? m->server : m->detail, ',');
	cell(out, m->message_id, ',');
	buf_addf(out, "%lld\r\n", (long long)m->uid);
}

/* All of them: whoever asks for a table wants no pages. */
static const struct err *say_csv(struct call *c, const struct verification *last, const char *class)
{
	const struct err *e = NULL;
	size_t n = last->id != 0 ? PAGE : 0;
	int64_t after = 0;

	/* the mark in front tells spreadsheets that it is UTF-8 */
	buf_adds(&c->res.body, "\xef\xbb\xbf" "folder,date,from,subject,size,class,server,message_id,uid\r\n");
	while (e == NULL && n == PAGE) {
		struct missing_row *v = NULL;

		e = missing_list(c->app->store, last->id, class, after, PAGE, &v, &n);
		for (size_t i = 0; i < n; i++)
			csv_row(&c->res.body, &v[i]);
		after = n > 0 ? v[n - 1].id : after;
		missing_free(v, n);
	}
	c->res.type = "text/csv; charset=utf-8";
	response_header(&c->res, "Content-Disposition", "attachment; filename=\"mailbox-%lld-missing.csv\"",
		(long long)c->args.id);
	return e;
}

static bool wants_csv(struct call *c)
{
	const char *format = request_query(&c->req, "format"), *accept = request_header(&c->req, "ACCEPT");

	if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
		call_problem(c, "?format", "json or csv is expected");
	return format != NULL ? strcmp(format, "csv") == 0 : accept != NULL && strncmp(accept, "text/csv", 8) == 0;
}

const struct err *api_missing_list(struct call *c)
{
	const char *class = request_query(&c->req, "class");
	struct verification last = {0};
	struct mailbox m = {0};
	bool csv = wants_csv(c);
	const struct err *e = call_bad(c);

	if (e == NULL)
		e = latest(c, &m, &last);
	mailbox_free(&m);
	if (e == NULL)
		e = csv ? say_csv(c, &last, class) : say_page(c, &last, class);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

/* --- copied again --- */

/* Everything that misses of a class, or the messages that are named. */
struct wanted {
	struct recopy_message *v;
	size_t n;
	struct missing_row *rows; /* own the folders' names */
	size_t n_rows;
};

static void wanted_free(struct wanted *w)
{
	free(w->v);
	missing_free(w->rows, w->n_rows);
}

static bool is_named(const struct js_at *ids, int64_t id)
{
	for (size_t i = 0; i < json_array_size(ids->v); i++)
		if (json_integer_value(json_array_get(ids->v, i)) == id)
			return true;
	return false;
}

static const struct err *choose(struct call *c, const struct verification *last, const char *class, const struct js_at *ids,
	struct wanted *out)
{
	const struct err *e = missing_list(c->app->store, last->id, class, 0, RECOPY_MAX + 1, &out->rows, &out->n_rows);

	if (e != NULL)
		return e;
	out->v = xcalloc(out->n_rows + 1, sizeof(*out->v));
	for (size_t i = 0; i < out->n_rows; i++)
		if (ids->v == NULL || is_named(ids, out->rows[i].id))
			out->v[out->n++] = (struct recopy_message){.folder = out->rows[i].folder, .uid = out->rows[i].uid};
	if (ids->v != NULL && out->n != json_array_size(ids->v))
		return err_new(ERR_CONFLICT, "some of these messages are not missing in the latest verification");
	return out->n > 0 ? NULL : err_new(ERR_CONFLICT, "nothing is missing that could be copied again");
}

static void read_ids(const struct js_at *root, struct js_at *ids)
{
	if (!js_array(root, "ids", JS_OPTIONAL, 1, RECOPY_MAX, ids)) {
		ids->v = NULL;
		return;
	}
	for (size_t i = 0; i < json_array_size(ids->v); i++) {
		struct js_at at = js_item(ids, i);

		if (!json_is_integer(at.v) || json_integer_value(at.v) < 1)
			js_problem(&at, NULL, "the id of a missing message is expected");
	}
}

const struct err *api_missing_recopy(struct call *c)
{
	struct verification last = {0};
	struct wanted wanted = {0};
	const char *class = NULL;
	struct mailbox m = {0};
	struct js_at root, ids = {0};
	bool queue = false;
	const struct err *e = call_json_or_empty(c, &root);

	if (e == NULL) {
		read_ids(&root, &ids);
		js_str(&root, "class", JS_OPTIONAL, 1, 64, &class);
		js_bool(&root, "queue", JS_OPTIONAL, &queue);
		js_known(&root, (const char *const[]){"ids", "class", "queue", NULL});
		e = call_bad(c);
	}
	if (e == NULL)
		e = latest(c, &m, &last);
	if (e == NULL && last.id == 0)
		e = err_new(ERR_CONFLICT, "the mailbox has not been verified");
	if (e == NULL)
		e = choose(c, &last, class, &ids, &wanted);
	if (e == NULL)
		e = recopy_start(c, &m, wanted.v, wanted.n, queue);
	wanted_free(&wanted);
	mailbox_free(&m);
	return e;
}

/* --- accepted --- */

static void say_acceptance(struct call *c, const struct acceptance *a)
{
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_i64(&w, "id", a->id);
	w_i64(&w, "job_id", a->job_id);
	w_i64(&w, "mailbox_id", a->mailbox_id);
	w_str(&w, "what", a->what);
	w_i64(&w, "count", a->count);
	w_str(&w, "reason", a->reason);
	w_str(&w, "by", a->by);
	w_str(&w, "role", a->role);
	w_time(&w, "at", a->at);
	w_object_end(&w);
	c->res.status = 201;
}

/* Words of the acceptances' column; which of them needs a count is the store's to say. */
static bool what_parse(const char *s, const char **out)
{
	static const char *const words[] = {
		"missing", "weak", "refusal", "excluded", "source.empty", "source.shrank", "mailbox.removed"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], s) == 0) {
			*out = words[i];
			return true;
		}
	return false;
}

const struct err *api_missing_accept(struct call *c)
{
	const char *what = "", *reason = "";
	struct acceptance *a = xcalloc(1, sizeof(*a));
	struct mailbox m = {0};
	int64_t count = 0;
	struct js_at root;
	const struct err *e;

	e = call_json(c, &root);
	if (e == NULL) {
		js_word(&root, "what", JS_REQUIRED, what_parse, &what);
		js_multiline(&root, "reason", JS_REQUIRED, 1, 1000, &reason);
		js_int(&root, "count", JS_OPTIONAL, 0, INT64_MAX, &count);
		js_known(&root, (const char *const[]){"what", "reason", "count", NULL});
		e = call_bad(c);
	}
	if (e == NULL)
		e = mailbox_get(c->app->store, c->args.id, call_org(c), &m);
	if (e == NULL)
		e = acceptance_add(c->app->store, m.id, what, count, reason, &c->by, a);
	if (e == NULL)
		say_acceptance(c, a);
	mailbox_free(&m);
	acceptances_free(a, 1);
	return e;
}
