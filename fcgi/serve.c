#include "serve.h"

#include <errno.h>
#include <fcgiapp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "app.h"
#include "call.h"
#include "clock.h"
#include "log.h"

#include "banned.h"

#define CHUNK 65536

/* Connections are taken here and not by FCGX_Accept_r: TERM must be able to end the wait and nothing else,
 * and the time-out must stand before the first byte is read. Returns -1 when it is time to look at
 * `stopping`. */
static int take(int listen_fd, int epoll_fd)
{
	const struct timeval limit = {.tv_sec = SERVE_TIMEOUT_SECONDS};
	struct epoll_event ev;
	sigset_t none;
	int fd;

	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		sigemptyset(&none);
		epoll_pwait(epoll_fd, &ev, 1, 1000, &none);
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	}
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Without Content-Length (a chunked request that the proxy does not buffer) the end of the stream is the end.
 */
static const struct err *read_body(void *stream, struct request *r, size_t max)
{
	FCGX_Stream *in = stream;
	int error;

	if (r->content_length > (int64_t)max)
		return err_new(ERR_TOO_LARGE, "the body has %lld bytes, at most %zu are taken here",
			(long long)r->content_length, max);
	for (;;) {
		size_t want = max + 1 - r->body.len;
		int n;

		want = want < CHUNK ? want : CHUNK;
		buf_reserve(&r->body, want);
		n = FCGX_GetStr(r->body.ptr + r->body.len, (int)want, in);
		if (n <= 0)
			break;
		r->body.len += (size_t)n;
		r->body.ptr[r->body.len] = '\0';
		if (r->body.len > max)
			return err_new(ERR_TOO_LARGE, "the body has more than %zu bytes", max);
		if ((size_t)n < want)
			break;
	}
	error = FCGX_GetError(in);
	if (error != 0 || (r->content_length >= 0 && r->body.len != (size_t)r->content_length))
		return err_new(ERR_JSON, "the body ended after %zu of %lld bytes", r->body.len,
			(long long)r->content_length);
	return NULL;
}

static void write_file(FCGX_Stream *out, const struct response *res)
{
	static char chunk[CHUNK];
	off_t at = res->from, end = res->from + res->length;

	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = pread(res->fd, chunk, want, at);

		/* Shorter than announced: the length is out already, so the answer must break off. */
		if (n <= 0 || FCGX_PutStr(chunk, (int)n, out) != (int)n)
			return;
		at += n;
	}
}

static void write_answer(FCGX_Stream *out, const struct call *c)
{
	static struct buf head = BUF_INIT;

	buf_reset(&head);
	response_head(&c->res, &head);
	FCGX_PutStr(head.ptr, (int)head.len, out);
	if (c->req.head || c->res.status == 204 || c->res.status == 304)
		return;
	if (c->res.fd >= 0)
		write_file(out, &c->res);
	else if (c->res.body.len > 0)
		FCGX_PutStr(c->res.body.ptr, (int)c->res.body.len, out);
}

static void one(struct app *app, FCGX_Request *fcgi, struct pool_slot *slot)
{
	int64_t start = clock_mono_us();
	struct call c;
	int class;

	atomic_store(&slot->busy_since_ms, start / 1000 + 1);
	call_answer(&c, app, fcgi->envp, read_body, fcgi->in);
	write_answer(fcgi->out, &c);
	class = c.res.status / 100;
	call_free(&c);
	FCGX_Finish_r(fcgi);
	atomic_fetch_add_explicit(&slot->answers[class], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->busy_us, (uint64_t)(clock_mono_us() - start), memory_order_relaxed);
	atomic_store(&slot->busy_since_ms, 0);
}

int serve(const struct pool *p, int slot)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	struct app *app;
	FCGX_Request fcgi;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), fd, status = 0;

	if (FCGX_Init() != 0 || FCGX_InitRequest(&fcgi, -1, 0) != 0 || epoll_fd < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->listen_fd, &ev) != 0) {
		log_error("%s: the listening socket cannot be used: %s", p->name, strerror(errno));
		return EX_OSERR;
	}
	app = app_open(p, &p->page->slots[slot], STORE_USE, &status);
	while (app != NULL && !pool_stopping(p)) {
		if ((fd = take(p->listen_fd, epoll_fd)) < 0)
			continue;
		fcgi.ipcFd = fd;
		fcgi.keepConnection =
			1; /* or FCGX_Accept_r closes it before it reads; the request sets it anew */
		/* listen_sock is -1: a connection that breaks before it is a request ends here and closes fd.
		 */
		if (FCGX_Accept_r(&fcgi) == 0)
			one(app, &fcgi, &p->page->slots[slot]);
		if (app->outdated)
			break;
	}
	app_close(app);
	return status;
}
