/*
 * Mozilla's autoconfig document ("config-v1.1.xml",
 * wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat): the IMAP servers that it names. Pure:
 * bytes in, servers out. Documents come from strangers: a DOCTYPE ends the reading (no entities), and what is
 * no host name or no port is left out.
 */
#ifndef WORKER_AUTOCONFIG_H
#define WORKER_AUTOCONFIG_H

#include <jansson.h>
#include <stddef.h>

/* Appends {"host","port","tls":"tls"|"starttls","user":"address"|"local"|"other"} to `out` for each
 * <incomingServer type="imap"> with encryption, %EMAILDOMAIN% being `domain`; at most a few. Answers how
 * many; a document that is not well-formed gives none. */
size_t autoconfig_parse(const char *text, size_t n, const char *domain, json_t *out);

/* A host name of letters, digits, hyphens and dots, of RFC 1035's lengths, with a dot in it; no address. */
_Bool autoconfig_is_host(const char *s);

#endif
