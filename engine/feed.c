#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define TOLD_MAX 2000
#define SOCKET_BYTES (1 << 20)

struct feed_turns {
	char *folder;
	struct {
		uint32_t turn, last;
	} *t;
	size_t n;
};

struct feed {
	const char *kind;
	char *path, *reader; /* reader: mailmover-source */
	struct events *ev;
	pid_t *child;
	size_t nchildren;
	char **told; /* notes already given: a child that is started again says the same */
	size_t ntold;
	bool damaged;
	struct feed_turns *turns; /* sorted by folder, as they come */
	size_t nturns;
};

/* The reader beside this program, as in a build tree, or where it is installed. */
static char *reader_path(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *path;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		path = xasprintf("%.*s/mailmover-source", (int)(slash - self), self);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return xstrdup(PKGLIBEXECDIR "/mailmover-source");
}

const struct err *feed_new(struct feed **out, const struct endpoint *ep, struct events *ev)
{
	char *reader;
	struct feed *f;

	if (access(ep->path, R_OK) != 0)
		return err_errno("%s", ep->path);
	reader = reader_path();
	if (access(reader, X_OK) != 0) {
		const struct err *e = err_new(ERR_TOOL_MISSING, "%s, which reads files, is not there", reader);

		free(reader);
		return e;
	}
	f = xcalloc(1, sizeof(*f));
	f->kind = url_kind_name(ep->kind);
	f->reader = reader;
	f->path = realpath(ep->path, NULL);
	if (f->path == NULL)
		f->path = xstrdup(ep->path);
	f->ev = ev;
	*out = f;
	return NULL;
}

static void reap(struct feed *f, int how)
{
	size_t kept = 0;
	int status;

	for (size_t i = 0; i < f->nchildren; i++) {
		pid_t pid;

		do
			pid = waitpid(f->child[i], &status, how);
		while (pid < 0 && errno == EINTR);
		if (pid == 0)
			f->child[kept++] = f->child[i];
		else if (pid > 0 && WIFSIGNALED(status))
			log_info("%s: its reader ended by signal %d", f->path, WTERMSIG(status));
	}
	f->nchildren = kept;
}

void feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->nchildren; i++) /* their lines are closed: nothing is left to do for them */
		kill(f->child[i], SIGKILL);
	reap(f, 0);
	for (size_t i = 0; i < f->ntold; i++)
		free(f->told[i]);
	for (size_t i = 0; i < f->nturns; i++) {
		free(f->turns[i].folder);
		free(f->turns[i].t);
	}
	free(f->turns);
	free(f->told);
	free(f->child);
	free(f->path);
	free(f->reader);
	free(f);
}

/* In the child: a program of its own, so that no secret of ours is in its memory. */
static void become_reader(const struct feed *f, int fd)
{
	char *const argv[] = {(char *)"mailmover-source", (char *)f->kind, f->path, NULL};
	char *const env[] = {(char *)"LC_ALL=C.UTF-8", (char *)"PATH=/usr/bin:/bin",
#ifdef WITH_SANITIZERS /* looking for leaks takes what the cage refuses */
		(char *)"ASAN_OPTIONS=detect_leaks=0:exitcode=99", (char *)"UBSAN_OPTIONS=print_stacktrace=1:exitcode=99",
#endif
		NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(fd, STDIN_FILENO) == STDIN_FILENO)
		execve(f->reader, argv, env);
	_exit(127);
}

const struct err *feed_connect(struct feed *f, int *fd)
{
	int pair[2], bytes = SOCKET_BYTES;
	pid_t pid;

	reap(f, WNOHANG);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_errno("socketpair");
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	pid = fork();
	if (pid == 0)
		become_reader(f, pair[1]);
	close(pair[1]);
	if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
		close(pair[0]);
		return err_errno("fork");
	}
	f->child = xreallocarray(f->child, f->nchildren + 1, sizeof(*f->child));
	f->child[f->nchildren++] = pid;
	*fd = pair[0];
	return NULL;
}

/* --- what children say --- */

