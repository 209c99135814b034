/* What one child holds: settings, database, issuers, queue, its slot of the counters. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "gate.h"
#include "pool.h"
#include "queue.h"
#include "seal.h"
#include "store.h"
#include "token.h"

struct gate_cache;

/* Made before the fork, from the settings alone. */
struct service {
	struct conf *conf;
	struct issuers *issuers;
	struct gate_policy policy;
	struct seal_key seal; /* the public key that seals */
	bool can_seal;        /* MIGRATION_SEAL_PUBLIC_KEYS is set */
};

struct app {
	const struct service *service; /* shorthand for pool->context */
	const struct pool *pool;
	struct pool_slot *slot;
	struct store *store;
	struct queue *queue; /* NULL: the spool is not there; the keeper emits */
	struct gate_cache *gates;
	int64_t data_version; /* of the database, at the beginning of the request */
	uint64_t writes; /* requests of this child that may have written: data_version does not show those */
	bool outdated;   /* the database has another version than this program: end */
};

/* Reads what the settings say. ERR_CONFIG, ERR_KEY. */
const struct err *service_load(struct service *s, struct conf *conf);
void service_free(struct service *s);

/* Opens the database: mode STORE_USE waits until the keeper of pool `api` has brought it to this program's
 * version, STORE_MIGRATE does that. NULL when it fails or the pool stops; *status is then the exit status. */
struct app *app_open(const struct pool *p, struct pool_slot *slot, enum store_mode mode, int *status);
void app_close(struct app *app); /* NULL is fine */

/* Looks whether the database has changed since the last request. ERR_DB_VERSION when it is not ours any more.
 */
const struct err *app_refresh(struct app *app);

#endif
