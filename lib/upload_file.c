#include "upload_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "mem.h"
#include "str.h"
#include "upload_sink.h"

#include "banned.h"

#define TOKEN_BYTES 16
#define STATE_MAX 512

enum { HOLD, WANT }; /* bytes of the file that are locked */

struct upload_file {
	int fd;
	char *path, *state;
	struct upload_hash kept;
	struct upload_sink *sink;
	uint64_t written; /* bytes that the sink was given, or had before */
	char *block;      /* of the sink: what is to be written next; NULL: nothing */
	size_t n;         /* bytes in block */
};

char *upload_token(void)
{
	unsigned char bytes[TOKEN_BYTES];
	struct buf out = BUF_INIT;

	randombytes_buf(bytes, sizeof(bytes));
	str_hex(&out, bytes, sizeof(bytes));
	return buf_detach(&out);
}

bool upload_token_ok(const char *s)
{
	return strlen(s) == 2 * TOKEN_BYTES && strspn(s, "0123456789abcdef") == 2 * TOKEN_BYTES;
}

static const struct err *make_paths(const char *dir, const char *token, char **path, char **state)
{
	if (!upload_token_ok(token))
		return err_new(ERR_NOT_FOUND, "there is no such upload");
	*path = xasprintf("%s/%s", dir, token);
	*state = xasprintf("%s/%s.state", dir, token);
	return NULL;
}

static const struct err *write_state(const char *path, const struct upload_hash *h)
{
	struct buf text = BUF_INIT;
	const struct err *e;

	upload_hash_write(h, &text);
	buf_addc(&text, '\n');
	e = fs_write(path, text.ptr, text.len, 0600);
	buf_free(&text);
	return e;
}

/* A state that is not there or not readable: nothing was ever acknowledged. */
static void read_state(const char *path, struct upload_hash *h)
{
	struct buf text = BUF_INIT;

	if (fs_read(path, STATE_MAX, &text) != NULL || text.len == 0 || !upload_hash_parse(h, str_trim(text.ptr)))
		upload_hash_init(h);
	buf_free(&text);
}

const struct err *upload_file_create(const char *dir, const char *token)
{
	char *path = NULL, *state = NULL;
	const struct err *e = make_paths(dir, token, &path, &state);
	struct upload_hash h;
	int fd = -1;

	if (e == NULL) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (fd < 0)
			e = err_errno("%s", path);
	}
	if (e == NULL) {
		upload_hash_init(&h);
		e = write_state(state, &h); /* the folder is on disk after that */
		if (e != NULL)
			unlink(path);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	free(state);
	return e;
}

const struct err *upload_file_remove(const char *dir, const char *token)
{
	char *path = NULL, *state = NULL;
	const struct err *e = make_paths(dir, token, &path, &state);

	if (e != NULL)
		return e;
	if (unlink(path) != 0 && errno != ENOENT)
		e = err_errno("%s", path);
	if (unlink(state) != 0 && errno != ENOENT && e == NULL)
		e = err_errno("%s", state);
	free(path);
	free(state);
	return e;
}

uint64_t upload_file_offset(const char *dir, const char *token)
{
	char *path = NULL, *state = NULL;
	struct upload_hash h = {0};

	if (make_paths(dir, token, &path, &state) == NULL)
		read_state(state, &h);
	free(path);
	free(state);
	return h.length;
}

/* --- locks: of the open file, so that a process that dies lets go --- */

static bool lock(int fd, int byte)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static void unlock(int fd, int byte)
{
	struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	fcntl(fd, F_OFD_SETLK, &l);
}