static bool told_before(struct feed *f, const char *args, const char *text)
{
	char *line = xasprintf("%s %s", args, text);

	for (size_t i = 0; i < f->ntold; i++)
		if (strcmp(f->told[i], line) == 0) {
			free(line);
			return true;
		}
	if (f->ntold >= TOLD_MAX) {
		free(line);
		return true;
	}
	f->told = xreallocarray(f->told, f->ntold + 1, sizeof(char *));
	f->told[f->ntold++] = line;
	return false;
}

/* --- turns --- */

const struct feed_turns *feed_turns(const struct feed *f, const char *folder)
{
	size_t lo = 0, hi = f != NULL ? f->nturns : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(f->turns[mid].folder, folder);

		if (c == 0)
			return &f->turns[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

uint32_t feed_turn_of(const struct feed_turns *t, uint32_t uid)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->t[mid].last < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n ? t->t[lo].turn : UINT32_MAX - 1;
}

uint32_t feed_turn_last(const struct feed_turns *t, uint32_t turn)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->t[mid].turn <= turn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? t->t[lo - 1].last : 0;
}

/* The row of that folder; new rows keep the order. */
static struct feed_turns *row_of(struct feed *f, const char *folder)
{
	struct feed_turns *t = (struct feed_turns *)feed_turns(f, folder);
	size_t at = f->nturns;

	if (t != NULL)
		return t;
	f->turns = xreallocarray(f->turns, f->nturns + 1, sizeof(*f->turns));
	for (; at > 0 && strcmp(f->turns[at - 1].folder, folder) > 0; at--)
		f->turns[at] = f->turns[at - 1];
	f->turns[at] = (struct feed_turns){.folder = xstrdup(folder)};
	f->nturns++;
	return &f->turns[at];
}

/* "[DESKTURNS folder] turn:last turn:last …": rising. A reader that is started again says the same once more. */
static void take_turns(struct feed *f, const char *args, const char *text)
{
	struct buf folder = BUF_INIT;
	struct feed_turns *t;
	unsigned turn, last;
	int n;

	str_unpercent(&folder, args, strlen(args));
	t = row_of(f, folder.ptr);
	for (; sscanf(text, " %u:%u%n", &turn, &last, &n) == 2; text += n) {
		if (t->n > 0 && (t->t[t->n - 1].last >= last || t->t[t->n - 1].turn >= turn))
			continue;
		if ((t->n & (t->n + 1)) == 0)
			t->t = xreallocarray(t->t, t->n * 2 + 2, sizeof(*t->t));
		t->t[t->n].turn = turn;
		t->t[t->n++].last = last;
	}
	buf_free(&folder);
}

bool feed_note(struct feed *f, const struct imap_resp *r)
{
	const char *gap;
	struct buf folder = BUF_INIT;
	bool damage;

	if (r->tag == NULL && r->kind == IMAP_OK && strcmp(r->code, "DESKTURNS") == 0) {
		take_turns(f, r->code_args, r->text);
		return true;
	}
	if (r->tag != NULL || r->kind != IMAP_OK || strcmp(r->code, "DESKNOTE") != 0)
		return false;
	gap = strchr(r->code_args, ' ');
	damage = str_istarts(r->code_args, "damage");
	if (str_istarts(r->code_args, "progress")) {
		log_debug("%s", r->text);
		return true;
	}
	f->damaged = f->damaged || damage;
	if (told_before(f, r->code_args, r->text))
		return true;
	if (gap != NULL)
		str_unpercent(&folder, gap + 1, strlen(gap + 1));
	event_warning(f->ev, err_new(damage ? ERR_SOURCE_DAMAGED : ERR_SOURCE_OMITTED, "%s", r->text),
		folder.len > 0 ? folder.ptr : NULL);
	buf_free(&folder);
	return true;
}

const struct err *feed_error(const struct imap_resp *r)
{
	const struct err_row *row;

	if (strcmp(r->code, "DESKERR") != 0 || (row = err_row_by_code(r->code_args)) == NULL)
		return NULL;
	return err_new(row->id, "%s", r->text);
}

bool feed_damaged(const struct feed *f)
{
	return f != NULL && f->damaged;
}
