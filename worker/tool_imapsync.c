/*
 * imapsync, as its manual says, with certificates checked, secrets in files in memory, and its log understood
 * (imapsync_log.h). Preflight logs in to both sides and looks at sizes and quota; a first pass does so too before it
 * copies a byte.
 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "imapsync_log.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "tool_account.h"

#include "banned.h"

#define TELL_MS 250 /* progress: at most four times a second */

struct own {
	const struct tool_job *job;
	struct imapsync_log log;
	int64_t told;
	bool sizing; /* the step that only looks */
	char *program;
	struct err failure; /* the first that is no message's */
};

/* --- what it says --- */

static int64_t known(int64_t n)
{
	return n > 0 ? n : 0;
}

static void tell_progress(struct own *o, const char *folder, bool now)
{
	const struct imapsync_counts *c = &o->log.counts;

	if (!now && clock_mono_ms() - o->told < TELL_MS)
		return;
	o->told = clock_mono_ms();
	tool_tell(o->job, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I}", "t", "progress", "messages_total",
		(json_int_t)known(c->total), "messages_done", (json_int_t)c->done, "bytes_total",
		(json_int_t)known(c->source_bytes), "bytes_done", (json_int_t)c->copied_bytes, "refused",
		(json_int_t)(c->errors + c->ignored), "folder", tool_text(folder), "folders_total",
		(json_int_t)c->folders, "folders_done", (json_int_t)c->folders_done));
}

static void tell_refused(struct own *o, const struct imapsync_item *i)
{
	tool_tell(o->job, json_pack("{s:s, s:o, s:I, s:I, s:s, s:o, s:s}", "t", "refused", "folder",
		tool_text(i->folder), "uid", (json_int_t)i->uid, "size", (json_int_t)i->size, "code",
		err_row(i->code)->code, "server", tool_text(i->words), "file", ""));
}

static void tell_warning(struct own *o, const struct imapsync_item *i)
{
	tool_tell(o->job, json_pack("{s:s, s:s, s:o}", "t", "warning", "code", err_row(i->code)->code, "message",
		tool_text(i->words)));
}

static void said(void *arg, const struct imapsync_item *i)
{
	struct own *o = arg;

	switch (i->said) {
	case IMAPSYNC_FOLDER:
		tell_progress(o, i->folder, true);
		break;
	case IMAPSYNC_PROGRESS:
		tell_progress(o, i->folder, false);
		break;
	case IMAPSYNC_REFUSED:
		tell_refused(o, i);
		break;
	case IMAPSYNC_FAILED:
		if (o->failure.id == ERR_NONE)
			o->failure = *err_new(i->code == ERR_MESSAGE_REFUSED ? ERR_TOOL_FAILED : i->code, "imapsync: %.300s",
				i->words);
		tell_warning(o, i);
		break;
	case IMAPSYNC_THROTTLED:
		tell_warning(o, i);
		break;
	}
}

static void output(const struct tool_job *job, const char *p, size_t n)
{
	struct own *o = job->own;

	imapsync_log_feed(&o->log, p, n);
}

/* --- how it is called --- */

/* What the reference engine would do differently from what was asked is refused, not left out in silence. */
static const struct err *check_options(const struct tool_job *job)
{
	static const char *const missing[] = {"since", "before", "include", "exclude"};
	const json_t *sets[] = {job->claim->options, job->claim->folders};

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		for (int k = 0; k < 2; k++) {
			const json_t *v = json_object_get(sets[k], missing[i]);

			if (v != NULL && !json_is_null(v) && (!json_is_array(v) || json_array_size(v) > 0))
				return err_new(ERR_UNSUPPORTED, "%s: not with the engine reference; use native", missing[i]);
		}
	return NULL;
}

