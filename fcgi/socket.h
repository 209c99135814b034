/* The pool's listening socket. */
#ifndef SOCKET_H
#define SOCKET_H

#include "err.h"

/* Descriptor 0 when it is a listening socket (systemd's StandardInput=socket, spawn-fcgi), else a new Unix
 * socket at `path` (mode 0660); a socket there that nobody answers on is replaced, a live one is
 * ERR_CONFLICT. *out is non-blocking and close-on-exec; *own tells that the file at path is ours to remove.
 */
const struct err *socket_listen(const char *path, int *out, int *own);

#endif
