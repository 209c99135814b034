/*
 * What of the file system a tool may reach (Landlock): the system's programs and libraries and a few files of /etc
 * to read, its own folders to write; nothing of other runs, of the worker's settings and keys. Where the kernel
 * can, it may also signal no process but its own. On a kernel without Landlock tools run unconfined: users and
 * modes are then all that parts them.
 */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* A ruleset for landlock_enter: what every tool may read, and these. Paths that do not exist are left out.
 * *fd is -1 when the kernel has no Landlock. */
const struct err *confine_make(int *fd, const char *const *readable, size_t n_readable, const char *const *writable,
	size_t n_writable);

#endif