static void add_tls(struct spawn *s, int side, const struct account *a, const struct tool_job *job)
{
	const char *pin = json_string_value(json_object_get(job->claim->options,
		side == 1 ? "from_tls_fingerprint" : "to_tls_fingerprint"));
	char option[16];

	if (a->tls == TLS_NONE) {
		spawn_argf(s, "--nossl%d", side);
		spawn_argf(s, "--notls%d", side);
		return;
	}
	spawn_argf(s, a->tls == TLS_IMPLICIT ? "--ssl%d" : "--tls%d", side);
	snprintf(option, sizeof(option), "--sslargs%d", side);
	/* its own default is to check nothing, and with STARTTLS not even a scheme for names */
	spawn_arg(s, option);
	spawn_arg(s, "SSL_verify_mode=1");
	spawn_arg(s, option);
	spawn_arg(s, "SSL_verifycn_scheme=imap");
	spawn_arg(s, option);
	spawn_argf(s, "SSL_verifycn_name=%s", a->host);
	if (*conf_str(job->conf, CONF_TLS_CA_FILE) != '\0') {
		spawn_arg(s, option);
		spawn_argf(s, "SSL_ca_file=%s", conf_str(job->conf, CONF_TLS_CA_FILE));
	}
	if (pin != NULL) {
		struct buf hex = BUF_INIT;

		for (const char *p = pin; *p != '\0'; p++)
			if (*p != ':')
				buf_addc(&hex, *p);
		spawn_arg(s, option);
		spawn_argf(s, "SSL_fingerprint=sha256$%s", hex.ptr);
		buf_free(&hex);
	}
}

static const struct err *add_account(struct spawn *s, int side, const struct account *a, const struct tool_job *job)
{
	const char *master = account_master(a);
	char name[16], *file;
	const struct err *e;

	snprintf(name, sizeof(name), "secret%d", side);
	if (a->auth == AUTH_MASTER && master == NULL)
		return err_new(ERR_INPUT, "auth master needs a user of the form mailbox*master");
	if ((e = tool_secret_file(job, name, a->secret, a->secret_len, &file)) != NULL)
		return e;
	spawn_argf(s, "--host%d", side);
	spawn_arg(s, a->host);
	spawn_argf(s, "--port%d", side);
	spawn_argf(s, "%lld", (long long)a->port);
	spawn_argf(s, "--user%d", side);
	spawn_argf(s, "%.*s", master != NULL ? (int)(master - 1 - a->user) : (int)strlen(a->user), a->user);
	if (master != NULL) {
		spawn_argf(s, "--authuser%d", side);
		spawn_arg(s, master);
	}
	spawn_argf(s, "--passfile%d", side);
	spawn_arg(s, file);
	if (a->auth == AUTH_XOAUTH2 || a->auth == AUTH_OAUTHBEARER) {
		spawn_argf(s, "--oauthaccesstoken%d", side);
		spawn_arg(s, file);
	}
	free(file);
	add_tls(s, side, a, job);
	return NULL;
}

static void add_own(struct spawn *s, const struct tool_job *job)
{
	static const char *const always[] = {"--automap", "--syncinternaldates", "--useheader", "Message-Id", "--errorsmax",
		"100", "--addheader", "--noreleasecheck", "--nomodulesversion", "--noid",
		"--nodockercontext"}; /* in a container it would leave its current folder */
	const json_t *o = job->claim->options, *map = json_object_get(job->claim->folders, "map"), *v;
	const char *from;
	json_t *to;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		spawn_arg(s, always[i]);
	spawn_arg(s, "--tmpdir");
	spawn_arg(s, job->state);
	spawn_arg(s, "--pidfile");
	spawn_argf(s, "%s/imapsync.pid", job->work);
	spawn_arg(s, "--logdir");
	spawn_argf(s, "%s/imapsync", job->work);
	if (json_is_true(json_object_get(o, "dry_run")))
		spawn_arg(s, "--dry");
	if (json_is_integer(v = json_object_get(o, "max_size"))) {
		spawn_arg(s, "--maxsize");
		spawn_argf(s, "%lld", (long long)json_integer_value(v));
	}
	if (json_is_integer(v = json_object_get(o, "max_rate"))) {
		spawn_arg(s, "--maxbytespersecond");
		spawn_argf(s, "%lld", (long long)json_integer_value(v));
	}
	json_object_foreach((json_t *)(uintptr_t)map, from, to)
		if (json_is_string(to)) {
			spawn_arg(s, "--f1f2");
			spawn_argf(s, "%s=%s", from, json_string_value(to));
		}
}

static const struct err *make(const struct tool_job *job, bool sizing, struct spawn **out)
{
	struct own *o = job->own;
	struct spawn *s = spawn_new(o->program);
	const struct err *e = add_account(s, 1, job->source, job);

	o->sizing = sizing;
	if (e == NULL)
		e = add_account(s, 2, job->destination, job);
	if (e != NULL) {
		spawn_free(s);
		return e;
	}
	add_own(s, job);
	if (sizing)
		spawn_arg(s, "--justfoldersizes");
	*out = s;
	return NULL;
}

