/* Who asks: a bearer token, or the session cookie of a local account. */
#ifndef AUTH_H
#define AUTH_H

#include "call.h"

#define AUTH_COOKIE "desk_migration"
#define AUTH_PAGE_HEADER "desk-migration" /* X-Requested-With, which no other site's form can send */

/* Fills c->who. ERR_AUTH_REQUIRED when there is neither, ERR_AUTH_TOKEN, ERR_FORBIDDEN (role), ERR_CSRF for a
 * cookie on an unsafe method without the page's header. */
const struct err *auth_identify(struct call *c);

#endif
