/* Does the new server take mail for the domain? MAIL FROM:<> and RCPT TO:<postmaster@DOMAIN>, then QUIT: no message
 * is sent. */
#ifndef DNS_PROBE_H
#define DNS_PROBE_H

#include <jansson.h>
#include <stdint.h>

/* `hosts`: {name: [address…]}. [{"host","address","status":"accepted"|"refused"|"later"|"unreachable"|"protocol",
 * "reply"}] */
json_t *dns_probe(const char *domain, const json_t *hosts, int port, int64_t deadline);

#endif
