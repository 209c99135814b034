/*
 * PST and mbox files by the known tools: readpst writes an mbox a folder, imap_upload.py takes them one by one (its -r
 * with --error breaks on the second file) and asks for the password on a terminal. Neither's exit status proves
 * anything: what readpst says is held against what came out, and each message that imap_upload.py could not move is
 * kept in the quarantine with the server's words.
 *
 *   read (PST only) -> count -> ask for room -> for each mbox: [cut off what an earlier attempt moved] -> upload -> [split its refusals]
 *
 * Here stand the steps and what is readpst's; what is imap_upload.py's stands in tool_imap_upload.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "tool_account.h"
#include "tool_readpst_impl.h"
#include "upload_kind.h"

#include "banned.h"

/* readpst climbs one folder up for each folder named "..": this deep below its own place it stays inside. */
#define DEPTH "1/2/3/4/5/6/7/8/"

/* --- what the programs say --- */

static void on_line(void *arg, const char *line, size_t n)
{
	struct own *o = arg;

	(void)n;
	if (o->step == READ)
		readpst_line(&o->pst, line);
	else if (o->step == UPLOAD || o->step == LOGIN)
		imap_upload_said(o, line);
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

void readpst_damaged(struct own *o, const char *what)
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
	if (o->step == ROOM)
		room_event(&o->room, doc);
	else if (type != NULL && strcmp(type, "box") == 0)
		add_box(o, doc);
	else if (type != NULL && strcmp(type, "items") == 0)
		o->items += json_integer_value(json_object_get(doc, "items"));
	else if (type != NULL && strcmp(type, "eml") == 0)
		imap_upload_refused(o, o->split_at++, json_string_value(json_object_get(doc, "file")),
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

static const struct err *start_box(struct own *o, struct spawn **out)
{
	struct box *b;
	char *file, *to;
	const struct err *e;

	while (o->at < o->n_boxes && o->boxes[o->at].handled == o->boxes[o->at].messages)
		o->at++;
	o->box_seen = 0;
	for (size_t i = 0; i < o->n_words; i++)
		free(o->words[i]);
	o->n_words = o->split_at = 0;
	imap_upload_progress(o, true);
	if (o->at == o->n_boxes)
		return NULL;
	b = &o->boxes[o->at];
	file = box_file(o, b);
	if (b->handled == 0) {
		e = imap_upload_start(o, file, out);
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

/* --- after each step --- */

const struct err *readpst_step_died(const char *what, int status)
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
		readpst_damaged(o, text);
	} else if (status != 0) {
		snprintf(text, sizeof(text), "readpst ended with status %d: %s", WEXITSTATUS(status),
			o->pst.failure[0] != '\0' ? o->pst.failure : "see the log");
		readpst_damaged(o, text);
	} else if (o->pst.folders == 0) { /* even of an empty file it names the store */
		snprintf(text, sizeof(text), "readpst named no folder: %s",
			o->pst.failure[0] != '\0' ? o->pst.failure : "see the log");
		readpst_damaged(o, text);
	}
	if (o->pst.skipped > o->pst.other) {
		snprintf(text, sizeof(text), "readpst could not read %lld of the items that it skipped (%s)",
			(long long)(o->pst.skipped - o->pst.other), o->pst.worst);
		readpst_damaged(o, text);
	}
	if (o->pst.hostile)
		readpst_damaged(o, "a folder is named \"..\": its mail lies in another folder");
}

/* What it said it has done must have come out: a full disk, for one, it does not notice. */
static const struct err *after_count(struct own *o, int status)
{
	char text[300];
	int64_t came;

	if (status != 0)
		return o->failure.id != ERR_NONE ? err_new(o->failure.id, "%s", o->failure.msg)
						 : readpst_step_died("the count", status);
	came = o->total + o->items + o->pst.folders;
	if (o->job->claim->source_kind == SOURCE_PST && o->damage[0] == '\0' && came != o->pst.done) {
		snprintf(text, sizeof(text), "readpst says it wrote %lld items, %lld came out",
			(long long)(o->pst.done - o->pst.folders), (long long)(came - o->pst.folders));
		readpst_damaged(o, text);
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

/* Bytes that this run will add: it puts there what it has not, whatever else is there. */
static int64_t coming(const struct own *o)
{
	int64_t sum = 0;

	for (size_t i = 0; i < o->n_boxes; i++)
		if (o->boxes[i].messages > 0)
			sum += o->boxes[i].bytes / o->boxes[i].messages * (o->boxes[i].messages - o->boxes[i].handled);
	return sum;
}

static const struct err *start_room(struct own *o, struct spawn **out)
{
	o->step = ROOM;
	o->room = (struct room){.known = false};
	return mailmover_look(o->job, out);
}

static const struct err *next(const struct tool_job *job, int status, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e = NULL;
	char *file;

	switch (o->step) {
	case LOGIN:
		o->login_status = status;
		if (o->failure.id != ERR_NONE || status != 0)
			return NULL;
		return job->claim->source_kind == SOURCE_PST ? start_room(o, out) : start_count(o, out);
	case READ:
		if (o->pst.usage)
			return err_new(ERR_TOOL_FAILED, "readpst does not understand its arguments: another version? (%s)",
				o->pst.failure);
		after_read(o, status);
		return start_count(o, out);
	case COUNT:
		e = after_count(o, status);
		return e != NULL ? e : start_room(o, out);
	case ROOM:
		if (job->claim->kind == RUN_PREFLIGHT)
			return NULL;
		e = room_for(&o->room, coming(o));
		return e != NULL ? e : start_box(o, out);
	case CUT:
		if (status != 0)
			return readpst_step_died("the cut", status);
		file = xasprintf("%s/rest.mbox", o->job->work);
		e = imap_upload_start(o, file, out);
		free(file);
		return e;
	case UPLOAD:
		if ((e = imap_upload_ended(o, status)) != NULL)
			return e;
		if (o->n_words > 0)
			return imap_upload_split(o, out);
		break;
	case SPLIT:
		if (status != 0)
			return readpst_step_died("the quarantine", status);
		while (o->split_at < o->n_words) /* it may not have kept each */
			imap_upload_refused(o, o->split_at++, "", 0);
		break;
	}
	o->at++;
	return start_box(o, out);
}

/* --- life --- */

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

/* A source of kind mbox may be a zip of messages too; no program here opens one, and for mbox it has no mail at all. */
static const struct err *check_file(const char *path)
{
	enum upload_kind kind = UPLOAD_UNKNOWN;
	const char *about = "";
	const struct err *e = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno("the source's file %s", path);
	e = upload_kind_find(fd, &kind, &about);
	close(fd);
	if (e == NULL && kind == UPLOAD_ZIP)
		e = err_new(ERR_UNSUPPORTED, "the file is a zip, which imap_upload.py does not read: use the engine native");
	return e;
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
	e = check_file(job->upload);
	if (e == NULL && job->claim->source_kind == SOURCE_PST)
		e = tool_program(job->conf, CONF_READPST_BIN, "readpst", &o->readpst);
	if (e == NULL)
		e = tool_program(job->conf, CONF_IMAP_UPLOAD, "imap_upload.py", &o->upload);
	if (e == NULL && job->destination->tls != TLS_NONE)
		e = imap_upload_check_program(o);
	if (e == NULL)
		e = account_check_tls(job->conf, job->destination);
	if (e == NULL)
		e = imap_upload_check_account(job->destination);
	return e != NULL ? e : imap_upload_load(o);
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e;

	if (job->claim->kind == RUN_PREFLIGHT) {
		o->step = LOGIN;
		e = imap_upload_new(o, out);
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
	(void)status; /* preflight: of the last step; login_status is the one that counts */
	*out = (struct outcome){.status = RUN_SUCCEEDED};
	if (job->claim->kind == RUN_PREFLIGHT) {
		if (o->failure.id != ERR_NONE)
			e = &o->failure;
		else if (o->login_status != 0 || !o->logged_in)
			e = readpst_step_died("imap_upload.py", o->login_status);
		tool_tell(job, tool_check("destination", "auth", e));
		if (e == NULL && o->step == ROOM) {
			e = room_for(&o->room, coming(o)); /* of a PST nothing is known before readpst has read it */
			room_tell(job, &o->room, e);
		}
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
	imap_upload_progress(o, true);
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
