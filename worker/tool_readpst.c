/*
 * PST and mbox files by the known tools: readpst writes an mbox a folder, imap_upload.py takes them one by one (its -r
 * with --error breaks on the second file) and asks for the password on a terminal. Neither's exit status proves
 * anything: what readpst says is held against what came out, and each message that imap_upload.py could not move is
 * kept in the quarantine with the server's words.
 *
 *   read (PST only) -> count -> for each mbox: [cut off what an earlier attempt moved] -> upload -> [split its refusals]
 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "inspect.h"
#include "json.h"
#include "lines.h"
#include "mem.h"
#include "str.h"
#include "tool_account.h"
#include "upload_log.h"

#include "banned.h"

#define TELL_MS 250
#define SAVE_MS 1000
#define WORDS_MAX 2000 /* refusals of one mbox whose words are kept */
/* readpst climbs one folder up for each folder named "..": this deep below its own place it stays inside. */
#define DEPTH "1/2/3/4/5/6/7/8/"

enum step { LOGIN, READ, COUNT, CUT, UPLOAD, SPLIT };

struct box {
	char *path, *folder; /* below the place of mboxes, "" for the source itself; at the destination */
	int64_t messages, bytes, handled; /* handled: by an earlier attempt */
};

struct own {
	const struct tool_job *job;
	enum step step;
	char *readpst, *upload, *place; /* place: where readpst writes */
	struct lines lines;
	struct readpst_counts pst;
	struct box *boxes;
	size_t n_boxes, at;
	int64_t items, total, bytes, ok, refused, present, bytes_done, box_ok, box_seen;
	char **words; /* of this box's refusals, in order */
	int64_t *numbers;
	size_t n_words, split_at;
	json_t *state; /* what has been moved, by mbox */
	int64_t told, saved;
	bool ended;           /* imap_upload.py's last line came */
	bool logged_in;
	char damage[600];     /* "" while the source seems whole */
	struct err failure;
};

/* --- what was moved before --- */

static char *state_path(const struct own *o)
{
	return xasprintf("%s/imap_upload.json", o->job->state);
}

/* Another file in the mailbox's place starts from nothing. */
static const struct err *load_state(struct own *o)
{
	char *path = state_path(o);
	struct buf b = BUF_INIT;
	struct stat st;
	const struct err *e = NULL;

	if (stat(o->job->upload, &st) != 0)
		e = err_errno("the source's file %s", o->job->upload);
	if (e == NULL && access(path, F_OK) == 0 && fs_read(path, 16 << 20, &b) == NULL)
		o->state = json_loadb(b.ptr, b.len, 0, NULL);
	if (e == NULL && (!json_is_object(o->state) ||
				 json_integer_value(json_object_get(o->state, "size")) != (json_int_t)st.st_size ||
				 strcmp(json_string_value(json_object_get(o->state, "file")), o->job->upload) != 0)) {
		json_decref(o->state);
		o->state = json_pack("{s:s, s:I, s:{}}", "file", o->job->upload, "size", (json_int_t)st.st_size, "boxes");
	}
	buf_free(&b);
	free(path);
	return e;
}

static void save_state(struct own *o, bool now)
{
	char *path, *text;
	const struct err *e;
	json_t *boxes = json_object_get(o->state, "boxes");

	if (!now && clock_mono_ms() - o->saved < SAVE_MS)
		return;
	o->saved = clock_mono_ms();
	if (o->at < o->n_boxes)
		json_object_set_new(boxes, o->boxes[o->at].path, json_integer(o->boxes[o->at].handled + o->box_seen));
	path = state_path(o);
	text = js_text(o->state);
	e = fs_write(path, text, strlen(text), 0600);
	if (e != NULL && o->failure.id == ERR_NONE)
		o->failure = *e; /* not to know what was moved is to move it twice */
	free(path);
	free(text);
}

/* --- what the programs say --- */

static void tell_progress(struct own *o, bool now)
{
	const char *folder = o->at < o->n_boxes ? o->boxes[o->at].folder : "";

	if (!now && clock_mono_ms() - o->told < TELL_MS)
		return;
	o->told = clock_mono_ms();
	tool_tell(o->job, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I}", "t", "progress", "messages_total",
		(json_int_t)o->total, "messages_done", (json_int_t)(o->present + o->ok), "bytes_total", (json_int_t)o->bytes,
		"bytes_done", (json_int_t)o->bytes_done, "refused", (json_int_t)o->refused, "folder", tool_text(folder),
		"folders_total", (json_int_t)o->n_boxes, "folders_done", (json_int_t)o->at));
}

