#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "app.h"
#include "call.h"
#include "clock.h"
#include "fastcgi.h"
#include "log.h"

#include "banned.h"

#define CHUNK 65536

/* TERM must be able to end the wait for a connection, and nothing else. Returns -1 when it is time to look at
 * `stopping`. */
static int take(int listen_fd, int epoll_fd)
{
	struct epoll_event ev;
	sigset_t none;
	int fd;

	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		sigemptyset(&none);
		epoll_pwait(epoll_fd, &ev, 1, 1000, &none);
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	}
	return fd;
}

static const struct err *next_piece(void *stream, int64_t wait_ms, const char **p, size_t *n)
{
	return fastcgi_body(stream, wait_ms, p, n);
}

static void write_file(struct fastcgi *out, const struct response *res)
{
	static char chunk[CHUNK];
	off_t at = res->from, end = res->from + res->length;

	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = pread(res->fd, chunk, want, at);

		/* Shorter than announced: the length is out already, so the answer must break off. */
		if (n <= 0 || fastcgi_write(out, chunk, (size_t)n) != NULL)
			return;
		at += n;
	}
}

static void write_answer(struct fastcgi *out, const struct call *c)
{
	static struct buf head = BUF_INIT;

	buf_reset(&head);
	response_head(&c->res, &head);
	fastcgi_write(out, head.ptr, head.len);
	if (c->req.head || c->res.status == 204 || c->res.status == 304)
		return;
	if (c->res.fd >= 0)
		write_file(out, &c->res);
	else if (c->res.body.len > 0)
		fastcgi_write(out, c->res.body.ptr, c->res.body.len);
}

static void one(struct app *app, struct fastcgi *line, struct pool_slot *slot)
{
	struct body body = {.next = next_piece, .stream = line};
	int64_t start = clock_mono_us();
	struct call c;
	int class;

	atomic_store(&slot->busy_since_ms, start / 1000 + 1);
	call_answer(&c, app, fastcgi_env(line), &body);
	write_answer(line, &c);
	class = c.res.status / 100;
	call_free(&c);
	fastcgi_end(line);
	atomic_fetch_add_explicit(&slot->answers[class], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->busy_us, (uint64_t)(clock_mono_us() - start), memory_order_relaxed);
	atomic_store(&slot->busy_since_ms, 0);
}

int serve(const struct pool *p, int slot)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	struct fastcgi *line = fastcgi_new();
	struct app *app;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), fd, status = 0;

	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->listen_fd, &ev) != 0) {
		log_error("%s: the listening socket cannot be used: %s", p->name, strerror(errno));
		fastcgi_free(line);
		return EX_OSERR;
	}
	app = app_open(p, &p->page->slots[slot], STORE_USE, &status);
	while (app != NULL && !pool_stopping(p)) {
		if ((fd = take(p->listen_fd, epoll_fd)) < 0)
			continue;
		if (fastcgi_begin(line, fd) == NULL)
			one(app, line, &p->page->slots[slot]);
		else
			fastcgi_end(line);
		if (app->outdated)
			break;
	}
	app_close(app);
	fastcgi_free(line);
	close(epoll_fd);
	return status;
}
