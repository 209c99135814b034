/*
 * Zimbra's and Carbonio's own archives, over ssh with pinned host keys:
 *
 *   export (getRestURL on the old server, or the upload) -> check -> import (postRestURL) -> list -> compare
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

#include "fs.h"
#include "inspect.h"
#include "json.h"
#include "lines.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define EXPORT_URL "//?fmt=tgz"
#define LISTING_URL "//?fmt=tgz&body=0&types=message"
#define IMPORT_URL "//?fmt=%s&resolve=skip"

enum step { ASK_SOURCE, ASK_DESTINATION, EXPORT, CHECK, IMPORT, LIST, COMPARE };

struct own {
	const struct tool_job *job;
	enum step step;
	char *ssh, *archive, *listing;
	struct lines lines;
	int64_t total, others, expected, found, bytes;
	bool gzip;
	bool empty;  /* 204: the mailbox has nothing */
	json_t *short_folders;
	struct err failure; /* zmmailbox's or ssh's own words */
	char damage[ERR_MSG_SIZE];
};

/* --- what they say --- */

static const struct {
	const char *words;
	enum err_id code;
} meanings[] = {
	{"Host key verification failed", ERR_TLS_UNTRUSTED},
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", ERR_TLS_UNTRUSTED},
	{"Permission denied (", ERR_AUTH_REJECTED},
	{"Could not resolve hostname", ERR_HOST_UNKNOWN},
	{"Connection refused", ERR_HOST_REFUSED},
	{"Connection timed out", ERR_HOST_UNREACHABLE},
	{"No route to host", ERR_HOST_UNREACHABLE},
	{"Connection closed by", ERR_LINE_LOST},
	{"Connection reset", ERR_LINE_LOST},
	{"client_loop", ERR_LINE_LOST},
	{"carbonio-shell:", ERR_PERMISSION},
	{"zmmailbox: command not found", ERR_TOOL_MISSING},
	{"zmmailbox: not found", ERR_TOOL_MISSING},
	{"QUOTA_EXCEEDED", ERR_QUOTA},
	{"NO_SUCH_ACCOUNT", ERR_NOT_FOUND},
	{"status=401", ERR_AUTH_REJECTED},
	{"ERROR: ", ERR_TOOL_FAILED},
};

static void on_line(void *arg, const char *line, size_t n)
{
	struct own *o = arg;

	(void)n;
	if (strstr(line, "status=204") != NULL) {
		o->empty = true;
		return;
	}
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strstr(line, meanings[i].words) != NULL && (o->failure.id == ERR_NONE || i < 2)) {
			o->failure = *err_new(meanings[i].code, "%s: %.300s",
				o->step == EXPORT || o->step == ASK_SOURCE ? "the old server" : "the new server", line);
			return;
		}
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

	if (type == NULL) {
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

/* It stands in a shell's command on another machine: what is no plain address is not sent there. */
static bool is_address(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+=-@");

	return *s != '-' && *s != '\0' && s[n] == '\0' && n <= 320;
}

/* "user@host" in parts; without a user: that of zmmailbox. */
static const struct err *add_target(struct spawn *s, const struct tool_job *job, bool source, bool *same)
{
	const char *target = source ? job->claim->source.host : conf_str(job->conf, CONF_CARBONIO_SSH);
	const char *at = strrchr(target, '@'), *zm = conf_str(job->conf, CONF_ZMMAILBOX_USER), *colon;
	const char *host = at != NULL ? at + 1 : target;
	int64_t port = source ? job->claim->source.port : 0;
	char *user = at != NULL ? xasprintf("%.*s", (int)(at - target), target) : xstrdup(zm);
	const struct err *e = NULL;

	colon = !source ? strrchr(host, ':') : NULL; /* the setting may hold a port */
	if (colon != NULL && str_i64(colon + 1, 1, 65535, &port))
		;
	else
		colon = NULL;
	*same = strcmp(user, zm) == 0;
	if (!is_address(user) || *host == '-' || *host == '\0')
		e = err_new(ERR_CONFIG, "%s is no user@host for ssh", target);
	if (e == NULL && port > 0) {
		spawn_arg(s, "-p");
		spawn_argf(s, "%lld", (long long)port);
	}
	if (e == NULL) {
		spawn_arg(s, "-l");
		spawn_arg(s, user);
		spawn_arg(s, "--");
		spawn_argf(s, "%.*s", colon != NULL ? (int)(colon - host) : (int)strlen(host), host);
	}
	free(user);
	return e;
}

static void add_options(struct spawn *s, const struct conf *c)
{
	const char *known = conf_str(c, CONF_SSH_KNOWN_HOSTS), *key = conf_str(c, CONF_SSH_KEY_FILE);
	static const char *const always[] = {"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
		"ConnectTimeout=30", "ServerAliveInterval=30", "ServerAliveCountMax=6", "ForwardAgent=no", "ForwardX11=no",
		"PermitLocalCommand=no", "ControlMaster=no", "ControlPath=none", "GlobalKnownHostsFile=/dev/null"};

	spawn_arg(s, "-F");
	spawn_arg(s, "/dev/null");
	spawn_arg(s, "-T");
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		spawn_arg(s, "-o");
		spawn_arg(s, always[i]);
	}
	spawn_arg(s, "-o");
	spawn_argf(s, "UserKnownHostsFile=%s", known);
	spawn_readable(s, known);
	if (*key != '\0') {
		spawn_arg(s, "-o");
		spawn_arg(s, "IdentitiesOnly=yes");
		spawn_arg(s, "-i");
		spawn_arg(s, key);
		spawn_readable(s, key);
	} else if (getenv("SSH_AUTH_SOCK") != NULL) {
		spawn_env(s, "SSH_AUTH_SOCK", getenv("SSH_AUTH_SOCK"));
	}
}

