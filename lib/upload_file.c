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
#include "upload_state.h"

#include "banned.h"

#define TOKEN_BYTES 16
#define PIECE (64u << 10) /* bytes hashed at a time, while they are in the processor's cache */

enum { HOLD, WANT }; /* bytes of the file that are locked */

struct upload_file {
	int fd;
	char *path, *state;
	struct upload_state kept; /* as TOKEN.state has it */
	struct upload_hash hash;  /* of at most what the sink has written */
	struct upload_sink sink;
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

const struct err *upload_file_create(const char *dir, const char *token)
{
	char *path = NULL, *state = NULL;
	const struct err *e = make_paths(dir, token, &path, &state);
	struct upload_state empty = {.length = 0};
	int fd = -1;

	if (e == NULL) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (fd < 0)
			e = err_errno("%s", path);
	}
	if (e == NULL) {
		upload_hash_init(&empty.hash);
		e = upload_state_write(state, &empty); /* the folder is on disk after that */
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
	struct upload_state st = {.length = 0};

	if (make_paths(dir, token, &path, &state) == NULL)
		upload_state_read(state, &st);
	free(path);
	free(state);
	return st.length;
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

	upload_sink_set(&f->sink, f->fd, f->kept.length);
	if (f->hash.length > f->kept.length || f->hash.length < f->kept.hash.length)
		f->hash = f->kept.hash;
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
	upload_sink_free(&f->sink);
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
	if (e == NULL) {
		f->fd = open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (f->fd < 0)
			e = errno == ENOENT ? err_new(ERR_NOT_FOUND, "the file of this upload is gone")
			                    : err_errno("%s", f->path);
	}
	if (e == NULL)
		e = take(f->fd, wait_ms);
	if (e == NULL) {
		upload_state_read(f->state, &f->kept); /* not before: who had the file wrote it */
		f->hash = f->kept.hash;
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
	return f->sink.written + f->sink.n;
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
	const struct err *e = upload_sink_flush(&f->sink);

	if (e != NULL)
		cut(f);
	return e;
}

const struct err *upload_file_write(struct upload_file *f, const void *p, size_t n)
{
	const struct err *e = upload_sink_write(&f->sink, p, n);

	if (e != NULL)
		cut(f);
	return e;
}

const struct err *upload_file_keep(struct upload_file *f)
{
	const struct err *e = upload_file_flush(f);
	struct upload_state now = {.length = f->sink.written, .hash = f->hash};

	if (e != NULL || (now.length == f->kept.length && now.hash.length == f->kept.hash.length))
		return e;
	if (now.length > f->kept.length && fdatasync(f->fd) != 0)
		e = err_errno("%s", f->path);
	if (e == NULL)
		e = upload_state_write(f->state, &now);
	if (e == NULL) {
		f->kept = now;
	} else {
		upload_state_read(f->state, &f->kept); /* the old one, or the new one if only the folder was not synced */
		cut(f);
	}
	return e;
}

/* --- the hash --- */

uint64_t upload_file_behind(const struct upload_file *f)
{
	return upload_file_length(f) - f->hash.length;
}

const struct err *upload_file_hash(struct upload_file *f, uint64_t most)
{
	uint64_t left = f->sink.written - f->hash.length;
	struct upload_hash h = f->hash;
	const struct err *e = NULL;
	char piece[PIECE];

	left = left < most ? left : most;
	while (left > 0 && e == NULL) {
		size_t want = left < PIECE ? (size_t)left : PIECE;
		ssize_t k = pread(f->fd, piece, want, (off_t)h.length);

		if (k > 0) {
			upload_hash_feed(&h, piece, (size_t)k);
			left -= (uint64_t)k;
		} else if (k == 0) {
			e = err_new(ERR_IO, "%s ends after %llu bytes, %llu were written", f->path,
				(unsigned long long)h.length, (unsigned long long)f->sink.written);
		} else if (errno != EINTR) {
			e = err_errno("%s", f->path);
		}
	}
	if (e == NULL)
		f->hash = h;
	return e;
}

char *upload_file_sha256(const struct upload_file *f)
{
	struct buf out = BUF_INIT;

	if (f->hash.length != f->kept.length)
		return NULL;
	upload_hash_hex(&f->hash, &out);
	return buf_detach(&out);
}
