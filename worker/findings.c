#include "findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "mem.h"

#include "banned.h"

#define CHECKS_MAX 200
#define WARNINGS_MAX 100
#define PLAN_MAX 2000 /* folders of a preview */
#define TEXT_MAX 1000 /* bytes: a thousand messages fit into one report */

struct findings {
	json_t *checks, *warnings, *advice, *trial, *plan, *pass, *verify_folders, *missing, *refusals, *accounts, *done;
	int64_t missing_seen, unexplained, refused;
	char *overflow_path, *prefix;
	FILE *overflow;
	struct err first;
};

struct findings *findings_new(const char *overflow, const char *prefix)
{
	struct findings *f = xcalloc(1, sizeof(*f));

	f->checks = json_array();
	f->warnings = json_array();
	f->advice = json_array();
	f->trial = json_array();
	f->plan = json_array();
	f->verify_folders = json_array();
	f->missing = json_array();
	f->refusals = json_array();
	f->overflow_path = xstrdup(overflow);
	f->prefix = xstrdup(prefix);
	remove(overflow);
	return f;
}

static void close_overflow(struct findings *f)
{
	if (f->overflow != NULL && fclose(f->overflow) != 0 && f->first.id == ERR_NONE)
		f->first = *err_errno("write %s", f->overflow_path);
	f->overflow = NULL;
}

void findings_free(struct findings *f)
{
	if (f == NULL)
		return;
	close_overflow(f);
	json_decref(f->checks);
	json_decref(f->warnings);
	json_decref(f->advice);
	json_decref(f->trial);
	json_decref(f->plan);
	json_decref(f->pass);
	json_decref(f->verify_folders);
	json_decref(f->missing);
	json_decref(f->refusals);
	json_decref(f->accounts);
	json_decref(f->done);
	free(f->overflow_path);
	free(f->prefix);
	free(f);
}

const struct err *findings_end(struct findings *f)
{
	close_overflow(f);
	return f->first.id != ERR_NONE ? err_wrap(&f->first, "list of messages") : NULL;
}

/* Words of a message or a server, cut at a character; names of folders stay whole, they are compared. */
static json_t *cut(const char *key, json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v);

	if (n <= TEXT_MAX || strcmp(key, "folder") == 0 || strcmp(key, "dest") == 0)
		return json_incref(v);
	n = TEXT_MAX;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return json_stringn(s, n);
}

/* The members that the report knows, with the type it wants: texts default to "", numbers to 0. */
static json_t *pick(const json_t *event, const char *const *texts, const char *const *numbers)
{
	json_t *out = json_object();

	for (; *texts != NULL; texts++) {
		json_t *v = json_object_get(event, *texts);

		json_object_set_new(out, *texts, json_is_string(v) ? cut(*texts, v) : json_string(""));
	}
	for (; *numbers != NULL; numbers++) {
		json_t *v = json_object_get(event, *numbers);
		bool good = json_is_integer(v) && json_integer_value(v) >= 0;

		json_object_set_new(out, *numbers, good ? json_incref(v) : json_integer(0));
	}
	return out;
}

static void spill(struct findings *f, const char *key, json_t *item)
{
	struct buf line = BUF_INIT;
	json_t *wrapped = json_pack("{s:o}", key, item);

	if (f->overflow == NULL)
		f->overflow = fopen(f->overflow_path, "we");
	js_write(&line, wrapped);
	buf_addc(&line, '\n');
	if ((f->overflow == NULL || fwrite(line.ptr, 1, line.len, f->overflow) != line.len) && f->first.id == ERR_NONE)
		f->first = *err_errno("write %s", f->overflow_path);
	buf_free(&line);
	json_decref(wrapped);
}

static void add(struct findings *f, json_t *list, const char *key, json_t *item)
{
	if (json_array_size(list) < FINDINGS_LIST_MAX)
		json_array_append_new(list, item);
	else
		spill(f, key, item);
}

/* Classes that say why a message cannot be there. An allow-list: a folder that is missing as a whole, a message in
 * the wrong folder, or a class of tomorrow needs a person's word as much as one that nobody explains. */
