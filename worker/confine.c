#include "confine.h"

#include <stdint.h>
#include <unistd.h>

#include "landlock.h"

#include "banned.h"

#define READ (LANDLOCK_EXECUTE | LANDLOCK_READ_FILE | LANDLOCK_READ_DIR)

static const char *const system_readable[] = {"/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ssl", "/etc/ca-certificates",
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/nsswitch.conf", "/etc/services",
	"/etc/protocols", "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/fonts", "/var/cache/fontconfig", "/etc/ld.so.cache", "/etc/alternatives",
	"/dev/urandom", "/dev/random", "/dev/zero", "/proc"};
static const char *const system_writable[] = {"/dev/null", "/dev/tty"};

static const struct err *allow_all(int fd, const char *const *paths, size_t n, uint64_t rights)
{
	const struct err *e = NULL;

	for (size_t i = 0; i < n && e == NULL; i++)
		e = landlock_allow(fd, paths[i], rights);
	return e;
}

const struct err *confine_make(int *fd, const char *const *readable, size_t n_readable, const char *const *writable,
	size_t n_writable)
{
	const struct err *e = landlock_make(fd, true);
	uint64_t all = landlock_rights();

	if (*fd < 0)
		return e;
	e = allow_all(*fd, system_readable, sizeof(system_readable) / sizeof(system_readable[0]), READ);
	if (e == NULL)
		e = allow_all(*fd, system_writable, sizeof(system_writable) / sizeof(system_writable[0]), all);
	if (e == NULL)
		e = allow_all(*fd, readable, n_readable, READ);
	if (e == NULL)
		e = allow_all(*fd, writable, n_writable, all & ~LANDLOCK_EXECUTE);
	if (e != NULL) {
		close(*fd);
		*fd = -1;
	}
	return e;
}
