/*
 * A change of records, for one domain or several: read all, then for each ask the API for leave (it looks at the gate
 * again and keeps the old sets), change, read again. When one of them cannot be changed, those before it are put back.
 * Whatever happens, the document says which set stands:
 *
 *   {"provider","set":"old"|"new"|"mixed"|"unknown",
 *    "domains":[{"domain","set","before":{"ttl","records"},"wanted":…,"after":…}]}
 *
 * and holds domain, before, wanted and after of the first one beside "set", which is of all.
 */
#ifndef DNS_APPLY_H
#define DNS_APPLY_H

#include <jansson.h>

#include "dns_provider.h"

struct dns_order {
	struct dns_change change;   /* of each domain; its `domain` is not used */
	const char *kind;           /* of the provider */
	const json_t *domains;      /* [{"domain","zone","wanted":{"ttl","records"}}]; zone "" or missing: the domain */
	const char *permit_url, *permit, *api_ca_file;
};

/* *doc is always set, the caller's. NULL only when the wanted sets stand at the end. */
const struct err *dns_apply(const struct dns_order *o, json_t **doc);

#endif