static bool explains(const char *class)
{
	static const char *const classes[] = {"refused", "unreadable", "source_deleted", "excluded"};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(class, classes[i]) == 0)
			return true;
	return false;
}

static void on_missing(struct findings *f, const json_t *event)
{
	static const char *const texts[] = {"folder", "date", "message_id", "from", "subject", "class", "detail", NULL};
	static const char *const numbers[] = {"uid", "size", NULL};
	json_t *item = pick(event, texts, numbers);
	const char *class = json_string_value(json_object_get(item, "class"));

	if (*class == '\0') {
		class = "unexplained";
		json_object_set_new(item, "class", json_string(class));
	}
	if (strcmp(class, "excluded") != 0)
		f->missing_seen++;
	if (!explains(class))
		f->unexplained++;
	add(f, f->missing, "missing", item);
}

static void on_refused(struct findings *f, const json_t *event)
{
	static const char *const texts[] = {"folder", "code", "server", "file", NULL};
	static const char *const numbers[] = {"uid", "size", NULL};
	json_t *item = pick(event, texts, numbers);
	const char *file = json_string_value(json_object_get(item, "file"));

	if (*file != '\0' && *f->prefix != '\0') {
		char *name = xasprintf("%s%s", f->prefix, file);

		json_object_set_new(item, "file", json_string(name));
		free(name);
	}
	f->refused++;
	add(f, f->refusals, "refusal", item);
}

static void on_verify_folder(struct findings *f, const json_t *event)
{
	static const char *const texts[] = {"folder", "dest", NULL};
	static const char *const numbers[] = {"expected", "found", "found_weak", "exact", "canonical", "decoded",
		"summary", "header", "missing", "late", "excluded", "differing", "extra", NULL};
	json_t *item = pick(event, texts, numbers);

	json_object_set_new(item, "complete", json_boolean(json_is_true(json_object_get(event, "complete"))));
	json_array_append_new(f->verify_folders, item);
}

static void on_pass(struct findings *f, const json_t *event)
{
	static const char *const texts[] = {"folder", "dest", NULL};
	static const char *const numbers[] = {"uidvalidity", "uidnext", "messages", "bytes", NULL};
	json_t *folders = json_array(), *v;
	size_t i;

	json_array_foreach(json_object_get(event, "folders"), i, v)
		json_array_append_new(folders, pick(v, texts, numbers));
	json_decref(f->pass);
	f->pass = folders;
}

/* Kept as it came, without what every event has. */
static void keep(json_t *list, size_t max, const json_t *event)
{
	json_t *copy;

	if (json_array_size(list) >= max)
		return;
	copy = json_copy((json_t *)(uintptr_t)event);
	json_object_del(copy, "v");
	json_object_del(copy, "t");
	json_object_del(copy, "at");
	json_array_append_new(list, copy);
}

void findings_event(struct findings *f, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "t"));

	if (type == NULL)
		return;
	if (strcmp(type, "check") == 0)
		keep(f->checks, CHECKS_MAX, event);
	else if (strcmp(type, "warning") == 0)
		keep(f->warnings, WARNINGS_MAX, event);
	else if (strcmp(type, "advice") == 0)
		keep(f->advice, WARNINGS_MAX, event);
	else if (strcmp(type, "trial") == 0)
		keep(f->trial, 1, event);
	else if (strcmp(type, "plan_folder") == 0)
		keep(f->plan, PLAN_MAX, event);
	else if (strcmp(type, "missing") == 0)
		on_missing(f, event);
	else if (strcmp(type, "refused") == 0)
		on_refused(f, event);
	else if (strcmp(type, "verify_folder") == 0)
		on_verify_folder(f, event);
	else if (strcmp(type, "pass") == 0)
		on_pass(f, event);
	else if (strcmp(type, "accounts") == 0) {
		json_decref(f->accounts);
		f->accounts = json_incref(json_object_get(event, "accounts"));
	}
	else if (strcmp(type, "done") == 0) {
		json_decref(f->done);
		f->done = json_incref((json_t *)(uintptr_t)event);
	}
}

