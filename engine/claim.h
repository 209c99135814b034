/* One copy a pair of mailboxes and machine, whatever state file each was given. */
#ifndef CLAIM_H
#define CLAIM_H

#include "err.h"

/* *fd is held until it is closed, or this process ends in whatever way; -1 where the system cannot do it.
 * ERR_STATE_BUSY: another process of this user copies this pair. */
const struct err *claim_pair(int *fd, const char *from, const char *to);

#endif
