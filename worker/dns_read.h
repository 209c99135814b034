/*
 * What DNS says of a domain: asked of every authoritative server and of the resolvers. The document (a member of
 * dns.domains in the run's result):
 *   {"domain","zone","servers":[{"name","address","role":"authoritative"|"resolver","status":"ok"|"lame"|"stale"|
 *     "timeout"|"unreachable"|"garbled"|"failed","serial","mx":ANSWER,"apex":ANSWER,"spf":…,"dmarc":…,"mta_sts":…,
 *     "autodiscover":…,"autoconfig":…,"dkim":{SELECTOR:ANSWER}}],"findings":[{"code","server","detail"}],
 *    "hosts":{HOST:[address…]},"probe":[…],"mail":[…]}      mail: see dns_settings.h, only where it was asked for
 *   ANSWER: {"rcode","ttl"(-1: no record),"cname","values":[…]}
 */
#ifndef DNS_READ_H
#define DNS_READ_H

#include <jansson.h>
#include <stdint.h>

struct dns_reading {
	const json_t *resolvers; /* addresses */
	const json_t *selectors; /* of DKIM */
	const json_t *mx;        /* planned: [{"host":…}] */
	int port, smtp_port, timeout_ms;
	int64_t deadline; /* monotonic ms */
};

/* Never fails: what could not be asked is a finding. The document is the caller's. */
json_t *dns_read(const char *domain, const struct dns_reading *how);

#endif
