/* Whether hosts that a tool will connect to lie in networks that it must not: all addresses that a name has now. */
#include "inspect.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "network.h"

#include "banned.h"

static json_t *split(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		if (n > 0)
			json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

/* A name that leads nowhere is the tool's own error. */
static const struct err *check(const char *host, const json_t *networks)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	const struct err *e = NULL;
	char text[NETWORK_TEXT];

	if (getaddrinfo(host, NULL, &hints, &all) != 0)
		return NULL;
	for (const struct addrinfo *a = all; a != NULL && e == NULL; a = a->ai_next)
		if (network_holds_resolved(networks, a->ai_addr, text))
			e = err_new(ERR_HOST_DENIED, "%s is %s, which this service must not connect to", host, text);
	freeaddrinfo(all);
	return e;
}

const struct err *inspect_address(char **args)
{
	json_t *hosts = split(args[0]), *networks = split(args[1]), *v;
	const struct err *e = NULL;
	size_t i;

	json_array_foreach(networks, i, v)
		if (e == NULL && !network_is(json_string_value(v)))
			e = err_new(ERR_CONFIG, "MIGRATION_DENY_NETWORKS: %s is no network", json_string_value(v));
	json_array_foreach(hosts, i, v)
		if (e == NULL)
			e = check(json_string_value(v), networks);
	json_decref(hosts);
	json_decref(networks);
	return e;
}
