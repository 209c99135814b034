/*
 * The DNS plan of a job, as PUT /jobs/{id}/dns takes it and the column keeps it (never a secret):
 *   {"mx":[{"preference":10,"host":"mx.new.example"}],"ttl":300,"low_ttl":300,"previous_ttl":3600,"selectors":["s1"],
 *    "provider":{"kind":"rfc2136","host":"192.0.2.1","port":53,"tls":false,"zone":"a.example","key":"move",
 *      "algorithm":"hmac-sha256","name":"mail","ip":["10.0.0.5"]}}
 */
#ifndef DNS_PLAN_H
#define DNS_PLAN_H

#include "call.h"
#include "store_dns.h"
#include "writer.h"

/* Reads the body; *secret is NULL when none was sent. Mistakes go to c->bad. The document is the caller's. */
const struct err *dns_plan_read(struct call *c, char **document, const char **secret);

/* Where the provider's token may go, and who it speaks for: what is sealed with it. host NULL: no provider. */
struct dns_place {
	const char *host;
	int64_t port;
	enum tls_mode tls;
	char user[320]; /* "KIND KEY" */
};
/* Texts point into plan. */
struct dns_place dns_place_of(const json_t *plan, const struct conf *conf);

/* The record set that the plan wants: {"ttl","records"}. */
json_t *dns_wanted(const json_t *plan);

/* For the claim of a dns_apply: members "provider", "credentials" and "permit". */
const struct err *dns_claim(struct writer *w, struct call *c, const struct run *r, const char *nonce);

#endif
