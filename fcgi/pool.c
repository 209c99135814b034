#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#include "banned.h"

#define KEEPER 0 /* place of the keeper in the table; children follow */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define LIVED_MS 5000 /* a child that lived this long did not die at once */

struct place {
	pid_t pid;          /* 0: empty */
	int64_t started_ms; /* monotonic */
	int64_t pause_ms;   /* before the next one; grows while children die at once */
	int64_t fork_at_ms;
};

struct supervisor {
	struct pool *pool;
	struct place places[1 + POOL_MAX];
	int n_places;
	pid_t parent;
	sigset_t signals;
	int ready_fd; /* read end while the keeper has not said ready, else -1 */
	bool stopping;
	int64_t kill_at_ms;
	int status;
};

/* TERM is blocked in children but while they wait: no request is cut. */
static volatile sig_atomic_t term_seen;

static void on_term(int sig)
{
	(void)sig;
	term_seen = 1;
}

bool pool_stopping(const struct pool *p)
{
	return term_seen || atomic_load(&p->page->stopping);
}

void pool_pause(int64_t ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigtimedwait(&term, NULL, &t) == SIGTERM)
		term_seen = 1;
}

static void child_signals(const struct supervisor *s)
{
	struct sigaction sa = {.sa_handler = on_term};
	sigset_t others;

	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGINT, &sa, NULL); /* Ctrl-C reaches the whole group: the parent decides */
	sigaction(SIGPIPE, &sa, NULL);
	sa.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&others);
	sigaddset(&others, SIGINT);
	sigaddset(&others, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &others, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != s->parent)
		_exit(0);
}

static void start(struct supervisor *s, int at)
{
	struct place *place = &s->places[at];
	struct pool *p = s->pool;
	int ready[2] = {-1, -1};
	pid_t pid;

	if (at == KEEPER && pipe(ready) != 0) {
		log_error("%s: pipe: %s", p->name, strerror(errno));
		place->fork_at_ms = clock_mono_ms() + PAUSE_MAX_MS;
		return;
	}
	pid = fork();
	if (pid == 0) {
		child_signals(s);
		if (ready[0] >= 0)
			close(ready[0]);
		if (s->ready_fd >= 0)
			close(s->ready_fd);
		exit(at == KEEPER ? p->keep(p, ready[1]) : p->serve(p, at - 1));
	}
	if (ready[1] >= 0)
		close(ready[1]);
	if (pid < 0) {
		log_error("%s: fork: %s", p->name, strerror(errno));
		if (ready[0] >= 0)
			close(ready[0]);
		place->fork_at_ms = clock_mono_ms() + PAUSE_MAX_MS;
		return;
	}
	if (at == KEEPER) {
		if (s->ready_fd >= 0)
			close(s->ready_fd);
		s->ready_fd = ready[0];
	}
	place->pid = pid;
	place->started_ms = clock_mono_ms();
	atomic_fetch_add(&p->page->forks, 1);
}

