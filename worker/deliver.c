#include "deliver.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "findings.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "piece.h"

#include "banned.h"

#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 30000
#define OUTBOX_MAX (32u << 20)

struct piece_file {
	char *path, *name;
};

struct delivery {
	struct loop *loop;
	struct api *api;
	const struct spool *spool;
	int64_t run, attempt;
	const char *dir;
	delivery_fn *fn;
	void *arg;
	json_t *doc, *report; /* report: borrowed from doc */
	struct runfile file;
	struct http_call *call;
	struct timer *timer;
	int64_t pause;
	/* files */
	struct piece_file *files;
	size_t n_files, at_file;
	int64_t offset;
	bool beaten;
	/* after the report */
	bool reported, simplified;
	enum delivery_end end;
	FILE *more;
	int64_t more_seq;
};

static void next(void *arg);

const struct err *outbox_write(const struct spool *s, const struct runfile *f, json_t *report, json_t *beat)
{
	json_t *doc = json_pack("{s:I, s:O, s:O, s:O, s:O*, s:O}", "run_id", (json_int_t)f->run_id, "attempt",
		json_object_get(report, "attempt"), "worker", json_object_get(report, "worker"), "file", f->doc, "beat", beat,
		"report", report);
	char *path = spool_run_file(s, SPOOL_OUTBOX, f->run_id, ".json"), *text = js_text(doc);
	const struct err *e = fs_write(path, text, strlen(text), 0600);

	json_decref(doc);
	free(path);
	free(text);
	return e;
}

const struct err *outbox_remove(const struct spool *s, int64_t run)
{
	char *path = spool_run_file(s, SPOOL_OUTBOX, run, ".json");
	const struct err *e = NULL;

	if (unlink(path) != 0 && errno != ENOENT)
		e = err_errno("remove %s", path);
	free(path);
	return e;
}

static const struct err *outbox_read(struct delivery *d)
{
	char *path = spool_run_file(d->spool, SPOOL_OUTBOX, d->run, ".json");
	struct buf text = BUF_INIT;
	const struct err *e = fs_read(path, OUTBOX_MAX, &text);
	json_t *file;

	if (e == NULL)
		e = js_parse(&d->doc, text.ptr, text.len);
	d->report = json_object_get(d->doc, "report");
	file = json_object_get(d->doc, "file");
	d->attempt = json_integer_value(json_object_get(d->doc, "attempt"));
	if (e == NULL && (!json_is_object(d->report) || !json_is_object(file) || d->attempt < 1))
		e = err_new(ERR_INPUT, "%s is no report", path);
	if (e == NULL)
		d->file = (struct runfile){.run_id = d->run, .doc = json_incref(file)};
	buf_free(&text);
	free(path);
	return e;
}

/* --- files --- */

static void add_file(struct delivery *d, const char *dir, const char *name)
{
	struct piece_file *f;
	struct stat st;
	char *path = xasprintf("%s/%s", dir, name);

	if (!fs_safe_name(name) || lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		free(path);
		return;
	}
	d->files = xreallocarray(d->files, d->n_files + 1, sizeof(*d->files));
	f = &d->files[d->n_files++];
	f->path = path;
	f->name = piece_name(d->attempt, name);
}

static void list_files(struct delivery *d)
{
	char *quarantine = xasprintf("%s/%lld/quarantine", spool_path(d->spool, SPOOL_WORK), (long long)d->run);
	DIR *dir = opendir(quarantine);
	struct dirent *ent;

	add_file(d, d->dir, "log");
	add_file(d, d->dir, "events.jsonl");
	while (dir != NULL && (ent = readdir(dir)) != NULL)
		add_file(d, quarantine, ent->d_name);
	if (dir != NULL)
		closedir(dir);
	free(quarantine);
}

static void again_later(struct delivery *d)
{
	d->pause = d->pause == 0 ? PAUSE_MIN_MS : d->pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : d->pause * 2;
	timer_set(d->timer, d->pause);
}

static void next_file(struct delivery *d)
{
	d->at_file++;
	d->offset = 0;
	timer_set(d->timer, 0);
}

static void finish(struct delivery *d, enum delivery_end end)
{
	timer_stop(d->timer);
	d->fn(d->arg, end);
}

