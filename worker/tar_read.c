#include "tar_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "mem.h"

#include "banned.h"

#define BLOCK 512
#define CHUNK 65536

struct tar_read {
	int fd;
	char *name;
	bool gzip, member, eof; /* member: in the middle of one */
	z_stream z;
	unsigned char in[CHUNK];
	size_t in_len, in_at; /* when not gzipped */
	uint64_t offset;      /* in the unpacked stream */
	uint64_t left, padding;
	struct buf long_name;
	char entry_name[BLOCK];
};

static const struct err *damaged(const struct tar_read *t, const char *what)
{
	return err_new(ERR_SOURCE_DAMAGED, "%s: %s at byte %llu of the archive", t->name, what,
		(unsigned long long)t->offset);
}

static const struct err *fill(struct tar_read *t)
{
	ssize_t n;

	do
		n = read(t->fd, t->in, sizeof(t->in));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno("read %s", t->name);
	t->eof = n == 0;
	t->in_len = (size_t)n;
	t->in_at = 0;
	return NULL;
}

const struct err *tar_open(struct tar_read **out, int fd, const char *name)
{
	struct tar_read *t = xcalloc(1, sizeof(*t));
	const struct err *e;

	t->fd = fd;
	t->name = xstrdup(name);
	buf_init(&t->long_name);
	e = fill(t);
	if (e == NULL && t->in_len == 0)
		e = err_new(ERR_SOURCE_DAMAGED, "%s is empty", name);
	t->gzip = t->in_len > 1 && t->in[0] == 0x1f && t->in[1] == 0x8b;
	if (e == NULL && t->gzip && inflateInit2(&t->z, 15 + 16) != Z_OK)
		e = err_new(ERR_INTERNAL, "inflateInit2");
	if (e != NULL) {
		tar_free(t);
		return e;
	}
	t->member = t->gzip;
	*out = t;
	return NULL;
}

void tar_free(struct tar_read *t)
{
	if (t == NULL)
		return;
	if (t->gzip)
		inflateEnd(&t->z);
	close(t->fd);
	buf_free(&t->long_name);
	free(t->name);
	free(t);
}

bool tar_is_gzip(const struct tar_read *t)
{
	return t->gzip;
}

static const struct err *next_member(struct tar_read *t)
{
	const struct err *e = t->in_at == t->in_len && !t->eof ? fill(t) : NULL;

	/* zero bytes behind the last member are padding of a tape or of a copy by blocks */
	if (e == NULL && (t->in_at == t->in_len || t->in[t->in_at] == 0))
		t->eof = true;
	else if (e == NULL && inflateReset(&t->z) == Z_OK)
		t->member = true;
	return e;
}

/* Unpacked bytes; *got < n only at the end. */
static const struct err *unpack(struct tar_read *t, void *p, size_t n, size_t *got)
{
	const struct err *e = NULL;

	*got = 0;
	while (*got < n && e == NULL) {
		if (t->in_at == t->in_len && !t->eof && (e = fill(t)) != NULL)
			break;
		if (!t->gzip) {
			size_t part = t->in_len - t->in_at < n - *got ? t->in_len - t->in_at : n - *got;

			if (part == 0)
				break;
			memcpy((char *)p + *got, t->in + t->in_at, part);
			t->in_at += part;
			*got += part;
			continue;
		}
		if (!t->member) {
			if (t->eof || (e = next_member(t)) != NULL || t->eof)
				break;
			continue;
		}
		t->z.next_in = t->in + t->in_at;
		t->z.avail_in = (uInt)(t->in_len - t->in_at);
		t->z.next_out = (Bytef *)p + *got;
		t->z.avail_out = (uInt)(n - *got);
		switch (inflate(&t->z, Z_NO_FLUSH)) {
		case Z_OK:
			break;
		case Z_STREAM_END:
			t->member = false;
			break;
		default:
			t->offset += *got;
			return damaged(t, t->eof ? "the gzip stream ends too early" : "the gzip stream is damaged");
		}
		t->in_at = t->in_len - t->z.avail_in;
		*got = n - t->z.avail_out;
	}
	t->offset += *got;
	return e;
}

