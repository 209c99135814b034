/*
 * Zimbra's and Carbonio's own archives, over ssh with pinned host keys:
 *
 *   export (getRestURL on the old server, or the upload) -> check -> ask for room -> import (postRestURL) -> list -> compare
 *
 * The archive is read through (checksums, end, counts) before a byte is imported. The import answers 200 although items
 * failed, and zmmailbox throws away what the answer says: so the new mailbox is listed afterwards, without bodies, and
 * each message of the archive is looked for in it by its digest. resolve=skip makes a second pass harmless.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "carbonio.h"
#include "fs.h"
#include "inspect.h"
#include "json.h"
#include "lines.h"
#include "mem.h"
#include "room.h"
#include "str.h"

#include "banned.h"

#define EXPORT_URL "//?fmt=tgz"
#define LISTING_URL "//?fmt=tgz&body=0&types=message"
#define IMPORT_URL "//?fmt=%s&resolve=skip"

enum step { ASK_SOURCE, ASK_DESTINATION, EXPORT, CHECK, ROOM, IMPORT, LIST, COMPARE };

struct own {
	const struct tool_job *job;
	enum step step;
	char *ssh, *archive, *listing;
	struct lines lines;
	int64_t total, others, expected, found, bytes;
	bool gzip;
	int asked;   /* status of the last question of a preflight, as of waitpid */
	bool empty;  /* 204: the mailbox has nothing */
	json_t *short_folders;
	struct room room;
	struct err failure; /* zmmailbox's or ssh's own words */
	char damage[ERR_MSG_SIZE];
};

/* --- what they say --- */

static void on_line(void *arg, const char *line, size_t n)
{
	struct own *o = arg;

	(void)n;
	if (o->step == ROOM)
		return;
	if (strstr(line, "status=204") != NULL) {
		o->empty = true;
		return;
	}
	carbonio_words(line, o->step == EXPORT || o->step == ASK_SOURCE ? "the old server" : "the new server", &o->failure);
}

static void output(const struct tool_job *job, const char *p, size_t n)
{
	struct own *o = job->own;

	lines_feed(&o->lines, p, n, on_line, o);
}

static void compared(struct own *o, const json_t *event)
{
	int64_t expected = json_integer_value(json_object_get(event, "expected"));
	int64_t found = json_integer_value(json_object_get(event, "found"));

	o->expected += expected;
	o->found += found;
	if (found < expected)
		json_array_append_new(o->short_folders, json_pack("{s:O, s:I, s:I}", "folder", json_object_get(event, "folder"),
			"expected", (json_int_t)expected, "found", (json_int_t)found));
}

static bool event(const struct tool_job *job, const char *line, size_t n)
{
	struct own *o = job->own;
	json_t *doc = json_loadb(line, n, 0, NULL);
	const char *type = json_string_value(json_object_get(doc, "t"));

	if (type == NULL || o->step == ROOM) {
		room_event(&o->room, doc);
		json_decref(doc);
		return true;
	}
	if (strcmp(type, "folder") == 0) {
		o->bytes += json_integer_value(json_object_get(doc, "bytes"));
	} else if (strcmp(type, "archive") == 0) {
		o->total = json_integer_value(json_object_get(doc, "messages"));
		o->others = json_integer_value(json_object_get(doc, "others"));
		o->gzip = json_is_true(json_object_get(doc, "gzip"));
	} else if (strcmp(type, "compared") == 0) {
		compared(o, doc);
	} else if (strcmp(type, "damage") == 0) {
		const char *message = json_string_value(json_object_get(doc, "message"));

		snprintf(o->damage, sizeof(o->damage), "%s", message != NULL ? message : "damaged");
	}
	json_decref(doc);
	return true;
}

/* --- how they are called --- */

static const struct err *start_ssh(struct own *o, enum step step, const char *account, const char *command,
	struct spawn **out)
{
	bool source = step == EXPORT || step == ASK_SOURCE;
	char *text;
	const struct err *e;

