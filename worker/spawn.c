#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "fs.h"
#include "landlock.h"
#include "mem.h"

#include "banned.h"

#define OPEN_FILES 1024

struct list {
	char **v; /* NULL-terminated once it has an item */
	size_t n;
};

struct spawn {
	struct list argv, env, readable;
	char *cwd, *path;
	uint64_t memory;
	int fds[SPAWN_FDS_MAX]; /* that the child keeps under the same number */
	int n_fds;
	int events;   /* our end, or -1 */
	int in, out;  /* instead of the usual ones, or -1 */
	struct terminal *term;
	int confined; /* ruleset, or -1 */
};

static void list_add(struct list *l, char *s)
{
	l->v = xreallocarray(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

struct spawn *spawn_new(const char *program)
{
	struct spawn *s = xcalloc(1, sizeof(*s));

	s->events = s->confined = s->in = s->out = -1;
	s->cwd = xstrdup("/");
	s->path = xstrdup("/usr/local/bin:/usr/bin:/bin");
	list_add(&s->argv, xstrdup(program));
	return s;
}

static void close_fds(struct spawn *s)
{
	for (int i = 0; i < s->n_fds; i++)
		close(s->fds[i]);
	s->n_fds = 0;
	if (s->in >= 0)
		close(s->in);
	if (s->out >= 0)
		close(s->out);
	s->in = s->out = -1;
}

void spawn_free(struct spawn *s)
{
	if (s == NULL)
		return;
	close_fds(s);
	if (s->events >= 0)
		close(s->events);
	if (s->confined >= 0)
		close(s->confined);
	terminal_free(s->term);
	list_free(&s->argv);
	list_free(&s->env);
	list_free(&s->readable);
	free(s->cwd);
	free(s->path);
	free(s);
}

void spawn_arg(struct spawn *s, const char *arg)
{
	list_add(&s->argv, xstrdup(arg));
}

void spawn_argf(struct spawn *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	list_add(&s->argv, buf_detach(&b));
}

void spawn_env(struct spawn *s, const char *name, const char *value)
{
	list_add(&s->env, xasprintf("%s=%s", name, value));
}

void spawn_cwd(struct spawn *s, const char *dir)
{
	free(s->cwd);
	s->cwd = xstrdup(dir);
}

void spawn_path(struct spawn *s, const char *path)
{
	free(s->path);
	s->path = xstrdup(path);
}

void spawn_memory(struct spawn *s, uint64_t bytes)
{
	s->memory = bytes;
}

static void keep(struct spawn *s, int fd)
{
	if (s->n_fds == SPAWN_FDS_MAX)
		abort(); /* a tool's row asks for more than the table allows: a programming error */
	s->fds[s->n_fds++] = fd;
}

void spawn_inherit(struct spawn *s, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy >= 0)
		keep(s, copy);
}

const struct err *spawn_secret(struct spawn *s, const char *option, const char *secret, size_t len)
{
	const struct err *e;
	int p[2];

	if (len > SPAWN_SECRET_MAX)
		return err_new(ERR_TOO_LARGE, "a secret of %zu bytes; at most %d", len, SPAWN_SECRET_MAX);
	if (pipe2(p, O_CLOEXEC) != 0)
		return err_errno("pipe");
	e = fs_write_all(p[1], secret, len);
	close(p[1]);
	keep(s, p[0]);
	spawn_arg(s, option);
	spawn_argf(s, "fd:%d", p[0]);
	return e;
}

void spawn_readable(struct spawn *s, const char *path)
{
	list_add(&s->readable, xstrdup(path));
}

static const struct err *events_pipe(struct spawn *s, const char *option, const char *form)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return err_errno("pipe");
	s->events = p[0];
	keep(s, p[1]);
	spawn_arg(s, option);
	spawn_argf(s, "%s%d", form, p[1]);
	return NULL;
}

const struct err *spawn_events(struct spawn *s, const char *option)
{
	return events_pipe(s, option, "fd:");
}

const struct err *spawn_events_file(struct spawn *s, const char *option)
{
	return events_pipe(s, option, "/dev/fd/");
}

void spawn_stdin(struct spawn *s, int fd)
{
	s->in = fd;
}

void spawn_stdout(struct spawn *s, int fd)
{
	s->out = fd;
}

const struct err *spawn_terminal(struct spawn *s, const char *prompt, const char *secret, size_t len)
{
	return terminal_open(&s->term, prompt, secret, len);
}

