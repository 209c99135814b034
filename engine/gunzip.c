#include "gunzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "mem.h"

#include "banned.h"

#define IN_SIZE (64u << 10)

struct gunzip {
	int fd;
	bool plain, inside, started, wrong;
	z_stream z;
	char why[160];
	unsigned char in[IN_SIZE];
};

const struct err *gunzip_open(struct gunzip **out, const char *path)
{
	struct gunzip *g = xcalloc(1, sizeof(*g));

	g->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (g->fd < 0 || inflateInit2(&g->z, 15 + 16) != Z_OK) {
		const struct err *e = err_errno("%s", path);

		free(g);
		return e;
	}
	*out = g;
	return NULL;
}

void gunzip_close(struct gunzip *g)
{
	if (g == NULL)
		return;
	inflateEnd(&g->z);
	close(g->fd);
	free(g);
}

const char *gunzip_why(const struct gunzip *g)
{
	return g->why;
}

static ssize_t fail(struct gunzip *g, const char *what)
{
	g->wrong = true;
	snprintf(g->why, sizeof(g->why), "gzip: %s", what);
	return -1;
}

/* More input; 0 at the end of the file. */
static ssize_t fill(struct gunzip *g)
{
	ssize_t n;

	if (g->z.avail_in > 0)
		return 1;
	do
		n = read(g->fd, g->in, IN_SIZE);
	while (n < 0 && errno == EINTR);
	g->z.next_in = g->in;
	g->z.avail_in = n > 0 ? (unsigned)n : 0;
	return n < 0 ? fail(g, strerror(errno)) : n;
}

static ssize_t copy(struct gunzip *g, void *p, size_t n)
{
	if (fill(g) < 0)
		return -1;
	if (n > g->z.avail_in)
		n = g->z.avail_in;
	memcpy(p, g->z.next_in, n);
	g->z.next_in += n;
	g->z.avail_in -= (unsigned)n;
	return (ssize_t)n;
}

/* The next member, if one follows: what is none is padding. */
static bool begins(struct gunzip *g)
{
	bool gzip = g->z.avail_in >= 2 && g->z.next_in[0] == 0x1f && g->z.next_in[1] == 0x8b;

	if (!g->started)
		g->plain = !gzip;
	g->started = true;
	if (gzip)
		inflateReset(&g->z);
	return gzip;
}

ssize_t gunzip_read(struct gunzip *g, void *p, size_t n)
{
	if (g->wrong)
		return -1;
	if (g->plain)
		return copy(g, p, n);
	g->z.next_out = p;
	g->z.avail_out = (unsigned)n;
	while (g->z.avail_out == n) {
		ssize_t got = fill(g);
		int rc;

		if (got < 0)
			return -1;
		if (got == 0)
			return g->inside ? fail(g, "the file ends before its end: it is cut off") : 0;
		if (!g->inside && !begins(g))
			return g->plain ? copy(g, p, n) : 0;
		g->inside = true;
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			g->inside = false;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			fail(g, g->z.msg != NULL ? g->z.msg : "damaged");
		if (g->wrong)
			return g->z.avail_out < n ? (ssize_t)(n - g->z.avail_out) : -1;
	}
	return (ssize_t)(n - g->z.avail_out);
}