static void tell_refused(struct own *o, size_t i, const char *file, int64_t size)
{
	const char *words = i < o->n_words ? o->words[i] : "see the log";
	int64_t number = i < o->n_words ? o->numbers[i] : 0;
	struct upload_line l;
	char *line = xasprintf("1/1 0 B x ERROR (%s", words);

	upload_line(line, &l);
	tool_tell(o->job, json_pack("{s:s, s:o, s:I, s:I, s:s, s:o, s:s}", "t", "refused", "folder",
		tool_text(o->boxes[o->at].folder), "uid", (json_int_t)number, "size", (json_int_t)size, "code",
		err_row(l.code)->code, "server", tool_text(words), "file", file));
	free(line);
}

static void upload_said(struct own *o, const char *line)
{
	struct upload_line l;
	const struct box *b = o->at < o->n_boxes ? &o->boxes[o->at] : NULL;

	if (str_starts(line, "Uploading to ") || str_starts(line, "Just list mail boxes"))
		o->logged_in = true;
	switch (upload_line(line, &l)) {
	case UPLOAD_OK:
		o->ok++;
		o->box_ok++;
		o->box_seen++;
		if (b != NULL && b->messages > 0)
			o->bytes_done += b->bytes / b->messages;
		break;
	case UPLOAD_REFUSED:
		o->refused++;
		o->box_seen++;
		if (o->n_words < WORDS_MAX) {
			o->words = xreallocarray(o->words, o->n_words + 1, sizeof(*o->words));
			o->numbers = xreallocarray(o->numbers, o->n_words + 1, sizeof(*o->numbers));
			o->numbers[o->n_words] = (b != NULL ? b->handled : 0) + l.number;
			o->words[o->n_words++] = xstrdup(l.words);
		}
		break;
	case UPLOAD_DONE:
		o->ended = true;
		return;
	case UPLOAD_FAILED:
		if (o->failure.id == ERR_NONE)
			o->failure = *err_new(l.code, "imap_upload.py: %.300s", l.words);
		return;
	case UPLOAD_NOTHING:
		return;
	}
	tell_progress(o, false);
	save_state(o, false);
}

static void on_line(void *arg, const char *line, size_t n)
{
	struct own *o = arg;

	(void)n;
	if (o->step == READ)
		readpst_line(&o->pst, line);
	else if (o->step == UPLOAD || o->step == LOGIN)
		upload_said(o, line);
}

static void output(const struct tool_job *job, const char *p, size_t n)
{
	struct own *o = job->own;

	lines_feed(&o->lines, p, n, on_line, o);
}

/* --- folders --- */

/* "1/…/8/STORE/Inbox/Sub/mbox" is INBOX/Sub at the destination; mail of the store itself goes to a folder of its name. */
static char *folder_of(const struct own *o, const char *path)
{
	const char *map, *rest = str_starts(path, DEPTH) ? path + strlen(DEPTH) : path;
	const char *slash = strrchr(rest, '/'), *store = strchr(rest, '/');
	char *folder;

	if (*path == '\0')
		folder = xstrdup("INBOX");
	else if (slash == NULL)
		folder = xstrdup("Recovered");
	else if (slash == store)
		folder = xasprintf("%.*s", (int)(slash - rest), rest);
	else
		folder = xasprintf("%.*s", (int)(slash - store - 1), store + 1);
	if (str_istarts(folder, "inbox") && (folder[5] == '\0' || folder[5] == '/'))
		memcpy(folder, "INBOX", 5);
	map = json_string_value(json_object_get(json_object_get(o->job->claim->folders, "map"), folder));
	if (map != NULL) {
		free(folder);
		folder = xstrdup(map);
	}
	return folder;
}