static const struct err *skip(struct tar_read *t, uint64_t n)
{
	char rest[CHUNK];

	while (n > 0) {
		size_t part = n < sizeof(rest) ? (size_t)n : sizeof(rest), got;
		const struct err *e = unpack(t, rest, part, &got);

		if (e != NULL)
			return e;
		if (got < part)
			return damaged(t, "it ends in the middle of an entry");
		n -= part;
	}
	return NULL;
}

/* Octal with blanks around it, or base 256. */
static bool number(const unsigned char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		v = p[0] & 0x3f;
		for (i = 1; i < n; i++) {
			if (v >> 55)
				return false;
			v = v << 8 | p[i];
		}
		*out = v;
		return true;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v * 8 + (uint64_t)(p[i] - '0');
	*out = v;
	return i == n || p[i] == ' ' || p[i] == '\0';
}

static bool checksum_good(const unsigned char *h)
{
	uint64_t want, sum = 0;

	for (int i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return number(h + 148, 8, &want) && want == sum;
}

static bool is_zero(const unsigned char *h)
{
	for (int i = 0; i < BLOCK; i++)
		if (h[i] != 0)
			return false;
	return true;
}

static const struct err *read_long_name(struct tar_read *t)
{
	const struct err *e;
	size_t got;

	if (t->left > TAR_NAME_MAX)
		return damaged(t, "a name of more than 64 KiB");
	buf_reset(&t->long_name);
	buf_reserve(&t->long_name, t->left + 1);
	e = unpack(t, t->long_name.ptr, t->left, &got);
	if (e == NULL && got < t->left)
		e = damaged(t, "it ends in the middle of a name");
	if (e != NULL)
		return e;
	t->long_name.len = t->left;
	t->long_name.ptr[t->left] = '\0';
	e = skip(t, t->padding);
	t->left = t->padding = 0;
	return e;
}

const struct err *tar_next(struct tar_read *t, struct tar_entry *out, bool *more)
{
	unsigned char h[BLOCK];
	uint64_t size = 0, mtime = 0, mode = 0;
	const struct err *e = skip(t, t->left + t->padding);
	bool named = false;
	size_t got;

	*more = false;
	t->left = t->padding = 0;
	for (;;) {
		if (e == NULL)
			e = unpack(t, h, sizeof(h), &got);
		if (e != NULL)
			return e;
		if (got < sizeof(h))
			return damaged(t, "it ends without the mark of its end");
		if (is_zero(h)) {
			e = unpack(t, h, sizeof(h), &got);
			return e != NULL || (got == sizeof(h) && is_zero(h)) ? e : damaged(t, "half a mark of its end");
		}
		if (!checksum_good(h) || !number(h + 124, 12, &size) || !number(h + 136, 12, &mtime) ||
			!number(h + 100, 8, &mode) || size > 1ull << 50)
			return damaged(t, "no header of an entry");
		t->left = size;
		t->padding = (BLOCK - size % BLOCK) % BLOCK;
		if (h[156] != 'L')
			break;
		e = read_long_name(t);
		named = true;
	}
	memcpy(t->entry_name, h, 100);
	t->entry_name[100] = '\0';
	*out = (struct tar_entry){.name = named ? t->long_name.ptr : t->entry_name, .size = size,
		.mtime = (int64_t)mtime, .mode = (unsigned)mode, .type = h[156] == '\0' ? '0' : (char)h[156]};
	*more = true;
	return NULL;
}

const struct err *tar_data(struct tar_read *t, void *p, size_t n, size_t *got)
{
	size_t part = t->left < n ? (size_t)t->left : n;
	const struct err *e = unpack(t, p, part, got);

	if (e == NULL && *got < part)
		e = damaged(t, "it ends in the middle of an entry");
	t->left -= *got;
	return e;
}

const struct err *tar_finish(struct tar_read *t)
{
	char rest[CHUNK];
	const struct err *e;
	size_t got;

	do
		e = unpack(t, rest, sizeof(rest), &got);
	while (e == NULL && got > 0);
	return e;
}
