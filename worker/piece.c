#include "piece.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define PIECE (4u << 20)

char *piece_name(int64_t attempt, const char *name)
{
	return attempt > 1 ? xasprintf("a%lld-%s", (long long)attempt, name) : xstrdup(name);
}

static struct http_call *put(struct api *a, const struct piece *p, const char *bytes, size_t n, bool last, api_fn *fn, void *arg)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct buf text = BUF_INIT, name = BUF_INIT;
	char *offset, *digest, *attempt, *path;
	struct http_call *call;

	crypto_hash_sha256(hash, (const unsigned char *)bytes, (unsigned long long)n);
	str_base64(&text, hash, sizeof(hash), BASE64);
	str_percent(&name, p->name, strlen(p->name));
	offset = xasprintf("Upload-Offset: %lld", (long long)p->offset);
	digest = xasprintf("Content-Digest: sha-256=:%s:", text.ptr);
	attempt = xasprintf("X-Run-Attempt: %lld", (long long)p->attempt);
	path = xasprintf("/runs/%lld/files/%s", (long long)p->run, name.ptr);
	call = api_put(a, path,
		(const char *const[]){"Content-Type: application/octet-stream", offset, digest, attempt,
			last ? "Upload-Complete: ?1" : "Upload-Complete: ?0", NULL},
		bytes, n, fn, arg);
	free(offset);
	free(digest);
	free(attempt);
	free(path);
	buf_free(&text);
	buf_free(&name);
	return call;
}

struct http_call *piece_send(struct api *a, const struct piece *p, api_fn *fn, void *arg)
{
	int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct http_call *call = NULL;
	struct stat st;
	char *bytes;
	size_t size;
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (st.st_size > p->offset || (p->whole && p->offset > 0 && st.st_size == p->offset))) {
		size = st.st_size - p->offset < (off_t)PIECE ? (size_t)(st.st_size - p->offset) : PIECE;
		bytes = xmalloc(size + 1);
		n = pread(fd, bytes, size, p->offset);
		if (n > 0 || (n == 0 && size == 0))
			call = put(a, p, bytes, (size_t)n, p->whole && p->offset + n >= st.st_size, fn, arg);
		free(bytes);
	}
	close(fd);
	return call;
}

int64_t piece_end(const struct api_answer *a)
{
	const json_t *offset = json_object_get(a->doc, "offset");

	return json_is_integer(offset) ? json_integer_value(offset) : -1;
}

bool piece_stale(const struct api_answer *a)
{
	return strcmp(a->code, "run.stale") == 0 || (a->status == 404 && strcmp(a->code, "not_found") == 0);
}
