#include "execution.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "fault.h"
#include "fs.h"
#include "json.h"
#include "lines.h"
#include "log.h"
#include "mask.h"
#include "mem.h"
#include "progress.h"
#include "rawlog.h"
#include "str.h"

#include "banned.h"

#define EVENT_MAX (4u << 20)        /* bytes of one event: a pass with thousands of folders */
#define EVENTS_FILE_MAX (64u << 20) /* bytes of events.jsonl */

struct execution {
	struct execution_env env;
	const struct claim *claim;
	const char *dir;
	execution_fn *fn;
	void *arg;
	const struct tool *tool;
	struct tool_job job;
	struct account source, destination, provider;
	char *work, *state, *quarantine, *secrets;
	struct child *child;
	struct findings *findings;
	struct progress progress;
	struct mask *mask;
	struct rawlog *log;
	struct lines events;
	FILE *events_file;
	uint64_t events_size;
	bool events_lost;
	bool guarding; /* the first step: no program connects before its hosts are known to be allowed */
	char denied[ERR_MSG_SIZE];
	bool stopping; /* asked to: no further step */
};

/* --- the lock that a tool's processes hold --- */

const struct err *execution_clear(const char *dir, bool *busy)
{
	char *path = xasprintf("%s/tool", dir), text[32] = "";
	const struct err *e = NULL;
	int64_t sid;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	*busy = false;
	if (fd < 0) {
		if (errno != ENOENT)
			e = err_errno("open %s", path);
		free(path);
		return e;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		*busy = true;
		if (pread(fd, text, sizeof(text) - 1, 0) > 0 && str_i64(str_trim(text), 2, INT32_MAX, &sid))
			child_kill_session((pid_t)sid);
	}
	close(fd);
	free(path);
	return NULL;
}

static const struct err *lock_tool(struct execution *x, int *fd)
{
	char *path = xasprintf("%s/tool", x->dir);
	const struct err *e = NULL;

	*fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		e = err_errno("open %s", path);
	else if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
		e = err_new(ERR_STATE_BUSY, "run %lld: an earlier process of its tool is still alive",
			(long long)x->claim->run_id);
	free(path);
	return e;
}

/* --- what the tool says --- */

static void on_output(void *arg, const char *p, size_t n)
{
	struct execution *x = arg;
	struct buf clean = BUF_INIT;

	if (x->tool->output != NULL && !x->guarding)
		x->tool->output(&x->job, p, n);
	mask_feed(x->mask, p, n, &clean);
	rawlog_write(x->log, clean.ptr, clean.len);
	buf_free(&clean);
}