/* What the API will never take stays where an administrator finds it; the run's folder goes. */
static void keep_here(struct delivery *d, const struct api_answer *a)
{
	const struct piece_file *f = &d->files[d->at_file];
	char *to = xasprintf("%s/%lld-%s", spool_path(d->spool, SPOOL_FAILED), (long long)d->run, f->name);
	bool kept = rename(f->path, to) == 0;

	log_error("run %lld: the API does not take %s (%s): %s%s", (long long)d->run, f->name,
		a->e != NULL ? a->e->msg : "no offset in its answer", kept ? "kept as " : "and it cannot be kept as ", to);
	free(to);
}

static void file_answered(void *arg, const struct api_answer *a)
{
	struct delivery *d = arg;
	int64_t at = piece_end(a);
	struct stat st;

	d->call = NULL;
	if (a->away) {
		again_later(d);
		return;
	}
	d->pause = 0;
	if (piece_stale(a)) {
		finish(d, DELIVERY_STALE);
		return;
	}
	/* 200 and 409 both say where the API's copy ends; an end behind ours is of a copy that is not ours */
	if (stat(d->files[d->at_file].path, &st) != 0 || at < 0 || at > st.st_size) {
		keep_here(d, a);
		next_file(d);
	} else if (a->e == NULL && at == st.st_size) {
		next_file(d);
	} else if (at > d->offset) { /* also when all of it stands there, from while it grew: its end is still to be told */
		d->offset = at;
		timer_set(d->timer, 0);
	} else {
		keep_here(d, a);
		next_file(d);
	}
}

static void send_piece(struct delivery *d)
{
	const struct piece_file *f = &d->files[d->at_file];
	const struct piece p = {.run = d->run, .attempt = d->attempt, .offset = d->offset, .path = f->path, .name = f->name, .whole = true};

	d->call = piece_send(d->api, &p, file_answered, d);
	if (d->call == NULL)
		next_file(d);
}

/* --- the last totals, which pages show --- */

static void beat_answered(void *arg, const struct api_answer *a)
{
	struct delivery *d = arg;

	d->call = NULL;
	if (a->away) {
		again_later(d);
		return;
	}
	d->pause = 0;
	d->beaten = true;
	timer_set(d->timer, 0);
}

static void send_beat(struct delivery *d)
{
	json_t *body = json_pack("{s:O, s:[O]}", "worker", json_object_get(d->report, "worker"), "runs",
		json_object_get(d->doc, "beat"));

	d->call = api_send(d->api, "PATCH", "/runs", body, NULL, beat_answered, d);
	json_decref(body);
}

/* --- the report --- */

static void send_report(struct delivery *d, const json_t *body, api_fn *fn)
{
	char *path = xasprintf("/runs/%lld", (long long)d->run);

	d->call = api_send(d->api, "PATCH", path, body, NULL, fn, d);
	free(path);
}

/* The API will never take this report: say the end without the evidence, which then counts for nothing. */
static void simplify(struct delivery *d, const struct api_answer *a)
{
	char *message = xasprintf("the API refused the report of a run that ended %s: %s",
		delivery_text(d, "status"), a->e->msg);

	log_error("run %lld: %s", (long long)d->run, message);
	d->simplified = true;
	json_object_del(d->report, "pass");
	json_object_del(d->report, "verification");
	json_object_del(d->report, "missing");
	json_object_del(d->report, "refusals");
	json_object_del(d->report, "result");
	json_object_set_new(d->report, "status", json_string("failed"));
	json_object_set_new(d->report, "code", json_string(err_row(ERR_INTERNAL)->code));
	json_object_set_new(d->report, "message", json_string(message));
	free(message);
}

static void report_answered(void *arg, const struct api_answer *a)
{
	struct delivery *d = arg;

	d->call = NULL;
	FAULT("report.sent");
	if (a->away) {
		again_later(d);
	} else if (a->e == NULL) {
		FAULT("report.answered");
		d->pause = 0;
		d->reported = true;
		d->end = json_is_true(json_object_get(a->doc, "requeued")) ? DELIVERY_REQUEUED : DELIVERY_DONE;
		timer_set(d->timer, 0);
	} else if (piece_stale(a) || a->status == 409) {
		finish(d, DELIVERY_STALE);
	} else if (!d->simplified) {
		simplify(d, a);
		timer_set(d->timer, 0);
	} else {
		log_error("run %lld: the API refuses every report of it: %s", (long long)d->run, a->e->msg);
		finish(d, DELIVERY_STALE);
	}
}

/* --- what did not fit --- */

