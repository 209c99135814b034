/* The accounts of the new server, as somebody has listed them, beside the mailboxes of a job: who has been forgotten? */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "store.h"

struct account_list {
	int64_t id, accounts, at; /* id 0: nobody has listed them */
	char *how, *by;           /* how: "given" or "server" */
};
void account_list_free(struct account_list *l);
const struct err *account_list_last(struct store *s, int64_t job_id, struct account_list *out);

/* A new list, which replaces the last one. Names are lower case, "user@domain"; the same one twice counts once. */
const struct err *account_list_put(struct store *s, int64_t job_id, const char *how, char *const *accounts, size_t n,
        const struct actor *by);

/* These accounts are not to be moved. ERR_CONFLICT naming the first that is not without a mailbox (gate.h). */
const struct err *account_accept(struct store *s, int64_t job_id, char *const *accounts, size_t n, const char *reason,
        const struct actor *by);

#endif