/* What is compared or chosen from a table stays as it is: a password may well be "INBOX" or "partial". */
static bool is_name(const char *key)
{
	static const char *const names[] = {"t", "folder", "dest", "side", "name", "status", "code", "class", "file"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

/* Secrets out of every other text of an event: a server's words may hold anything. */
static void mask_event(const struct mask *m, json_t *v)
{
	struct buf clean = BUF_INIT;
	const char *key;
	json_t *item;
	size_t i;
	void *tmp;

	json_array_foreach(v, i, item)
		mask_event(m, item);
	json_object_foreach_safe(v, tmp, key, item) {
		if (!json_is_string(item)) {
			mask_event(m, item);
		} else if (!is_name(key)) {
			buf_reset(&clean);
			mask_text(m, json_string_value(item), json_string_length(item), &clean);
			if (clean.len != json_string_length(item) ||
				memcmp(clean.ptr, json_string_value(item), clean.len) != 0)
				json_object_set_new(v, key, json_stringn(clean.ptr, clean.len));
		}
	}
	buf_free(&clean);
}

static void keep_event(struct execution *x, const json_t *event)
{
	struct buf line = BUF_INIT;

	js_write(&line, event);
	buf_addc(&line, '\n');
	if (x->events_file == NULL || x->events_size + line.len > EVENTS_FILE_MAX ||
		fwrite(line.ptr, 1, line.len, x->events_file) != line.len)
		x->events_lost = true;
	else
		x->events_size += line.len;
	buf_free(&line);
}

static void take_event(struct execution *x, json_t *event)
{
	mask_event(x->mask, event);
	keep_event(x, event);
	progress_event(&x->progress, event, clock_now_ms());
	findings_event(x->findings, event);
}

/* A tool's own translation of what its program said. */
static void told(void *arg, json_t *event)
{
	struct execution *x = arg;

	json_object_set_new(event, "v", json_integer(1));
	json_object_set_new(event, "at", json_integer(clock_now_ms()));
	take_event(x, event);
}

static void guard_event(struct execution *x, const char *line, size_t n)
{
	json_t *event = json_loadb(line, n, 0, NULL);
	const char *message = json_string_value(json_object_get(event, "message"));

	if (message != NULL)
		snprintf(x->denied, sizeof(x->denied), "%s", message);
	json_decref(event);
}

static void on_event_line(void *arg, const char *line, size_t n)
{
	struct execution *x = arg;
	json_t *event;
	const struct err *e;

	if (x->guarding) {
		guard_event(x, line, n);
		return;
	}
	if (x->tool->event != NULL && x->tool->event(&x->job, line, n))
		return;
	e = js_parse(&event, line, n);
	if (e != NULL) {
		/* the parser's words quote the line, which may hold a secret */
		log_warn("run %lld: %s sent an event that cannot be read", (long long)x->claim->run_id, x->tool->name);
		return;
	}
	take_event(x, event);
	json_decref(event);
}

static void on_event(void *arg, const char *p, size_t n)
{
	struct execution *x = arg;

	lines_feed(&x->events, p, n, on_event_line, x);
}

static void close_files(struct execution *x)
{
	struct buf rest = BUF_INIT;
	const struct err *e;

	if (x->mask != NULL && x->log != NULL) {
		mask_flush(x->mask, &rest);
		rawlog_write(x->log, rest.ptr, rest.len);
	}
	buf_free(&rest);
	e = rawlog_close(x->log);
	x->log = NULL;
	if (e != NULL)
		log_error("run %lld: %s", (long long)x->claim->run_id, e->msg);
	if (x->events_file != NULL && fclose(x->events_file) != 0)
		x->events_lost = true;
	x->events_file = NULL;
	if (x->events_lost)
		log_warn("run %lld: events.jsonl is not complete", (long long)x->claim->run_id);
}

static void wipe(struct execution *x)
{
	const struct err *e = x->secrets != NULL ? fs_remove_tree(x->secrets) : NULL;

	if (e != NULL)
		log_error("run %lld: secrets of its tool stay in memory: %s", (long long)x->claim->run_id, e->msg);
	account_wipe(&x->source);
	account_wipe(&x->destination);
	account_wipe(&x->provider);
	mask_free(x->mask);
	x->mask = NULL;
}

static const struct err *start_step(struct execution *x, struct spawn *s);

/* Programs of the reference engine know no networks that they must not connect to. (What a name leads to may change between
 * this look and theirs: where that matters the unit's IPAddressDeny= is the wall.) */
static const struct err *guard(struct execution *x, struct spawn **out)
{
	char *const *list = conf_list(x->env.conf, CONF_DENY_NETWORKS);
	const char *ssh = conf_str(x->env.conf, CONF_CARBONIO_SSH), *hosts[] = {x->claim->source.host, x->claim->destination.host, ssh};
	struct buf names = BUF_INIT, networks = BUF_INIT;
	const struct err *e;

	if (x->tool->engine != ENGINE_REFERENCE || list == NULL || *list == NULL)
		return NULL;
	for (; *list != NULL; list++)
		buf_addf(&networks, "%s,", *list);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const char *host = hosts[i] != NULL ? hosts[i] : "", *at = strrchr(host, '@');

		host = at != NULL ? at + 1 : host;
		buf_addf(&names, "%.*s,", i == 2 ? (int)strcspn(host, ":") : (int)strlen(host), host);
	}
	e = tool_inspect(out, "address");
	if (e == NULL) {
		spawn_arg(*out, names.ptr);
		spawn_arg(*out, networks.ptr);
		x->guarding = true;
	}
	buf_free(&names);
	buf_free(&networks);
	return e;
}

static const struct err *after_guard(struct execution *x, int status, struct spawn **out)
{
	x->guarding = false;
	if (status != 0)
		return err_new(ERR_HOST_DENIED, "%s",
			x->denied[0] != '\0' ? x->denied : "whether the hosts are allowed could not be found out: see the log");
	return x->tool->prepare(&x->job, out);
}

/* True when a further program was started; an error is put into *out. */
static bool another_step(struct execution *x, int status, struct outcome *out)
{
	const struct err *e = NULL;
	struct spawn *s = NULL;

	if (x->stopping || (x->tool->next == NULL && !x->guarding))
		return false;
	e = x->guarding ? after_guard(x, status, &s) : x->tool->next(&x->job, status, &s);
	if (e == NULL && s != NULL)
		e = start_step(x, s);
	if (e != NULL)
		outcome_fail(out, e);
	return e == NULL && s != NULL;
}

static void on_ended(void *arg, int status)
{
	struct execution *x = arg;
	struct outcome out = {.status = RUN_FAILED};
	const struct err *e;

	x->child = NULL;
	if (another_step(x, status, &out))
		return;
	if (out.code[0] == '\0' && !(x->stopping && x->tool->next != NULL))
		x->tool->finish(&x->job, x->findings, status, &out);
	else if (x->stopping)
		out.status = RUN_CANCELLED;
	close_files(x);
	wipe(x);
	e = findings_end(x->findings);
	/* a list of missing messages that was not written must not look short */
	if (e != NULL && (out.status == RUN_SUCCEEDED || out.status == RUN_PARTIAL))
		outcome_fail(&out, e);
	if (x->events.too_long > 0 && (out.status == RUN_SUCCEEDED || out.status == RUN_PARTIAL))
		outcome_fail(&out, err_new(ERR_TOOL_FAILED, "%s sent %llu events too long to be read", x->tool->name,
			(unsigned long long)x->events.too_long));
	x->fn(x->arg, &out);
}

/* --- start --- */

static const struct err *open_account(struct execution *x, const struct account_row *account, const char *pin,
	const struct claim_credential *cred, struct account *out)
{
	struct account_row with_pin = *account, *row = &with_pin;

	row->pin = json_string_value(json_object_get(x->claim->options, pin));
	if (*row->host == '\0' || !cred->needed)
		return NULL; /* a file, or a server that is asked over ssh: no account */
	if (!cred->present)
		return err_new(ERR_CRED_MISSING, "the %s has no secret: enter it first", row->side);
	return unseal(x->env.keys, cred->key_id, cred->sealed, row, out);
}

/* A name for the pair of accounts, so that a mailbox that was pointed elsewhere starts afresh. */
static char *pair_name(const struct claim *c)
{
	unsigned char hash[8];
	char hex[2 * sizeof(hash) + 1], *text;

	text = xasprintf("%s\n%lld\n%s\n%s\n%lld\n%s", c->source.host, (long long)c->source.port, c->source.user,
		c->destination.host, (long long)c->destination.port, c->destination.user);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	free(text);
	return xasprintf("%lld-%s", (long long)c->mailbox_id, hex);
}

static const struct err *make_folders(struct execution *x)
{
	char *pair = pair_name(x->claim);
	const struct err *e;

	x->work = spool_run_file(x->env.spool, SPOOL_WORK, x->claim->run_id, "");
	x->quarantine = xasprintf("%s/quarantine", x->work);
	x->secrets = xasprintf("%s/secrets-%lld", conf_str(x->env.conf, CONF_RUNTIME_PATH), (long long)x->claim->run_id);
	x->state = spool_file(x->env.spool, SPOOL_STATE, pair);
	free(pair);
	e = fs_mkdir_p(x->quarantine, 0700);
	if (e == NULL)
		e = fs_mkdir_p(x->state, 0700);
	return e;
}

static const struct err *open_files(struct execution *x)
{
	char *log = xasprintf("%s/log", x->dir), *events = xasprintf("%s/events.jsonl", x->dir);
	char *more = xasprintf("%s/more.jsonl", x->dir), prefix[32] = "";
	const struct err *e = rawlog_open(&x->log, log);
	struct stat st;

	if (x->claim->attempt > 1)
		snprintf(prefix, sizeof(prefix), "a%lld-", (long long)x->claim->attempt);
	x->findings = findings_new(more, prefix);
	if (e == NULL) {
		x->events_file = fopen(events, "ae");
		if (x->events_file == NULL)
			e = err_errno("open %s", events);
		else if (fstat(fileno(x->events_file), &st) == 0)
			x->events_size = (uint64_t)st.st_size;
	}
	free(log);
	free(events);
	free(more);
	return e;
}

/* The spawn is used up. */
static const struct err *start_step(struct execution *x, struct spawn *s)
{
	static const struct child_events ev = {on_output, on_event, on_ended};
	const char *readable[] = {conf_str(x->env.conf, CONF_TLS_CA_FILE), x->secrets,
		x->job.upload != NULL ? x->job.upload : ""};
	const char *writable[] = {x->work, x->state};
	const struct err *e;
	char text[32];
	int lock = -1;

	e = lock_tool(x, &lock);
	if (e == NULL)
		e = spawn_confine(s, readable, sizeof(readable) / sizeof(readable[0]), writable,
			sizeof(writable) / sizeof(writable[0]));
	if (e == NULL) {
		spawn_cwd(s, x->work);
		spawn_path(s, conf_str(x->env.conf, CONF_TOOLS_PATH));
		spawn_memory(s, x->tool->memory);
		spawn_inherit(s, lock);
		e = child_start(&x->child, x->env.loop, s, &ev, x);
	}
	if (e == NULL) {
		snprintf(text, sizeof(text), "%d\n", (int)child_pid(x->child));
		if (pwrite(lock, text, strlen(text), 0) < 0)
			log_warn("run %lld: tool's number not noted: %s", (long long)x->claim->run_id, strerror(errno));
	}
	/* from here on only the tool's processes hold the lock */
	if (lock >= 0)
		close(lock);
	spawn_free(s);
	return e;
}

static const struct err *launch(struct execution *x)
{
	const struct err *e = x->tool->open != NULL ? x->tool->open(&x->job) : NULL;
	struct spawn *s = NULL;

	if (e == NULL)
		e = guard(x, &s);
	if (e == NULL && s == NULL)
		e = x->tool->prepare(&x->job, &s);
	return e != NULL ? e : start_step(x, s);
}

const struct err *execution_start(struct execution **out, const struct execution_env *env, const struct claim *c,
	const char *dir, int connections, execution_fn *fn, void *arg)
{
	struct execution *x = xcalloc(1, sizeof(*x));
	const struct err *e;

	*x = (struct execution){.env = *env, .claim = c, .dir = dir, .fn = fn, .arg = arg};
	lines_init(&x->events, EVENT_MAX);
	e = tool_find(&x->tool, c->engine, c->source_kind, c->kind, c->mailbox_id != 0);
	if (e == NULL)
		e = open_account(x, &c->source, "from_tls_fingerprint", &c->source_credential, &x->source);
	if (e == NULL)
		e = open_account(x, &c->destination, "to_tls_fingerprint", &c->destination_credential, &x->destination);
	if (e == NULL)
		e = open_account(x, &c->provider, "dns_tls_fingerprint", &c->provider_credential, &x->provider);
	if (e == NULL)
		e = make_folders(x);
	if (e == NULL)
		e = open_files(x);
	if (e == NULL) {
		x->mask = mask_new();
		if (x->source.secret != NULL)
			mask_secret(x->mask, x->source.secret, x->source.secret_len);
		if (x->destination.secret != NULL)
			mask_secret(x->mask, x->destination.secret, x->destination.secret_len);
		if (x->provider.secret != NULL)
			mask_secret(x->mask, x->provider.secret, x->provider.secret_len);
		x->job = (struct tool_job){.conf = env->conf, .claim = c, .source = &x->source,
			.destination = &x->destination, .provider = &x->provider, .work = x->work, .state = x->state,
			.quarantine = x->quarantine, .connections = connections, .secrets = x->secrets,
			.upload = c->upload_path, .tell = told, .tell_arg = x};
		e = launch(x);
		FAULT("child.started");
	}
	if (e != NULL) {
		execution_free(x);
		return e;
	}
	log_info("run %lld: %s started as process %d", (long long)c->run_id, x->tool->name, (int)child_pid(x->child));
	*out = x;
	return NULL;
}

void execution_free(struct execution *x)
{
	if (x == NULL)
		return;
	if (x->child != NULL)
		child_abandon(x->child);
	close_files(x);
	wipe(x);
	if (x->tool != NULL && x->tool->close != NULL)
		x->tool->close(&x->job);
	findings_free(x->findings);
	lines_free(&x->events);
	free(x->work);
	free(x->state);
	free(x->quarantine);
	free(x->secrets);
	free(x);
}

void execution_stop(struct execution *x, int64_t grace_ms)
{
	x->stopping = true;
	if (x->child != NULL)
		child_stop(x->child, grace_ms);
}

bool execution_changed(const struct execution *x)
{
	return x->progress.changed;
}

json_t *execution_progress(struct execution *x)
{
	return progress_json(&x->progress);
}

void execution_report(struct execution *x, const char *status, json_t *body)
{
	json_t *progress = progress_json(&x->progress), *result;

	findings_report(x->findings, x->claim, status, body);
	result = json_object_get(body, "result");
	if (json_is_object(progress))
		json_object_set(result, "progress", progress);
	json_decref(progress);
}