static json_t *read_more(struct delivery *d)
{
	json_t *missing = json_array(), *refusals = json_array(), *body = NULL;
	char *line = NULL;
	size_t size = 0;

	while (json_array_size(missing) < FINDINGS_LIST_MAX && json_array_size(refusals) < FINDINGS_LIST_MAX &&
		getline(&line, &size, d->more) > 0) {
		json_t *item = NULL;

		if (js_parse(&item, line, strlen(line)) != NULL)
			continue;
		if (json_object_get(item, "missing") != NULL)
			json_array_append(missing, json_object_get(item, "missing"));
		else if (json_object_get(item, "refusal") != NULL)
			json_array_append(refusals, json_object_get(item, "refusal"));
		json_decref(item);
	}
	free(line);
	if (json_array_size(missing) + json_array_size(refusals) > 0)
		body = json_pack("{s:O, s:I, s:I, s:s, s:O, s:O}", "worker", json_object_get(d->report, "worker"),
			"attempt", (json_int_t)d->attempt, "seq", (json_int_t)d->more_seq, "status", "running",
			"missing", missing, "refusals", refusals);
	json_decref(missing);
	json_decref(refusals);
	return body;
}

static void more_answered(void *arg, const struct api_answer *a)
{
	struct delivery *d = arg;

	d->call = NULL;
	if (a->away) {
		/* from the start: what the API knows already it ignores */
		fclose(d->more);
		d->more = NULL;
		again_later(d);
		return;
	}
	d->pause = 0;
	if (a->e != NULL) {
		log_warn("run %lld: the API did not take a part of the list of messages: %s", (long long)d->run,
			a->e->msg);
		finish(d, d->end);
		return;
	}
	timer_set(d->timer, 0);
}

static void send_more(struct delivery *d)
{
	json_t *body = NULL;

	if (d->more == NULL) {
		char *path = xasprintf("%s/more.jsonl", d->dir);

		d->more = d->simplified ? NULL : fopen(path, "re");
		d->more_seq = json_integer_value(json_object_get(d->report, "seq"));
		free(path);
	}
	d->more_seq++;
	if (d->more != NULL)
		body = read_more(d);
	if (body == NULL) {
		finish(d, d->end);
		return;
	}
	send_report(d, body, more_answered);
	json_decref(body);
}

/* A report speaks for who claimed the run, with his token: of a worker that is gone, or had another name, it can
 * never be delivered, and its run comes again when the lease is over. */
static bool is_ours(const struct delivery *d)
{
	const char *worker = json_string_value(json_object_get(d->report, "worker"));

	return worker != NULL && strcmp(worker, api_worker(d->api)) == 0;
}

static void next(void *arg)
{
	struct delivery *d = arg;

	if (d->call != NULL)
		return;
	if (!is_ours(d))
		finish(d, DELIVERY_STALE);
	else if (!d->beaten && json_is_object(json_object_get(d->doc, "beat")))
		send_beat(d);
	else if (d->at_file < d->n_files)
		send_piece(d);
	else if (!d->reported)
		send_report(d, d->report, report_answered);
	else
		send_more(d);
}

const struct err *delivery_start(struct delivery **out, struct loop *l, struct api *a, const struct spool *s,
	int64_t run, const char *dir, delivery_fn *fn, void *arg)
{
	struct delivery *d = xcalloc(1, sizeof(*d));
	const struct err *e;

	*d = (struct delivery){.loop = l, .api = a, .spool = s, .run = run, .dir = dir, .fn = fn, .arg = arg};
	d->timer = timer_new(l, next, d);
	e = outbox_read(d);
	if (e != NULL) {
		delivery_free(d);
		return e;
	}
	list_files(d);
	timer_set(d->timer, 0);
	*out = d;
	return NULL;
}

void delivery_free(struct delivery *d)
{
	if (d == NULL)
		return;
	api_cancel(d->call);
	timer_free(d->timer);
	for (size_t i = 0; i < d->n_files; i++) {
		free(d->files[i].path);
		free(d->files[i].name);
	}
	free(d->files);
	if (d->more != NULL)
		fclose(d->more);
	runfile_free(&d->file);
	json_decref(d->doc);
	free(d);
}

void delivery_hurry(struct delivery *d)
{
	if (d->call == NULL && timer_is_set(d->timer))
		timer_set(d->timer, 0);
}

const struct runfile *delivery_file(const struct delivery *d)
{
	return &d->file;
}

int64_t delivery_attempt(const struct delivery *d)
{
	return d->attempt;
}

const char *delivery_text(const struct delivery *d, const char *key)
{
	const char *s = json_string_value(json_object_get(d->report, key));

	return s != NULL ? s : "";
}
