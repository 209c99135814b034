/* What one child holds: settings, database, issuers, its slot of the counters. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

#include "pool.h"

struct conf;
struct store;

struct app {
	const struct pool *pool;
	struct pool_slot *slot;
	const struct conf *conf;
	struct store *store;
	bool outdated; /* the database has another version than this program: end and let a new one look */
};

/* Opens the database (a child may wait until the keeper of pool `api` has brought it to this program's
 * version). NULL when that fails or the pool stops; *status is then the exit status. */
struct app *app_open(const struct pool *p, struct pool_slot *slot, int *status);
void app_close(struct app *app);
bool app_outdated(const struct app *app);

#endif
