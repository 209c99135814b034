#include "app.h"

#include <stdlib.h>

#include "mem.h"

#include "banned.h"

struct app *app_open(const struct pool *p, struct pool_slot *slot, int *status)
{
	struct app *app = xcalloc(1, sizeof(*app));

	*status = 0;
	app->pool = p;
	app->slot = slot;
	return app;
}

void app_close(struct app *app)
{
	free(app);
}

bool app_outdated(const struct app *app)
{
	return app->outdated;
}
