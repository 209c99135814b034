/* Files: written whole or not at all, read with a bound, removed without following links. */
#ifndef FS_H
#define FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* Appends the whole file; a file over `max` bytes is ERR_TOO_LARGE. */
const struct err *fs_read(const char *path, size_t max, struct buf *out);
const struct err *fs_read_fd(int fd, const char *name, size_t max, struct buf *out);

/* A secret: "fd:N" (read to its end and closed) or a file; one trailing newline is cut. Wipe it after use. */
const struct err *fs_read_secret(const char *spec, size_t max, struct buf *out);

/* Atomic replacement: temporary file beside it, fsync, rename, fsync of the folder. */
const struct err *fs_write(const char *path, const void *p, size_t n, mode_t mode);

/* Creates `path` with that content or leaves what is there: written in tmp_dir (same file system), fsync,
 * link, unlink, fsync of the folder. *created is false when it existed. */
const struct err *fs_create(const char *tmp_dir, const char *path, const void *p, size_t n, mode_t mode, bool *created);

const struct err *fs_write_all(int fd, const void *p, size_t n); /* EINTR and short writes handled */
const struct err *fs_mkdir_p(const char *path, mode_t mode);
const struct err *fs_remove_tree(const char *path); /* a missing path is fine; links are removed, not followed */
const struct err *fs_sync_dir(const char *path);
const struct err *fs_free_bytes(const char *path, uint64_t *bytes); /* for an unprivileged user */

/* A single path component that is safe to use as a file name: no '/', not "." or "..", no control
 * characters, 1 to 200 bytes. */
bool fs_safe_name(const char *s);

#endif
