#include "child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define READ_SIZE 65536
#define DRAIN_MS 2000 /* how long a dead tool's pipes may stay open in processes that escaped its group */

struct child {
	struct child *next;
	struct loop *loop;
	struct child_events ev;
	void *arg;
	pid_t pid;
	int fd[2]; /* output, events; -1 when closed */
	struct terminal *term;
	struct watch *term_watch;
	struct watch *watch[2];
	struct timer *kill, *drain;
	bool reaped;
	int status;
};

static struct child *children;

const struct err *child_init(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return err_errno("prctl(PR_SET_CHILD_SUBREAPER)");
	return NULL;
}

static void close_end(struct child *c, int i)
{
	if (c->fd[i] < 0)
		return;
	loop_unwatch(c->watch[i]);
	c->watch[i] = NULL;
	close(c->fd[i]);
	c->fd[i] = -1;
}

static void close_terminal(struct child *c)
{
	if (c->term_watch != NULL)
		loop_unwatch(c->term_watch);
	c->term_watch = NULL;
	terminal_free(c->term);
	c->term = NULL;
}

static void child_free(struct child *c)
{
	for (struct child **p = &children; *p != NULL; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			break;
		}
	close_end(c, 0);
	close_end(c, 1);
	close_terminal(c);
	timer_free(c->kill);
	timer_free(c->drain);
	free(c);
}

/* Reaped and both pipes at their end: nothing more can come. */
static void maybe_ended(struct child *c)
{
	if (!c->reaped || c->fd[0] >= 0 || c->fd[1] >= 0)
		return;
	c->ev.ended(c->arg, c->status);
	child_free(c);
}

/* One read a turn, so that a flood from one tool starves nobody. */
static void pipe_ready(struct child *c, int i)
{
	char chunk[READ_SIZE];
	ssize_t n = read(c->fd[i], chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		(i == 0 ? c->ev.output : c->ev.event)(c->arg, chunk, (size_t)n);
		return;
	}
	close_end(c, i);
	maybe_ended(c);
}

static void output_ready(void *arg, uint32_t events)
{
	(void)events;
	pipe_ready(arg, 0);
}

static void events_ready(void *arg, uint32_t events)
{
	(void)events;
	pipe_ready(arg, 1);
}

static void terminal_ready(void *arg, uint32_t events)
{
	struct child *c = arg;

	(void)events;
	if (!terminal_read(c->term))
		close_terminal(c);
}

static void kill_now(void *arg)
{
	struct child *c = arg;

	kill(-c->pid, SIGKILL);
}

static void drain_over(void *arg)
{
	struct child *c = arg;

	log_warn("process %d ended, but something still holds its output: closed", (int)c->pid);
	close_end(c, 0);
	close_end(c, 1);
	maybe_ended(c);
}

const struct err *child_start(struct child **out, struct loop *l, struct spawn *s, const struct child_events *ev,
	void *arg)
{
	static loop_fd_fn *const ready[2] = {output_ready, events_ready};
	struct child *c = xcalloc(1, sizeof(*c));
	const struct err *e;

	*c = (struct child){.loop = l, .ev = *ev, .arg = arg, .fd = {-1, -1}};
	e = spawn_run(s, &c->pid, &c->fd[0], &c->fd[1], &c->term);
	if (e != NULL) {
		free(c); /* one that was forked but could not become the tool is reaped as unknown */
		return e;
	}
	c->kill = timer_new(l, kill_now, c);
	c->drain = timer_new(l, drain_over, c);
	c->next = children;
	children = c;
	for (int i = 0; i < 2 && e == NULL; i++)
		if (c->fd[i] >= 0)
			e = loop_watch(l, &c->watch[i], c->fd[i], EPOLLIN, ready[i], c);
	if (e == NULL && c->term != NULL)
		e = loop_watch(l, &c->term_watch, terminal_fd(c->term), EPOLLIN, terminal_ready, c);
	if (e != NULL) {
		kill_now(c);
		child_free(c);
		return e;
	}
	*out = c;
	return NULL;
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

void child_stop(struct child *c, int64_t grace_ms)
{
	if (c->reaped)
		return;
	if (grace_ms > 0) {
		kill(-c->pid, SIGTERM);
		timer_within(c->kill, grace_ms);
	} else {
		kill_now(c);
	}
}

void child_abandon(struct child *c)
{
	if (!c->reaped)
		kill_now(c);
	child_free(c);
}

/* Parent and session of a process, from /proc/PID/stat; the name in it may hold anything. */
static bool read_stat(const char *pid, pid_t *parent, pid_t *session)
{
	char path[64], text[1024], *p;
	int a, b, group;
	char state;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (p == NULL || sscanf(p + 1, " %c %d %d %d", &state, &a, &group, &b) != 4)
		return false;
	*parent = a;
	*session = b;
	return true;
}

/* Calls fn for every process of this user. */
static void each_process(void (*fn)(pid_t pid, pid_t parent, pid_t session, void *arg), void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		pid_t parent, session;
		int64_t pid;

		if (str_i64(d->d_name, 1, INT32_MAX, &pid) && read_stat(d->d_name, &parent, &session))
			fn((pid_t)pid, parent, session, arg);
	}
	closedir(dir);
}

static bool is_child(pid_t pid)
{
	for (struct child *c = children; c != NULL; c = c->next)
		if (c->pid == pid)
			return true;
	return false;
}

static void kill_stray(pid_t pid, pid_t parent, pid_t session, void *arg)
{
	pid_t self = *(pid_t *)arg;

	/* what left its session is nobody's; what stayed in a living tool's session is that tool's */
	if (parent != self || is_child(pid) || is_child(session))
		return;
	log_warn("process %d was left behind by a tool: killed", (int)pid);
	kill(pid, SIGKILL);
}

static void ended(struct child *c, int status)
{
	pid_t self = getpid();

	c->reaped = true;
	c->status = status;
	timer_stop(c->kill);
	kill(-c->pid, SIGKILL); /* the group may outlive its leader */
	/* its number is no longer that of a child: what stayed in its session is a stray now */
	for (struct child **p = &children; *p != NULL; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			break;
		}
	each_process(kill_stray, &self);
	timer_set(c->drain, DRAIN_MS);
	maybe_ended(c);
}

void child_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = children;

		while (c != NULL && c->pid != pid)
			c = c->next;
		if (c != NULL)
			ended(c, status);
	}
}

static void kill_member(pid_t pid, pid_t parent, pid_t session, void *arg)
{
	(void)parent;
	if (session == *(pid_t *)arg && pid != getpid() && kill(pid, SIGKILL) == 0)
		log_warn("process %d was left behind by a worker that died: killed", (int)pid);
}

void child_kill_session(pid_t sid)
{
	if (sid > 1 && sid != getsid(0))
		each_process(kill_member, &sid);
}