const struct err *spawn_confine(struct spawn *s, const char *const *readable, size_t n_readable,
	const char *const *writable, size_t n_writable)
{
	const char **paths = xcalloc(n_readable + 1 + s->readable.n, sizeof(*paths));
	const struct err *e;

	for (size_t i = 0; i < n_readable; i++)
		paths[i] = readable[i];
	paths[n_readable++] = s->argv.v[0];
	for (size_t i = 0; i < s->readable.n; i++)
		paths[n_readable++] = s->readable.v[i];
	if (s->confined >= 0)
		close(s->confined);
	e = confine_make(&s->confined, paths, n_readable, writable, n_writable);
	free(paths);
	return e;
}

static void build_env(struct spawn *s)
{
	spawn_env(s, "PATH", s->path);
	spawn_env(s, "HOME", s->cwd);
	spawn_env(s, "TMPDIR", s->cwd);
	spawn_env(s, "LANG", "C.UTF-8");
	spawn_env(s, "TZ", "UTC");
}

static bool limit(int what, rlim_t value)
{
	struct rlimit r = {value, value};

	return setrlimit(what, &r) == 0;
}

/* In the child, between fork and exec: async-signal-safe calls only. Returns only on failure, errno set. */
static void become_tool(struct spawn *s, int out, int errors, pid_t parent)
{
	sigset_t none;
	int null;

	sigemptyset(&none);
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return;
	if (getppid() != parent)
		_exit(127); /* the worker died before PDEATHSIG was set */
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	null = s->in >= 0 ? s->in : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(s->out >= 0 ? s->out : out, 1) < 0 || dup2(out, 2) < 0)
		return;
	if (s->term != NULL && !terminal_take(s->term))
		return;
	/* everything else closes at exec, whatever a library may have left open */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		return;
	for (int i = 0; i < s->n_fds; i++)
		if (fcntl(s->fds[i], F_SETFD, 0) != 0)
			return;
	if (chdir(s->cwd) != 0 || !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, OPEN_FILES))
		return;
#ifndef WITH_SANITIZERS /* a sanitizer reserves terabytes of address space */
	if (s->memory > 0 && !limit(RLIMIT_AS, s->memory))
		return;
#endif
	if (s->confined >= 0 && !landlock_enter(s->confined))
		return;
	(void)errors; /* close-on-exec: its end tells the parent that exec succeeded */
	execve(s->argv.v[0], s->argv.v, s->env.v);
}

/* Waits until the child has become the tool, or says why it could not. */
static const struct err *await_exec(struct spawn *s, int fd)
{
	int sys = 0;
	ssize_t n;

	do
		n = read(fd, &sys, sizeof(sys));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(sys))
		return NULL;
	errno = sys;
	if (sys == ENOENT || sys == EACCES || sys == ENOEXEC || sys == ENOTDIR)
		return err_new(ERR_TOOL_MISSING, "%s cannot be started: %s", s->argv.v[0], strerror(sys));
	return err_errno("start %s", s->argv.v[0]);
}

static const struct err *set_nonblock(int fd)
{
	if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return err_errno("fcntl");
	return NULL;
}

const struct err *spawn_run(struct spawn *s, pid_t *pid, int *out, int *events, struct terminal **term)
{
	const struct err *e = NULL;
	pid_t self = getpid(), p = -1;
	int o[2] = {-1, -1}, x[2] = {-1, -1};

	build_env(s);
	if (pipe2(o, O_CLOEXEC) != 0 || pipe2(x, O_CLOEXEC) != 0) {
		e = err_errno("pipe");
		goto done;
	}
	if ((e = set_nonblock(o[0])) != NULL || (e = set_nonblock(s->events)) != NULL)
		goto done;
	p = fork();
	if (p == 0) {
		int sys;

		become_tool(s, o[1], x[1], self);
		sys = errno;
		if (write(x[1], &sys, sizeof(sys)) < 0)
			_exit(126);
		_exit(127);
	}
	if (p < 0) {
		e = err_errno("fork");
		goto done;
	}
	close(x[1]);
	x[1] = -1;
	e = await_exec(s, x[0]);
	*pid = p;
	if (e == NULL) {
		*out = o[0];
		*events = s->events;
		o[0] = s->events = -1;
		*term = s->term;
		s->term = NULL;
	}
done:
	close_fds(s);
	for (int i = 0; i < 2; i++) {
		if (o[i] >= 0)
			close(o[i]);
		if (x[i] >= 0)
			close(x[i]);
	}
	return e;
}
