#include "fastcgi.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"

#include "banned.h"

#define IN_SIZE (256u << 10)
#define OUT_SIZE (32u << 10)
#define PARAMS_MAX (256u << 10)
#define HEADER 8
#define PATIENCE_MS 30000    /* for parameters, and for taking the answer */
#define LINGER_MS 1000       /* for what a web server still sends after the answer */
#define LINGER_MAX (8u << 20)

enum { BEGIN_REQUEST = 1, ABORT_REQUEST = 2, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
enum { RESPONDER = 1 };

struct fastcgi {
	int fd;
	bool begun, body_done, dead; /* dead: nobody takes the answer */
	unsigned id;
	size_t left, padding; /* of the record being read */
	size_t pos, end, top; /* unread is in[pos..end); in[0..top) was ever written to */
	struct buf params;
	char **env;
	size_t n_env;
	size_t out_len; /* of out, the header included */
	unsigned char out[HEADER + OUT_SIZE];
	char in[IN_SIZE];
};

struct fastcgi *fastcgi_new(void)
{
	struct fastcgi *f = xcalloc(1, sizeof(*f));

	f->fd = -1;
	buf_init(&f->params);
	return f;
}

void fastcgi_free(struct fastcgi *f)
{
	if (f == NULL)
		return;
	buf_wipe(&f->params);
	free(f->env);
	free(f);
}

/* --- reading --- */

static const struct err *lost(void)
{
	return err_new(ERR_LINE_LOST, "the web server closed the connection before the request was complete");
}

static const struct err *wait_for(const struct fastcgi *f, short what, int64_t ms)
{
	struct pollfd p = {.fd = f->fd, .events = what};
	int n;

	do
		n = poll(&p, 1, (int)ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno("poll");
	return n > 0 ? NULL : err_new(ERR_TIMEOUT, "the web server is silent");
}

/* Reads what there is; at least one byte. */
static const struct err *more(struct fastcgi *f, int64_t wait_ms)
{
	const struct err *e;
	ssize_t n;

	if (f->pos == f->end)
		f->pos = f->end = 0;
	if (f->end == sizeof(f->in)) {
		memmove(f->in, f->in + f->pos, f->end - f->pos);
		f->end -= f->pos;
		f->pos = 0;
	}
	for (;;) {
		n = recv(f->fd, f->in + f->end, sizeof(f->in) - f->end, MSG_DONTWAIT);
		if (n > 0) {
			f->end += (size_t)n;
			f->top = f->end > f->top ? f->end : f->top;
			return NULL;
		}
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
			return lost();
		if (errno != EINTR && (e = wait_for(f, POLLIN, wait_ms)) != NULL)
			return e;
	}
}

static const struct err *need(struct fastcgi *f, size_t n, int64_t wait_ms)
{
	const struct err *e = NULL;

	while (e == NULL && f->end - f->pos < n)
		e = more(f, wait_ms);
	return e;
}

/* What is left of a record that nobody wants, and the padding of any. */
static const struct err *skip(struct fastcgi *f, size_t *n, int64_t wait_ms)
{
	const struct err *e = NULL;

	while (*n > 0) {
		size_t have = f->end - f->pos, step = have < *n ? have : *n;

		f->pos += step;
		*n -= step;
		if (*n > 0 && (e = more(f, wait_ms)) != NULL)
			return e;
	}
	return NULL;
}

/* The header of the next record of our request; those of others are passed over. */
static const struct err *next_record(struct fastcgi *f, int64_t wait_ms, unsigned *type)
{
	const struct err *e;
	const unsigned char *h;
	unsigned id;

	for (;;) {
		if ((e = skip(f, &f->left, wait_ms)) != NULL || (e = skip(f, &f->padding, wait_ms)) != NULL ||
			(e = need(f, HEADER, wait_ms)) != NULL)
			return e;
		h = (const unsigned char *)f->in + f->pos;
		if (h[0] != 1)
			return err_new(ERR_PROTOCOL, "FastCGI version %u", h[0]);
		*type = h[1];
		id = (unsigned)h[2] << 8 | h[3];
		f->left = (size_t)h[4] << 8 | h[5];
		f->padding = h[6];
		f->pos += HEADER;
		if (!f->begun && *type == BEGIN_REQUEST && id != 0) {
			f->begun = true;
			f->id = id;
		}
		if (f->begun && id == f->id)
			return *type == ABORT_REQUEST ? lost() : NULL;
	}
}

static const struct err *take_begin(struct fastcgi *f)
{
	const unsigned char *p;
	const struct err *e;

	if (f->left < 8)
		return err_new(ERR_PROTOCOL, "a FastCGI request that begins with %zu bytes", f->left);
	if ((e = need(f, 8, PATIENCE_MS)) != NULL)
		return e;
	p = (const unsigned char *)f->in + f->pos;
	return ((unsigned)p[0] << 8 | p[1]) == RESPONDER ? NULL : err_new(ERR_PROTOCOL, "FastCGI role %u", p[1]);
}

static const struct err *take_params(struct fastcgi *f)
{
	const struct err *e = NULL;

	if (f->params.len + f->left > PARAMS_MAX)
		return err_new(ERR_TOO_LARGE, "more than %u bytes of FastCGI parameters", PARAMS_MAX);
	while (e == NULL && f->left > 0) {
		size_t have = f->end - f->pos, step = have < f->left ? have : f->left;

		buf_add(&f->params, f->in + f->pos, step);
		f->pos += step;
		f->left -= step;
		if (f->left > 0)
			e = more(f, PATIENCE_MS);
	}
	return e;
}

static bool take_length(const unsigned char **p, const unsigned char *end, size_t *n)
{
	if (*p == end)
		return false;
	if (**p < 128) {
		*n = *(*p)++;
		return true;
	}
	if (end - *p < 4)
		return false;
	*n = (size_t)((*p)[0] & 127) << 24 | (size_t)(*p)[1] << 16 | (size_t)(*p)[2] << 8 | (*p)[3];
	*p += 4;
	return true;
}

/* Name and value become NAME=VALUE with a NUL, in place: two lengths are at least two bytes, "=" and NUL are two. */
static const struct err *make_env(struct fastcgi *f)
{
	const unsigned char *p = (const unsigned char *)f->params.ptr, *end = p + f->params.len;
	char *to = f->params.ptr;

	f->n_env = 0;
	while (p < end) {
		size_t name, value;

		if (!take_length(&p, end, &name) || !take_length(&p, end, &value) || name > (size_t)(end - p) ||
			value > (size_t)(end - p) - name)
			return err_new(ERR_PROTOCOL, "FastCGI parameters that end in the middle");
		if (f->n_env % 64 == 0)
			f->env = xreallocarray(f->env, f->n_env + 65, sizeof(*f->env));
		f->env[f->n_env++] = to;
		memmove(to, p, name);
		to[name] = '=';
		memmove(to + name + 1, p + name, value);
		to[name + 1 + value] = '\0';
		to += name + value + 2;
		p += name + value;
	}
	if (f->n_env == 0)
		f->env = xreallocarray(f->env, 1, sizeof(*f->env));
	f->env[f->n_env] = NULL;
	return NULL;
}

const struct err *fastcgi_begin(struct fastcgi *f, int fd)
{
	const struct err *e = NULL;
	bool done = false;
	unsigned type;

	f->fd = fd;
	f->begun = f->body_done = f->dead = false;
	f->left = f->padding = f->pos = f->end = 0;
	f->out_len = HEADER;
	while (e == NULL && !done) {
		e = next_record(f, PATIENCE_MS, &type);
		if (e != NULL)
			break;
		if (type == BEGIN_REQUEST)
			e = take_begin(f);
		else if (type == PARAMS && f->left > 0)
			e = take_params(f);
		else if (type == PARAMS)
			done = true;
		else
			e = err_new(ERR_PROTOCOL, "FastCGI record %u before the parameters", type);
	}
	return e != NULL ? e : make_env(f);
}

char *const *fastcgi_env(const struct fastcgi *f)
{
	return f->env;
}

const struct err *fastcgi_body(struct fastcgi *f, int64_t wait_ms, const char **p, size_t *n)
{
	const struct err *e;
	unsigned type;

	*n = 0;
	while (f->left == 0 && !f->body_done) {
		if ((e = next_record(f, wait_ms, &type)) != NULL)
			return e;
		if (type != STDIN)
			return err_new(ERR_PROTOCOL, "FastCGI record %u in the body", type);
		f->body_done = f->left == 0;
	}
	if (f->body_done)
		return NULL;
	if (f->pos == f->end && (e = more(f, wait_ms)) != NULL)
		return e;
	*p = f->in + f->pos;
	*n = f->end - f->pos < f->left ? f->end - f->pos : f->left;
	f->pos += *n;
	f->left -= *n;
	return NULL;
}

/* --- writing --- */

static const struct err *send_all(struct fastcgi *f, const unsigned char *p, size_t n)
{
	while (n > 0 && !f->dead) {
		ssize_t k = send(f->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k > 0) {
			p += k;
			n -= (size_t)k;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			f->dead = wait_for(f, POLLOUT, PATIENCE_MS) != NULL;
		} else if (errno != EINTR) {
			f->dead = true;
		}
	}
	return f->dead ? err_new(ERR_LINE_LOST, "the web server does not take the answer") : NULL;
}

static void put_header(const struct fastcgi *f, unsigned char *h, unsigned type, size_t n)
{
	const unsigned char header[HEADER] = {1, (unsigned char)type, (unsigned char)(f->id >> 8), (unsigned char)f->id,
		(unsigned char)(n >> 8), (unsigned char)n};

	memcpy(h, header, sizeof(header));
}

/* out[0..HEADER) is kept free for the record's header. */
static const struct err *flush(struct fastcgi *f)
{
	size_t n = f->out_len;

	if (n == HEADER)
		return NULL;
	put_header(f, f->out, STDOUT, n - HEADER);
	f->out_len = HEADER;
	return send_all(f, f->out, n);
}

const struct err *fastcgi_write(struct fastcgi *f, const void *p, size_t n)
{
	const char *from = p;
	const struct err *e = NULL;

	while (n > 0 && e == NULL) {
		size_t room = sizeof(f->out) - f->out_len, step = n < room ? n : room;

		memcpy(f->out + f->out_len, from, step);
		f->out_len += step;
		from += step;
		n -= step;
		if (f->out_len == sizeof(f->out))
			e = flush(f);
	}
	return e;
}

/* The last of the answer and both ends in one go. */
static void write_end(struct fastcgi *f)
{
	unsigned char tail[HEADER + HEADER + 8] = {0};

	put_header(f, tail, STDOUT, 0);
	put_header(f, tail + HEADER, END_REQUEST, 8);
	if (f->out_len == HEADER) {
		send_all(f, tail, sizeof(tail));
		return;
	}
	if (sizeof(f->out) - f->out_len < sizeof(tail)) {
		flush(f);
		send_all(f, tail, sizeof(tail));
		return;
	}
	put_header(f, f->out, STDOUT, f->out_len - HEADER);
	memcpy(f->out + f->out_len, tail, sizeof(tail));
	send_all(f, f->out, f->out_len + sizeof(tail));
}

/* A web server that is still sending takes a closed connection for a failure and drops the answer. */
static void linger(struct fastcgi *f)
{
	int64_t until = clock_mono_ms() + LINGER_MS, now;
	size_t seen = 0, n = 1;
	const char *p;

	/* mostly the end of the body is here already */
	while (!f->dead && !f->body_done && n > 0 && seen < LINGER_MAX && fastcgi_body(f, 0, &p, &n) == NULL)
		seen += n;
	if (f->dead || f->body_done || shutdown(f->fd, SHUT_WR) != 0)
		return;
	f->pos = f->end = 0;
	while (seen < LINGER_MAX && (now = clock_mono_ms()) < until && more(f, until - now) == NULL) {
		seen += f->end;
		f->pos = f->end = 0;
	}
}

void fastcgi_end(struct fastcgi *f)
{
	if (f->begun) {
		write_end(f);
		linger(f);
	}
	close(f->fd);
	f->fd = -1;
	sodium_memzero(f->in, f->top);
	sodium_memzero(f->out, sizeof(f->out));
	f->top = f->pos = f->end = 0;
	buf_wipe(&f->params);
	buf_init(&f->params);
}