/* Blocks until the keeper has made the database ready. Without it no child may start. */
static bool await_keeper(struct supervisor *s)
{
	char byte;
	ssize_t n;

	start(s, KEEPER);
	if (s->ready_fd < 0)
		return false;
	/* A TERM meanwhile is pending and is seen after; the keeper itself ends only by its work or a kill.
	 */
	do
		n = read(s->ready_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	close(s->ready_fd);
	s->ready_fd = -1;
	if (n == 1)
		return true;
	int status = 0;
	if (waitpid(s->places[KEEPER].pid, &status, 0) > 0)
		s->places[KEEPER].pid = 0;
	s->status = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EX_SOFTWARE;
	return false;
}

static void say_death(const struct supervisor *s, int at, pid_t pid, int status)
{
	const char *what = at == KEEPER && s->pool->keep != NULL ? "keeper" : "child";

	if (WIFSIGNALED(status))
		log_warn("%s: %s %d died by signal %d", s->pool->name, what, (int)pid, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_warn("%s: %s %d exited with status %d", s->pool->name, what, (int)pid,
			WEXITSTATUS(status));
	else if (!s->stopping)
		log_info("%s: %s %d ended", s->pool->name, what, (int)pid);
}

static void bury(struct supervisor *s, pid_t pid, int status)
{
	int64_t now = clock_mono_ms();

	for (int i = 0; i < s->n_places; i++) {
		struct place *place = &s->places[i];

		if (place->pid != pid)
			continue;
		say_death(s, i, pid, status);
		place->pid = 0;
		if (i > KEEPER) {
			struct pool_slot *slot = &s->pool->page->slots[i - 1];

			if (atomic_exchange(&slot->busy_since_ms, 0) != 0)
				atomic_fetch_add(&slot->answers[0], 1);
		}
		if (now - place->started_ms >= LIVED_MS) {
			place->pause_ms = 0;
		} else {
			place->pause_ms = place->pause_ms == 0 ? PAUSE_MIN_MS : place->pause_ms * 2;
			if (place->pause_ms > PAUSE_MAX_MS)
				place->pause_ms = PAUSE_MAX_MS;
		}
		place->fork_at_ms =
			now + (WIFSIGNALED(status) && place->pause_ms == PAUSE_MIN_MS ? 0 : place->pause_ms);
		return;
	}
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		bury(s, pid, status);
}

static int alive(const struct supervisor *s)
{
	int n = 0;

	for (int i = 0; i < s->n_places; i++)
		n += s->places[i].pid != 0;
	return n;
}

static void signal_all(const struct supervisor *s, int sig)
{
	for (int i = 0; i < s->n_places; i++)
		if (s->places[i].pid != 0)
			kill(s->places[i].pid, sig);
}

/* Starts what is due; returns how long to sleep at most. */
static int64_t refill(struct supervisor *s)
{
	int64_t now = clock_mono_ms(), next = now + 60000;

	for (int i = s->pool->keep != NULL ? KEEPER : 1; i < s->n_places; i++) {
		struct place *place = &s->places[i];

		if (place->pid != 0)
			continue;
		if (place->fork_at_ms <= now)
			start(s, i);
		else if (place->fork_at_ms < next)
			next = place->fork_at_ms;
	}
	return next - now;
}

static void supervise(struct supervisor *s)
{
	for (;;) {
		int64_t ms = 100;
		struct timespec wait;
		int sig;

		reap(s);
		if (!s->stopping) {
			ms = refill(s);
		} else {
			if (alive(s) == 0)
				return;
			/* Again and again: the first one may come while a child is between two requests. */
			signal_all(s, clock_mono_ms() >= s->kill_at_ms ? SIGKILL : SIGTERM);
		}
		wait.tv_sec = ms / 1000;
		wait.tv_nsec = ms % 1000 * 1000000;
		sig = sigtimedwait(&s->signals, NULL, &wait);
		if ((sig == SIGTERM || sig == SIGINT) && !s->stopping) {
			log_info("%s: stopping", s->pool->name);
			s->stopping = true;
			s->kill_at_ms = clock_mono_ms() + POOL_GRACE_SECONDS * 1000;
			atomic_store(&s->pool->page->stopping, true);
		}
	}
}

int pool_run(struct pool *p)
{
	static struct supervisor s;
	size_t size = sizeof(*p->page) + (size_t)p->processes * sizeof(p->page->slots[0]);

	p->page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->page == MAP_FAILED) {
		log_error("%s: mmap: %s", p->name, strerror(errno));
		return EX_OSERR;
	}
	p->page->processes = p->processes;
	s.pool = p;
	s.n_places = 1 + p->processes;
	s.parent = getpid();
	s.ready_fd = -1;
	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s.signals, NULL);
	if (p->keep != NULL && !await_keeper(&s))
		return s.status != 0 ? s.status : EX_OSERR;
	log_info("%s: ready, %d processes", p->name, p->processes);
	supervise(&s);
	munmap(p->page, size);
	p->page = NULL;
	return 0;
}
