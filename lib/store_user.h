/* Local accounts, their sessions, and remembered answers to POSTs with an Idempotency-Key. */
#ifndef STORE_USER_H
#define STORE_USER_H

#include "store.h"

#define USER_PASSWORD_MIN 10
#define USER_PASSWORD_MAX 1024
#define USER_FAILURES_MAX 5      /* log-ins refused in a row before the account is locked */
#define USER_LOCK_MS (60 * 1000) /* for that long */
#define SESSION_TOKEN_SIZE 44    /* base64url of 32 random bytes, and NUL */

struct user {
	int64_t id;
	char *name, *display_name, *org;
	enum role role;
	bool disabled;
	int64_t version, created_at, updated_at;
};
void user_free(struct user *u);
void users_free(struct user *v, size_t n);

/* Name: 1 to 64 of a-z 0-9 . _ - @ (made lower case). ERR_INPUT, ERR_CONFLICT. Fills in id, version, times.
 */
const struct err *user_insert(struct store *s, struct user *u, const char *password, const struct actor *by);
const struct err *user_get(struct store *s, int64_t id, struct user *out);
const struct err *user_find(struct store *s, const char *name, struct user *out);
const struct err *user_list(struct store *s, int64_t after, size_t limit, const char *org,
        struct user **v, size_t *n); /* org NULL: of any */
/* display_name, role, org and disabled, if the version is still u->version (ERR_PRECONDITION). password NULL:
 * stays. Ends the user's sessions when role, password or disabled changes. */
const struct err *user_update(struct store *s, struct user *u, const char *password, const struct actor *by);
/* The row goes, with its sessions; ERR_CONFLICT for the last enabled super_admin. */
const struct err *user_delete(struct store *s, int64_t id, const struct actor *by);

/* argon2id; takes as long for a name that does not exist. ERR_AUTH_LOGIN, ERR_RATE_LIMITED while locked. */
const struct err *user_login(
        struct store *s, const char *name, const char *password, int64_t now_ms, struct user *out);

/* `token` is for the cookie; only its SHA-256 is kept. */
const struct err *session_create(
        struct store *s, int64_t user_id, int64_t hours, int64_t now_ms, char token[SESSION_TOKEN_SIZE]);
/* ERR_AUTH_REQUIRED when it is unknown, over, or its user is disabled. */
const struct err *session_find(struct store *s, const char *token, int64_t now_ms, struct principal *out);
const struct err *session_delete(struct store *s, const char *token); /* unknown is fine */
const struct err *sessions_prune(struct store *s, int64_t now_ms);

struct idempotent {
	char *request; /* hash of method, path and body */
	int64_t status;
	char *body, *location; /* location NULL: none */
};
void idempotent_free(struct idempotent *i);
const struct err *idempotency_get(
        struct store *s, const char *principal, const char *key, struct idempotent *out, bool *found);
/* In the transaction of what it answers for. ERR_CONFLICT when the key is there. */
const struct err *idempotency_put(
        struct store *s, const char *principal, const char *key, const struct idempotent *i, int64_t now_ms);
const struct err *idempotency_prune(struct store *s, int64_t older_than_ms);

#endif