	o->step = step;
	if (!carbonio_plain(account))
		return err_new(ERR_INPUT, "%s is no plain address", account);
	text = xasprintf("zmmailbox -z -m %s -t 0 %s", account, command);
	e = carbonio_ssh(o->job->conf, o->ssh, source ? o->job->claim->source.host : NULL,
		source ? o->job->claim->source.port : 0, text, out);
	free(text);
	return e;
}

static const struct err *start_export(struct own *o, struct spawn **out)
{
	const struct err *e = start_ssh(o, EXPORT, o->job->claim->source.user, "getRestURL '" EXPORT_URL "'", out);

	return e != NULL ? e : carbonio_into(*out, o->archive);
}

static const char *archive_of(const struct own *o)
{
	return o->job->upload != NULL ? o->job->upload : o->archive;
}

static const struct err *start_check(struct own *o, struct spawn **out)
{
	const struct err *e = tool_inspect(out, "tgz");

	o->step = CHECK;
	if (e == NULL)
		spawn_arg(*out, archive_of(o));
	return e;
}

static const struct err *start_import(struct own *o, struct spawn **out)
{
	char *command = xasprintf("postRestURL '" IMPORT_URL "' /dev/stdin", o->gzip ? "tgz" : "tar");
	const struct err *e = start_ssh(o, IMPORT, o->job->claim->destination.user, command, out);
	int fd = e == NULL ? open(archive_of(o), O_RDONLY | O_CLOEXEC) : -1;

	free(command);
	if (e == NULL && fd < 0)
		e = err_errno("open %s", archive_of(o));
	if (e == NULL)
		spawn_stdin(*out, fd);
	return e;
}

static const struct err *start_list(struct own *o, struct spawn **out)
{
	const struct err *e = start_ssh(o, LIST, o->job->claim->destination.user, "getRestURL '" LISTING_URL "'", out);

	o->empty = false;
	return e != NULL ? e : carbonio_into(*out, o->listing);
}

static const struct err *start_compare(struct own *o, struct spawn **out)
{
	const struct err *e = tool_inspect(out, "compare");

	o->step = COMPARE;
	if (e == NULL) {
		spawn_arg(*out, archive_of(o));
		spawn_arg(*out, o->listing);
	}
	return e;
}

/* --- after each step --- */

static const struct err *remote(struct own *o, int status)
{
	return o->empty && !(WIFEXITED(status) && WEXITSTATUS(status) == 0) ? NULL
									    : carbonio_ended("zmmailbox", status, &o->failure);
}

static const struct err *copy_of(const struct err *e)
{
	return e != NULL ? err_new(e->id, "%s", e->msg) : NULL;
}

static void tell_plan(struct own *o)
{
	tool_tell(o->job, json_pack("{s:s, s:I, s:I, s:I, s:I}", "t", "plan", "folders", (json_int_t)0, "messages",
		(json_int_t)o->total, "bytes", (json_int_t)o->bytes, "messages_present", (json_int_t)0));
}

static const struct err *inspected(struct own *o, int status)
{
	if (status == 0)
		return NULL;
	if (o->damage[0] != '\0')
		return err_new(ERR_SOURCE_DAMAGED, "nothing was imported: %s", o->damage);
	return err_new(ERR_TOOL_FAILED, "the check of the archive ended with status %d", status);
}

static const struct err *next(const struct tool_job *job, int status, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e = NULL;

	switch (o->step) {
	case ASK_SOURCE:
		e = copy_of(remote(o, status));
		return e != NULL ? e : start_ssh(o, ASK_DESTINATION, job->claim->destination.user, "getMailboxSize", out);
	case ASK_DESTINATION:
		o->asked = status;
		if (remote(o, status) != NULL || job->upload == NULL)
			return NULL;
		return start_check(o, out);
	case EXPORT:
		if ((e = copy_of(remote(o, status))) != NULL)
			return e;
		return o->empty ? NULL : start_check(o, out);
	case CHECK:
		if ((e = inspected(o, status)) != NULL)
			return e;
		if (job->claim->kind != RUN_PREFLIGHT)
			tell_plan(o);
		o->step = ROOM;
		return mailmover_look(job, out);
	case ROOM:
		if (job->claim->kind == RUN_PREFLIGHT)
			return NULL;
		/* what is there already has most likely come from there: it is not taken twice */
		e = room_for(&o->room, o->bytes - o->room.there);
		return e != NULL ? e : start_import(o, out);
	case IMPORT:
		if ((e = copy_of(remote(o, status))) != NULL)
			return e;
		return start_list(o, out);
	case LIST:
		if ((e = copy_of(remote(o, status))) != NULL)
			return e;
		return o->empty ? NULL : start_compare(o, out);
	case COMPARE:
		break;
	}
	return NULL;
}

