#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

static const struct tool *const table[] = {
	&tool_carbonio,
	&tool_dns,
	&tool_mailmover,
	&tool_imapsync,
	&tool_readpst,
	&tool_report,
	&tool_zmmailbox,
};

const struct err *tool_find(const struct tool **out, enum engine_kind engine, enum source_kind source,
	enum run_kind kind, bool mailbox)
{
	/* who checks and who mends must not be who copied; a plan of folders only mailmover gives */
	if (kind == RUN_DISCOVER || kind == RUN_VERIFY || kind == RUN_RECOPY || kind == RUN_REPORT)
		engine = ENGINE_NATIVE;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i]->engine == engine && (table[i]->sources & 1u << source) && (table[i]->kinds & 1u << kind) &&
			(kind != RUN_DISCOVER || table[i]->whole_job != mailbox)) {
			*out = table[i];
			return NULL;
		}
	return err_new(ERR_UNSUPPORTED, "this worker has no tool for %s from %s with engine %s", run_kind_name(kind),
		source_kind_name(source), engine_kind_name(engine));
}

void tool_tell(const struct tool_job *job, json_t *event)
{
	if (job->tell != NULL)
		job->tell(job->tell_arg, event);
	json_decref(event);
}

json_t *tool_check(const char *side, const char *name, const struct err *e)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "t", "check", "side", side, "name", name, "ok", e == NULL, "code",
		e != NULL ? err_code(e) : "", "message", e != NULL ? e->msg : "");
}

json_t *tool_text(const char *s)
{
	char *clean;
	json_t *v;

	if (str_utf8(s, strlen(s)))
		return json_string(s);
	clean = xstrdup(s);
	for (char *p = clean; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	v = json_string(clean);
	free(clean);
	return v;
}

const struct err *tool_secret_file(const struct tool_job *job, const char *name, const char *secret, size_t len,
	char **path)
{
	const struct err *e = fs_mkdir_p(job->secrets, 0700);

	*path = xasprintf("%s/%s", job->secrets, name);
	if (e == NULL)
		e = fs_write(*path, secret, len, 0600);
	if (e != NULL) {
		free(*path);
		*path = NULL;
	}
	return e;
}

const struct err *tool_inspect(struct spawn **out, const char *command)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const struct err *e;

	if (n < 0)
		return err_errno("readlink /proc/self/exe");
	self[n] = '\0';
	*out = spawn_new(self);
	spawn_arg(*out, "inspect");
	e = spawn_events(*out, "--events");
	spawn_arg(*out, command);
	if (e != NULL) {
		spawn_free(*out);
		*out = NULL;
	}
	return e;
}

const struct err *tool_program(const struct conf *c, enum conf_key key, const char *name, char **path)
{
	const char *folders = conf_str(c, CONF_TOOLS_PATH);

	*path = NULL;
	if (key != CONF_COUNT && *conf_str(c, key) != '\0') {
		*path = xstrdup(conf_str(c, key));
		if (access(*path, X_OK) == 0)
			return NULL;
	}
	while (*path == NULL && *folders != '\0') {
		size_t len = strcspn(folders, ":");

		*path = xasprintf("%.*s/%s", (int)len, folders, name);
		if (len > 0 && access(*path, X_OK) == 0)
			return NULL;
		free(*path);
		*path = NULL;
		folders += len + (folders[len] == ':');
	}
	free(*path);
	*path = NULL;
	return err_new(ERR_TOOL_MISSING, "%s is not on the worker's machine: scripts/install-migration-tools.sh installs it",
		name);
}

const struct err *tool_forget_other_way(const struct tool_job *job, bool back)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	const struct err *e = NULL;

	for (size_t i = 0; e == NULL && i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *path = xasprintf("%s/%s%s", job->state, back ? TOOL_STATE : TOOL_STATE_BACK, ends[i]);

		if (unlink(path) != 0 && errno != ENOENT)
			e = err_errno("remove %s", path);
		free(path);
	}
	return e;
}

void outcome_fail(struct outcome *out, const struct err *e)
{
	out->status = RUN_FAILED;
	snprintf(out->code, sizeof(out->code), "%s", err_code(e));
	snprintf(out->message, sizeof(out->message), "%s", e->msg);
}
