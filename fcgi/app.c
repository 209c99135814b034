#include "app.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "gate_cache.h"
#include "log.h"
#include "mem.h"
#include "store_facts.h"
#include "store_watch.h"

#include "banned.h"

#define WAIT_MS 100

const struct err *service_load(struct service *s, struct conf *conf)
{
	char *const *keys = conf_list(conf, CONF_SEAL_PUBLIC_KEYS);
	const struct err *e;

	memset(s, 0, sizeof(*s));
	s->conf = conf;
	s->policy = gate_policy_of(conf);
	watch_policy(&s->policy);
	e = issuers_load(&s->issuers, conf);
	if (e == NULL && keys[0] != NULL) {
		e = err_wrap(seal_key_parse(&s->seal, keys[0]), "MIGRATION_SEAL_PUBLIC_KEYS");
		s->can_seal = e == NULL;
	}
	return e;
}

void service_free(struct service *s)
{
	issuers_free(s->issuers);
	conf_free(s->conf);
	memset(s, 0, sizeof(*s));
}

/* A pool that starts before pool `api` has no database yet, or an old one: that is no failure, only early. */
static const struct err *open_store(struct app *app, enum store_mode mode)
{
	const char *path = conf_str(app->service->conf, CONF_DATA_PATH);
	const struct err *e;
	bool told = false;

	while ((e = store_open(&app->store, path, mode)) != NULL && mode == STORE_USE &&
		!pool_stopping(app->pool)) {
		if (!told)
			log_info("%s: waiting for the database: %s", app->pool->name, e->msg);
		told = true;
		pool_pause(WAIT_MS);
	}
	return e;
}

struct app *app_open(const struct pool *p, struct pool_slot *slot, enum store_mode mode, int *status)
{
	struct app *app = xcalloc(1, sizeof(*app));
	const struct err *e;

	*status = 0;
	app->service = p->context;
	app->pool = p;
	app->slot = slot;
	e = open_store(app, mode);
	if (e == NULL)
		e = store_data_version(app->store, &app->data_version);
	if (e != NULL) {
		if (!pool_stopping(p)) {
			log_error("%s: %s", p->name, e->msg);
			*status = err_exit(e);
		}
		app_close(app);
		return NULL;
	}
	e = queue_open(&app->queue, app->service->conf);
	if (e != NULL) {
		log_warn("%s: run files cannot be written: %s", p->name, e->msg);
		app->queue = NULL;
	}
	app->gates = gate_cache_new();
	return app;
}

void app_close(struct app *app)
{
	if (app == NULL)
		return;
	gate_cache_free(app->gates);
	if (app->queue != NULL)
		queue_close(app->queue);
	store_close(app->store);
	free(app);
}

const struct err *app_refresh(struct app *app)
{
	const struct err *e;
	int64_t v;

	if ((e = store_data_version(app->store, &v)) != NULL)
		return e;
	if (v == app->data_version)
		return NULL;
	app->data_version = v;
	e = store_check_version(app->store);
	if (e != NULL && e->id == ERR_DB_VERSION)
		app->outdated = true;
	return e;
}
