/* How a job came to where it stands: every pass, decision, acceptance and removal, oldest first, for its report. */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "store_evidence.h"

struct history_pass {
	struct pass_row pass;
	char *by, *worker; /* who asked for the run, which worker did it */
};
void history_passes_free(struct history_pass *v, size_t n);
/* Of the mailbox's present pair. */
const struct err *history_passes(struct store *s, int64_t mailbox_id, struct history_pass **v, size_t *n);

struct history_decision {
	int64_t id, mailboxes, at, expires_at;
	char *kind, *facts, *reason, *by, *name, *role; /* kind: approve revoke override */
};
void history_decisions_free(struct history_decision *v, size_t n);
const struct err *history_decisions(struct store *s, int64_t job_id, struct history_decision **v, size_t *n);

struct history_removal {
	int64_t at; /* 0: not removed */
	char *reason, *by;
};
void history_removal_free(struct history_removal *r);
const struct err *history_removal(struct store *s, int64_t mailbox_id, struct history_removal *out);

#endif
