/* Domain names as they enter the database: IDN as A-labels, lower case, no final dot. */
#ifndef DOMAIN_H
#define DOMAIN_H

#include "err.h"

/* UTF-8 in; *out is the caller's. ERR_INPUT for what is no name of two labels or more (RFC 1034, IDNA2008).
 */
const struct err *domain_normalise(const char *in, char **out);

/* "Ana@Ação.example" as the database has an address: lower case, the domain normalised. *out is the caller's, NULL
 * with an error. */
const struct err *domain_address(const char *in, char **out);

#endif
