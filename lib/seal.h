/*
 * Sealing of credentials to the worker's public key (libsodium's sealed box: X25519, XSalsa20-Poly1305). This
 * file can only seal; what opens lives with the worker. The sealed document is JSON:
 *   {"v":1,"mailbox_id":7,"side":"source","host":"…","port":993,"tls":"tls","user":"…","auth":"password","secret":"…"}
 * and, where the job pins the server's certificate, "pin" (its SHA-256): a pin that came later is not trusted.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "model.h"

#define SEAL_KEY_SIZE 32
#define SEAL_KEY_ID_SIZE 17 /* 16 hex digits of BLAKE2b-256 of the public key, and NUL */

struct seal_key {
	unsigned char pk[SEAL_KEY_SIZE];
	char id[SEAL_KEY_ID_SIZE];
};

void seal_key_id(const unsigned char pk[SEAL_KEY_SIZE], char id[SEAL_KEY_ID_SIZE]);
/* URL-safe base64, with or without padding. ERR_KEY for anything but 32 bytes, and for points of low order.
 */
const struct err *seal_key_parse(struct seal_key *out, const char *text);

struct seal_doc {
	int64_t mailbox_id;
	const char *side; /* "source" or "destination" */
	const char *host;
	int64_t port;
	enum tls_mode tls;
	const char *user;
	enum auth_kind auth;
	const char *secret; /* the caller wipes it */
	const char *pin;    /* fingerprint of the certificate to trust; NULL: none */
};

/* *sealed: base64 (standard alphabet, padded), the caller's to free. The plain document is wiped. */
const struct err *seal_document(const struct seal_key *key, const struct seal_doc *doc, char **sealed);

#endif
