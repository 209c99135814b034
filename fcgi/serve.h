/* A child of the pool: takes a connection, lets call.h answer it, writes the answer. fastcgi.h
 * speaks with the web server. */
#ifndef SERVE_H
#define SERVE_H

#include "pool.h"

int serve(const struct pool *p, int slot);

#endif
