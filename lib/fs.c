#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

const struct err *fs_read_fd(int fd, const char *name, size_t max, struct buf *out)
{
	size_t start = out->len;

	for (;;) {
		ssize_t n;

		buf_reserve(out, 16384);
		n = read(fd, out->ptr + out->len, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno("read %s", name);
		if (n == 0)
			return NULL;
		out->len += (size_t)n;
		out->ptr[out->len] = '\0';
		if (out->len - start > max)
			return err_new(ERR_TOO_LARGE, "%s: more than %zu bytes", name, max);
	}
}

const struct err *fs_read(const char *path, size_t max, struct buf *out)
{
	const struct err *e;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno("open %s", path);
	e = fs_read_fd(fd, path, max, out);
	close(fd);
	return e;
}

const struct err *fs_read_secret(const char *spec, size_t max, struct buf *out)
{
	const struct err *e;
	int64_t fd;

	if (str_starts(spec, "fd:")) {
		if (!str_i64(spec + 3, 0, 65535, &fd))
			return err_new(ERR_USAGE, "%s: not a file descriptor", spec);
		e = fs_read_fd((int)fd, spec, max, out);
		close((int)fd);
	} else {
		e = fs_read(spec, max, out);
	}
	if (e == NULL && out->len > 0 && out->ptr[out->len - 1] == '\n')
		buf_truncate(out, out->len - 1);
	if (e == NULL && out->len > 0 && out->ptr[out->len - 1] == '\r')
		buf_truncate(out, out->len - 1);
	return e;
}

const struct err *fs_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_errno("write");
		at += k;
		n -= (size_t)k;
	}
	return NULL;
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const struct err *fs_sync_dir(const char *path)
{
	const struct err *e = NULL;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno("open %s", path);
	if (fsync(fd) != 0)
		e = err_errno("fsync %s", path);
	close(fd);
	return e;
}

/* A new file in dir with this content, on disk; *tmp is its path (free) when there is no error. */
static const struct err *write_temp(const char *dir, const void *p, size_t n, mode_t mode, char **tmp)
{
	const struct err *e = NULL;
	char *name = xasprintf("%s/.tmp-XXXXXX", dir);
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0) {
		e = err_errno("create %s", name);
		free(name);
		return e;
	}
	e = fs_write_all(fd, p, n);
	if (e == NULL && fchmod(fd, mode) != 0)
		e = err_errno("chmod %s", name);
	if (e == NULL && fsync(fd) != 0)
		e = err_errno("fsync %s", name);
	if (close(fd) != 0 && e == NULL)
		e = err_errno("close %s", name);
	if (e != NULL) {
		e = err_wrap(e, "%s", dir);
		unlink(name);
		free(name);
	} else {
		*tmp = name;
	}
	return e;
}

const struct err *fs_write(const char *path, const void *p, size_t n, mode_t mode)
{
	const struct err *e;
	char *dir = parent_of(path), *tmp = NULL;

	e = write_temp(dir, p, n, mode, &tmp);
	if (e == NULL && rename(tmp, path) != 0) {
		e = err_errno("rename to %s", path);
		unlink(tmp);
	}
	if (e == NULL)
		e = fs_sync_dir(dir);
	free(tmp);
	free(dir);
	return e;
}

const struct err *fs_create(const char *tmp_dir, const char *path, const void *p, size_t n, mode_t mode, bool *created)
{
	const struct err *e;
	char *dir = parent_of(path), *tmp = NULL;

	*created = false;
	e = write_temp(tmp_dir, p, n, mode, &tmp);
	if (e == NULL) {
		if (link(tmp, path) == 0)
			*created = true;
		else if (errno != EEXIST)
			e = err_errno("link %s", path);
		unlink(tmp);
	}
	if (e == NULL && *created)
		e = fs_sync_dir(dir);
	free(tmp);
	free(dir);
	return e;
}

const struct err *fs_mkdir_p(const char *path, mode_t mode)
{
	const struct err *e = NULL;
	char *copy = xstrdup(path);

	for (char *p = copy + 1; e == NULL; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) != 0 && errno != EEXIST)
			e = err_errno("mkdir %s", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return e;
}

static const struct err *remove_at(int parent, const char *name)
{
	const struct err *e = NULL;
	struct dirent *d;
	DIR *dir;
	int fd;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return NULL;
	if (errno != EISDIR && errno != EPERM)
		return err_errno("remove %s", name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno("open %s", name);
	dir = fdopendir(fd);
	if (dir == NULL) {
		e = err_errno("open %s", name);
		close(fd);
		return e;
	}
	while (e == NULL && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			e = remove_at(dirfd(dir), d->d_name);
	closedir(dir);
	if (e == NULL && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		e = err_errno("remove %s", name);
	return e;
}

const struct err *fs_remove_tree(const char *path)
{
	return remove_at(AT_FDCWD, path);
}

const struct err *fs_free_bytes(const char *path, uint64_t *bytes)
{
	struct statvfs v;

	if (statvfs(path, &v) != 0)
		return err_errno("statvfs %s", path);
	*bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return NULL;
}

bool fs_safe_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 200 && strchr(s, '/') == NULL && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
	       !str_has_control(s, n);
}
