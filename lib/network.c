#include "network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "str.h"

#include "banned.h"

#define V4 4
#define V6 16

/* IANA's special-purpose registries, what a server on the Internet cannot have. */
static const char *const inside[] = {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
	"169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "100::/64",
	"2001:db8::/32", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"};

/* IPv6 networks whose addresses hold an IPv4 address, and where. */
static const struct {
	const char *network;
	size_t at;
} holders[] = {{"::ffff:0:0/96", 12}, {"64:ff9b::/96", 12}, {"2002::/16", 2}, {"::/96", 12}};

/* The length of the address in bytes, 0 when it is none. */
static size_t bytes_of(const char *text, uint8_t out[V6])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return V4;
	return inet_pton(AF_INET6, text, out) == 1 ? V6 : 0;
}

/* "192.0.2.0/24", or an address alone: all its bits count. Returns the length of the address in bytes, 0 when it is none. */
static size_t parse(const char *network, uint8_t net[V6], int64_t *bits)
{
	size_t text = strcspn(network, "/"), n;
	char address[INET6_ADDRSTRLEN];

	if (text >= sizeof(address))
		return 0;
	memcpy(address, network, text);
	address[text] = '\0';
	n = bytes_of(address, net);
	*bits = (int64_t)n * 8;
	return network[text] == '\0' || str_i64(network + text + 1, 0, *bits, bits) ? n : 0;
}

static bool holds(const char *network, const uint8_t *address, size_t n)
{
	uint8_t net[V6];
	int64_t bits;

	if (parse(network, net, &bits) != n || memcmp(net, address, (size_t)bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((net[bits / 8] ^ address[bits / 8]) & (0xff << (8 - bits % 8)) & 0xff) == 0;
}

static bool is_inside(const uint8_t *address, size_t n)
{
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (holds(inside[i], address, n))
			return true;
	for (size_t i = 0; n == V6 && i < sizeof(holders) / sizeof(holders[0]); i++)
		if (holds(holders[i].network, address, n))
			return is_inside(address + holders[i].at, V4);
	return false;
}

bool network_is_inside(const char *address)
{
	uint8_t bytes[V6];
	size_t n = bytes_of(address, bytes);

	return n == 0 || is_inside(bytes, n);
}

bool network_holds(const json_t *networks, const char *address)
{
	uint8_t bytes[V6];
	size_t n = bytes_of(address, bytes), i;
	json_t *v;

	json_array_foreach(networks, i, v)
		if (n > 0 && json_is_string(v) && holds(json_string_value(v), bytes, n))
			return true;
	return false;
}

bool network_is(const char *text)
{
	uint8_t net[V6];
	int64_t bits;

	return parse(text, net, &bits) > 0;
}

bool network_holds_resolved(const json_t *networks, const struct sockaddr *address, char *text)
{
	const struct in6_addr *six;

	*text = '\0';
	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
			NETWORK_TEXT);
		return network_holds(networks, text);
	}
	if (address->sa_family != AF_INET6)
		return false;
	six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
		if (holds(holders[i].network, six->s6_addr, V6)) {
			inet_ntop(AF_INET, six->s6_addr + holders[i].at, text, NETWORK_TEXT);
			if (network_holds(networks, text))
				return true;
		}
	inet_ntop(AF_INET6, six, text, NETWORK_TEXT);
	return network_holds(networks, text);
}
