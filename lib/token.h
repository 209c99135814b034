/*
 * Bearer tokens: JWTs (RFC 7519, RFC 8725) of known issuers. An issuer has exactly one algorithm, which is
 * never taken from the token, and may grant only the roles of its row. Not named jwt.h: libjwt's own header
 * is.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "principal.h"

#define TOKEN_MAX 8192
#define TOKEN_LEEWAY_S 60
#define TOKEN_WORKER_MAX_S 60 /* life of a worker's token */

enum token_alg { TOKEN_HS256, TOKEN_RS256, TOKEN_ES256, TOKEN_ALG_COUNT };

struct issuer;  /* one row */
struct issuers; /* the table */

/* From MIGRATION_ISSUERS and MIGRATION_JWT_*. ERR_KEY or ERR_CONFIG, naming the issuer, for: an empty or
 * short (under 32 bytes) HS256 secret, a PEM as HS256 secret, no PEM public key of the right type (RSA of
 * 2048 bits or more, EC P-256) for RS256 and ES256, two rows of one iss, an iss that starts with "worker:" or
 * is "local", role worker. No issuer at all is fine: then only sessions and workers get in. */
const struct err *issuers_load(struct issuers **out, const struct conf *c);
void issuers_free(struct issuers *t);

/* A worker's row: iss "worker:NAME", ES256, role worker only, tokens of at most TOKEN_WORKER_MAX_S. */
const struct err *issuer_worker(
        struct issuer **out, const char *name, const char *public_pem, const char *aud);
/* Any single row (tests, migrationctl). `key`: the secret's bytes or the PEM; roles: mask of 1 << enum role.
 */
const struct err *issuer_new(struct issuer **out, const char *iss, enum token_alg alg, const void *key,
        size_t key_len, const char *aud, unsigned roles);
void issuer_free(struct issuer *i);

/* The worker's name when the token claims (unproven!) to be of "worker:NAME"; false otherwise. */
bool token_worker_name(const char *token, size_t n, char *name, size_t size);

/* ERR_AUTH_TOKEN with the reason (never a piece of the token) for: longer than TOKEN_MAX, not three base64url
 * parts, header or payload that is not one JSON object without duplicates, alg other than the row's, typ
 * other than JWT, crit, wrong signature, iss, aud (text or array) without ours, exp missing or past, nbf or
 * iat in the future (60 s leeway), no sub. ERR_FORBIDDEN for a role that is unknown or that this issuer may
 * not grant. Fill *out only on success. */
const struct err *token_verify(
        const struct issuers *t, const char *token, size_t n, int64_t now_s, struct principal *out);
const struct err *token_verify_issuer(
        const struct issuer *i, const char *token, size_t n, int64_t now_s, struct principal *out);

struct token_claims {
	const char *iss, *sub, *name, *org, *aud; /* name and org may be NULL */
	enum role role;
	int64_t iat, exp; /* seconds */
};
/* Signs with HS256 (key: secret) or ES256/RS256 (key: PEM private key); *token is the caller's (free_secret).
 */
const struct err *token_issue(
        const struct token_claims *c, enum token_alg alg, const void *key, size_t key_len, char **token);

#endif
