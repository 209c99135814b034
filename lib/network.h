/* Networks: which addresses are of the inside, and lists of networks in settings. Pure. */
#ifndef NETWORK_H
#define NETWORK_H

#include <jansson.h>
#include <stdbool.h>

/* Whether the address (text, no brackets) is one that no host of the public Internet has: private, loopback,
 * link-local, shared, reserved, multicast, or such an IPv4 address inside an IPv6 one. What is no address at
 * all is inside too. */
bool network_is_inside(const char *address);

/* Whether the text is a network or an address. */
bool network_is(const char *text);
/* Whether one of the networks ("10.0.0.0/8", "2001:db8::/32", or an address) holds the address. */
bool network_holds(const json_t *networks, const char *address);
/* The same for an address that a name was resolved to; an IPv4 address inside an IPv6 one counts as both. *text, of
 * NETWORK_TEXT bytes, is how it is written. */
#define NETWORK_TEXT 64
struct sockaddr;
bool network_holds_resolved(const json_t *networks, const struct sockaddr *address, char *text);

#endif
