/* Workers: who may claim runs and report on them. */
#ifndef STORE_WORKER_H
#define STORE_WORKER_H

#include "store.h"

struct worker {
	int64_t id;
	char *name, *public_key, *version; /* PEM; of its program */
	bool revoked;
	int64_t seen_at, created_at; /* seen_at 0: never */
};
void worker_free(struct worker *w);
void workers_free(struct worker *v, size_t n);

/* Name: 1 to 64 of A-Z a-z 0-9 . _ -. ERR_INPUT, ERR_KEY (not an EC P-256 public key), ERR_CONFLICT. A
 * revoked name may be added again. */
const struct err *worker_add(
        struct store *s, const char *name, const char *public_pem, const struct actor *by);
/* ERR_NOT_FOUND; also for a revoked one when !revoked. */
const struct err *worker_get(struct store *s, const char *name, bool revoked, struct worker *out);
const struct err *worker_list(struct store *s, struct worker **v, size_t *n);
const struct err *worker_revoke(struct store *s, const char *name, const struct actor *by);
/* Notes that it was heard of; writes at most once a minute. version NULL: unchanged. */
const struct err *worker_seen(struct store *s, const char *name, const char *version, int64_t now_ms);

#endif
