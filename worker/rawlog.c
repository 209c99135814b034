#include "rawlog.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"

#include "banned.h"

struct rawlog {
	int fd;
	uint64_t head;    /* bytes in the file */
	uint64_t beyond;  /* bytes that came after the head was full */
	struct buf tail;  /* up to twice RAWLOG_TAIL, so that moving it stays rare */
	struct err first; /* the first error, .id ERR_NONE while there is none */
};

const struct err *rawlog_open(struct rawlog **out, const char *path)
{
	struct rawlog *r;
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fstat(fd, &st) != 0) {
		const struct err *e = err_errno("open %s", path);

		if (fd >= 0)
			close(fd);
		return e;
	}
	r = xcalloc(1, sizeof(*r));
	r->fd = fd;
	r->head = (uint64_t)st.st_size;
	buf_init(&r->tail);
	*out = r;
	return NULL;
}

static void put(struct rawlog *r, const char *p, size_t n)
{
	const struct err *e = n > 0 ? fs_write_all(r->fd, p, n) : NULL;

	if (e != NULL && r->first.id == ERR_NONE)
		r->first = *e;
}

void rawlog_write(struct rawlog *r, const char *p, size_t n)
{
	if (r->head < RAWLOG_HEAD) {
		size_t fits = RAWLOG_HEAD - r->head < n ? (size_t)(RAWLOG_HEAD - r->head) : n;

		put(r, p, fits);
		r->head += fits;
		p += fits;
		n -= fits;
	}
	r->beyond += n;
	if (n > RAWLOG_TAIL) {
		p += n - RAWLOG_TAIL;
		n = RAWLOG_TAIL;
	}
	if (n > 0)
		buf_add(&r->tail, p, n);
	if (r->tail.len > 2 * RAWLOG_TAIL)
		buf_consume(&r->tail, r->tail.len - RAWLOG_TAIL);
}

const struct err *rawlog_close(struct rawlog *r)
{
	const struct err *e;

	if (r == NULL)
		return NULL;
	if (r->tail.len > RAWLOG_TAIL)
		buf_consume(&r->tail, r->tail.len - RAWLOG_TAIL);
	if (r->beyond > r->tail.len) {
		struct buf note = BUF_INIT;

		buf_addf(&note, "\n[... %llu bytes dropped here: only the beginning and the end are kept ...]\n",
			(unsigned long long)(r->beyond - r->tail.len));
		put(r, note.ptr, note.len);
		buf_free(&note);
	}
	put(r, r->tail.ptr, r->tail.len);
	if (fsync(r->fd) != 0 && r->first.id == ERR_NONE)
		r->first = *err_errno("fsync of the log");
	close(r->fd);
	e = r->first.id != ERR_NONE ? err_wrap(&r->first, "log") : NULL;
	buf_free(&r->tail);
	free(r);
	return e;
}
