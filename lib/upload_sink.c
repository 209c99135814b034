#include "upload_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

#include "banned.h"

#define BLOCK (256u << 10)   /* bytes of one */
#define WRITEBACK (8u << 20) /* bytes between two hints to the disk */

void upload_sink_free(struct upload_sink *s)
{
	free(s->block);
	s->block = NULL;
	s->n = 0;
}

void upload_sink_set(struct upload_sink *s, int fd, uint64_t length)
{
	s->fd = fd;
	s->written = s->started = length;
	s->n = 0;
}

const struct err *upload_sink_flush(struct upload_sink *s)
{
	const char *from = s->block;

	while (s->n > 0) {
		ssize_t k = pwrite(s->fd, from, s->n, (off_t)s->written);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			errno = k < 0 ? errno : EIO;
			return err_errno("write the upload");
		}
		from += k;
		s->n -= (size_t)k;
		s->written += (uint64_t)k;
	}
	if (s->written - s->started >= WRITEBACK) {
		sync_file_range(
			s->fd, (off_t)s->started, (off_t)(s->written - s->started), SYNC_FILE_RANGE_WRITE);
		s->started = s->written;
	}
	return NULL;
}

const struct err *upload_sink_write(struct upload_sink *s, const void *p, size_t n)
{
	const struct err *e = NULL;
	const char *from = p;

	if (s->block == NULL)
		s->block = xmalloc(BLOCK);
	while (n > 0 && e == NULL) {
		size_t room = BLOCK - (size_t)((s->written + s->n) % BLOCK), step = n < room ? n : room;

		memcpy(s->block + s->n, from, step);
		s->n += step;
		from += step;
		n -= step;
		if (step == room)
			e = upload_sink_flush(s);
	}
	return e;
}
