/* Mailboxes (a source, a destination) and their sealed credentials. */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "store.h"
#include "store_upload.h"

struct endpoint {
	char *host; /* lower case */
	int64_t port;
	enum tls_mode tls;
	char *user;
	enum auth_kind auth;
};

struct mailbox {
	int64_t id, job_id;
	enum source_kind source_kind;
	struct endpoint source, dest;
	int64_t source_upload; /* 0: none */
	char *dest_account;    /* "host|user", lower case: filled in by the store */
	char *folders;         /* JSON object */
	bool removed;
	int64_t version;
	int64_t pair_after; /* runs up to this id are no evidence for this pair */
	char *created_by;
	int64_t created_at, updated_at;
	bool source_secret, dest_secret; /* a credential is there */
};
void mailbox_free(struct mailbox *m);
void mailboxes_free(struct mailbox *v, size_t n);

/* ERR_CONFLICT when the job has that pair already; ERR_NOT_FOUND or ERR_CONFLICT when the job is not there or
 * closed. */
const struct err *mailbox_insert(struct store *s, struct mailbox *m, const struct actor *by);
/* org NULL: of any job. */
const struct err *mailbox_get(struct store *s, int64_t id, const char *org, struct mailbox *out);
/* By id; `after` 0: from the first; removed: with those as well. */
const struct err *mailbox_list(struct store *s, int64_t job_id, bool removed, int64_t after, size_t limit,
        struct mailbox **v, size_t *n);
/* Writes source, dest, source_upload and folders if the version is still m->version (else ERR_PRECONDITION).
 * A side whose host, port, tls or user changes loses its credential, and the pair its evidence; that is
 * ERR_RUN_ACTIVE while a run is active. Put a new credential afterwards in the same transaction. */
const struct err *mailbox_update(struct store *s, struct mailbox *m, const struct actor *by);
/* Takes it out of the job (a fact for the gate) and drops its credentials. ERR_RUN_ACTIVE while a run is
 * active; ERR_PRECONDITION unless `version` is its version or 0. */
const struct err *mailbox_remove(
        struct store *s, int64_t id, int64_t version, const char *reason, const struct actor *by);

struct credential {
	int64_t id, mailbox_id;
	char *side; /* "source" or "destination" */
	char *key_id, *sealed;
	int64_t version, updated_at;
};
void credentials_free(struct credential *v, size_t n);

/* Inserts or replaces; the version rises. */
const struct err *credential_put(struct store *s, int64_t mailbox_id, const char *side, const char *key_id,
        const char *sealed, const struct actor *by);
/* A worker's refreshed or resealed one: ERR_PRECONDITION unless `version` is its version. *new_version may be
 * NULL. */
const struct err *credential_replace(struct store *s, int64_t id, int64_t version, const char *key_id,
        const char *sealed, const struct actor *by, int64_t *new_version);
const struct err *credential_list(struct store *s, int64_t mailbox_id, struct credential **v, size_t *n);

#endif
