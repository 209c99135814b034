/* mailmover, the engine of this project: preflight (check), discover (copy's plan), sync and recopy (copy), verify. */
#include "tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "buf.h"
#include "fs.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "tool_account.h"

#include "banned.h"

#define COPY (1u << 0)
#define VERIFY (1u << 1)
#define CHECK (1u << 2)

static const struct {
	enum run_kind kind;
	unsigned bit;
	const char *word;
} commands[] = {
	{RUN_SYNC, COPY, "copy"},
	{RUN_RECOPY, COPY, "copy"},
	{RUN_STRAGGLER, COPY, "copy"},
	{RUN_ROLLBACK, COPY, "copy"},
	{RUN_VERIFY, VERIFY, "verify"},
	{RUN_PREFLIGHT, CHECK, "check"},
	{RUN_DISCOVER, COPY, "copy"},
};

/* Options of a run, as they stand in its JSON, and the engine's arguments for them. */
static const struct {
	const char *key, *argument;
	json_type type; /* JSON_TRUE: a switch */
	unsigned commands;
} options[] = {
	{"deep", "--deep", JSON_TRUE, VERIFY},
	{"dry_run", "--dry-run", JSON_TRUE, COPY},
	{"flags_sync", "--flags-sync", JSON_TRUE, COPY},
	{"automap", "--automap", JSON_TRUE, COPY | VERIFY},
	{"since", "--since", JSON_STRING, COPY | VERIFY},
	{"before", "--before", JSON_STRING, COPY | VERIFY},
	{"max_size", "--max-size", JSON_INTEGER, COPY | VERIFY},
	{"max_rate", "--max-rate", JSON_INTEGER, COPY},
	{"from_tls_fingerprint", "--from-tls-fingerprint", JSON_STRING, COPY | VERIFY | CHECK},
	{"to_tls_fingerprint", "--to-tls-fingerprint", JSON_STRING, COPY | VERIFY | CHECK},
};

/* Without TLS is a matter of both sides at once for the engine: a side that asks for STARTTLS must not lose it
 * because the other side has none. */
static const struct err *check_tls(const struct tool_job *job)
{
	const struct account *sides[] = {job->claim->source_kind == SOURCE_IMAP ? job->source : job->destination,
		job->destination};
	bool none = false, starttls = false;

	for (int i = 0; i < 2; i++) {
		const struct err *e = account_check_tls(job->conf, sides[i]);

		if (e != NULL)
			return e;
		none |= sides[i]->tls == TLS_NONE;
		starttls |= sides[i]->tls == TLS_STARTTLS;
	}
	if (none && starttls)
		return err_new(ERR_UNSUPPORTED, "one side without TLS and the other with STARTTLS: use tls on the second");
	return NULL;
}

static const struct err *add_account(struct spawn *s, const char *side, const struct account *a)
{
	const char *user = a->user, *master = account_master(a);
	struct buf url = BUF_INIT;
	const struct err *e;
	char *option;

	if (a->auth == AUTH_MASTER && master == NULL)
		return err_new(ERR_INPUT, "the %s: auth master needs a user of the form mailbox*master",
			strcmp(side, "from") == 0 ? "source" : "destination");
	buf_adds(&url, a->tls == TLS_IMPLICIT ? "imaps://" : "imap://");
	str_percent(&url, master != NULL ? master : user, strlen(master != NULL ? master : user));
	buf_addf(&url, strchr(a->host, ':') != NULL ? "@[%s]:%lld" : "@%s:%lld", a->host, (long long)a->port);
	spawn_argf(s, "--%s", side);
	spawn_arg(s, url.ptr);
	buf_free(&url);
	if (a->auth == AUTH_XOAUTH2 || a->auth == AUTH_OAUTHBEARER || master != NULL)
		spawn_argf(s, "--%s-auth", side);
	if (master != NULL)
		spawn_argf(s, "plain:%.*s", (int)(master - 1 - user), user);
	else if (a->auth == AUTH_XOAUTH2 || a->auth == AUTH_OAUTHBEARER)
		spawn_arg(s, auth_kind_name(a->auth));
	option = xasprintf("--%s-secret", side);
	e = spawn_secret(s, option, a->secret, a->secret_len);
	free(option);
	return e;
}

/* What the engine calls this kind of file. An upload "mbox" may also be a zip of .eml files; its name says nothing. */
static const char *scheme(const struct tool_job *job)
{
	char start[4] = "";
	FILE *f;

	if (job->claim->source_kind == SOURCE_PST)
		return "pst";
	if (job->claim->source_kind == SOURCE_TGZ)
		return "tgz";
	f = fopen(job->upload, "re");
	if (f == NULL)
		return "mbox"; /* the engine says why */
	if (fread(start, 1, sizeof(start), f) < sizeof(start))
		start[0] = '\0';
	fclose(f);
	return memcmp(start, "PK\3\4", 4) == 0 ? "zip" : "mbox";
}

