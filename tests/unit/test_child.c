#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "buf.h"
#include "child.h"
#include "landlock.h"
#include "loop.h"
#include "mem.h"
#include "spawn.h"
#include "str.h"

/* What one tool did, seen through the loop. */
struct seen {
	struct loop *loop;
	struct child *child;
	int64_t stop; /* grace; at its first output; -1: never */
	struct buf output, events;
	size_t flood;
	int status;
	bool ended;
};

static void on_signal(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	child_reap();
}

static void on_output(void *arg, const char *p, size_t n)
{
	struct seen *s = arg;

	if (s->stop >= 0)
		child_stop(s->child, s->stop);
	s->stop = -1;
	s->flood += n;
	if (s->output.len < 100000)
		buf_add(&s->output, p, n);
}

static void on_event(void *arg, const char *p, size_t n)
{
	struct seen *s = arg;

	buf_add(&s->events, p, n);
}

static void on_ended(void *arg, int status)
{
	struct seen *s = arg;

	s->status = status;
	s->ended = true;
	loop_stop(s->loop);
}

static void give_up(void *arg)
{
	(void)arg;
	fail_msg("the tool did not end");
}

static const struct child_events callbacks = {on_output, on_event, on_ended};

static struct spawn *shell(const char *script)
{
	struct spawn *s = spawn_new("/bin/sh");

	spawn_arg(s, "-c");
	spawn_arg(s, script);
	return s;
}

/* Runs it to its end; its first output stops it with this grace, -1: nothing does. */
static void run(struct seen *seen, struct spawn *s, int64_t stop)
{
	static const int signals[] = {SIGCHLD};
	struct timer *limit;

	memset(seen, 0, sizeof(*seen));
	seen->stop = stop;
	buf_init(&seen->output);
	buf_init(&seen->events);
	assert_ok(loop_new(&seen->loop));
	assert_ok(loop_signals(seen->loop, signals, 1, on_signal, NULL));
	limit = timer_new(seen->loop, give_up, NULL);
	timer_set(limit, 30000);
	assert_ok(child_start(&seen->child, seen->loop, s, &callbacks, seen));
	assert_ok(loop_run(seen->loop));
	assert_true(seen->ended);
	loop_free(seen->loop);
	spawn_free(s);
}

static void done(struct seen *seen)
{
	buf_free(&seen->output);
	buf_free(&seen->events);
}

/* What getpass of every language does: the terminal, no echo, input thrown away, the prompt, a line. */
#define ASK "exec 3<>/dev/tty; stty -echo <&3; printf 'Password: ' >&3; IFS= read -r x <&3; "

static void types_into_a_terminal(void **state)
{
	static const char secret[] = "p\003q\004 \025\x7f\\$x\xc3\xa9\021z";
	static const char endless[] = "a\nb";
	struct spawn *s = shell(ASK "printf '[%s]' \"$x\"");
	struct seen seen;

	(void)state;
	assert_ok(spawn_terminal(s, "Password:", secret, strlen(secret)));
	run(&seen, s, -1);
	assert_true(WIFEXITED(seen.status));
	assert_memory_equal(seen.output.ptr, "[", 1);
	assert_memory_equal(seen.output.ptr + 1, secret, strlen(secret));
	assert_int_equal(seen.output.len, strlen(secret) + 2);
	done(&seen);
	s = shell("true");
	assert_err(spawn_terminal(s, "Password:", endless, strlen(endless)), ERR_UNSUPPORTED);
	spawn_free(s);
}

/* A program that asks again was given a wrong secret: it is hung up, not left to wait. */
static void types_only_once(void **state)
{
	struct spawn *s = shell(ASK ASK "echo twice");
	struct seen seen;

	(void)state;
	assert_ok(spawn_terminal(s, "Password:", "x", 1));
	run(&seen, s, -1);
	assert_true(WIFSIGNALED(seen.status));
	assert_int_equal(WTERMSIG(seen.status), SIGHUP);
	done(&seen);
}

static void reads_and_writes_files(void **state)
{
	char path[] = "/tmp/desk-child-XXXXXX", text[16] = "";
	struct spawn *s = shell("cat; echo words >&2");
	int out = mkstemp(path), in[2];
	struct seen seen;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(write(in[1], "mail", 4), 4);
	close(in[1]);
	spawn_stdin(s, in[0]);
	spawn_stdout(s, dup(out));
	run(&seen, s, -1);
	assert_int_equal(pread(out, text, sizeof(text), 0), 4);
	assert_string_equal(text, "mail");
	assert_string_equal(seen.output.ptr, "words\n");
	close(out);
	unlink(path);
	done(&seen);
}

