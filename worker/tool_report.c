/*
 * migration-report, the writer of reports and certificates: it gets the facts as a file in the run's folder and the
 * signing key through a pipe, and leaves certificate.json, report.pdf and report.csv to be handed over.
 */
#include "tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fs.h"
#include "json.h"
#include "mem.h"

#include "banned.h"

static const struct err *write_facts(const struct tool_job *job, char **path)
{
	char *text = js_text(job->claim->report);
	const struct err *e;

	*path = xasprintf("%s/facts.json", job->work);
	e = fs_write(*path, text, strlen(text), 0600);
	free(text);
	return e;
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	const char *key = conf_str(job->conf, CONF_SIGNING_KEY);
	const char *language = json_string_value(json_object_get(job->claim->options, "language"));
	char *facts = NULL;
	const struct err *e;
	struct spawn *s;

	if (*key == '\0')
		return err_new(ERR_KEY, "MIGRATION_SIGNING_KEY is not set: migrationctl key signing makes one");
	if (job->claim->report == NULL)
		return err_new(ERR_INPUT, "the claim of a report came without its facts");
	if ((e = write_facts(job, &facts)) != NULL) {
		free(facts);
		return e;
	}
	s = spawn_new(conf_str(job->conf, CONF_REPORT_BIN));
	spawn_arg(s, "--facts");
	spawn_arg(s, facts);
	spawn_arg(s, "--out");
	spawn_arg(s, job->quarantine); /* what stands there is handed to the API */
	spawn_arg(s, "--language");
	spawn_arg(s, language != NULL ? language : "en");
	free(facts);
	e = spawn_secret(s, "--signing-key", key, strlen(key));
	if (e == NULL)
		e = spawn_events(s, "--events");
	if (e != NULL)
		spawn_free(s);
	else
		*out = s;
	return e;
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	const json_t *done = findings_done(f);
	const char *code = json_string_value(json_object_get(done, "code"));
	const char *message = json_string_value(json_object_get(done, "message"));

	(void)job;
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGTERM)
			*out = (struct outcome){.status = RUN_CANCELLED};
		else
			outcome_fail(out, err_new(ERR_TOOL_FAILED, "migration-report was ended by signal %d (%s)",
				WTERMSIG(status), strsignal(WTERMSIG(status))));
	} else if (WEXITSTATUS(status) == 0 && done != NULL) {
		*out = (struct outcome){.status = RUN_SUCCEEDED};
		snprintf(out->message, sizeof(out->message), "%s", message != NULL ? message : "");
	} else {
		outcome_fail(out, err_new(ERR_TOOL_FAILED, "migration-report ended with status %d: %s", WEXITSTATUS(status),
			message != NULL ? message : "see the log"));
		if (code != NULL && err_row_by_code(code) != NULL)
			snprintf(out->code, sizeof(out->code), "%s", code);
	}
}

const struct tool tool_report = {
	.name = "migration-report",
	.engine = ENGINE_NATIVE,
	.sources = 1u << SOURCE_IMAP, /* a run without a mailbox counts as that */
	.kinds = 1u << RUN_REPORT,
	.memory = 2ull << 30,
	.prepare = prepare,
	.finish = finish,
};
