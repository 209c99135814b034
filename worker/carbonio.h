/*
 * Commands of Zimbra and Carbonio over ssh: pinned host keys, no terminal, nothing forwarded. What they may be is what
 * scripts/carbonio-shell admits.
 */
#ifndef WORKER_CARBONIO_H
#define WORKER_CARBONIO_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "spawn.h"

/* Whether the settings name the new server and its host keys, and the ssh program; *ssh is the caller's. ERR_CONFIG,
 * ERR_TOOL_MISSING. */
const struct err *carbonio_ready(const struct conf *c, char **ssh);

/* An address, or a name of a host: what stands in a shell's command on another machine must be one. */
bool carbonio_plain(const char *s);

/* ssh that runs `command` in the log-in shell of zmmailbox's user at `target` ("user@host" and a port, 0: ssh's), or,
 * target NULL, at MIGRATION_CARBONIO_SSH. */
const struct err *carbonio_ssh(
	const struct conf *c, const char *ssh, const char *target, int64_t port, const char *command, struct spawn **out);
/* Its output goes into a new file. */
const struct err *carbonio_into(struct spawn *s, const char *path);

/* A line that it printed: what went wrong goes into *failure, which keeps the first that says enough. */
void carbonio_words(const char *line, const char *server, struct err *failure);
/* How it ended, `status` as of waitpid; may return `failure` itself. */
const struct err *carbonio_ended(const char *program, int status, const struct err *failure);

#endif
