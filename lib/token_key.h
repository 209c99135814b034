/* What is a fit key for an algorithm, and the table of issuers read from the settings. Used by token.c and
 * issuers.c. */
#ifndef TOKEN_KEY_H
#define TOKEN_KEY_H

#include "token.h"

/* ERR_KEY for an empty or short HS256 secret or a PEM in its place; for a PEM that is not a public (or
 * private) key of RSA with 2048 bits or more (RS256) or of the curve P-256 (ES256). */
const struct err *token_key_check(enum token_alg alg, const void *key, size_t key_len, bool private_key);

struct issuers *issuers_new(void);
/* Takes i, also when it is refused. */
const struct err *issuers_add(struct issuers *t, struct issuer *i);

#endif
