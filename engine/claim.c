#include "claim.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "map_text.h"
#include "mem.h"

#include "banned.h"

/* A name in the abstract space of Unix sockets: no file to leave behind, and the kernel gives it up with the process.
 * Of other users' processes it says nothing; they would need a name of ours to stand in the way. */
const struct err *claim_pair(int *fd, const char *from, const char *to)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *pair = xasprintf("%s\n%s", from, to);
	char *name = xasprintf("mailmover/%lu/%016llx%08zx", (unsigned long)geteuid(), (unsigned long long)map_name_hash(pair),
		strlen(pair));
	size_t n = strlen(name);
	const struct err *e = NULL;

	*fd = -1;
	if (n + 1 < sizeof(a.sun_path) && (*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0) {
		memcpy(a.sun_path + 1, name, n);
		if (bind(*fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) != 0) {
			if (errno == EADDRINUSE)
				e = err_new(ERR_STATE_BUSY, "another copy from %s to %s is running", from, to);
			else
				log_info("cannot tell whether another copy of this pair is running: %s", strerror(errno));
			close(*fd);
			*fd = -1;
		}
	}
	free(name);
	free(pair);
	return e;
}
