/*
 * Where a domain's mail is, as its owner publishes it: SRV records (RFC 6186), Mozilla's autoconfig document
 * on the domain's own server, the database of providers (ISPDB), and that database again for the provider
 * that the MX names. Each server once, the most reliable word first:
 *   [{"how":"srv"|"autoconfig"|"ispdb"|"mx","where":record or URL,"host","port","tls","user"}]
 */
#ifndef DNS_SETTINGS_H
#define DNS_SETTINGS_H

#include <jansson.h>
#include <stdint.h>

struct dns_settings {
	const json_t *resolvers; /* addresses */
	const json_t *allowed;   /* networks of the inside that may be asked for a document */
	const json_t *denied;    /* networks that may not */
	const char *ispdb;       /* URL to which a domain is appended, "": none */
	const char *ca_file;     /* further authorities, "" */
	int port, timeout_ms;    /* of DNS */
	int64_t deadline;        /* monotonic ms */
};

/* mx: host names, the preferred first. Never fails: what gives no answer names no server. The array is the
 * caller's. */
json_t *dns_settings(const char *domain, const json_t *mx, const struct dns_settings *how);

#endif
