#include "runfile.h"

#include <string.h>

#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "json.h"
#include "spool.h"

#include "banned.h"

static const struct err *check(struct runfile *f)
{
	struct js_problems bad = {0};
	struct js_at root = js_root(f->doc, &bad), options;
	const struct err *e;
	int64_t version = 1;
	const char *text;
	enum engine_kind engine;
	enum pass pass;

	if (!json_is_object(f->doc))
		js_problem(&root, NULL, "must be an object");
	js_int(&root, "version", JS_REQUIRED, 1, 1, &version);
	js_int(&root, "run_id", JS_OPTIONAL, 1, INT64_MAX, &f->run_id);
	js_int(&root, "job_id", JS_REQUIRED, 1, INT64_MAX, &f->job_id);
	js_int(&root, "mailbox_id", JS_OPTIONAL, 1, INT64_MAX, &f->mailbox_id);
	js_word(&root, "kind", JS_REQUIRED, run_kind_parse, &f->kind);
	if (js_str(&root, "pass", JS_OPTIONAL, 0, 16, &text) && *text != '\0' && !pass_parse(text, &pass))
		js_problem(&root, "pass", "must be initial, delta or final");
	js_word(&root, "engine", JS_OPTIONAL, engine_kind_parse, &engine);
	js_int(&root, "attempt", f->run_id > 0 ? JS_REQUIRED : JS_OPTIONAL, 0, INT32_MAX, &f->attempt);
	js_object(&root, "options", JS_OPTIONAL, &options);
	e = js_problems_err(&bad);
	js_problems_free(&bad);
	return e;
}

const struct err *runfile_read(const char *path, struct runfile *out)
{
	struct buf b = BUF_INIT;
	const struct err *e;

	memset(out, 0, sizeof(*out));
	e = fs_read(path, SPOOL_FILE_MAX, &b);
	if (e == NULL)
		e = js_parse(&out->doc, b.ptr, b.len);
	if (e == NULL)
		e = check(out);
	buf_free(&b);
	if (e != NULL)
		runfile_free(out);
	return e;
}

void runfile_free(struct runfile *f)
{
	json_decref(f->doc);
	memset(f, 0, sizeof(*f));
}

json_t *runfile_request(const struct runfile *f)
{
	static const char *const fields[] = {"version", "job_id", "mailbox_id", "kind", "pass", "engine", "options"};
	json_t *body = json_object();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		json_t *v = json_object_get(f->doc, fields[i]);

		if (v != NULL)
			json_object_set(body, fields[i], v);
	}
	return body;
}

json_t *runfile_ended(const struct runfile *f, int64_t attempt, const char *status, const char *code,
	const char *message)
{
	json_t *doc = json_deep_copy(f->doc);
	char at[CLOCK_TEXT_SIZE];

	json_object_set_new(doc, "attempt", json_integer(attempt));
	json_object_set_new(doc, "status", json_string(status));
	json_object_set_new(doc, "code", *code != '\0' ? json_string(code) : json_null());
	json_object_set_new(doc, "message", *message != '\0' ? json_string(message) : json_null());
	json_object_set_new(doc, "finished_at", json_string(clock_text(clock_now_ms(), at)));
	return doc;
}
