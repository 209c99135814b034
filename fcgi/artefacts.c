#include "artefacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "mem.h"
#include "store_retention.h"
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

static const struct err *missing(const struct app *app, int64_t run_id, const char *name)
{
	int64_t at = 0;
	const struct err *e = retention_removed_at(app->store, run_id, &at);
	char when[CLOCK_TEXT_SIZE];

	if (e != NULL)
		return e;
	if (at == 0)
		return err_new(ERR_NOT_FOUND, "run %lld has no file %s", (long long)run_id, name);
	return err_new(ERR_FILE_REMOVED, "%s of run %lld was removed at %s with the files of its job", name,
		(long long)run_id, clock_text(at, when));
}

const struct err *artefact_open(const struct app *app, int64_t run_id, const char *name, int *fd, off_t *size)
{
	char *dir = folder_of(app, run_id), *path = xasprintf("%s/%s", dir, name);
	const struct err *e = NULL;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		e = errno == ENOENT ? missing(app, run_id, name) : err_errno("%s", path);
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

bool artefact_exists(const struct app *app, int64_t run_id, const char *name)
{
	char *dir = folder_of(app, run_id), *path = xasprintf("%s/%s", dir, name);
	bool there = fs_safe_name(name) && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	free(path);
	free(dir);
	return there;
}

/* --- removing --- */

/* "log", "events.jsonl", and those of later attempts: "a2-log". */
static bool is_ledger(const char *name)
{
	size_t n = name[0] == 'a' ? strspn(name + 1, "0123456789") : 0;

	if (n > 0 && name[n + 1] == '-')
		name += n + 2;
	return strcmp(name, "log") == 0 || strcmp(name, "events.jsonl") == 0;
}

static const struct err *remove_file(int dir, const char *name, int64_t *files, int64_t *bytes)
{
	struct stat st = {0};

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || unlinkat(dir, name, 0) != 0)
		return errno == ENOENT ? NULL : err_errno("remove %s", name);
	*files += 1;
	*bytes += S_ISREG(st.st_mode) ? st.st_size : 0;
	return NULL;
}

static const struct err *remove_files(DIR *d, bool ledger, int64_t *files, int64_t *bytes, bool *empty)
{
	const struct err *e = NULL;
	struct dirent *ent;

	*empty = true;
	while (e == NULL && (ent = readdir(d)) != NULL) {
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		if (ledger && is_ledger(ent->d_name))
			*empty = false;
		else
			e = remove_file(dirfd(d), ent->d_name, files, bytes);
	}
	if (e == NULL && !*empty && fsync(dirfd(d)) != 0)
		e = err_errno("fsync");
	return e;
}

const struct err *artefacts_remove(
	const struct app *app, int64_t run_id, bool ledger, int64_t *files, int64_t *bytes)
{
	char *path = folder_of(app, run_id);
	DIR *d = opendir(path);
	const struct err *e = NULL;
	bool empty = false;

	if (d != NULL) {
		e = remove_files(d, ledger, files, bytes, &empty);
		closedir(d);
	} else if (errno != ENOENT) {
		e = err_errno("%s", path);
	}
	if (e == NULL && empty && rmdir(path) != 0)
		e = err_errno("remove %s", path);
	e = err_wrap(e, "run %lld", (long long)run_id);
	free(path);
	return e;
}

const struct err *artefacts_sync(const struct app *app)
{
	char *base = conf_data_path(app->service->conf, "artefacts");
	const struct err *e = fs_sync_dir(base);

	free(base);
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