/* As its user's log-in shell, so that zmmailbox is found and has what it needs. carbonio-shell knows this form. */
static const struct err *start_ssh(struct own *o, enum step step, const char *account, const char *command,
	struct spawn **out)
{
	const struct conf *c = o->job->conf;
	struct spawn *s = spawn_new(o->ssh);
	bool same = false, source = step == EXPORT || step == ASK_SOURCE;
	const struct err *e;

	o->step = step;
	add_options(s, c);
	e = add_target(s, o->job, source, &same);
	if (e == NULL && !is_address(account))
		e = err_new(ERR_INPUT, "%s is no plain address", account);
	if (e != NULL) {
		spawn_free(s);
		return e;
	}
	if (same)
		spawn_argf(s, "bash -lc \"zmmailbox -z -m %s -t 0 %s\"", account, command);
	else
		spawn_argf(s, "su - %s -c \"zmmailbox -z -m %s -t 0 %s\"", conf_str(c, CONF_ZMMAILBOX_USER), account, command);
	*out = s;
	return NULL;
}

static const struct err *into_file(struct spawn *s, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno("create %s", path);
	spawn_stdout(s, fd);
	return NULL;
}

static const struct err *start_export(struct own *o, struct spawn **out)
{
	const struct err *e = start_ssh(o, EXPORT, o->job->claim->source.user, "getRestURL '" EXPORT_URL "'", out);

	return e != NULL ? e : into_file(*out, o->archive);
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
	return e != NULL ? e : into_file(*out, o->listing);
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
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		/* its interactive mode prints errors and ends with 0 all the same */
		return o->failure.id == ERR_TOOL_FAILED ? &o->failure : NULL;
	if (o->empty)
		return NULL;
	if (o->failure.id != ERR_NONE)
		return &o->failure;
	if (WIFSIGNALED(status))
		return err_new(ERR_TOOL_FAILED, "ssh was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_new(WEXITSTATUS(status) == 255 ? ERR_HOST_UNREACHABLE : ERR_TOOL_FAILED,
		"zmmailbox ended with status %d and said nothing of it", WEXITSTATUS(status));
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
		return NULL;
	case EXPORT:
		if ((e = copy_of(remote(o, status))) != NULL)
			return e;
		return o->empty ? NULL : start_check(o, out);
	case CHECK:
		if ((e = inspected(o, status)) != NULL)
			return e;
		tell_plan(o);
		return start_import(o, out);
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
	if (*conf_str(job->conf, CONF_CARBONIO_SSH) == '\0')
		return err_new(ERR_CONFIG, "MIGRATION_CARBONIO_SSH is not set: user@host of the new server");
	if (*conf_str(job->conf, CONF_SSH_KNOWN_HOSTS) == '\0')
		return err_new(ERR_CONFIG, "MIGRATION_SSH_KNOWN_HOSTS is not set: the file with the servers' host keys");
	return tool_program(job->conf, CONF_COUNT, "ssh", &o->ssh);
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
		e = remote(o, status);
		tool_tell(job, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "t", "check", "side", "destination", "name", "auth",
			"ok", e == NULL, "code", e != NULL ? err_code(e) : "", "message", e != NULL ? e->msg : ""));
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
