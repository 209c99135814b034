/*
 * Who keeps a domain's records: one file and one row of the table a provider. A record set is JSON:
 *   {"ttl":300,"records":["10 mx.example.net"]}    MX; for pfsense the addresses of the override
 * Records are lower case, without a final dot. An empty list: there are none. "pending":true beside them: they are
 * entered, but the provider has not made them real (and does not soon, by itself).
 */
#ifndef DNS_PROVIDER_H
#define DNS_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct dns_change {
	const char *domain;
	const json_t *provider; /* host port tls zone key algorithm, host_name … as the plan says */
	const char *host;       /* where the token may go: what stands in its seal */
	int port;
	bool tls;
	const char *key;     /* TSIG: ALGORITHM:NAME */
	const char *secret;
	const char *ca_file; /* "" */
	int64_t deadline;    /* monotonic ms */
};

struct dns_provider {
	const char *kind;
	/* The set as the provider has it now; the caller's. */
	const struct err *(*read)(const struct dns_change *c, json_t **set);
	/* From exactly `old` to `now`, or not at all: ERR_DNS_CHANGED when it is not `old` any more. Any error may
	 * leave either set (an answer that was lost): the caller reads again. */
	const struct err *(*replace)(const struct dns_change *c, const json_t *old, const json_t *now);
};

/* ERR_UNSUPPORTED for a kind that is not in the table. */
const struct err *dns_provider_find(const char *kind, const struct dns_provider **out);

json_t *dns_set_new(int64_t ttl);
void dns_set_add(json_t *set, const char *record); /* normalised */
bool dns_set_same(const json_t *a, const json_t *b); /* the records; in any order */
bool dns_set_pending(const json_t *set);
char *dns_set_text(const json_t *set);               /* "10 a, 20 b" or "none"; the caller's */
const char *dns_text(const json_t *o, const char *key); /* "" when it is not there */

extern const struct dns_provider dns_provider_cloudflare, dns_provider_pfsense, dns_provider_rfc2136;

#endif
