#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

#define COUNT_MAX (INT64_C(1) << 53)
#define LIST_MAX 100000
#define ACCOUNTS_MAX 20000

/* A text of the mail itself: whatever it holds. */
static const char *loose(const struct js_at *obj, const char *key)
{
	const json_t *v = json_object_get(obj->v, key);

	if (v == NULL || json_is_null(v))
		return "";
	if (json_is_string(v))
		return json_string_value(v);
	js_problem(obj, key, "must be a text");
	return "";
}

static int64_t count(const struct js_at *obj, const char *key, enum js_need need)
{
	int64_t v = 0;

	js_int(obj, key, need, 0, COUNT_MAX, &v);
	return v;
}

/* The engine's events say "dest", the API's documents "destination". */
static const char *destination(const struct js_at *obj)
{
	const char *d = loose(obj, "dest");

	return *d != '\0' ? d : loose(obj, "destination");
}

static size_t list(const struct js_at *obj, const char *key, struct js_at *array)
{
	return js_array(obj, key, JS_OPTIONAL, 0, LIST_MAX, array) ? json_array_size(array->v) : 0;
}

/* The list's items, each read by `fill` into `size` bytes; the caller's to free. */
typedef void item_fn(const struct js_at *at, void *item);
static void *items(const struct js_at *obj, const char *key, size_t size, item_fn *fill, size_t *n)
{
	struct js_at array;
	char *v;

	*n = list(obj, key, &array);
	v = xcalloc(*n + 1, size);
	for (size_t i = 0; i < *n; i++) {
		struct js_at at = js_item(&array, i);

		if (!json_is_object(at.v))
			js_problem(&at, NULL, "must be an object");
		fill(&at, v + i * size);
	}
	return v;
}

static void fill_folder(const struct js_at *f, void *item)
{
	*(struct report_folder *)item = (struct report_folder){.folder = loose(f, "folder"),
	        .dest = destination(f),
	        .uidvalidity = count(f, "uidvalidity", JS_OPTIONAL),
	        .uidnext = count(f, "uidnext", JS_OPTIONAL),
	        .messages = count(f, "messages", JS_OPTIONAL),
	        .bytes = count(f, "bytes", JS_OPTIONAL)};
}

static struct report_pass *parse_pass(const struct js_at *at)
{
	struct report_pass *p = xcalloc(1, sizeof(*p));

	p->messages = count(at, "messages", JS_REQUIRED);
	p->copied = count(at, "copied", JS_OPTIONAL);
	p->present = count(at, "present", JS_OPTIONAL);
	p->refused = count(at, "refused", JS_OPTIONAL);
	p->bytes = count(at, "bytes", JS_OPTIONAL);
	p->folders = items(at, "folders", sizeof(*p->folders), fill_folder, &p->n_folders);
	return p;
}

static void fill_verify_folder(const struct js_at *f, void *item)
{
	struct report_verify_folder *v = item;

	v->folder = loose(f, "folder");
	v->dest = destination(f);
	js_bool(f, "complete", JS_REQUIRED, &v->complete);
	v->expected = count(f, "expected", JS_REQUIRED);
	v->found = count(f, "found", JS_REQUIRED);
	v->found_weak = count(f, "found_weak", JS_OPTIONAL);
	v->exact = count(f, "exact", JS_OPTIONAL);
	v->canonical = count(f, "canonical", JS_OPTIONAL);
	v->decoded = count(f, "decoded", JS_OPTIONAL);
	v->summary = count(f, "summary", JS_OPTIONAL);
	v->header = count(f, "header", JS_OPTIONAL);
	v->missing = count(f, "missing", JS_OPTIONAL);
	v->late = count(f, "late", JS_OPTIONAL);
	v->excluded = count(f, "excluded", JS_OPTIONAL);
	v->differing = count(f, "differing", JS_OPTIONAL);
	v->extra = count(f, "extra", JS_OPTIONAL);
}

/* Numbers that contradict each other prove nothing: the verification stays, as one that is not complete. */
static void check_sums(struct report_verification *v)
{
	int64_t expected = 0, found = 0;
	bool complete = true;

	for (size_t i = 0; i < v->n_folders; i++) {
		/* a sum beyond all bounds is no sum of these totals */
		complete = complete && v->folders[i].complete &&
		           !__builtin_add_overflow(expected, v->folders[i].expected, &expected) &&
		           !__builtin_add_overflow(found, v->folders[i].found, &found);
	}
	if (v->found + v->found_weak + v->missing == v->expected && v->unexplained <= v->missing &&
	        (complete || !v->complete) &&
	        (v->n_folders == 0 || (expected == v->expected && found == v->found)))
		return;
	if (v->complete)
		log_warn("a verification whose numbers contradict each other counts as not complete");
	v->complete = false;
}

static struct report_verification *parse_verification(const struct js_at *at)
{
	struct report_verification *v = xcalloc(1, sizeof(*v));