bool upload_file_wanted(const struct upload_file *f)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WANT, .l_len = 1};

	return fcntl(f->fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static const struct err *take(int fd, int64_t wait_ms)
{
	static const struct timespec pause = {.tv_nsec = 20000000};
	int64_t until = clock_mono_ms() + wait_ms;
	bool held = lock(fd, HOLD);

	if (!held && lock(fd, WANT)) { /* one asks, a third one is told at once */
		while (!(held = lock(fd, HOLD)) && clock_mono_ms() < until)
			nanosleep(&pause, NULL);
		unlock(fd, WANT);
	}
	return held ? NULL : err_new(ERR_UPLOAD_LOCKED, "another request writes to this upload");
}

/* --- the open file --- */

static const struct err *cut(struct upload_file *f)
{
	struct stat st;

	upload_sink_set(f->sink, f->fd, &f->kept);
	f->written = f->kept.length;
	f->n = 0;
	if (fstat(f->fd, &st) != 0)
		return err_errno("%s", f->path);
	if ((uint64_t)st.st_size < f->kept.length)
		return err_new(ERR_IO, "%s has %lld bytes, %llu were safe", f->path, (long long)st.st_size,
		        (unsigned long long)f->kept.length);
	if ((uint64_t)st.st_size > f->kept.length && ftruncate(f->fd, (off_t)f->kept.length) != 0)
		return err_errno("%s", f->path);
	return NULL;
}

static void release(struct upload_file *f)
{
	upload_sink_free(f->sink); /* its thread writes to fd */
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->state);
	free(f);
}

const struct err *upload_file_open(struct upload_file **out, const char *dir, const char *token, int64_t wait_ms)
{
	struct upload_file *f = xcalloc(1, sizeof(*f));
	const struct err *e = make_paths(dir, token, &f->path, &f->state);

	*out = NULL;
	f->fd = -1;
	f->sink = upload_sink_new();
	if (e == NULL) {
		f->fd = open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (f->fd < 0)
			e = errno == ENOENT ? err_new(ERR_NOT_FOUND, "the file of this upload is gone")
			                    : err_errno("%s", f->path);
	}
	if (e == NULL)
		e = take(f->fd, wait_ms);
	if (e == NULL) {
		read_state(f->state, &f->kept); /* not before: who had the file wrote it */
		e = cut(f);
	}
	if (e != NULL) {
		release(f);
		return e;
	}
	*out = f;
	return NULL;
}

void upload_file_close(struct upload_file *f)
{
	if (f == NULL)
		return;
	cut(f);
	release(f);
}

int upload_file_fd(const struct upload_file *f)
{
	return f->fd;
}

uint64_t upload_file_length(const struct upload_file *f)
{
	return f->written + f->n;
}

uint64_t upload_file_kept(const struct upload_file *f)
{
	return f->kept.length;
}

const struct err *upload_file_back(struct upload_file *f)
{
	return cut(f);
}

const struct err *upload_file_flush(struct upload_file *f)
{
	const struct err *e = NULL;

	if (f->n > 0) {
		e = upload_sink_put(f->sink, f->block, f->n);
		f->block = NULL;
		f->written += f->n;
		f->n = 0;
	}
	if (e != NULL)
		cut(f);
	return e;
}

const struct err *upload_file_write(struct upload_file *f, const void *p, size_t n)
{
	const struct err *e = NULL;
	const char *from = p;

	while (n > 0 && e == NULL) {
		size_t room = UPLOAD_BLOCK - (size_t)((f->written + f->n) % UPLOAD_BLOCK), step = n < room ? n : room;

		if (f->block == NULL)
			f->block = upload_sink_block(f->sink);
		memcpy(f->block + f->n, from, step);
		f->n += step;
		from += step;
		n -= step;
		if (step == room)
			e = upload_file_flush(f);
	}
	return e;
}

const struct err *upload_file_keep(struct upload_file *f)
{
	const struct upload_hash *now = upload_sink_hash(f->sink);
	const struct err *e = upload_file_flush(f);

	if (e == NULL && (e = upload_sink_settle(f->sink)) != NULL)
		cut(f);
	if (e != NULL || now->length == f->kept.length)
		return e;
	if (fdatasync(f->fd) != 0)
		e = err_errno("%s", f->path);
	if (e == NULL)
		e = write_state(f->state, now);
	if (e == NULL) {
		f->kept = *now;
	} else {
		read_state(f->state, &f->kept); /* the old one, or the new one if only the folder was not synced */
		cut(f);
	}
	return e;
}

char *upload_file_sha256(struct upload_file *f)
{
	struct buf out = BUF_INIT;

	upload_hash_hex(upload_sink_hash(f->sink), &out);
	return buf_detach(&out);
}
