/* What the child that reads a file may still do: read that file, and talk on the descriptors it has. */
#ifndef SOURCE_CAGE_H
#define SOURCE_CAGE_H

#include <stdbool.h>

#include "err.h"

/* Irrevocable, for this process and all it forks: no new files but below `path` (read only), no network, no new
 * programs, no new privileges. *landlock false: this kernel has none, and system calls alone hold it; that is said to
 * the person who runs it. */
const struct err *source_cage(const char *path, bool *landlock);

#endif