static const struct err *add_source(struct spawn *s, const struct tool_job *job)
{
	struct buf path = BUF_INIT;

	if (job->claim->source_kind == SOURCE_IMAP)
		return add_account(s, "from", job->source);
	if (job->upload == NULL)
		return err_new(ERR_UNSUPPORTED, "this source needs a file: upload it first");
	str_percent(&path, job->upload, strlen(job->upload));
	spawn_arg(s, "--from");
	spawn_argf(s, "%s:%s", scheme(job), path.ptr);
	buf_free(&path);
	return NULL;
}

/* The way back: what the options say of one side is true of the other. */
static const char *other_side(const char *argument)
{
	if (strcmp(argument, "--from-tls-fingerprint") == 0)
		return "--to-tls-fingerprint";
	return strcmp(argument, "--to-tls-fingerprint") == 0 ? "--from-tls-fingerprint" : argument;
}

static void add_options(struct spawn *s, const json_t *given, unsigned command, bool back)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		json_t *v = json_object_get(given, options[i].key);

		if (v == NULL || json_typeof(v) != options[i].type || !(options[i].commands & command))
			continue;
		spawn_arg(s, back ? other_side(options[i].argument) : options[i].argument);
		if (json_is_string(v))
			spawn_arg(s, json_string_value(v));
		else if (json_is_integer(v))
			spawn_argf(s, "%lld", (long long)json_integer_value(v));
	}
}

/* {"map":{"src":"dst"},"include":[],"exclude":[]}, of the mailbox and of the run. */
static void add_folders(struct spawn *s, const json_t *folders, bool back)
{
	static const char *const lists[][2] = {{"include", "--include"}, {"exclude", "--exclude"}};
	const char *from;
	json_t *v;
	size_t i;

	for (const char *const(*l)[2] = lists; l < lists + 2 && !back; l++)
		json_array_foreach(json_object_get(folders, (*l)[0]), i, v)
			if (json_is_string(v)) {
				spawn_arg(s, (*l)[1]);
				spawn_arg(s, json_string_value(v));
			}
	json_object_foreach(json_object_get(folders, "map"), from, v)
		if (json_is_string(v)) {
			spawn_arg(s, "--map");
			spawn_argf(s, "%s=%s", back ? json_string_value(v) : from, back ? from : json_string_value(v));
		}
}

static const struct err *add_baseline(struct spawn *s, const struct tool_job *job)
{
	char *path, *text;
	const struct err *e;

	if (job->claim->baseline == NULL)
		return NULL;
	path = xasprintf("%s/baseline.json", job->work);
	text = js_text(job->claim->baseline);
	e = fs_write(path, text, strlen(text), 0600);
	spawn_arg(s, "--baseline");
	spawn_arg(s, path);
	free(path);
	free(text);
	return e;
}

/* A recopy's messages: never without them, that would be a pass over everything. */
static const struct err *add_only(struct spawn *s, const struct tool_job *job)
{
	json_t *only = json_object_get(job->claim->options, "only");
	char *path, *text;
	const struct err *e;

	if (job->claim->kind != RUN_RECOPY)
		return NULL;
	if (!json_is_object(only))
		return err_new(ERR_INPUT, "a recopy needs options.only: the messages to be copied");
	path = xasprintf("%s/only.json", job->work);
	text = js_text(only);
	e = fs_write(path, text, strlen(text), 0600);
	spawn_arg(s, "--only");
	spawn_arg(s, path);
	free(path);
	free(text);
	return e;
}

/* What decides how a server may be reached: the same for every account of a command. */
static void add_reach(struct spawn *s, const struct conf *c, bool plaintext)
{
	char *const *list = conf_list(c, CONF_DENY_NETWORKS);

	if (plaintext)
		spawn_arg(s, "--allow-plaintext");
	if (*conf_str(c, CONF_TLS_CA_FILE) != '\0') {
		spawn_arg(s, "--ca-file");
		spawn_arg(s, conf_str(c, CONF_TLS_CA_FILE));
	}
	for (; list != NULL && *list != NULL; list++) {
		spawn_arg(s, "--deny-network");
		spawn_arg(s, *list);
	}
}

static const struct err *fill(struct spawn *s, const struct tool_job *job, unsigned command)
{
	bool back = job->claim->kind == RUN_ROLLBACK;
	const struct err *e;

	e = back ? add_account(s, "from", job->destination) : add_source(s, job);
	if (e != NULL || (e = add_account(s, "to", back ? job->source : job->destination)) != NULL)
		return e;
	add_reach(s, job->conf, (job->claim->source_kind == SOURCE_IMAP && job->source->tls == TLS_NONE) ||
		job->destination->tls == TLS_NONE);
	if (command != CHECK) {
		spawn_arg(s, "--max-connections");
		spawn_argf(s, "%d", job->connections);
		add_folders(s, job->claim->folders, back);
		add_folders(s, job->claim->options, back);
	}
	if (command == COPY && (e = tool_forget_other_way(job, back)) != NULL)
		return e;
	if (command == COPY) {
		spawn_arg(s, "--state");
		spawn_argf(s, "%s/%s", job->state, back ? TOOL_STATE_BACK : TOOL_STATE);
		spawn_arg(s, "--quarantine");
		spawn_arg(s, job->quarantine);
	}
	if (job->claim->kind == RUN_DISCOVER)
		spawn_arg(s, "--dry-run");
	if ((e = add_only(s, job)) != NULL)
		return e;
	add_options(s, job->claim->options, command, back);
	if (command == VERIFY && (e = add_baseline(s, job)) != NULL)
		return e;
	return spawn_events(s, "--events");
}