static void add_box(struct own *o, const json_t *event)
{
	const char *path = json_string_value(json_object_get(event, "path"));
	struct box *b;

	if (path == NULL)
		return;
	o->boxes = xreallocarray(o->boxes, o->n_boxes + 1, sizeof(*o->boxes));
	b = &o->boxes[o->n_boxes++];
	*b = (struct box){.path = xstrdup(path), .folder = folder_of(o, path),
		.messages = json_integer_value(json_object_get(event, "messages")),
		.bytes = json_integer_value(json_object_get(event, "bytes"))};
	b->handled = json_integer_value(json_object_get(json_object_get(o->state, "boxes"), path));
	if (b->handled > b->messages)
		b->handled = b->messages;
	o->total += b->messages;
	o->bytes += b->bytes;
	o->present += b->handled;
}

static void damaged(struct own *o, const char *what)
{
	size_t used = strlen(o->damage);

	if (used < sizeof(o->damage) - 1)
		snprintf(o->damage + used, sizeof(o->damage) - used, "%s%s", used > 0 ? "; " : "", what);
}

static bool event(const struct tool_job *job, const char *line, size_t n)
{
	struct own *o = job->own;
	const char *type;
	json_t *doc;

	if (o->step == READ) {
		readpst_debug(&o->pst, line);
		return true;
	}
	doc = json_loadb(line, n, 0, NULL);
	type = json_string_value(json_object_get(doc, "t"));
	if (type != NULL && strcmp(type, "box") == 0)
		add_box(o, doc);
	else if (type != NULL && strcmp(type, "items") == 0)
		o->items += json_integer_value(json_object_get(doc, "items"));
	else if (type != NULL && strcmp(type, "eml") == 0)
		tell_refused(o, o->split_at++, json_string_value(json_object_get(doc, "file")),
			json_integer_value(json_object_get(doc, "size")));
	else if (type != NULL && strcmp(type, "damage") == 0)
		o->failure = *err_new(ERR_IO, "%s", json_string_value(json_object_get(doc, "message")));
	json_decref(doc);
	return true;
}

/* --- steps --- */

static const struct err *start_read(struct own *o, struct spawn **out)
{
	uint64_t available = 0;
	struct stat st;
	char *to = xasprintf("%s/%s", o->place, DEPTH);
	const struct err *e = fs_free_bytes(o->job->work, &available);
	struct spawn *s;

	o->step = READ;
	if (e == NULL)
		e = fs_remove_tree(o->place); /* of an execution that was paused */
	if (e == NULL && stat(o->job->upload, &st) != 0)
		e = err_errno("%s", o->job->upload);
	if (e == NULL && available < (uint64_t)st.st_size + ((uint64_t)conf_int(o->job->conf, CONF_DISK_RESERVE_MB) << 20))
		e = err_new(ERR_DISK_LOW, "readpst needs room for what the file holds: %lld MiB more than MIGRATION_DISK_RESERVE_MB",
			(long long)(st.st_size >> 20));
	if (e == NULL)
		e = fs_mkdir_p(to, 0700);
	if (e == NULL) {
		s = spawn_new(o->readpst);
		/* one process: of its own parallel ones it does not notice that they died */
		spawn_arg(s, "-D");
		spawn_arg(s, "-r");
		spawn_arg(s, "-j");
		spawn_arg(s, "0");
		spawn_arg(s, "-L");
		spawn_arg(s, "3");
		e = spawn_events_file(s, "-d");
		spawn_arg(s, "-o");
		spawn_arg(s, to);
		spawn_arg(s, o->job->upload);
		*out = s;
		if (e != NULL) {
			spawn_free(s);
			*out = NULL;
		}
	}
	free(to);
	return e;
}

static const struct err *start_inspect(struct own *o, enum step step, const char *command, struct spawn **out)
{
	o->step = step;
	return tool_inspect(out, command);
}

static const struct err *start_count(struct own *o, struct spawn **out)
{
	const struct err *e = start_inspect(o, COUNT, "mbox", out);

	if (e == NULL)
		spawn_arg(*out, o->job->claim->source_kind == SOURCE_PST ? o->place : o->job->upload);
	return e;
}

static char *box_file(const struct own *o, const struct box *b)
{
	return *b->path == '\0' ? xstrdup(o->job->upload) : xasprintf("%s/%s", o->place, b->path);
}

/* "--box" is put between quotation marks as it is. */
static void add_folder(struct spawn *s, const char *folder)
{
	struct buf b = BUF_INIT;

	for (; *folder != '\0'; folder++) {
		if (*folder == '"' || *folder == '\\')
			buf_addc(&b, '\\');
		buf_addc(&b, *folder);
	}
	spawn_arg(s, "--box");
	spawn_arg(s, b.ptr);
	buf_free(&b);
}

