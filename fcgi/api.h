/* The handlers of the route table, one file a resource. Each reads c->req, fills c->res, and returns NULL or
 * the error that becomes a problem; field errors go to c->fields. */
#ifndef API_H
#define API_H

#include "call.h"
#include "err.h"

#define HANDLER(name) const struct err *name(struct call *c)

/* api_service.c */
HANDLER(api_health);
HANDLER(api_version);

#endif
