/* The quarantine as people see it: of each message that a destination refused the latest word. */
#ifndef STORE_QUARANTINE_H
#define STORE_QUARANTINE_H

#include "store_evidence.h"

enum quarantine_state {
	QUARANTINE_OPEN,     /* not at the destination */
	QUARANTINE_RETRYING, /* a run for it is on its way */
	QUARANTINE_MOVED,    /* a later run took it along */
	QUARANTINE_STATE_COUNT
};
const char *quarantine_state_name(enum quarantine_state s); /* "open" … */
bool quarantine_state_parse(const char *s, enum quarantine_state *out);

struct quarantine {
	struct refusal_row refusal;
	enum quarantine_state state;
};
void quarantine_free(struct quarantine *v, size_t n); /* the array as well */

struct quarantine_count {
	char *folder;
	int64_t count;
};
/* What is not at the destination yet, by folder. */
const struct err *quarantine_counts(
        struct store *s, int64_t mailbox_id, struct quarantine_count **v, size_t *n);
void quarantine_counts_free(struct quarantine_count *v, size_t n);

/* Of the mailbox's present pair, by number; state -1: any. */
const struct err *quarantine_list(struct store *s, int64_t mailbox_id, int state, int64_t after, size_t limit,
        struct quarantine **v, size_t *n);
/* *out is an array of one. ERR_NOT_FOUND, also when a later refusal took its place. */
const struct err *quarantine_get(struct store *s, int64_t mailbox_id, int64_t id, struct quarantine **out);

#endif