static const struct err *new_upload(struct own *o, struct spawn **out)
{
	const struct account *a = o->job->destination;
	char *real = realpath(o->upload, NULL), *slash = real != NULL ? strrchr(real, '/') : NULL;
	struct spawn *s = spawn_new(o->upload);
	const struct err *e = spawn_terminal(s, "assword", a->secret, a->secret_len);

	o->ended = false;
	if (slash != NULL) {
		*slash = '\0';
		spawn_readable(s, real);
		spawn_env(s, "PYTHONPATH", real); /* the modules beside it: its imap_utf7, and that certificates count */
	}
	if (*conf_str(o->job->conf, CONF_TLS_CA_FILE) != '\0')
		spawn_env(s, "MIGRATION_EXTRA_CA_FILE", conf_str(o->job->conf, CONF_TLS_CA_FILE));
	spawn_env(s, "PYTHONUNBUFFERED", "1");
	spawn_env(s, "PYTHONDONTWRITEBYTECODE", "1");
	spawn_arg(s, "--host");
	spawn_arg(s, a->host);
	spawn_arg(s, "--port");
	spawn_argf(s, "%lld", (long long)a->port);
	if (a->tls == TLS_IMPLICIT)
		spawn_arg(s, "--ssl");
	spawn_arg(s, "--user");
	spawn_arg(s, a->user);
	free(real);
	if (e != NULL) {
		spawn_free(s);
		return e;
	}
	*out = s;
	return NULL;
}

static char *errors_file(const struct own *o)
{
	return xasprintf("%s/errors-%zu.mbox", o->job->work, o->at);
}

static const struct err *start_upload(struct own *o, const char *file, struct spawn **out)
{
	char *errors = errors_file(o);
	const struct err *e = new_upload(o, out);

	o->step = UPLOAD;
	remove(errors);
	if (e == NULL) {
		add_folder(*out, o->boxes[o->at].folder);
		spawn_arg(*out, "--error");
		spawn_arg(*out, errors);
		spawn_arg(*out, file);
	}
	free(errors);
	return e;
}

static const struct err *start_box(struct own *o, struct spawn **out)
{
	struct box *b;
	char *file, *to;
	const struct err *e;

	while (o->at < o->n_boxes && o->boxes[o->at].handled == o->boxes[o->at].messages)
		o->at++;
	o->box_ok = o->box_seen = 0;
	for (size_t i = 0; i < o->n_words; i++)
		free(o->words[i]);
	o->n_words = o->split_at = 0;
	tell_progress(o, true);
	if (o->at == o->n_boxes)
		return NULL;
	b = &o->boxes[o->at];
	file = box_file(o, b);
	if (b->handled == 0) {
		e = start_upload(o, file, out);
	} else if ((e = start_inspect(o, CUT, "rest", out)) == NULL) {
		to = xasprintf("%s/rest.mbox", o->job->work);
		spawn_arg(*out, file);
		spawn_argf(*out, "%lld", (long long)b->handled);
		spawn_arg(*out, to);
		free(to);
	}
	free(file);
	return e;
}

static const struct err *start_split(struct own *o, struct spawn **out)
{
	char *errors = errors_file(o);
	const struct err *e = start_inspect(o, SPLIT, "split", out);

	if (e == NULL) {
		spawn_arg(*out, errors);
		spawn_arg(*out, o->job->quarantine);
		spawn_argf(*out, "box%zu", o->at);
	}
	free(errors);
	return e;
}

/* --- after each step --- */

static const struct err *died(const char *what, int status)
{
	if (WIFSIGNALED(status))
		return err_new(ERR_TOOL_FAILED, "%s was ended by signal %d (%s)", what, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	return err_new(ERR_TOOL_FAILED, "%s ended with status %d: see the log", what, WEXITSTATUS(status));
}

static void after_read(struct own *o, int status)
{
	char text[400];

	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "readpst crashed (%s): what it had written until then was moved",
			strsignal(WTERMSIG(status)));
		damaged(o, text);
	} else if (status != 0) {
		snprintf(text, sizeof(text), "readpst ended with status %d: %s", WEXITSTATUS(status),
			o->pst.failure[0] != '\0' ? o->pst.failure : "see the log");
		damaged(o, text);
	}
	if (o->pst.skipped > o->pst.other) {
		snprintf(text, sizeof(text), "readpst could not read %lld of the items that it skipped (%s)",
			(long long)(o->pst.skipped - o->pst.other), o->pst.worst);
		damaged(o, text);
	}
	if (o->pst.hostile)
		damaged(o, "a folder is named \"..\": its mail lies in another folder");
}

