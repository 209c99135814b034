/* Landlock: what a process, and all it starts, may still do with files (landlock(7)). Nothing here is undone again. */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define LANDLOCK_EXECUTE (1ull << 0)
#define LANDLOCK_READ_FILE (1ull << 2)
#define LANDLOCK_READ_DIR (1ull << 3)

int landlock_version(void); /* 0: this kernel has none, or it is switched off */
uint64_t landlock_rights(void); /* all rights on files that this kernel's version knows */

/* A set of rules by which nothing is allowed: no file, no signal or abstract socket to processes outside, and without
 * `network` (from version 4 on) no TCP either. *fd, close-on-exec, is the caller's; -1 where there is no Landlock. */
const struct err *landlock_make(int *fd, bool network);

/* Allows `rights` on path and what is below it; of what is no folder those that make sense there. A path that does not
 * exist is passed over. */
const struct err *landlock_allow(int fd, const char *path, uint64_t rights);

/* From here on. The process must have no_new_privs. Does nothing but a system call: safe behind a fork. */
bool landlock_enter(int fd);

#endif
