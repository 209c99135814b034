/* Log-in: which way, and what is said. Secrets are only ever put into buffers that their user wipes. */
#ifndef IMAP_AUTH_H
#define IMAP_AUTH_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "url.h"

enum auth_way { AUTH_WAY_SASL, AUTH_WAY_LOGIN };

struct auth_plan {
	enum auth_way way;
	const char *mechanism; /* "PLAIN", "XOAUTH2", "OAUTHBEARER" */
};

/* `has` asks a capability of the server. ERR_AUTH_MECH names what is wanted and missing. */
const struct err *auth_choose(struct auth_plan *plan, const struct endpoint *ep, bool (*has)(void *arg, const char *cap),
	void *arg);

/* The SASL initial response in base64 (RFC 4616, RFC 7628, Google's XOAUTH2). */
void auth_response(const struct auth_plan *plan, const struct endpoint *ep, struct buf *out);

#endif
