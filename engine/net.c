#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deflate.h"
#include "mem.h"
#include "network.h"
#include "tls.h"

#include "banned.h"

#define ZIN_SIZE (32u << 10)
#define ZOUT_PIECE (32u << 10) /* is compressed in one go; no more than one waits for the kernel */

enum phase { RESOLVING, CONNECTING, HANDSHAKE, OPEN, DEAD };

struct net {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer timer;
	net_fn *fn;
	void *arg;
	char *host;
	uint16_t port;
	int fd;
	enum phase phase;
	struct addrinfo *all, *next;
	struct tls *tls;
	struct deflate *deflate;
	struct buf zout; /* compressed, from zout_at on not yet sent */
	size_t zout_at;
	char *zin; /* came, from zin_at on not yet decompressed */
	const char *zin_at;
	size_t zin_len;
	bool reading, blocked_write; /* owner wants to read; the last write was short */
	bool tls_read_wants_write, tls_write_wants_read;
	char denied[NETWORK_TEXT]; /* the address that was passed over last */
	int last_errno; /* of the address tried last */
};

static const json_t *denied;

void net_deny(const json_t *networks)
{
	denied = networks;
}

static void watch(struct net *n)
{
	unsigned want = 0;

	if (n->phase == CONNECTING)
		want = LOOP_WRITE;
	else if (n->phase == OPEN) {
		if (n->reading || n->tls_write_wants_read)
			want |= LOOP_READ;
		if (n->blocked_write || n->tls_read_wants_write)
			want |= LOOP_WRITE;
	} else {
		want = n->watch.want;
	}
	n->watch.want = want;
}

static void fail(struct net *n, const struct err *e)
{
	n->phase = DEAD;
	loop_disarm(n->loop, &n->timer);
	loop_unwatch(n->loop, &n->watch);
	n->fn(n->arg, NET_FAILED, e);
}

static void connect_failed(struct net *n)
{
	enum err_id id = n->last_errno == ECONNREFUSED ? ERR_HOST_REFUSED : ERR_HOST_UNREACHABLE;

	fail(n, err_new(id, "%s port %u: %s", n->host, n->port,
			n->last_errno == ETIMEDOUT ? "no answer" : strerror(n->last_errno)));
}

static void all_denied(struct net *n)
{
	fail(n, err_new(ERR_HOST_DENIED, "%s is %s, which this service must not connect to", n->host, n->denied));
}

static void drop_socket(struct net *n)
{
	loop_unwatch(n->loop, &n->watch);
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static void connected(struct net *n)
{
	int one = 1;

	loop_disarm(n->loop, &n->timer);
	setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(n->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	n->phase = OPEN;
	n->reading = true;
	watch(n);
	n->fn(n->arg, NET_CONNECTED, NULL);
}

/* The address itself is judged, at the moment it is used: a name may lead elsewhere the next time. */
static bool is_denied(struct net *n, const struct addrinfo *a)
{
	char text[NETWORK_TEXT];

	if (!network_holds_resolved(denied, a->ai_addr, text))
		return false;
	snprintf(n->denied, sizeof(n->denied), "%s", text);
	return true;
}

/* Tries the addresses that are left until one is under way. */
static void try_next(struct net *n)
{
	while (n->next != NULL) {
		struct addrinfo *a = n->next;

		n->next = a->ai_next;
		drop_socket(n);
		if (is_denied(n, a))
			continue;
		n->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (n->fd < 0 || (connect(n->fd, a->ai_addr, a->ai_addrlen) != 0 && errno != EINPROGRESS)) {
			n->last_errno = errno;
			continue;
		}
		n->phase = CONNECTING;
		loop_watch(n->loop, &n->watch, n->fd, LOOP_WRITE);
		loop_arm(n->loop, &n->timer, NET_CONNECT_MS);
		return;
	}
	drop_socket(n);
	if (n->last_errno == 0 && n->denied[0] != '\0')
		all_denied(n);
	else
		connect_failed(n);
}

static void on_connect_event(struct net *n)
{
	socklen_t len = sizeof(n->last_errno);

	if (getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &n->last_errno, &len) != 0)
		n->last_errno = errno;
	if (n->last_errno == 0)
		connected(n);
	else
		try_next(n);
}

static void on_handshake(struct net *n)
{
	const struct err *e = NULL;

	switch (tls_handshake(n->tls, &e)) {
	case TLS_WANT_READ:
		n->watch.want = LOOP_READ;
		break;
	case TLS_WANT_WRITE:
		n->watch.want = LOOP_WRITE;
		break;
	case TLS_OK:
		loop_disarm(n->loop, &n->timer);
		n->phase = OPEN;
		n->reading = true;
		watch(n);
		loop_kick(n->loop, &n->watch); /* bytes may have come with the handshake's last record */
		n->fn(n->arg, NET_SECURE, NULL);
		break;
	default:
		fail(n, e);
	}
}

static void on_resolve(struct net *n)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", n->port);
	rc = getaddrinfo(n->host, port, &hints, &n->all);
	if (rc == EAI_AGAIN || rc == EAI_SYSTEM) {
		fail(n, err_new(ERR_HOST_UNREACHABLE, "%s: the name cannot be looked up now: %s", n->host,
				gai_strerror(rc)));
		return;
	}
	if (rc != 0) {
		fail(n, err_new(ERR_HOST_UNKNOWN, "%s: %s", n->host, gai_strerror(rc)));
		return;
	}
	n->next = n->all;
	try_next(n);
}