const struct err *mailmover_look(const struct tool_job *job, struct spawn **out)
{
	struct spawn *s = spawn_new(conf_str(job->conf, CONF_MAILMOVER_BIN));
	const struct err *e;

	spawn_arg(s, "check");
	e = add_account(s, "from", job->destination);
	if (e == NULL) {
		add_reach(s, job->conf, job->destination->tls == TLS_NONE);
		if (json_is_string(json_object_get(job->claim->options, "to_tls_fingerprint"))) {
			spawn_arg(s, "--from-tls-fingerprint");
			spawn_arg(s, json_string_value(json_object_get(job->claim->options, "to_tls_fingerprint")));
		}
		e = spawn_events(s, "--events");
	}
	if (e != NULL)
		spawn_free(s);
	else
		*out = s;
	return e;
}

/* mailmover starts mailmover-source for a file: the one beside it, or the one installed (engine/feed.c). */
static void allow_reader(struct spawn *s, const char *program)
{
	const char *slash = strrchr(program, '/');
	char *beside = xasprintf("%.*s/mailmover-source", slash != NULL ? (int)(slash - program) : 0, program);

	spawn_readable(s, beside);
	spawn_readable(s, PKGLIBEXECDIR "/mailmover-source");
	free(beside);
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	const struct err *e = check_tls(job);
	struct spawn *s;
	size_t i = 0;

	if (e != NULL)
		return e;
	while (commands[i].kind != job->claim->kind)
		i++; /* tool_find has seen to it that there is one */
	s = spawn_new(conf_str(job->conf, CONF_MAILMOVER_BIN));
	if (job->claim->source_kind != SOURCE_IMAP)
		allow_reader(s, conf_str(job->conf, CONF_MAILMOVER_BIN));
	spawn_arg(s, commands[i].word);
	e = fill(s, job, commands[i].bit);
	if (e != NULL)
		spawn_free(s);
	else
		*out = s;
	return e;
}

/* The last event and the exit status must agree: neither alone is believed. */
static bool agrees(enum run_status said, int exit_status)
{
	switch (said) {
	case RUN_SUCCEEDED:
		return exit_status == 0;
	case RUN_PARTIAL:
		return exit_status == 1;
	default:
		return exit_status > 1;
	}
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	const json_t *done = findings_done(f);
	const char *word = json_string_value(json_object_get(done, "status"));
	const char *code = json_string_value(json_object_get(done, "code"));
	const char *message = json_string_value(json_object_get(done, "message"));

	(void)job;
	if (WIFSIGNALED(status)) {
		outcome_fail(out, err_new(ERR_TOOL_FAILED, "mailmover was ended by signal %d (%s)%s", WTERMSIG(status),
			strsignal(WTERMSIG(status)), WTERMSIG(status) == SIGKILL ? ": out of memory?" : ""));
		return;
	}
	if (word == NULL || !run_status_parse(word, &out->status) || run_status_active(out->status)) {
		outcome_fail(out, err_new(ERR_TOOL_FAILED, "mailmover ended with status %d and no last word: see the log",
			WEXITSTATUS(status)));
		return;
	}
	if (!agrees(out->status, WEXITSTATUS(status))) {
		outcome_fail(out, err_new(ERR_TOOL_FAILED, "mailmover said %s but ended with status %d: see the log", word,
			WEXITSTATUS(status)));
		return;
	}
	if (out->status == RUN_SUCCEEDED)
		code = "";
	else if (code == NULL || err_row_by_code(code) == NULL)
		code = out->status == RUN_PARTIAL ? err_row(ERR_PARTIAL)->code : err_row(ERR_TOOL_FAILED)->code;
	snprintf(out->code, sizeof(out->code), "%s", code);
	snprintf(out->message, sizeof(out->message), "%s", message != NULL ? message : "");
}

const struct tool tool_mailmover = {
	.name = "mailmover",
	.engine = ENGINE_NATIVE,
	.sources = 1u << SOURCE_IMAP | 1u << SOURCE_PST | 1u << SOURCE_MBOX | 1u << SOURCE_TGZ,
	.kinds = 1u << RUN_SYNC | 1u << RUN_RECOPY | 1u << RUN_VERIFY | 1u << RUN_PREFLIGHT | 1u << RUN_DISCOVER |
		1u << RUN_STRAGGLER | 1u << RUN_ROLLBACK,
	.memory = 4ull << 30,
	.prepare = prepare,
	.finish = finish,
};
