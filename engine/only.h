/*
 * Single messages to be copied, from a file: {"folders":[{"folder":"INBOX","uidvalidity":7,"uids":"4,9:12"}]}.
 * folder: the source's name as events and reports give it; uidvalidity 0 or absent: whatever it is now.
 */
#ifndef ONLY_H
#define ONLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "uidset.h"

struct only;

/* ERR_JSON, ERR_INPUT (which member, what is wrong), and what reading a file may say. */
const struct err *only_read(struct only **out, const char *path);
void only_free(struct only *o); /* NULL is fine */

/* The messages of a folder, added to `uids`; false when it is not named. *uidvalidity 0: any. */
bool only_find(struct only *o, const char *folder, uint32_t *uidvalidity, struct uidset *uids);
/* The next folder that only_find was never asked for, from *at (0) on; NULL at the end. */
const char *only_unseen(const struct only *o, size_t *at);

#endif