static void on_timer(void *arg)
{
	struct net *n = arg;

	if (n->phase == RESOLVING && n->fd >= 0) { /* adopted */
		loop_watch(n->loop, &n->watch, n->fd, 0);
		connected(n);
	} else if (n->phase == RESOLVING) {
		on_resolve(n);
	} else if (n->phase == CONNECTING) {
		n->last_errno = ETIMEDOUT;
		try_next(n);
	} else {
		fail(n, err_new(ERR_TIMEOUT, "%s port %u: the TLS handshake does not end", n->host, n->port));
	}
}

static const struct err *drain(struct net *n);

static void on_open_event(struct net *n, unsigned ev)
{
	bool readable = (ev & (LOOP_READ | LOOP_KICK)) != 0 && n->reading;
	bool writable = (ev & LOOP_WRITE) != 0 && n->blocked_write;

	if (n->tls_read_wants_write && (ev & LOOP_WRITE)) {
		n->tls_read_wants_write = false;
		readable = n->reading;
	}
	if (n->tls_write_wants_read && (ev & LOOP_READ)) {
		n->tls_write_wants_read = false;
		writable = true;
	}
	if (writable) {
		const struct err *e = drain(n);

		if (e != NULL) {
			fail(n, e);
			return;
		}
		writable = n->zout.len == 0;
		n->blocked_write = !writable;
		watch(n);
	}
	/* the callback may close us: at most one call an event; the other one comes by itself in the next round */
	if (writable) {
		if (readable)
			loop_kick(n->loop, &n->watch);
		n->fn(n->arg, NET_WRITABLE, NULL);
	} else if (readable) {
		n->fn(n->arg, NET_READABLE, NULL);
	} else {
		watch(n);
	}
}

static void on_event(void *arg, unsigned ev)
{
	struct net *n = arg;

	if (n->phase == CONNECTING)
		on_connect_event(n);
	else if (n->phase == HANDSHAKE)
		on_handshake(n);
	else if (n->phase == OPEN)
		on_open_event(n, ev);
}

struct net *net_adopt(struct loop *l, int fd, const char *name, net_fn *fn, void *arg)
{
	struct net *n = net_open(l, name, 0, fn, arg);

	n->fd = fd;
	return n;
}

struct net *net_open(struct loop *l, const char *host, uint16_t port, net_fn *fn, void *arg)
{
	struct net *n = xcalloc(1, sizeof(*n));

	n->loop = l;
	n->host = xstrdup(host);
	n->port = port;
	n->fn = fn;
	n->arg = arg;
	n->fd = -1;
	buf_init(&n->zout);
	n->watch.fn = on_event;
	n->watch.arg = n;
	n->timer.fn = on_timer;
	n->timer.arg = n;
	loop_arm(l, &n->timer, 0); /* so that no callback comes before the owner has our address */
	return n;
}

void net_close(struct net *n)
{
	if (n == NULL)
		return;
	loop_disarm(n->loop, &n->timer);
	tls_free(n->tls);
	deflate_free(n->deflate);
	buf_wipe(&n->zout);
	free(n->zin);
	drop_socket(n);
	if (n->all != NULL)
		freeaddrinfo(n->all);
	free(n->host);
	free(n);
}

void net_start_tls(struct net *n, const char *host, const char *ca_file, const char *fingerprint)
{
	const struct err *e = tls_new(&n->tls, n->fd, host, ca_file, fingerprint);

	if (e != NULL) {
		fail(n, e);
		return;
	}
	n->phase = HANDSHAKE;
	n->watch.want = LOOP_WRITE;
	loop_arm(n->loop, &n->timer, NET_TLS_MS);
}

static const struct err *lost(struct net *n, const char *how)
{
	if (n->port == 0)
		return err_new(ERR_LINE_LOST, "%s: the reader of the file ended", n->host);
	return err_new(ERR_LINE_LOST, "%s port %u: %s", n->host, n->port, how);
}

