/* The one table of routes. The first rows are the ones asked most. */
#include "router.h"

#include "api.h"

#include "banned.h"

#define KB 1024u
#define MB 1048576u

const struct route routes[] = {
	{"health", METHOD_GET, "/health", ROLES_NONE, ROUTE_ALWAYS | ROUTE_NO_DB, 0, POOL_API, NULL, api_health},
	{"version", METHOD_GET, "/version", ROLES_NONE, ROUTE_NO_DB, 0, POOL_API, NULL, api_version},
};
const size_t routes_count = sizeof(routes) / sizeof(routes[0]);
