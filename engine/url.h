/*
 * Where mail is: one side of a migration, from its URL and options.
 *   imaps://user@host[:port]   TLS from the first byte (993)
 *   imap://user@host[:port]    STARTTLS (143); in the clear only with --allow-plaintext
 *   mbox:PATH maildir:PATH zip:PATH tgz:PATH pst:PATH
 * User, host and path are percent-decoded; the user may hold any byte but NUL.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum url_kind { URL_IMAP, URL_MBOX, URL_MAILDIR, URL_ZIP, URL_TGZ, URL_PST };
enum url_tls { URL_TLS_IMPLICIT, URL_TLS_STARTTLS, URL_TLS_NONE };
enum url_auth { AUTH_PASSWORD, AUTH_XOAUTH2, AUTH_OAUTHBEARER, AUTH_PLAIN_AUTHZID };

struct feed;

struct endpoint {
	const char *side; /* "source" or "destination" */
	enum url_kind kind;
	char *host, *user, *path;
	uint16_t port;
	enum url_tls tls;
	enum url_auth auth;
	char *authzid;     /* AUTH_PLAIN_AUTHZID: the mailbox's owner; user is who logs in */
	struct buf secret; /* password or access token; wiped by endpoint_wipe */
	const char *ca_file, *fingerprint; /* NULL: the system's authorities; borrowed */
	struct feed *feed; /* a file: what reads it (feed.h); NULL otherwise */
	char *label;       /* "user@host:port" for texts; control characters replaced */
};

const char *url_kind_name(enum url_kind kind); /* as in a URL, without its colon */
const struct err *endpoint_parse(struct endpoint *ep, const char *side, const char *url);
/* password | xoauth2 | oauthbearer | plain:AUTHZID */
const struct err *endpoint_set_auth(struct endpoint *ep, const char *spec);
void endpoint_wipe(struct endpoint *ep); /* zeroes the secret, frees all */

#endif
