/*
 * Which accounts the new server has: `zmprov -l gaa DOMAIN` over ssh, a domain of the job after the other. The list
 * goes to the API as the run's accounts; the gate compares it with the job's mailboxes.
 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "carbonio.h"
#include "fs.h"
#include "json.h"
#include "lines.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define LIST_MAX (16u << 20) /* bytes of one domain's list */
#define ACCOUNTS_MAX 20000   /* of the API's list */

struct own {
	const struct tool_job *job;
	char *ssh, *file;
	size_t next; /* domain */
	struct lines lines;
	json_t *accounts;
	struct err failure;
};

static void on_line(void *arg, const char *line, size_t n)
{
	struct own *o = arg;

	(void)n;
	carbonio_words(line, "the new server", &o->failure);
}

static void output(const struct tool_job *job, const char *p, size_t n)
{
	struct own *o = job->own;

	lines_feed(&o->lines, p, n, on_line, o);
}

/* *out stays NULL when every domain was asked for. */
static const struct err *ask(struct own *o, struct spawn **out)
{
	const json_t *domains = json_object_get(o->job->claim->options, "domains");
	const char *domain = json_string_value(json_array_get(domains, o->next));
	const struct err *e;
	char *command;

	if (domain == NULL)
		return o->next < json_array_size(domains) ? err_new(ERR_INPUT, "a domain of the run is no text") : NULL;
	if (!carbonio_plain(domain))
		return err_new(ERR_INPUT, "%s is no domain", domain);
	o->next++;
	command = xasprintf("zmprov -l gaa %s", domain);
	e = carbonio_ssh(o->job->conf, o->ssh, NULL, 0, command, out);
	free(command);
	return e != NULL ? e : carbonio_into(*out, o->file);
}

static const struct err *take_line(struct own *o, char *line)
{
	const char *account = str_trim(line);

	if (*account == '\0')
		return NULL;
	if (strchr(account, '@') == NULL || strlen(account) > 320 || !str_utf8(account, strlen(account)) ||
		str_has_control(account, strlen(account)))
		return err_new(ERR_PROTOCOL, "the new server's list of accounts holds a line that is no address: %.80s", account);
	if (json_array_size(o->accounts) >= ACCOUNTS_MAX)
		return err_new(ERR_TOO_LARGE, "the new server has more than %d accounts under the job's domains", ACCOUNTS_MAX);
	json_array_append_new(o->accounts, json_string(account));
	return NULL;
}

static const struct err *take_list(struct own *o)
{
	struct buf text = BUF_INIT;
	const struct err *e = fs_read(o->file, LIST_MAX, &text);
	char *rest = text.ptr, *line;

	while (e == NULL && (line = strsep(&rest, "\n")) != NULL)
		e = take_line(o, line);
	buf_free(&text);
	return e;
}

static const struct err *next(const struct tool_job *job, int status, struct spawn **out)
{
	struct own *o = job->own;
	const struct err *e = carbonio_ended("zmprov", status, &o->failure);

	if (e != NULL)
		return err_new(e->id, "%s", e->msg);
	e = take_list(o);
	return e != NULL ? e : ask(o, out);
}

static const struct err *open_own(struct tool_job *job)
{
	struct own *o = xcalloc(1, sizeof(*o));

	o->job = job;
	o->file = xasprintf("%s/accounts", job->work);
	o->accounts = json_array();
	lines_init(&o->lines, 65536);
	job->own = o;
	return carbonio_ready(job->conf, &o->ssh);
}

static void close_own(struct tool_job *job)
{
	struct own *o = job->own;

	if (o == NULL)
		return;
	lines_free(&o->lines);
	json_decref(o->accounts);
	free(o->ssh);
	free(o->file);
	free(o);
	job->own = NULL;
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	const struct err *e;

	*out = NULL;
	e = ask(job->own, out);
	if (e == NULL && *out == NULL)
		e = err_new(ERR_INPUT, "the run names no domain");
	return e;
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	struct own *o = job->own;

	(void)f;
	(void)status;
	*out = (struct outcome){.status = RUN_SUCCEEDED};
	snprintf(out->message, sizeof(out->message), "%zu accounts", json_array_size(o->accounts));
	tool_tell(job, json_pack("{s:s, s:O}", "t", "accounts", "accounts", o->accounts));
	tool_tell(job, json_pack("{s:s, s:s, s:I}", "t", "done", "status", "succeeded", "listed",
		(json_int_t)json_array_size(o->accounts)));
}

const struct tool tool_carbonio = {
	.name = "carbonio",
	.engine = ENGINE_NATIVE,
	.sources = 1u << SOURCE_IMAP, /* a run without a mailbox counts as that */
	.kinds = 1u << RUN_DISCOVER,
	.whole_job = true,
	.memory = 1ull << 30,
	.open = open_own,
	.close = close_own,
	.output = output,
	.prepare = prepare,
	.next = next,
	.finish = finish,
};
