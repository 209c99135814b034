/*
 * The certificate of a migration: what was moved, proven, accepted and decided, signed with Ed25519 (RFC 8032), to be
 * checked by anyone with the public key alone.
 *
 *   {"format":"desk-migration certificate","version":1,
 *    "canonical":"…",                            how the bytes that are hashed and signed are made
 *    "statement":{"job_id","issued_at","verdict","facts","audit":{"rows","head"},
 *                 "sections":{"job":"<hex SHA-256>","gate":…,"mailbox 7":…}},
 *    "sections":{"job":{…},"gate":{…},"mailbox 7":{…}},
 *    "signature":{"algorithm":"Ed25519","public_key":"…","value":"…"}}     both in URL-safe base64
 *
 * A section's hash is that of its canonical form (canonical.h); the signature is over "desk-migration certificate 1",
 * a line feed and the canonical form of the statement. So whoever changes something is found, and the section is
 * named. The file is the canonical form of the whole and a line feed; its hash is that of these bytes.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <jansson.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define CERTIFICATE_KEY 32 /* bytes of a public key, and of the seed that is the secret one */

/* A key in URL-safe base64, with or without padding. ERR_KEY. */
const struct err *certificate_key_parse(const char *text, unsigned char key[CERTIFICATE_KEY]);
void certificate_key_text(const unsigned char key[CERTIFICATE_KEY], struct buf *out);
void certificate_public_of(const unsigned char seed[CERTIFICATE_KEY], unsigned char public[CERTIFICATE_KEY]);

/* `facts`: {"statement":{…},"sections":{…}}, the statement without its sections' hashes. Appends the file's bytes.
 * ERR_INPUT when the facts have another form or hold what has no canonical form. */
const struct err *certificate_make(const json_t *facts, const unsigned char seed[CERTIFICATE_KEY], struct buf *out);

/* One thing that is wrong with a certificate, for people: "mailbox 7: changed since it was signed". */
struct certificate_fault {
	char *what;
};
struct certificate_check {
	json_t *doc; /* NULL: it could not be read at all */
	struct certificate_fault *faults; /* none: it is what was signed, and by that key */
	size_t n_faults;
	char signer[64]; /* public key as the file names it; "" when it names none */
	char sha256[65]; /* of the file's bytes */
};
void certificate_check_free(struct certificate_check *c);

/* Looks at everything and collects all that is wrong. keys: n public keys, any of which may have signed. */
void certificate_check(const char *text, size_t len, const unsigned char (*keys)[CERTIFICATE_KEY], size_t n_keys,
        struct certificate_check *out);

#endif