	js_bool(at, "complete", JS_REQUIRED, &v->complete);
	js_bool(at, "deep", JS_OPTIONAL, &v->deep);
	v->pass_id = count(at, "pass_id", JS_OPTIONAL);
	v->expected = count(at, "expected", JS_REQUIRED);
	v->found = count(at, "found", JS_REQUIRED);
	v->found_weak = count(at, "found_weak", JS_OPTIONAL);
	v->missing = count(at, "missing", JS_REQUIRED);
	if (!js_int(at, "unexplained", JS_OPTIONAL, 0, COUNT_MAX, &v->unexplained))
		v->unexplained = v->missing;
	v->late = count(at, "late", JS_OPTIONAL);
	v->excluded = count(at, "excluded", JS_OPTIONAL);
	v->differing = count(at, "differing", JS_OPTIONAL);
	v->extra = count(at, "extra", JS_OPTIONAL);
	v->folders = items(at, "folders", sizeof(*v->folders), fill_verify_folder, &v->n_folders);
	check_sums(v);
	return v;
}

static void fill_missing(const struct js_at *m, void *item)
{
	struct report_missing *out = item;

	*out = (struct report_missing){.folder = loose(m, "folder"),
	        .date = loose(m, "date"),
	        .message_id = loose(m, "message_id"),
	        .from = loose(m, "from"),
	        .subject = loose(m, "subject"),
	        .class = loose(m, "class"),
	        .detail = loose(m, "detail"),
	        .uid = count(m, "uid", JS_OPTIONAL),
	        .size = count(m, "size", JS_OPTIONAL)};
	if (*out->class == '\0')
		out->class = "unexplained";
}

static void fill_refusal(const struct js_at *r, void *item)
{
	*(struct report_refusal *)item = (struct report_refusal){.folder = loose(r, "folder"),
	        .code = loose(r, "code"),
	        .server = loose(r, "server"),
	        .file = loose(r, "file"),
	        .uid = count(r, "uid", JS_OPTIONAL),
	        .size = count(r, "size", JS_OPTIONAL)};
}

/* The accounts of the new server, of a discover run. */
static void parse_accounts(const struct js_at *root, struct report *out)
{
	struct js_at list;

	if (!js_array(root, "accounts", JS_OPTIONAL, 0, ACCOUNTS_MAX, &list))
		return;
	out->accounts = xcalloc(json_array_size(list.v) + 1, sizeof(*out->accounts));
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct js_at at = js_item(&list, i);
		const char *text;

		if (!js_str_item(&at, 3, 320, &text))
			continue;
		if (domain_address(text, &out->accounts[out->n_accounts]) == NULL)
			out->n_accounts++;
		else
			js_problem(&at, NULL, "an address, user@domain, is expected");
	}
}

void report_parse(const struct js_at *root, struct report *out)
{
	static const char *const known[] = {"worker", "attempt", "seq", "status", "code", "message", "result",
	        "pass", "verification", "missing", "refusals", "accounts", NULL};
	struct js_at at;

	memset(out, 0, sizeof(*out));
	js_str(root, "worker", JS_REQUIRED, 1, 64, &out->worker);
	js_int(root, "attempt", JS_REQUIRED, 1, INT32_MAX, &out->attempt);
	js_int(root, "seq", JS_REQUIRED, 1, INT64_MAX, &out->seq);
	js_word(root, "status", JS_REQUIRED, run_status_parse, &out->status);
	js_str(root, "code", JS_OPTIONAL, 0, 64, &out->code);
	if (out->code != NULL && *out->code == '\0')
		out->code = NULL;
	out->message = loose(root, "message");
	if (js_object(root, "result", JS_OPTIONAL, &at))
		out->result = js_text(at.v);
	if (js_object(root, "pass", JS_OPTIONAL, &at))
		out->pass = parse_pass(&at);
	if (js_object(root, "verification", JS_OPTIONAL, &at))
		out->verification = parse_verification(&at);
	out->missing = items(root, "missing", sizeof(*out->missing), fill_missing, &out->n_missing);
	out->refusals = items(root, "refusals", sizeof(*out->refusals), fill_refusal, &out->n_refusals);
	parse_accounts(root, out);
	if (out->status == RUN_PAUSED || out->status == RUN_WAITING)
		js_problem(root, "status", "paused and waiting are told with PATCH /runs");
	js_known(root, known);
}

void report_free(struct report *r)
{
	free(r->result);
	if (r->pass != NULL)
		free(r->pass->folders);
	free(r->pass);
	if (r->verification != NULL)
		free(r->verification->folders);
	free(r->verification);
	free(r->missing);
	free(r->refusals);
	for (size_t i = 0; i < r->n_accounts; i++)
		free(r->accounts[i]);
	free(r->accounts);
	memset(r, 0, sizeof(*r));
}
