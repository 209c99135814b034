#include "gunzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "mem.h"

#include "banned.h"

#define IN_SIZE (64u << 10)
#define WINDOW 32768u
#define FIRST_SPACING (1u << 20)
#define TRAILER 8 /* of a member: CRC-32 and length */

/* Reading can begin here: at a member's start (no window), or at the end of a block inside it. */
struct point {
	uint64_t in, out;
	int bits; /* of the byte before `in` that belong to the next block */
	unsigned char *window; /* deflated */
	unsigned packed, size;
};

struct gunzip {
	int fd;
	bool plain, inside, started, wrong;
	bool raw;      /* the member is read from a point inside it: its trailer is ours to skip */
	unsigned skip; /* bytes of it */
	z_stream z;
	uint64_t in_at; /* of the file: what comes behind `in` */
	uint64_t out_at;
	struct point *point;
	size_t n, cap, memory;
	uint64_t spacing, farthest;
	char why[160];
	unsigned char in[IN_SIZE];
	unsigned char window[WINDOW], packed[WINDOW + 512];
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
	g->spacing = FIRST_SPACING;
	*out = g;
	return NULL;
}

void gunzip_close(struct gunzip *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++)
		free(g->point[i].window);
	free(g->point);
	inflateEnd(&g->z);
	close(g->fd);
	free(g);
}

const char *gunzip_why(const struct gunzip *g)
{
	return g->why;
}

uint64_t gunzip_at(const struct gunzip *g)
{
	return g->out_at;
}

static ssize_t fail(struct gunzip *g, const char *what)
{
	g->wrong = true;
	snprintf(g->why, sizeof(g->why), "gzip: %s", what);
	return -1;
}

static bool cannot(struct gunzip *g, const char *what)
{
	fail(g, what);
	return false;
}

/* More input, `least` bytes if there are so many; 0 at the end of the file. */
static ssize_t fill(struct gunzip *g, unsigned least)
{
	ssize_t n = 1;

	if (g->z.avail_in >= least)
		return 1;
	if (g->z.avail_in > 0)
		memmove(g->in, g->z.next_in, g->z.avail_in);
	g->z.next_in = g->in;
	while (g->z.avail_in < least && n > 0) {
		do
			n = read(g->fd, g->in + g->z.avail_in, IN_SIZE - g->z.avail_in);
		while (n < 0 && errno == EINTR);
		g->z.avail_in += n > 0 ? (unsigned)n : 0;
		g->in_at += n > 0 ? (uint64_t)n : 0;
	}
	return n < 0 ? fail(g, strerror(errno)) : g->z.avail_in > 0;
}

/* --- points --- */

/* Every second one goes: the rest lies twice as far apart. */
static void thin_out(struct gunzip *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (i % 2 == 0) {
			g->point[kept++] = g->point[i];
		} else {
			g->memory -= g->point[i].packed;
			free(g->point[i].window);
		}
	}
	g->n = kept;
	g->spacing *= 2;
}

static void add_point(struct gunzip *g, bool in_member)
{
	struct point p = {.in = g->in_at - g->z.avail_in, .out = g->out_at};
	uLongf packed = sizeof(g->packed);

	if (in_member) {
		unsigned size = 0;

		p.bits = g->z.data_type & 7;
		if (inflateGetDictionary(&g->z, g->window, &size) != Z_OK || size == 0 ||
			compress2(g->packed, &packed, g->window, size, 1) != Z_OK)
			return;
		p.size = size;
		p.packed = (unsigned)packed;
		p.window = xmalloc(p.packed);
		memcpy(p.window, g->packed, p.packed);
	}
	if (g->n == g->cap) {
		g->cap = g->cap * 2 + 64;
		g->point = xreallocarray(g->point, g->cap, sizeof(*g->point));
	}
	g->point[g->n++] = p;
	g->farthest = p.out;
	g->memory += p.packed;
	while (g->memory + g->n * sizeof(*g->point) > GUNZIP_POINTS_MAX && g->n > 2)
		thin_out(g);
}

static bool due(const struct gunzip *g)
{
	return g->out_at >= g->farthest + g->spacing;
}

