/* HTTP for providers and the API: one request, one JSON answer. No redirects are followed, certificates are always
 * checked. */
#ifndef DNS_HTTP_H
#define DNS_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct dns_http {
	const char *method, *url;
	const char *header;  /* "Authorization: Bearer …" or NULL */
	const json_t *body;  /* NULL: none */
	const char *ca_file; /* "": the system's */
	int64_t deadline;    /* monotonic ms */
	/* out */
	long status;
	json_t *answer; /* the caller's; NULL when it was no JSON */
};

/* An answer of any status is success. ERR_HOST_UNREACHABLE, ERR_TIMEOUT, ERR_TLS_UNTRUSTED, ERR_LINE_LOST. */
const struct err *dns_http(struct dns_http *h);

#endif
