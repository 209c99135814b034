/* Runs that copy single messages once more: what a verification missed, what the quarantine holds. */
#ifndef RECOPY_H
#define RECOPY_H

#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "store_mailbox.h"

struct recopy_message {
	const char *folder; /* at the source, as reports name it */
	int64_t uid;
	int64_t refusal; /* its number in the quarantine; 0: none */
};

/* Queues a recopy of these messages (any order) and answers 202 with the run. The UIDVALIDITY of each folder is that
 * of the last pass: the engine takes no message that only has the same number. ERR_TOO_LARGE when they do not fit
 * into one run; otherwise as run_enqueue. */
const struct err *recopy_start(struct call *c, const struct mailbox *m, const struct recopy_message *v, size_t n,
	bool queue);

#endif
