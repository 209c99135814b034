/*
 * The only place that opens sealed credentials (lib/seal.h makes them). The key pair is derived from each of the
 * 32-byte keys of MIGRATION_CREDENTIALS_KEY. What a tool connects to is what stands inside the seal; a row of
 * the database that says otherwise is credential.mismatch and nothing is sent.
 */
#ifndef WORKER_UNSEAL_H
#define WORKER_UNSEAL_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "model.h"

struct keyring;

/* `keys`: NULL-terminated list of URL-safe base64 texts, newest first. ERR_KEY for none or a bad one. */
const struct err *keyring_new(struct keyring **out, char *const *keys);
void keyring_free(struct keyring *k); /* wipes; NULL is fine */
/* The id of the newest key's public half. */
const char *keyring_newest(const struct keyring *k);

/* An account as the API's rows describe it. */
struct account_row {
	int64_t mailbox_id;
	const char *side; /* "source" or "destination" */
	const char *host;
	int64_t port;
	enum tls_mode tls;
	const char *user;
	enum auth_kind auth;
	const char *pin; /* certificate fingerprint from the options; NULL: none */
};

/* An account as it was sealed: what may be connected to. */
struct account {
	char *host;
	int64_t port;
	enum tls_mode tls;
	char *user;
	enum auth_kind auth;
	char *secret; /* locked memory, NUL-terminated */
	size_t secret_len;
};

/* `sealed`: base64. ERR_CRED_UNSEAL (no key opens it, or what is inside is no such document), ERR_CRED_MISMATCH
 * (a field differs from `row`; the message names it, never a value of the seal's). */
const struct err *unseal(const struct keyring *k, const char *key_id, const char *sealed,
	const struct account_row *row, struct account *out);
void account_wipe(struct account *a); /* back to zero; one that is zero is fine */

#endif
