#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "banned.h"

#define BACKLOG 1024

static int is_listening(int fd)
{
	int yes = 0;
	socklen_t n = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 && yes;
}

static const struct err *remove_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int live = fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0;

	if (fd >= 0)
		close(fd);
	if (live)
		return err_new(ERR_CONFLICT, "%s: another process answers on this socket", sun->sun_path);
	if (unlink(sun->sun_path) != 0 && errno != ENOENT)
		return err_errno("%s", sun->sun_path);
	return NULL;
}

static const struct err *make(const char *path, int *out)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const struct err *e;
	mode_t old;
	int fd, rc;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_new(ERR_USAGE, "%s: a socket's path has at most %zu bytes", path,
			sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if ((e = remove_stale(&sun)) != NULL)
		return e;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno("socket");
	old = umask(0117);
	rc = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (rc != 0 || listen(fd, BACKLOG) != 0) {
		e = err_errno("%s", path);
		close(fd);
		return e;
	}
	*out = fd;
	return NULL;
}

const struct err *socket_listen(const char *path, int *out, int *own)
{
	const struct err *e = NULL;
	int fd = 0, flags;

	*own = 0;
	if (!is_listening(0)) {
		if (path == NULL)
			return err_new(ERR_USAGE, "no socket: neither on descriptor 0 nor by -s");
		if ((e = make(path, &fd)) != NULL)
			return e;
		*own = 1;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return err_errno("listening socket");
	*out = fd;
	return NULL;
}