static void passes_secrets_and_takes_events(void **state)
{
	struct spawn *s = spawn_new("/bin/sh");
	struct seen seen;

	(void)state;
	spawn_arg(s, "-c");
	spawn_arg(s, "in=${2#fd:} out=${4#fd:}; read -r secret <&$in; echo \"got $secret\"; echo '{\"t\":\"x\"}' >&$out;"
		     " echo err >&2; exit 7");
	spawn_arg(s, "tool");
	assert_ok(spawn_secret(s, "--secret", "hush\n", 5));
	assert_ok(spawn_events(s, "--events"));
	run(&seen, s, -1);
	assert_string_equal(seen.output.ptr, "got hush\nerr\n");
	assert_string_equal(seen.events.ptr, "{\"t\":\"x\"}\n");
	assert_true(WIFEXITED(seen.status) && WEXITSTATUS(seen.status) == 7);
	done(&seen);
}

static void starts_clean(void **state)
{
	struct spawn *s = shell("env | sort; pwd; ls /proc/self/fd | tr '\\n' ' '; ulimit -c; cat /proc/self/status | grep -E "
				"'NoNewPrivs|SigBlk|SigIgn'; ps -o sid= -p $$ | tr -d ' '; echo $$");
	struct seen seen;
	char *session, *pid;
	int leak = open("/etc/passwd", O_RDONLY); /* without close-on-exec */

	(void)state;
	setenv("LEAKED_SECRET", "hunter2", 1);
	spawn_cwd(s, "/tmp");
	spawn_path(s, "/usr/bin:/bin");
	run(&seen, s, -1);
	assert_null(strstr(seen.output.ptr, "LEAKED_SECRET"));
	assert_non_null(strstr(seen.output.ptr, "HOME=/tmp\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\n"));
	assert_non_null(strstr(seen.output.ptr, "TMPDIR=/tmp\nTZ=UTC\n/tmp\n0 1 2 3 0\n"));
	assert_non_null(strstr(seen.output.ptr, "NoNewPrivs:\t1"));
	assert_non_null(strstr(seen.output.ptr, "SigBlk:\t0000000000000000"));
	pid = strrchr(str_trim(seen.output.ptr), '\n');
	*pid++ = '\0';
	session = strrchr(seen.output.ptr, '\n') + 1;
	assert_string_equal(session, pid);
	close(leak);
	done(&seen);
}

