#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"

#include "banned.h"

void spool_init(struct spool *s)
{
	memset(s, 0, sizeof(*s));
	buf_init(&s->mem);
	s->fd = -1;
}

void spool_reset(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	buf_reset(&s->mem);
	s->size = s->read = 0;
}

void spool_free(struct spool *s)
{
	spool_reset(s);
	buf_free(&s->mem);
}

const struct err *spool_make_file(int *fd)
{
	const char *dir = getenv("TMPDIR");

	if (dir == NULL || dir[0] != '/')
		dir = "/tmp";
	*fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return *fd < 0 ? err_errno("temporary file in %s", dir) : NULL;
}

static const struct err *to_file(struct spool *s)
{
	const struct err *e = spool_make_file(&s->fd);

	return e != NULL ? e : fs_write_all(s->fd, s->mem.ptr, s->mem.len);
}

const struct err *spool_add(struct spool *s, const void *p, size_t n)
{
	const struct err *e = NULL;

	if (s->fd < 0 && s->mem.len + n > SPOOL_MEMORY)
		e = to_file(s);
	if (e != NULL)
		return e;
	s->size += n;
	if (s->fd >= 0)
		return fs_write_all(s->fd, p, n);
	buf_add(&s->mem, p, n);
	return NULL;
}

const struct err *spool_read(struct spool *s, void *p, size_t n, size_t *got)
{
	ssize_t r;

	if (n > s->size - s->read)
		n = (size_t)(s->size - s->read);
	*got = n;
	if (n == 0)
		return NULL;
	if (s->fd < 0) {
		memcpy(p, s->mem.ptr + s->read, n);
	} else {
		do
			r = pread(s->fd, p, n, (off_t)s->read);
		while (r < 0 && errno == EINTR);
		if (r <= 0)
			return r < 0 ? err_errno("temporary file") : err_new(ERR_IO, "temporary file: it has shrunk");
		*got = (size_t)r;
	}
	s->read += *got;
	return NULL;
}