/* What it said it has done must have come out: a full disk, for one, it does not notice. */
static const struct err *after_count(struct own *o, int status)
{
	char text[300];
	int64_t came;

	if (status != 0)
		return o->failure.id != ERR_NONE ? err_new(o->failure.id, "%s", o->failure.msg) : died("the count", status);
	came = o->total + o->items + o->pst.folders;
	if (o->job->claim->source_kind == SOURCE_PST && o->damage[0] == '\0' && came != o->pst.done) {
		snprintf(text, sizeof(text), "readpst says it wrote %lld items, %lld came out",
			(long long)(o->pst.done - o->pst.folders), (long long)(came - o->pst.folders));
		damaged(o, text);
	}
	if (o->pst.other > 0) {
		snprintf(text, sizeof(text), "%lld items are no mail and were left (%s)", (long long)o->pst.other, o->pst.worst);
		tool_tell(o->job, json_pack("{s:s, s:s, s:s}", "t", "warning", "code", "unsupported", "message", text));
	}
	if (o->total == 0 && o->damage[0] != '\0')
		return err_new(ERR_SOURCE_DAMAGED, "nothing could be read: %s", o->damage);
	tool_tell(o->job, json_pack("{s:s, s:I, s:I, s:I, s:I}", "t", "plan", "folders", (json_int_t)o->n_boxes, "messages",
		(json_int_t)o->total, "bytes", (json_int_t)o->bytes, "messages_present", (json_int_t)o->present));
	return NULL;
}

static const struct err *after_upload(struct own *o, int status)
{
	save_state(o, true);
	if (o->failure.id != ERR_NONE)
		return err_new(o->failure.id, "%s", o->failure.msg);
	if (status != 0 || !o->ended)
		return died("imap_upload.py", status);
	if (o->box_seen != o->boxes[o->at].messages - o->boxes[o->at].handled)
		damaged(o, "imap_upload.py did not speak of every message");
	return NULL;
}

static const struct err *next(const struct tool_job *job, int status, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e = NULL;
	char *file;

	switch (o->step) {
	case LOGIN:
		return NULL;
	case READ:
		after_read(o, status);
		return start_count(o, out);
	case COUNT:
		e = after_count(o, status);
		return e != NULL ? e : start_box(o, out);
	case CUT:
		if (status != 0)
			return died("the cut", status);
		file = xasprintf("%s/rest.mbox", o->job->work);
		e = start_upload(o, file, out);
		free(file);
		return e;
	case UPLOAD:
		if ((e = after_upload(o, status)) != NULL)
			return e;
		if (o->n_words > 0)
			return start_split(o, out);
		break;
	case SPLIT:
		if (status != 0)
			return died("the quarantine", status);
		while (o->split_at < o->n_words) /* it may not have kept each */
			tell_refused(o, o->split_at++, "", 0);
		break;
	}
	o->at++;
	return start_box(o, out);
}

/* --- life --- */

/* imap_upload.py knows LOGIN with an ASCII password over TLS from the first byte, and nothing else. */
static const struct err *check_account(const struct account *a)
{
	if (a->tls == TLS_STARTTLS)
		return err_new(ERR_UNSUPPORTED, "imap_upload.py knows no STARTTLS: give the destination's port for TLS (993)");
	if (a->auth != AUTH_PASSWORD)
		return err_new(ERR_UNSUPPORTED, "imap_upload.py knows passwords only: use the engine native");
	for (size_t i = 0; i < a->secret_len; i++)
		if ((unsigned char)a->secret[i] >= 0x80)
			return err_new(ERR_UNSUPPORTED,
				"imap_upload.py cannot send a password that is not ASCII: use the engine native");
	return NULL;
}

