/*
 * The keeper: the one child of pool `api` that does what must happen without requests. It brings the database
 * up to date before anybody answers, expires leases, lets held runs go, writes run files that are missing (a
 * crash between commit and file, a run that waited), forgets sessions and remembered answers that are over,
 * and removes files whose time is over.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "pool.h"

int keeper(const struct pool *p, int ready_fd);

#endif
