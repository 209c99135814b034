/*
 * A change of records: read, ask the API for leave (it looks at the gate again and keeps the old set), change, read
 * again. Whatever happens, the document says which set stands: {"set":"old"|"new"|"mixed"|"unknown","before",
 * "wanted","after"}.
 */
#ifndef DNS_APPLY_H
#define DNS_APPLY_H

#include <jansson.h>

#include "dns_provider.h"

struct dns_order {
	struct dns_change change;
	const char *kind;           /* of the provider */
	const json_t *wanted;       /* the set; NULL: what the API has saved */
	const char *permit_url, *permit, *api_ca_file;
};

/* *doc is always set, the caller's. NULL only when the wanted set stands at the end. */
const struct err *dns_apply(const struct dns_order *o, json_t **doc);

#endif