/* --- life --- */

static void close_own(struct tool_job *job)
{
	struct own *o = job->own;

	if (o == NULL)
		return;
	lines_free(&o->lines);
	json_decref(o->short_folders);
	free(o->ssh);
	free(o->archive);
	free(o->listing);
	free(o);
	job->own = NULL;
}

static const struct err *open_own(struct tool_job *job)
{
	struct own *o = xcalloc(1, sizeof(*o));

	o->job = job;
	o->archive = xasprintf("%s/mailbox.tgz", job->work);
	o->listing = xasprintf("%s/listing.tgz", job->work);
	o->short_folders = json_array();
	lines_init(&o->lines, 65536);
	job->own = o;
	if (job->upload == NULL && *job->claim->source.host == '\0')
		return err_new(ERR_INPUT, "the mailbox has neither a file nor a server to ask over ssh");
	return carbonio_ready(job->conf, &o->ssh);
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	struct own *o = job->own;

	if (job->claim->kind == RUN_PREFLIGHT && job->upload == NULL)
		return start_ssh(o, ASK_SOURCE, job->claim->source.user, "getMailboxSize", out);
	if (job->claim->kind == RUN_PREFLIGHT)
		return start_ssh(o, ASK_DESTINATION, job->claim->destination.user, "getMailboxSize", out);
	return job->upload != NULL ? start_check(o, out) : start_export(o, out);
}

static void tell_done(const struct own *o, const struct outcome *out)
{
	tool_tell(o->job, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "t", "done", "status",
		run_status_name(out->status), "code", out->code, "messages_total", (json_int_t)o->total, "messages_copied",
		(json_int_t)o->found, "messages_present", (json_int_t)0, "refused", (json_int_t)(o->expected - o->found),
		"other_items", (json_int_t)o->others, "bytes_copied", (json_int_t)o->bytes, "short_folders", o->short_folders));
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	struct own *o = job->own;
	const struct err *e = NULL;

	(void)f;
	*out = (struct outcome){.status = RUN_SUCCEEDED};
	if (job->claim->kind == RUN_PREFLIGHT) {
		e = remote(o, o->step == ASK_SOURCE ? status : o->asked);
		tool_tell(job, tool_check("destination", "auth", e));
		if (e == NULL && o->step == ROOM) {
			e = room_for(&o->room, o->bytes - o->room.there);
			room_tell(job, &o->room, e);
		}
		if (e != NULL)
			outcome_fail(out, copy_of(e));
		return;
	}
	if (o->step == COMPARE && (status != 0 || o->damage[0] != '\0')) {
		outcome_fail(out, err_new(ERR_PROTOCOL, "the new mailbox cannot be listed: %s", o->damage));
		return;
	}
	if (o->step == LIST)
		o->expected = o->total; /* it is empty */
	if (o->found < o->expected) {
		outcome_fail(out, err_new(ERR_PARTIAL,
			"the import said nothing, but %lld of %lld messages of the archive are not in the new mailbox",
			(long long)(o->expected - o->found), (long long)o->expected));
		out->status = RUN_PARTIAL;
	}
	tell_done(o, out);
}

const struct tool tool_zmmailbox = {
	.name = "zmmailbox",
	.engine = ENGINE_REFERENCE,
	.sources = 1u << SOURCE_TGZ,
	.kinds = 1u << RUN_SYNC | 1u << RUN_PREFLIGHT,
	.memory = 2ull << 30,
	.open = open_own,
	.close = close_own,
	.output = output,
	.event = event,
	.prepare = prepare,
	.next = next,
	.finish = finish,
};