static const struct err *read_tls(struct net *n, void *p, size_t size, size_t *got)
{
	const struct err *e = NULL;

	switch (tls_read(n->tls, p, size, got, &e)) {
	case TLS_OK:
		return NULL;
	case TLS_WANT_WRITE:
		n->tls_read_wants_write = true;
		watch(n);
		/* fall through */
	case TLS_WANT_READ:
		*got = 0;
		return NULL;
	case TLS_EOF:
		return lost(n, "the server closed the connection");
	default:
		return e;
	}
}

static const struct err *read_raw(struct net *n, void *p, size_t size, size_t *got)
{
	ssize_t r;

	*got = 0;
	if (n->tls != NULL)
		return read_tls(n, p, size, got);
	do
		r = recv(n->fd, p, size, 0);
	while (r < 0 && errno == EINTR);
	if (r > 0)
		*got = (size_t)r;
	else if (r == 0)
		return lost(n, "the server closed the connection");
	else if (errno != EAGAIN)
		return lost(n, strerror(errno));
	return NULL;
}

static const struct err *write_tls(struct net *n, const char *p, size_t size, size_t *put)
{
	const struct err *e = NULL;

	while (*put < size) {
		size_t k = 0;

		switch (tls_write(n->tls, p + *put, size - *put, &k, &e)) {
		case TLS_OK:
			*put += k;
			continue;
		case TLS_WANT_READ:
			n->tls_write_wants_read = true;
			/* fall through */
		case TLS_WANT_WRITE:
			return NULL;
		case TLS_EOF:
			return lost(n, "the server closed the connection");
		default:
			return e;
		}
	}
	return NULL;
}

static const struct err *write_raw(struct net *n, const void *p, size_t size, size_t *put)
{
	const struct err *e = NULL;
	ssize_t r;

	*put = 0;
	if (n->tls != NULL) {
		e = write_tls(n, p, size, put);
	} else {
		do
			r = send(n->fd, p, size, MSG_NOSIGNAL);
		while (r < 0 && errno == EINTR);
		if (r >= 0)
			*put = (size_t)r;
		else if (errno != EAGAIN)
			e = lost(n, strerror(errno));
	}
	return e;
}

/* --- compressed --- */

void net_start_deflate(struct net *n, const void *first, size_t len)
{
	n->deflate = deflate_new();
	n->zin = xmalloc(len > ZIN_SIZE ? len : ZIN_SIZE);
	memcpy(n->zin, first, len);
	n->zin_at = n->zin;
	n->zin_len = len;
	net_kick(n);
}

static const struct err *read_inflate(struct net *n, void *p, size_t size, size_t *got)
{
	const struct err *e;

	for (;;) {
		e = deflate_take(n->deflate, &n->zin_at, &n->zin_len, p, size, got);
		if (e != NULL)
			return err_wrap(e, "%s port %u", n->host, n->port);
		if (*got > 0)
			return NULL;
		n->zin_at = n->zin;
		e = read_raw(n, n->zin, ZIN_SIZE, &n->zin_len);
		if (e != NULL || n->zin_len == 0)
			return e;
	}
}

/* What is compressed and waits. */
static const struct err *drain(struct net *n)
{
	size_t put = 0, left = n->zout.len - n->zout_at;
	const struct err *e = left > 0 ? write_raw(n, n->zout.ptr + n->zout_at, left, &put) : NULL;

	n->zout_at += put;
	if (n->zout_at == n->zout.len) {
		buf_reset(&n->zout);
		n->zout_at = 0;
	}
	return e;
}

static const struct err *write_deflate(struct net *n, const char *p, size_t size, size_t *put)
{
	const struct err *e = drain(n);

	while (e == NULL && n->zout.len == 0 && *put < size) {
		size_t k = size - *put < ZOUT_PIECE ? size - *put : ZOUT_PIECE;

		deflate_add(n->deflate, p + *put, k, &n->zout);
		*put += k;
		e = drain(n);
	}
	return e;
}

const struct err *net_read(struct net *n, void *p, size_t size, size_t *got)
{
	*got = 0;
	return n->deflate != NULL ? read_inflate(n, p, size, got) : read_raw(n, p, size, got);
}

const struct err *net_write(struct net *n, const void *p, size_t size, size_t *put)
{
	const struct err *e;

	*put = 0;
	e = n->deflate != NULL ? write_deflate(n, p, size, put) : write_raw(n, p, size, put);
	n->blocked_write = e == NULL && (*put < size || n->zout.len > 0);
	watch(n);
	return e;
}

void net_want_read(struct net *n, bool yes)
{
	if (n->reading == yes || n->phase != OPEN)
		return;
	n->reading = yes;
	watch(n);
	if (yes)
		loop_kick(n->loop, &n->watch);
}

void net_kick(struct net *n)
{
	loop_kick(n->loop, &n->watch);
}
