#include "artefacts.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

static char *folder_of(const struct app *app, int64_t run_id)
{
	char *base = conf_data_path(app->service->conf, "artefacts"), *dir;

	dir = xasprintf("%s/%lld", base, (long long)run_id);
	free(base);
	return dir;
}

static const struct err *size_of(int fd, off_t *size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno("fstat");
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_IO, "not a regular file");
	*size = st.st_size;
	return NULL;
}

const struct err *artefact_open(const struct app *app, int64_t run_id, const char *name, int *fd, off_t *size)
{
	char *dir = folder_of(app, run_id), *path = xasprintf("%s/%s", dir, name);
	const struct err *e = NULL;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		e = errno == ENOENT
			    ? err_new(ERR_NOT_FOUND, "run %lld has no file %s", (long long)run_id, name)
			    : err_errno("%s", path);
	if (e == NULL)
		e = size_of(*fd, size);
	if (e != NULL && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	free(path);
	free(dir);
	return e;
}

const struct err *artefact_open_write(
	const struct app *app, int64_t run_id, const char *name, int *fd, off_t *size)
{
	char *dir = folder_of(app, run_id), *path = xasprintf("%s/%s", dir, name);
	const struct err *e = fs_mkdir_p(dir, 0700);

	*fd = -1;
	if (e == NULL) {
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*fd < 0 || flock(*fd, LOCK_EX) != 0)
			e = err_errno("%s", path);
	}
	if (e == NULL)
		e = size_of(*fd, size);
	if (e != NULL && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	free(path);
	free(dir);
	return e;
}

const struct err *artefact_sha256(int fd, char **hex)
{
	unsigned char chunk[32768], digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state h;
	struct buf out = BUF_INIT;
	off_t at = 0;
	ssize_t n;

	crypto_hash_sha256_init(&h);
	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		crypto_hash_sha256_update(&h, chunk, (size_t)n);
		at += n;
	}
	if (n < 0)
		return err_errno("reading an artefact");
	crypto_hash_sha256_final(&h, digest);
	str_hex(&out, digest, sizeof(digest));
	*hex = buf_detach(&out);
	return NULL;
}
