#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
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
#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define FS_READ (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
#define SCOPE_ALL 3ull /* abstract sockets, signals */

/* Rights that make sense on something that is no folder. */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

static const char *const system_readable[] = {"/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ssl", "/etc/ca-certificates",
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/nsswitch.conf", "/etc/services",
	"/etc/protocols", "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/fonts", "/var/cache/fontconfig", "/etc/ld.so.cache", "/etc/alternatives",
	"/dev/urandom", "/dev/random", "/dev/zero", "/proc"};
static const char *const system_writable[] = {"/dev/null", "/dev/tty"};

int confine_version(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	return v > 0 ? (int)v : 0;
}

/* All rights that this version knows: 13 at first, then REFER, TRUNCATE, IOCTL_DEV. */
static uint64_t all_fs(int version)
{
	int bits = 13 + (version >= 2) + (version >= 3) + (version >= 5);

	return (1ull << bits) - 1;
}

static const struct err *allow(int ruleset, const char *path, uint64_t access)
{
	const struct err *e = NULL;
	struct path_attr rule = {.access = access};
	struct stat st;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return errno == ENOENT || errno == ENOTDIR ? NULL : err_errno("open %s", path);
	if (fstat(rule.parent, &st) != 0)
		e = err_errno("stat %s", path);
	else if (!S_ISDIR(st.st_mode))
		rule.access &= FS_OF_FILES;
	if (e == NULL && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) != 0)
		e = err_errno("confine to %s", path);
	close(rule.parent);
	return e;
}

static const struct err *allow_all(int ruleset, const char *const *paths, size_t n, uint64_t access)
{
	const struct err *e = NULL;

	for (size_t i = 0; i < n && e == NULL; i++)
		e = allow(ruleset, paths[i], access);
	return e;
}

const struct err *confine_make(int *fd, const char *const *readable, size_t n_readable, const char *const *writable,
	size_t n_writable)
{
	int version = confine_version();
	uint64_t all = all_fs(version);
	struct ruleset_attr attr = {.fs = all, .scoped = SCOPE_ALL};
	size_t size = version >= 6 ? sizeof(attr) : version >= 4 ? 16 : 8;
	const struct err *e;

	*fd = -1;
	if (version == 0)
		return NULL;
	*fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (*fd < 0)
		return err_errno("landlock_create_ruleset");
	e = allow_all(*fd, system_readable, sizeof(system_readable) / sizeof(system_readable[0]), FS_READ & all);
	if (e == NULL)
		e = allow_all(*fd, system_writable, sizeof(system_writable) / sizeof(system_writable[0]), all);
	if (e == NULL)
		e = allow_all(*fd, readable, n_readable, FS_READ & all);
	if (e == NULL)
		e = allow_all(*fd, writable, n_writable, all & ~FS_EXECUTE);
	if (e != NULL) {
		close(*fd);
		*fd = -1;
	}
	return e;
}

bool confine_enter(int fd)
{
	return syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}