static const struct err *open_own(struct tool_job *job)
{
	struct own *o;
	char *program;
	const struct err *e = account_check_tls(job->conf, job->source);

	if (e == NULL)
		e = account_check_tls(job->conf, job->destination);
	if (e == NULL)
		e = check_options(job);
	if (e == NULL)
		e = tool_program(job->conf, CONF_IMAPSYNC_BIN, "imapsync", &program);
	if (e != NULL)
		return e;
	o = xcalloc(1, sizeof(*o));
	o->job = job;
	o->program = program;
	imapsync_log_init(&o->log, said, o);
	job->own = o;
	return NULL;
}

static void close_own(struct tool_job *job)
{
	struct own *o = job->own;

	if (o == NULL)
		return;
	imapsync_log_free(&o->log);
	free(o->program);
	free(o);
	job->own = NULL;
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	const struct err *e = job->claim->kind == RUN_SYNC ? tool_forget_other_way(job, false) : NULL;

	return e != NULL ? e : make(job, job->claim->kind == RUN_PREFLIGHT || job->claim->pass == PASS_INITIAL, out);
}

/* --- how it ended --- */

static const struct {
	int value;
	enum err_id code;
	const char *words;
} ends[] = {
	{8, ERR_STATE_BUSY, "another imapsync of this run is alive"},
	{10, ERR_HOST_UNREACHABLE, "a server cannot be reached"},
	{101, ERR_HOST_UNREACHABLE, "the old server cannot be reached"},
	{102, ERR_HOST_UNREACHABLE, "the new server cannot be reached"},
	{12, ERR_TLS_FAILED, "TLS could not be agreed on"},
	{16, ERR_AUTH_REJECTED, "a server refuses the log-in"},
	{161, ERR_AUTH_REJECTED, "the old server refuses the log-in"},
	{162, ERR_AUTH_REJECTED, "the new server refuses the log-in"},
	{21, ERR_FOLDER_DENIED, "a folder that was named does not exist"},
	{64, ERR_TOOL_FAILED, "imapsync does not understand its arguments: another version?"},
};

/* An error that ended imapsync before its work; NULL: it got to its end. */
static const struct err *fatal(const struct own *o, int status)
{
	const struct imapsync_counts *c = &o->log.counts;

	if (WIFSIGNALED(status))
		return err_new(ERR_TOOL_FAILED, "imapsync was ended by signal %d (%s)%s", WTERMSIG(status),
			strsignal(WTERMSIG(status)), WTERMSIG(status) == SIGKILL ? ": out of memory?" : "");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i].value == WEXITSTATUS(status)) {
			/* the words know more than the status: a certificate that is not trusted ends with 101 */
			if (o->failure.id != ERR_NONE && o->failure.id != ERR_TOOL_FAILED)
				return err_new(o->failure.id, "%s: %s", ends[i].words, o->failure.msg);
			return err_new(ends[i].code, "%s%s%s", ends[i].words, o->failure.msg[0] != '\0' ? ": " : "",
				o->failure.msg);
		}
	if (o->sizing && status == 0 && c->source_messages >= 0 && c->dest_bytes >= 0)
		return NULL; /* --justfoldersizes has no last word */
	if (!c->ended)
		return err_new(ERR_TOOL_FAILED, "imapsync ended with status %d and no last word: see the log",
			WEXITSTATUS(status));
	if (c->exit_value != WEXITSTATUS(status))
		return err_new(ERR_TOOL_FAILED, "imapsync said %d but ended with status %d: see the log", c->exit_value,
			WEXITSTATUS(status));
	return NULL;
}

/* More to come than the destination may hold. */
static const struct err *check_room(const struct own *o)
{
	const struct imapsync_counts *c = &o->log.counts;

	if (c->quota_limit <= 0 || c->source_bytes < 0)
		return NULL;
	if (c->source_bytes - known(c->dest_bytes) <= c->quota_limit - c->quota_used)
		return NULL;
	return err_new(ERR_QUOTA, "the old mailbox holds %lld bytes, the new one may hold %lld and has %lld",
		(long long)c->source_bytes, (long long)c->quota_limit, (long long)c->quota_used);
}

static void tell_check(const struct own *o, const char *side, const char *name, const struct err *e)
{
	const struct imapsync_counts *c = &o->log.counts;
	json_t *event = tool_check(side, name, e);

	if (strcmp(name, "list") == 0) {
		json_object_set_new(event, "messages", json_integer(known(c->source_messages)));
		json_object_set_new(event, "bytes", json_integer(known(c->source_bytes)));
	}
	if (strcmp(name, "quota") == 0 && c->quota_limit > 0) {
		json_object_set_new(event, "quota_used", json_integer(c->quota_used));
		json_object_set_new(event, "quota_limit", json_integer(c->quota_limit));
	}
	tool_tell(o->job, event);
}

