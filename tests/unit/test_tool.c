#include "unit.h"

#include <signal.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "buf.h"
#include "child.h"
#include "json.h"
#include "mem.h"
#include "tool.h"
#include "tool_readpst_impl.h"

/* accounts own their texts; here nobody writes into them */
#define TEXT(s) ((char *)(uintptr_t)(s))

/* mailmover's row, with a program in its place that prints how it was called. */
struct fixture {
	char *dir;
	struct conf *conf;
	struct claim claim;
	struct account source, destination;
	struct tool_job job;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct conf_source src = {0};
	struct buf mistakes = BUF_INIT;
	char *path, *text;
	json_t *doc;

	if (dir_setup((void **)&f->dir) != 0)
		return -1;
	path = xasprintf("%s/migration.env", f->dir);
	text = xasprintf("MIGRATION_MAILMOVER_BIN=%s/print\nMIGRATION_ALLOW_PLAINTEXT_HOSTS=127.0.0.1\n"
			 "MIGRATION_TLS_CA_FILE=/etc/extra.pem\n",
		f->dir);
	assert_ok(fs_write(path, text, strlen(text), 0600));
	src.settings = path;
	assert_ok(conf_load(&f->conf, &src, &mistakes));
	free(path);
	free(text);
	path = xasprintf("%s/print", f->dir);
	assert_ok(fs_write(path, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n", 30, 0700));
	free(path);
	doc = json_pack("{s:{s:{s:s},s:[s]},s:{s:b,s:i,s:s,s:b},s:{s:i,s:[{s:s,s:i,s:i}]}}", "folders", "map", "Lixo",
		"Trash", "exclude", "Spam*", "options", "deep", 1, "max_rate", 1000, "since", "2020-01-01", "dry_run", 0,
		"baseline", "pass_id", 3, "folders", "folder", "INBOX", "uidvalidity", 1, "uidnext", 5);
	assert_non_null(doc);
	f->claim = (struct claim){.doc = doc, .engine = ENGINE_NATIVE, .source_kind = SOURCE_IMAP, .kind = RUN_SYNC,
		.folders = json_object_get(doc, "folders"), .options = json_object_get(doc, "options"),
		.baseline = json_object_get(doc, "baseline")};
	f->source = (struct account){.host = TEXT("src.example"), .port = 993, .tls = TLS_IMPLICIT,
		.user = TEXT("a b@x/y"), .secret = TEXT("hunter22"), .secret_len = 8};
	f->destination = f->source;
	f->destination.host = TEXT("::1");
	f->destination.port = 143;
	f->destination.tls = TLS_STARTTLS;
	f->job = (struct tool_job){.conf = f->conf, .claim = &f->claim, .source = &f->source,
		.destination = &f->destination, .work = f->dir, .state = "/state", .quarantine = "/quarantine",
		.connections = 2};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	conf_free(f->conf);
	claim_free(&f->claim);
	dir_teardown((void **)&f->dir);
	free(f);
	return 0;
}

/* The arguments, one a line; descriptors as fd:N. */
static void arguments(struct fixture *f, struct buf *out)
{
	struct spawn *s = NULL;
	struct terminal *term = NULL;
	int fd, events, status;
	pid_t pid;

	assert_ok(tool_mailmover.prepare(&f->job, &s));
	assert_ok(spawn_run(s, &pid, &fd, &events, &term));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_ok(fs_read_fd(fd, "output", 65536, out));
	close(fd);
	close(events);
	assert_null(term);
	spawn_free(s);
	for (char *p = out->ptr; (p = strstr(p, "fd:")) != NULL; p += 3) {
		size_t n = strspn(p + 3, "0123456789");

		assert_true(n > 0);
		memset(p + 3, 'N', n);
	}
	assert_null(strstr(out->ptr, "hunter"));
}

#define has(out, text) assert_non_null(strstr((out)->ptr, text))
#define has_not(out, text) assert_null(strstr((out)->ptr, text))

static void copies(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT;

	arguments(f, &out);
	has(&out, "copy\n--from\nimaps://a%20b%40x%2Fy@src.example:993\n--from-secret\nfd:N");
	has(&out, "--to\nimap://a%20b%40x%2Fy@[::1]:143\n--to-secret\nfd:N");
	has(&out, "--ca-file\n/etc/extra.pem\n");
	has(&out, "--max-connections\n2\n");
	has(&out, "--exclude\nSpam*\n--map\nLixo=Trash\n");
	has(&out, "--state\n/state/state.db\n--quarantine\n/quarantine\n");
	has(&out, "--since\n2020-01-01\n");
	has(&out, "--max-rate\n1000\n");
	has(&out, "--events\nfd:N");
	has_not(&out, "--dry-run");
	has_not(&out, "--deep");
	has_not(&out, "--allow-plaintext");
	buf_free(&out);
}

static void verifies(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT, file = BUF_INIT;
	char *path = xasprintf("%s/baseline.json", f->dir);

	f->claim.kind = RUN_VERIFY;
	arguments(f, &out);
	has(&out, "verify\n--from\n");
	has(&out, "--deep\n");
	has(&out, path);
	has_not(&out, "--state");
	has_not(&out, "--max-rate");
	assert_ok(fs_read(path, 4096, &file));
	has(&file, "\"uidnext\":5");
	buf_free(&out);
	buf_free(&file);
	free(path);
}

static void checks_and_previews(void **state)
{
	static const struct {
		enum run_kind kind;
		const char *has[4], *has_not[4]; /* up to a NULL */
	} rows[] = {
		{RUN_PREFLIGHT, {"check\n--from\n"}, {"--map", "--state"}},
		{RUN_DISCOVER, {"copy\n--from\n", "--dry-run\n", "--map\n"}, {NULL}},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = BUF_INIT;

		f->claim.kind = rows[i].kind;
		arguments(f, &out);
		for (const char *const *text = rows[i].has; *text != NULL; text++)
			has(&out, *text);
		for (const char *const *text = rows[i].has_not; *text != NULL; text++)
			has_not(&out, *text);
		buf_free(&out);
	}
}

static void logs_in_as_others(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT;
	struct spawn *s;

	f->source.auth = AUTH_MASTER;
	f->source.user = TEXT("ana@a.example*admin");
	f->destination.auth = AUTH_XOAUTH2;
	arguments(f, &out);
	has(&out, "--from\nimaps://admin@src.example:993\n--from-auth\nplain:ana@a.example\n");
	has(&out, "--to-auth\nxoauth2\n");
	buf_free(&out);
	f->source.user = TEXT("ana@a.example");
	assert_err(tool_mailmover.prepare(&f->job, &s), ERR_INPUT);
}

static void never_in_the_clear_by_accident(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT;
	struct spawn *s;

	f->source.tls = f->destination.tls = TLS_NONE;
	assert_err(tool_mailmover.prepare(&f->job, &s), ERR_TLS_REQUIRED);
	f->source.host = f->destination.host = TEXT("127.0.0.1");
	arguments(f, &out);
	has(&out, "--allow-plaintext\n");
	buf_free(&out);
	/* it would take the other side's STARTTLS away */
	f->destination.tls = TLS_STARTTLS;
	assert_err(tool_mailmover.prepare(&f->job, &s), ERR_UNSUPPORTED);
}

static void finish(struct fixture *f, const char *done, int status, struct outcome *out)
{
	char *path = xasprintf("%s/more", f->dir);
	struct findings *found = findings_new(path, "");
	json_t *v;

	if (done != NULL) {
		assert_ok(js_parse(&v, done, strlen(done)));
		findings_event(found, v);
		json_decref(v);
	}
	memset(out, 0, sizeof(*out));
	tool_mailmover.finish(&f->job, found, status, out);
	findings_free(found);
	free(path);
}

static void believes_nobody_alone(void **state)
{
	static const struct {
		const char *done;
		int exit, signal;
		enum run_status status;
		const char *code;
	} rows[] = {
		{"{\"t\":\"done\",\"status\":\"succeeded\",\"code\":\"\"}", 0, 0, RUN_SUCCEEDED, ""},
		{"{\"t\":\"done\",\"status\":\"partial\",\"code\":\"partial\"}", 1, 0, RUN_PARTIAL, "partial"},
		{"{\"t\":\"done\",\"status\":\"failed\",\"code\":\"auth.rejected\",\"message\":\"no\"}", 77, 0, RUN_FAILED, "auth.rejected"},
		{"{\"t\":\"done\",\"status\":\"failed\",\"code\":\"no.such.code\"}", 77, 0, RUN_FAILED, "tool.failed"},
		{"{\"t\":\"done\",\"status\":\"cancelled\",\"code\":\"run.cancelled\"}", 75, 0, RUN_CANCELLED, "run.cancelled"},
		{"{\"t\":\"done\",\"status\":\"succeeded\"}", 1, 0, RUN_FAILED, "tool.failed"},
		{"{\"t\":\"done\",\"status\":\"succeeded\"}", 0, SIGSEGV, RUN_FAILED, "tool.failed"},
		{"{\"t\":\"done\",\"status\":\"failed\",\"code\":\"protocol\"}", 0, 0, RUN_FAILED, "tool.failed"},
		{"{\"t\":\"done\",\"status\":\"running\"}", 0, 0, RUN_FAILED, "tool.failed"},
		{"{\"t\":\"done\"}", 0, 0, RUN_FAILED, "tool.failed"},
		{NULL, 0, 0, RUN_FAILED, "tool.failed"},
		{NULL, 2, 0, RUN_FAILED, "tool.failed"},
		{NULL, 0, SIGKILL, RUN_FAILED, "tool.failed"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome out;

		finish(*state, rows[i].done, rows[i].signal != 0 ? rows[i].signal : rows[i].exit << 8, &out);
		assert_int_equal(out.status, rows[i].status);
		assert_string_equal(out.code, rows[i].code);
	}
}

/* What imap_upload.py has moved: kept for the same file, from nothing for another, and never taken for nothing. */
static void keeps_what_was_moved(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/imap_upload.json", f->dir), *pst = xasprintf("%s/print", f->dir);
	const char *const damaged[] = {"", "{", "[]", "null", "{\"size\": 30}", "{\"file\": 5, \"size\": 30, \"boxes\": {}}",
		"{\"file\": \"a\", \"size\": \"30\", \"boxes\": {}}", "{\"file\": \"a\", \"size\": 30, \"boxes\": [3]}",
		"{\"file\": \"a\", \"size\": 30, \"boxes\": {\"Inbox/mbox\": -1}}",
		"{\"file\": \"a\", \"size\": 30, \"boxes\": {\"Inbox/mbox\": \"3\"}}"};
	const char *const moved[] = {pst, "/another.pst"};
	struct own o = {.job = &f->job};
	const struct err *e;

	f->job.state = f->dir;
	f->job.upload = pst;
	assert_ok(imap_upload_load(&o)); /* nothing was saved */
	assert_int_equal(json_object_size(json_object_get(o.state, "boxes")), 0);
	for (size_t i = 0; i < 2; i++) {
		char *text = xasprintf("{\"file\": \"%s\", \"size\": 30, \"boxes\": {\"Inbox/mbox\": 3}}", moved[i]);

		json_decref(o.state);
		o.state = NULL;
		assert_ok(fs_write(path, text, strlen(text), 0600));
		assert_ok(imap_upload_load(&o));
		assert_int_equal(json_object_size(json_object_get(o.state, "boxes")), i == 0 ? 1 : 0);
		free(text);
	}
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		json_decref(o.state);
		o.state = NULL;
		assert_ok(fs_write(path, damaged[i], strlen(damaged[i]), 0600));
		e = imap_upload_load(&o);
		assert_err(e, ERR_TOOL_STATE);
		assert_non_null(strstr(e->msg, path));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0); /* there, and no file that can be read */
	json_decref(o.state);
	o.state = NULL;
	assert_err(imap_upload_load(&o), ERR_TOOL_STATE);
	json_decref(o.state);
	free(path);
	free(pst);
}

static void serves_what_it_says(void **state)
{
	const struct tool *t;

	(void)state;
	assert_ok(tool_find(&t, ENGINE_NATIVE, SOURCE_IMAP, RUN_SYNC, true));
	assert_ok(tool_find(&t, ENGINE_NATIVE, SOURCE_IMAP, RUN_VERIFY, true));
	assert_ok(tool_find(&t, ENGINE_NATIVE, SOURCE_IMAP, RUN_PREFLIGHT, true));
	assert_ok(tool_find(&t, ENGINE_NATIVE, SOURCE_IMAP, RUN_DISCOVER, true));
	assert_ok(tool_find(&t, ENGINE_REFERENCE, SOURCE_IMAP, RUN_DISCOVER, true)); /* only mailmover makes a plan */
	assert_ptr_equal(t, &tool_mailmover);
	assert_ok(tool_find(&t, ENGINE_NATIVE, SOURCE_IMAP, RUN_DISCOVER, false)); /* which accounts there are */
	assert_ptr_equal(t, &tool_carbonio);
	assert_err(tool_find(&t, ENGINE_NATIVE, SOURCE_IMAP, RUN_RESEAL, true), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copies, setup, teardown),
		cmocka_unit_test_setup_teardown(verifies, setup, teardown),
		cmocka_unit_test_setup_teardown(checks_and_previews, setup, teardown),
		cmocka_unit_test_setup_teardown(logs_in_as_others, setup, teardown),
		cmocka_unit_test_setup_teardown(never_in_the_clear_by_accident, setup, teardown),
		cmocka_unit_test_setup_teardown(believes_nobody_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_was_moved, setup, teardown),
		cmocka_unit_test(serves_what_it_says),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