const json_t *findings_done(const struct findings *f)
{
	return f->done;
}

static int64_t number(const json_t *v, const char *key)
{
	int64_t n = json_integer_value(json_object_get(v, key));

	return n > 0 ? n : 0;
}

/* Members of `done` under the report's names. */
static json_t *totals(const struct findings *f, const char *const (*map)[2])
{
	json_t *out = json_object();

	for (; (*map)[0] != NULL; map++)
		json_object_set_new(out, (*map)[0], json_integer(number(f->done, (*map)[1])));
	return out;
}

static json_t *pass_report(const struct findings *f)
{
	static const char *const map[][2] = {{"messages", "messages_total"}, {"copied", "messages_copied"},
		{"present", "messages_present"}, {"refused", "refused"}, {"bytes", "bytes_copied"}, {NULL, NULL}};
	json_t *out = totals(f, map);

	/* a refusal that was reported counts, whatever the last line says */
	if (number(out, "refused") < f->refused)
		json_object_set_new(out, "refused", json_integer(f->refused));
	json_object_set_new(out, "folders", f->pass != NULL ? json_incref(f->pass) : json_array());
	return out;
}

static json_t *verification_report(const struct findings *f, const struct claim *c)
{
	static const char *const map[][2] = {{"expected", "expected"}, {"found", "found"}, {"found_weak", "found_weak"},
		{"missing", "missing"}, {"late", "late"}, {"excluded", "excluded"}, {"differing", "differing"},
		{"extra", "extra"}, {NULL, NULL}};
	json_t *out = totals(f, map);
	int64_t missing = number(out, "missing"), unexplained = f->unexplained;

	/* what is missing and nobody named is unexplained */
	if (missing > f->missing_seen)
		unexplained += missing - f->missing_seen;
	if (unexplained > missing)
		unexplained = missing;
	json_object_set_new(out, "unexplained", json_integer(unexplained));
	json_object_set_new(out, "complete", json_boolean(json_is_true(json_object_get(f->done, "complete"))));
	json_object_set_new(out, "deep", json_boolean(json_is_true(json_object_get(c->options, "deep"))));
	json_object_set_new(out, "pass_id", json_integer(c->baseline_pass));
	json_object_set_new(out, "folders", json_incref(f->verify_folders));
	return out;
}

void findings_report(struct findings *f, const struct claim *c, const char *status, json_t *body)
{
	json_t *result = json_object();

	if (f->done != NULL) {
		json_t *kept = json_array();

		keep(kept, 1, f->done);
		json_object_update(result, json_array_get(kept, 0));
		json_decref(kept);
	}
	if (json_array_size(f->checks) > 0)
		json_object_set(result, "checks", f->checks);
	if (json_array_size(f->warnings) > 0)
		json_object_set(result, "warnings", f->warnings);
	if (json_array_size(f->advice) > 0)
		json_object_set(result, "advice", f->advice);
	if (json_array_size(f->trial) > 0)
		json_object_set(result, "trial", json_array_get(f->trial, 0));
	if (json_array_size(f->plan) > 0)
		json_object_set(result, "folders", f->plan);
	json_object_set_new(body, "result", result);
	if (run_kind_changes_mail(c->kind))
		json_object_set_new(body, "pass", pass_report(f));
	/* a verification that was cut short proves nothing and is not evidence */
	if (c->kind == RUN_VERIFY && f->done != NULL && strcmp(status, "cancelled") != 0 && strcmp(status, "failed") != 0)
		json_object_set_new(body, "verification", verification_report(f, c));
	if (json_array_size(f->missing) > 0 && json_object_get(body, "verification") != NULL)
		json_object_set(body, "missing", f->missing);
	if (json_array_size(f->refusals) > 0)
		json_object_set(body, "refusals", f->refusals);
	if (c->kind == RUN_DISCOVER && f->accounts != NULL && strcmp(status, "succeeded") == 0)
		json_object_set(body, "accounts", f->accounts);
}
