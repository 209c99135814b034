/*
 * Which row of the one route table answers a request, and who may ask.
 *
 * Pure: the table carries every requirement (method, path, roles, body limit, pool, flags, query parameters),
 * and what is decided here happens before a handler runs.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "model.h"
#include "request.h"

struct call;
typedef const struct err *(*route_handler)(struct call *c);

enum pool_kind { POOL_API, POOL_WORKER, POOL_UPLOAD, POOL_COUNT };

#define ROLE(r) (1u << ROLE_##r)
#define ROLES_NONE 0u /* no token asked for */
#define ROLES_T (ROLE(TECHNICIAN) | ROLE(OPS_LEAD) | ROLE(SUPER_ADMIN))
#define ROLES_L (ROLE(OPS_LEAD) | ROLE(SUPER_ADMIN))
#define ROLES_S ROLE(SUPER_ADMIN)
#define ROLES_W ROLE(WORKER)
#define ROLES_G (ROLE(GATE_READER) | ROLES_T)
#define ROLES_ANY (ROLES_G | ROLES_W)

enum route_flag {
	ROUTE_ALWAYS = 1,     /* answers when MIGRATION_ENABLED=false */
	ROUTE_LOOPBACK = 2,   /* REMOTE_ADDR must be loopback */
	ROUTE_IDEMPOTENT = 4, /* honours Idempotency-Key */
	ROUTE_IF_MATCH = 8,   /* 428 without If-Match */
	ROUTE_OVERRIDE = 16,  /* roles: those of MIGRATION_GATE_OVERRIDE_ROLES */
	ROUTE_CSV = 32,       /* text/csv is accepted beside JSON */
	ROUTE_RAW = 64,       /* the body is bytes; any type */
	ROUTE_NO_DB = 128,    /* the handler does not need the database */
	ROUTE_STREAM = 256    /* the handler reads the body piece by piece; any type, any length */
};

struct route {
	const char *name; /* operationId in openapi.json */
	enum method method;
	const char *path; /* "/jobs/{id}/runs": {id} and {n} are positive numbers, {name} a safe file name */
	unsigned roles;
	unsigned flags;
	size_t body_max; /* 0: no body is read */
	enum pool_kind pool;
	const char *query; /* parameters it knows, separated by spaces */
	route_handler handler;
};

/* The table (routes.c). */
extern const struct route routes[];
extern const size_t routes_count;

struct route_args {
	int64_t id;       /* {id} */
	int64_t n;        /* {n} */
	const char *name; /* {name}; memory of the request */
};

/* Finds the row. ERR_NOT_FOUND when no path matches or an {id} is none (*bad then names the argument, else
 * NULL); ERR_METHOD when only the method does not, with the methods of the path in allow ("GET, POST"). */
const struct err *route_find(const struct route *table, size_t n, const struct request *r,
	const struct route **out, struct route_args *args, const char **bad, struct buf *allow);

/* Whether the role may call the row; `override` is the set of MIGRATION_GATE_OVERRIDE_ROLES. */
bool route_allows(const struct route *route, enum role role, unsigned override);

/* A query parameter that the row does not know; NULL when all are known. A name given twice counts. */
const char *route_bad_query(const struct route *route, const struct request *r);

const char *pool_kind_name(enum pool_kind p);
bool pool_kind_parse(const char *s, enum pool_kind *out);

/* The table as JSON for tests and for those who check the proxy: [{"name","method","path","roles",…}]. */
void routes_json(struct buf *out);

#endif
