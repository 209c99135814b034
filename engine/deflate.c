#include "deflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "mem.h"

#include "banned.h"

/* mail is text and base64: level 1 takes it to 70 %, level 6 to 68 % in half as much time again */
#define LEVEL 1
#define RAW (-15) /* a window of 32 KiB, no zlib header */
#define MEM_LEVEL 8

struct deflate {
	z_stream out, in;
	bool more; /* the decoder holds output that did not fit */
};

struct deflate *deflate_new(void)
{
	struct deflate *z = xcalloc(1, sizeof(*z));

	if (deflateInit2(&z->out, LEVEL, Z_DEFLATED, RAW, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK ||
		inflateInit2(&z->in, RAW) != Z_OK)
		abort(); /* no memory: as everywhere else */
	return z;
}

void deflate_free(struct deflate *z)
{
	if (z == NULL)
		return;
	deflateEnd(&z->out);
	inflateEnd(&z->in);
	free(z);
}

void deflate_add(struct deflate *z, const void *p, size_t n, struct buf *out)
{
	z->out.next_in = (Bytef *)(uintptr_t)p; /* zlib's interface has no const here; it does not write to it */
	z->out.avail_in = (uInt)n;
	do {
		buf_reserve(out, 4096 + n / 2);
		z->out.next_out = (Bytef *)out->ptr + out->len;
		z->out.avail_out = (uInt)(out->cap - out->len - 1);
		deflate(&z->out, Z_SYNC_FLUSH);
		out->len = (size_t)((char *)z->out.next_out - out->ptr);
		out->ptr[out->len] = '\0';
	} while (z->out.avail_out == 0);
}

const struct err *deflate_take(struct deflate *z, const char **in, size_t *n, void *p, size_t size, size_t *got)
{
	int rc;

	*got = 0;
	if (*n == 0 && !z->more)
		return NULL;
	z->in.next_in = (Bytef *)(uintptr_t)*in;
	z->in.avail_in = (uInt)*n;
	z->in.next_out = p;
	z->in.avail_out = (uInt)size;
	rc = inflate(&z->in, Z_SYNC_FLUSH);
	*in += *n - z->in.avail_in;
	*n = z->in.avail_in;
	*got = size - z->in.avail_out;
	z->more = z->in.avail_out == 0;
	if (rc == Z_OK || rc == Z_BUF_ERROR || (rc == Z_STREAM_END && *got > 0))
		return NULL;
	return err_new(ERR_PROTOCOL, rc == Z_STREAM_END ? "the compressed stream has ended" : "what came cannot be decompressed");
}
