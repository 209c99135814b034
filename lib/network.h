/* Networks: which addresses are of the inside, and lists of networks in settings. Pure. */
#ifndef WORKER_NETWORK_H
#define WORKER_NETWORK_H

#include <jansson.h>
#include <stdbool.h>

/* Whether the address (text, no brackets) is one that no host of the public Internet has: private, loopback,
 * link-local, shared, reserved, multicast, or such an IPv4 address inside an IPv6 one. What is no address at
 * all is inside too. */
bool network_is_inside(const char *address);

/* Whether one of the networks ("10.0.0.0/8", "2001:db8::/32", or an address) holds the address. */
bool network_holds(const json_t *networks, const char *address);

#endif