/* Its own way of TLS checks no certificate; the module that makes it do so is installed beside it. */
static const struct err *check_program(const struct own *o)
{
	char *real = realpath(o->upload, NULL), *slash = real != NULL ? strrchr(real, '/') : NULL, *module;
	bool there;

	if (slash != NULL)
		*slash = '\0';
	module = xasprintf("%s/sitecustomize.py", real != NULL ? real : "");
	there = access(module, R_OK) == 0;
	free(module);
	free(real);
	return there ? NULL
		     : err_new(ERR_TOOL_MISSING,
			       "imap_upload.py checks no certificates as it is: scripts/install-migration-tools.sh installs it "
			       "with what it needs");
}

static void close_own(struct tool_job *job)
{
	struct own *o = job->own;

	if (o == NULL)
		return;
	for (size_t i = 0; i < o->n_boxes; i++) {
		free(o->boxes[i].path);
		free(o->boxes[i].folder);
	}
	for (size_t i = 0; i < o->n_words; i++)
		free(o->words[i]);
	free(o->boxes);
	free(o->words);
	free(o->numbers);
	free(o->readpst);
	free(o->upload);
	free(o->place);
	lines_free(&o->lines);
	json_decref(o->state);
	free(o);
	job->own = NULL;
}

static const struct err *open_own(struct tool_job *job)
{
	struct own *o = xcalloc(1, sizeof(*o));
	const struct err *e = NULL;

	o->job = job;
	o->place = xasprintf("%s/pst", job->work);
	lines_init(&o->lines, 65536);
	job->own = o;
	if (job->upload == NULL)
		return err_new(ERR_INPUT, "the mailbox has no file");
	if (job->claim->source_kind == SOURCE_PST)
		e = tool_program(job->conf, CONF_READPST_BIN, "readpst", &o->readpst);
	if (e == NULL)
		e = tool_program(job->conf, CONF_IMAP_UPLOAD, "imap_upload.py", &o->upload);
	if (e == NULL && job->destination->tls != TLS_NONE)
		e = check_program(o);
	if (e == NULL)
		e = account_check_tls(job->conf, job->destination);
	if (e == NULL)
		e = check_account(job->destination);
	return e != NULL ? e : load_state(o);
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e;

	if (job->claim->kind == RUN_PREFLIGHT) {
		o->step = LOGIN;
		e = new_upload(o, out);
		if (e == NULL)
			spawn_arg(*out, "--list_boxes");
		return e;
	}
	return job->claim->source_kind == SOURCE_PST ? start_read(o, out) : start_count(o, out);
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	struct own *o = job->own;
	const struct err *e = NULL;

	(void)f;
	*out = (struct outcome){.status = RUN_SUCCEEDED};
	if (job->claim->kind == RUN_PREFLIGHT) {
		if (o->failure.id != ERR_NONE)
			e = &o->failure;
		else if (status != 0 || !o->logged_in)
			e = died("imap_upload.py", status);
		tool_tell(job, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "t", "check", "side", "destination", "name", "auth",
			"ok", e == NULL, "code", e != NULL ? err_code(e) : "", "message", e != NULL ? e->msg : ""));
		if (e != NULL)
			outcome_fail(out, e);
		return;
	}
	if (o->damage[0] != '\0' || o->refused > 0) {
		outcome_fail(out, o->damage[0] != '\0' ? err_new(ERR_SOURCE_DAMAGED, "%s", o->damage)
						       : err_new(ERR_PARTIAL, "%lld messages were refused: see the quarantine",
								 (long long)o->refused));
		out->status = RUN_PARTIAL;
	}
	tell_progress(o, true);
	tool_tell(job, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "t", "done", "status",
		run_status_name(out->status), "code", out->code, "messages_total", (json_int_t)o->total, "messages_copied",
		(json_int_t)o->ok, "messages_present", (json_int_t)o->present, "refused", (json_int_t)o->refused,
		"bytes_copied", (json_int_t)o->bytes_done));
}

const struct tool tool_readpst = {
	.name = "readpst + imap_upload.py",
	.engine = ENGINE_REFERENCE,
	.sources = 1u << SOURCE_PST | 1u << SOURCE_MBOX,
	.kinds = 1u << RUN_SYNC | 1u << RUN_PREFLIGHT,
	.memory = 4ull << 30,
	.open = open_own,
	.close = close_own,
	.output = output,
	.event = event,
	.prepare = prepare,
	.next = next,
	.finish = finish,
};
