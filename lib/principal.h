/* Who speaks: the bearer of a token, a signed-in local account, or a part of the system itself. */
#ifndef PRINCIPAL_H
#define PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

struct principal {
	enum role role;
	char *iss;       /* issuer of the token; "local" for a session */
	char *sub;       /* unique within the issuer */
	char *name;      /* for people; sub when the token has none */
	char *org;       /* tenant, "" when there is none */
	int64_t expires; /* seconds since 1970 */
	bool local;      /* a local account's session */
	int64_t user_id; /* of the local account, else 0 */
};

void principal_free(struct principal *p); /* the content; all zero afterwards */

/* "iss|sub", as the audit trail and created_by write it ("worker:NAME" for a worker); the caller's to free.
 */
char *principal_text(const struct principal *p);

/* Who the audit trail names for a change. */
struct actor {
	const char *who;  /* principal_text, "worker:NAME", "spool" or "system" */
	const char *role; /* role_name, "" for the system */
};
extern const struct actor actor_system;

#endif
