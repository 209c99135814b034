/*
 * Room at the destination, for tools that do not ask for it themselves: `mailmover check` logs in there and tells what
 * the account holds and what QUOTA says, before such a tool moves its first byte. An account that does not answer this
 * way is the tool's own matter: nothing is refused on what is not known.
 */
#ifndef WORKER_ROOM_H
#define WORKER_ROOM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

struct room {
	bool known;          /* QUOTA told a limit */
	int64_t used, limit; /* bytes */
	int64_t there;       /* bytes of mail that the account lists */
};

/* An event of the program that asks (mailmover_look, tool.h), parsed. */
void room_event(struct room *r, const json_t *event);
/* ERR_QUOTA when `coming` bytes do not fit. */
const struct err *room_for(const struct room *r, int64_t coming);
/* Tells that check as a preflight does; e: what room_for said. */
void room_tell(const struct tool_job *job, const struct room *r, const struct err *e);

#endif