static const struct err *next(const struct tool_job *job, int status, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e;

	if (!o->sizing || job->claim->kind == RUN_PREFLIGHT)
		return NULL;
	if ((e = fatal(o, status)) != NULL || (e = check_room(o)) != NULL)
		return e;
	imapsync_log_free(&o->log);
	imapsync_log_init(&o->log, said, o);
	return make(job, false, out);
}

static void end_with(struct outcome *out, enum run_status status, const struct err *e)
{
	outcome_fail(out, e);
	out->status = status;
}

static void tell_done(const struct own *o, const struct outcome *out, int64_t missing)
{
	const struct imapsync_counts *c = &o->log.counts;
	int64_t total = known(c->source_messages), copied = c->transferred >= 0 ? c->transferred : c->copied;
	int64_t present = total - copied - missing;

	tool_tell(o->job, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "t", "done", "status",
		run_status_name(out->status), "code", out->code, "messages_total", (json_int_t)total, "messages_copied",
		(json_int_t)copied, "messages_present", (json_int_t)known(present), "refused",
		(json_int_t)(c->errors + c->ignored), "missing", (json_int_t)missing, "bytes_copied",
		(json_int_t)c->copied_bytes));
}

/* Its own verdict compares header hashes and counts no duplicates: what was not said to be moved is missing. */
static int64_t left_behind(const struct imapsync_counts *c)
{
	int64_t n = known(c->duplicate1) + known(c->void1), said = c->errors + c->ignored;

	if (n < said)
		n = said;
	return n < known(c->unsynced) ? c->unsynced : n;
}

static void finish_sync(const struct tool_job *job, struct own *o, struct outcome *out)
{
	const struct imapsync_counts *c = &o->log.counts;
	int64_t missing = left_behind(c);
	enum err_id code = c->throttled ? ERR_THROTTLED : c->most_frequent != ERR_NONE ? c->most_frequent : ERR_PARTIAL;

	tell_progress(o, "", true);
	out->status = RUN_SUCCEEDED;
	out->code[0] = out->message[0] = '\0';
	if (missing > 0 || known(c->detected) > 0 || c->exit_value != 0)
		end_with(out, RUN_PARTIAL,
			err_new(code,
				"imapsync left messages behind: %lld failed, %lld passed over, %lld with the same Message-Id as another",
				(long long)(c->errors > known(c->detected) ? c->errors : known(c->detected)), (long long)c->ignored,
				(long long)known(c->duplicate1)));
	/* nothing moved, and not because it was there: no pass has come to its end */
	if (out->status == RUN_PARTIAL && (code == ERR_THROTTLED || code == ERR_QUOTA) && c->copied == 0)
		out->status = RUN_FAILED;
	tell_done(o, out, missing);
	(void)job;
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	struct own *o = job->own;
	const struct err *e = fatal(o, status), *room;
	struct err first;

	(void)f;
	if (job->claim->kind == RUN_PREFLIGHT) {
		int value = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		const char *side = value == 102 || value == 162 || strstr(o->failure.msg, "Host2") != NULL ? "destination" : "source";

		if (e != NULL)
			first = *e;
		tell_check(o, side, "auth", e != NULL ? &first : NULL);
		if (e == NULL) {
			tell_check(o, "destination", "auth", NULL);
			tell_check(o, "source", "list", NULL);
			room = check_room(o);
			if (room != NULL)
				first = *room;
			tell_check(o, "destination", "quota", room != NULL ? &first : NULL);
			e = room;
		}
		if (e != NULL) {
			outcome_fail(out, &first);
			return;
		}
		*out = (struct outcome){.status = RUN_SUCCEEDED};
		return;
	}
	if (e != NULL)
		outcome_fail(out, e);
	else
		finish_sync(job, o, out);
}

const struct tool tool_imapsync = {
	.name = "imapsync",
	.engine = ENGINE_REFERENCE,
	.sources = 1u << SOURCE_IMAP,
	.kinds = 1u << RUN_SYNC | 1u << RUN_PREFLIGHT,
	.memory = 4ull << 30,
	.open = open_own,
	.close = close_own,
	.output = output,
	.prepare = prepare,
	.next = next,
	.finish = finish,
};
