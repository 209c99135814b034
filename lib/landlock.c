#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "banned.h"

/* Spelt out here: the kernel at run time may be newer than the headers at build time. */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};
struct path_attr {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

#define RULE_PATH 1
#define VERSION_FLAG 1u
#define FS_WRITE_FILE (1ull << 1)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_ALL 3ull   /* TCP: bind, connect */
#define SCOPE_ALL 3ull /* abstract sockets, signals */

/* Rights that make sense on something that is no folder. */
#define FS_OF_FILES (LANDLOCK_EXECUTE | FS_WRITE_FILE | LANDLOCK_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

int landlock_version(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	return v > 0 ? (int)v : 0;
}

/* 13 at first, then REFER, TRUNCATE, IOCTL_DEV. */
uint64_t landlock_rights(void)
{
	int version = landlock_version(), bits = 13 + (version >= 2) + (version >= 3) + (version >= 5);

	return (1ull << bits) - 1;
}

const struct err *landlock_make(int *fd, bool network)
{
	int version = landlock_version();
	struct ruleset_attr attr = {.fs = landlock_rights(), .net = network ? 0 : NET_ALL, .scoped = SCOPE_ALL};

	*fd = -1;
	if (version == 0)
		return NULL;
	*fd = (int)syscall(SYS_landlock_create_ruleset, &attr, version >= 6 ? sizeof(attr) : version >= 4 ? 16 : 8, 0);
	return *fd < 0 ? err_errno("landlock_create_ruleset") : NULL;
}

const struct err *landlock_allow(int fd, const char *path, uint64_t rights)
{
	const struct err *e = NULL;
	struct path_attr rule = {.access = rights};
	struct stat st;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return errno == ENOENT || errno == ENOTDIR ? NULL : err_errno("open %s", path);
	if (fstat(rule.parent, &st) != 0)
		e = err_errno("stat %s", path);
	else if (!S_ISDIR(st.st_mode))
		rule.access &= FS_OF_FILES;
	if (e == NULL && syscall(SYS_landlock_add_rule, fd, RULE_PATH, &rule, 0) != 0)
		e = err_errno("confine to %s", path);
	close(rule.parent);
	return e;
}

bool landlock_enter(int fd)
{
	return syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}