/* From its place on as if it had been read up to there. NULL: from the start of the file. */
static bool go_to(struct gunzip *g, const struct point *p)
{
	uint64_t in = p != NULL ? p->in - (p->bits > 0) : 0;
	uLongf size = WINDOW;

	g->wrong = g->inside = g->raw = false;
	g->skip = 0;
	g->z.avail_in = 0;
	g->out_at = p != NULL ? p->out : 0;
	if (lseek(g->fd, (off_t)in, SEEK_SET) < 0)
		return cannot(g, strerror(errno));
	g->in_at = in;
	if (p == NULL || p->window == NULL)
		return true;
	g->inside = g->raw = true;
	if (inflateReset2(&g->z, -15) != Z_OK || fill(g, 1) <= 0)
		return cannot(g, "the file has changed");
	if (p->bits > 0) {
		inflatePrime(&g->z, p->bits, *g->z.next_in >> (8 - p->bits));
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (uncompress(g->window, &size, p->window, p->packed) != Z_OK ||
		inflateSetDictionary(&g->z, g->window, (unsigned)size) != Z_OK)
		return cannot(g, "a point cannot be taken up again");
	return true;
}

static const struct point *point_before(const struct gunzip *g, uint64_t at)
{
	size_t lo = 0, hi = g->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (g->point[mid].out <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? &g->point[lo - 1] : NULL;
}

bool gunzip_seek(struct gunzip *g, uint64_t at)
{
	const struct point *p = point_before(g, at);
	char *piece;
	ssize_t n = 1;

	if (g->plain) {
		g->z.avail_in = 0;
		g->wrong = false;
		g->out_at = g->in_at = at;
		return lseek(g->fd, (off_t)at, SEEK_SET) >= 0 || cannot(g, strerror(errno));
	}
	if ((g->out_at > at || g->wrong || (p != NULL && p->out > g->out_at)) && !go_to(g, p))
		return false;
	piece = xmalloc(IN_SIZE);
	while (g->out_at < at && n > 0)
		n = gunzip_read(g, piece, at - g->out_at < IN_SIZE ? (size_t)(at - g->out_at) : IN_SIZE);
	free(piece);
	if (n == 0)
		fail(g, "the file ends before its end: it is cut off");
	return g->out_at == at;
}

/* --- reading --- */

static ssize_t copy(struct gunzip *g, void *p, size_t n)
{
	if (fill(g, 1) < 0)
		return -1;
	if (n > g->z.avail_in)
		n = g->z.avail_in;
	if (n > 0)
		memcpy(p, g->z.next_in, n);
	g->z.next_in += n;
	g->z.avail_in -= (unsigned)n;
	g->out_at += n;
	return (ssize_t)n;
}

/* The next member, if one follows: what is none is padding. */
static bool begins(struct gunzip *g)
{
	bool gzip = g->z.avail_in >= 2 && g->z.next_in[0] == 0x1f && g->z.next_in[1] == 0x8b;

	if (!g->started)
		g->plain = !gzip;
	g->started = true;
	if (gzip && due(g))
		add_point(g, false);
	if (gzip)
		inflateReset2(&g->z, 15 + 16);
	g->raw = false;
	return gzip;
}

/* Behind a member that was not begun at its start. */
static void skip_trailer(struct gunzip *g)
{
	unsigned k = g->skip < g->z.avail_in ? g->skip : g->z.avail_in;

	g->z.next_in += k;
	g->z.avail_in -= k;
	g->skip -= k;
}

/* One step of inflate, to the end of a block at most. */
static bool step(struct gunzip *g)
{
	unsigned before = g->z.avail_out;
	int rc = inflate(&g->z, Z_BLOCK);

	g->out_at += before - g->z.avail_out;
	if (rc == Z_STREAM_END) {
		g->inside = false;
		g->skip = g->raw ? TRAILER : 0;
	} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
		fail(g, g->z.msg != NULL ? g->z.msg : "damaged");
	} else if ((g->z.data_type & 0xc0) == 0x80 && due(g)) {
		add_point(g, true);
	}
	return !g->wrong;
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
		ssize_t got = fill(g, g->inside || g->skip > 0 ? 1 : 2);

		if (got < 0)
			return -1;
		if (got == 0)
			return g->inside ? fail(g, "the file ends before its end: it is cut off") : 0;
		if (g->skip > 0) {
			skip_trailer(g);
			continue;
		}
		if (!g->inside && !begins(g))
			return g->plain ? copy(g, p, n) : 0;
		g->inside = true;
		if (!step(g))
			return g->z.avail_out < n ? (ssize_t)(n - g->z.avail_out) : -1;
	}
	return (ssize_t)(n - g->z.avail_out);
}
