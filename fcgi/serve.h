/* A child of the pool: takes a connection, lets call.h answer it, writes the answer. Speaks FastCGI through
 * libfcgi; nothing else in the program does. */
#ifndef SERVE_H
#define SERVE_H

#include "pool.h"

#define SERVE_TIMEOUT_SECONDS 30 /* a peer that neither sends nor takes a byte for so long is given up */

int serve(const struct pool *p, int slot);

#endif