static void reaches_only_what_it_may(void **state)
{
	char dir[] = "/tmp/desk-unit-XXXXXX", script[1024];
	const char *writable[1], *readable[1];
	struct spawn *s;
	struct seen seen;

	(void)state;
	if (landlock_version() == 0) {
		print_message("this kernel has no Landlock: not tested\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	snprintf(script, sizeof(script),
		"mkdir %s/own %s/other; echo secret >%s/other/file; echo ca >%s/ca", dir, dir, dir, dir);
	run(&seen, shell(script), -1);
	done(&seen);
	snprintf(script, sizeof(script),
		"cat %s/other/file && echo read other; ls %s && echo listed; echo x >%s/other/new && echo wrote other;"
		"echo y >%s/own/a && mkdir %s/own/q && mv %s/own/a %s/own/q/b && cat %s/own/q/b && cat %s/ca && echo z >>%s/ca && "
		"echo wrote ca; cat /etc/shadow /root/.bashrc && echo read root; kill -0 %d && echo signalled; wc -l </etc/hosts "
		">/dev/null && echo ok",
		dir, dir, dir, dir, dir, dir, dir, dir, dir, dir, (int)getpid());
	s = shell(script);
	snprintf(script, sizeof(script), "%s/own", dir);
	writable[0] = script;
	readable[0] = xasprintf("%s/ca", dir);
	assert_ok(spawn_confine(s, readable, 1, writable, 1));
	run(&seen, s, -1);
	assert_null(strstr(seen.output.ptr, "read other"));
	assert_null(strstr(seen.output.ptr, "listed"));
	assert_null(strstr(seen.output.ptr, "wrote"));
	assert_null(strstr(seen.output.ptr, "read root"));
	if (landlock_version() >= 6)
		assert_null(strstr(seen.output.ptr, "signalled"));
	assert_non_null(strstr(seen.output.ptr, "y\nca\n"));
	assert_non_null(strstr(seen.output.ptr, "ok\n"));
	done(&seen);
	free((char *)(uintptr_t)readable[0]);
	assert_ok(fs_remove_tree(dir));
}

static void says_when_a_tool_is_missing(void **state)
{
	static const int signals[] = {SIGCHLD};
	static const char *const programs[] = {"/no/such/tool", "/etc/passwd", "/etc/passwd/tool"};
	struct seen seen = {.stop = -1};
	struct child *c;

	(void)state;
	assert_ok(loop_new(&seen.loop));
	assert_ok(loop_signals(seen.loop, signals, 1, on_signal, NULL));
	for (size_t i = 0; i < 3; i++) {
		struct spawn *s = spawn_new(programs[i]);

		assert_err(child_start(&c, seen.loop, s, &callbacks, &seen), ERR_TOOL_MISSING);
		spawn_free(s);
	}
	loop_free(seen.loop);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

static void kills_what_ignores_term(void **state)
{
	struct seen seen;

	(void)state;
	run(&seen, shell("trap '' TERM; echo up; while :; do sleep 1; done"), 100);
	assert_true(WIFSIGNALED(seen.status) && WTERMSIG(seen.status) == SIGKILL);
	done(&seen);
	run(&seen, shell("trap 'echo bye; exit 75' TERM; echo up; while :; do sleep 0.01; done"), 20000);
	assert_true(WIFEXITED(seen.status) && WEXITSTATUS(seen.status) == 75);
	assert_non_null(strstr(seen.output.ptr, "bye\n"));
	done(&seen);
}

static bool alive(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	return text[0] != '\0' && strstr(text, ") Z ") == NULL;
}

/* A grandchild in the group, one in a session of its own, both holding the output open. */
static void leaves_nothing_behind(void **state)
{
	struct seen seen;
	char *line;
	int64_t pid;

	(void)state;
	run(&seen, shell("sleep 1000 & echo $!; setsid sleep 1000 & echo $!; exit 0"), -1);
	assert_true(WIFEXITED(seen.status) && WEXITSTATUS(seen.status) == 0);
	for (line = strtok_r(seen.output.ptr, "\n", &(char *){NULL}); line != NULL; line = NULL) {
		assert_true(str_i64(line, 2, INT32_MAX, &pid));
		for (int i = 0; i < 1000 && alive((pid_t)pid); i++)
			usleep(10000);
		assert_false(alive((pid_t)pid));
	}
	done(&seen);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue; /* the strays: killed, and ours to reap */
	assert_int_equal(errno, ECHILD);
}

static void drains_a_flood(void **state)
{
	struct seen seen;

	(void)state;
	run(&seen, shell("head -c 50000000 /dev/zero; exit 3"), -1);
	assert_int_equal(seen.flood, 50000000);
	assert_int_equal(WEXITSTATUS(seen.status), 3);
	done(&seen);
}

/* The tool of a worker that dies at once (kill -9) dies with it. */
static void dies_with_the_worker(void **state)
{
	int p[2];
	pid_t worker, tool = 0;

	(void)state;
	assert_int_equal(pipe(p), 0);
	worker = fork();
	if (worker == 0) {
		static const int signals[] = {SIGCHLD};
		struct seen seen = {0};
		struct child *c;

		if (loop_new(&seen.loop) != NULL || loop_signals(seen.loop, signals, 1, on_signal, NULL) != NULL ||
			child_start(&c, seen.loop, shell("exec sleep 1000"), &callbacks, &seen) != NULL)
			_exit(1);
		tool = child_pid(c);
		if (write(p[1], &tool, sizeof(tool)) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(read(p[0], &tool, sizeof(tool)), sizeof(tool));
	assert_int_equal(waitpid(worker, NULL, 0), worker);
	for (int i = 0; i < 1000 && alive(tool); i++)
		usleep(10000);
	assert_false(alive(tool));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_secrets_and_takes_events),
		cmocka_unit_test(types_into_a_terminal),
		cmocka_unit_test(types_only_once),
		cmocka_unit_test(reads_and_writes_files),
		cmocka_unit_test(starts_clean),
		cmocka_unit_test(reaches_only_what_it_may),
		cmocka_unit_test(says_when_a_tool_is_missing),
		cmocka_unit_test(kills_what_ignores_term),
		cmocka_unit_test(leaves_nothing_behind),
		cmocka_unit_test(drains_a_flood),
		cmocka_unit_test(dies_with_the_worker),
	};

	if (child_init() != NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
