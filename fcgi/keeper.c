#include "keeper.h"

#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "clock.h"
#include "log.h"
#include "retention.h"
#include "store_run.h"
#include "store_user.h"
#include "store_watch.h"
#include "uploads.h"

#include "banned.h"

#define HOUR_MS (3600 * 1000LL)
#define PAGE 500

/* Workers could not be heard while this service was away: their leases start anew before any of them is over. */
static void extend_leases(struct app *app)
{
	int64_t lease_ms = conf_int(app->service->conf, CONF_LEASE_SECONDS) * 1000;
	const struct err *e = run_extend_leases(app->store, lease_ms, clock_now_ms());

	if (e != NULL)
		log_error("keeper: leases: %s", e->msg);
}

/* Each task has its own rhythm; `due` is the monotonic instant of the next time. */
struct task {
	const char *name;
	int64_t every_ms;
	const struct err *(*run)(struct app *app);
	int64_t due;
};

static const struct err *emit_all(struct app *app);

/* What lost its worker goes out again at once. */
static const struct err *expire(struct app *app)
{
	size_t n = 0;
	const struct err *e = run_expire_leases(
		app->store, clock_now_ms(), conf_int(app->service->conf, CONF_RUN_ATTEMPTS), &n);

	if (n > 0)
		log_warn("%zu runs lost their worker", n);
	return e == NULL && n > 0 ? emit_all(app) : e;
}

static const struct err *release(struct app *app)
{
	size_t n = 0;

	return run_release_held(app->store, &n);
}

/* Every queued row, oldest first: a file that is there already costs a look. */
static const struct err *emit(struct app *app)
{
	const struct err *e = NULL;
	int64_t after = 0;
	size_t n;

	do {
		struct run *v = NULL;

		n = 0;
		e = run_emittable(app->store, clock_now_ms(), after, PAGE, &v, &n);
		for (size_t i = 0; e == NULL && i < n; i++) {
			e = queue_emit(app->queue, &v[i]);
			after = v[i].id;
		}
		runs_free(v, n);
	} while (e == NULL && n == PAGE);
	return e;
}

static const struct err *emit_all(struct app *app)
{
	const struct err *e;

	if (app->queue == NULL && (e = queue_open(&app->queue, app->service->conf)) != NULL) {
		app->queue = NULL;
		return e;
	}
	return emit(app);
}

/* Looks for late mail that are due. */
static const struct err *stragglers(struct app *app)
{
	size_t n = 0;
	const struct err *e = watch_tick(app->store, clock_now_ms(), &n);

	return e == NULL && n > 0 ? emit_all(app) : e;
}

/* A short turn in each round, and no pause before the next round while there is more. */
static bool more_to_hash;

static const struct err *hash(struct app *app)
{
	return uploads_hash(app, &more_to_hash);
}

static const struct err *prune(struct app *app)
{
	int64_t now = clock_now_ms();
	const struct err *e = sessions_prune(app->store, now);

	if (e == NULL)
		e = idempotency_prune(app->store, now - 24 * HOUR_MS);
	if (e == NULL)
		e = run_progress_prune(app->store, now - 24 * HOUR_MS);
	return e;
}

/* Rows change by requests of other processes: what may follow from that (a run to release, one to emit) is
 * looked for soon after, and every 30 s in any case. */
static bool changed(struct app *app)
{
	int64_t was = app->data_version;

	return app_refresh(app) == NULL && app->data_version != was;
}

static void work(struct app *app, struct task *tasks, size_t n, bool hurry)
{
	for (size_t i = 0; i < n && !pool_stopping(app->pool); i++) {
		int64_t now = clock_mono_ms();
		const struct err *e;

		if (now < tasks[i].due && !(hurry && tasks[i].every_ms < HOUR_MS))
			continue;
		tasks[i].due = now + tasks[i].every_ms;
		if ((e = tasks[i].run(app)) != NULL)
			log_error("keeper: %s: %s", tasks[i].name, e->msg);
	}
}

int keeper(const struct pool *p, int ready_fd)
{
	struct task tasks[] = {
		{"expire leases", 2000, expire, 0},
		{"release held runs", 5000, release, 0},
		{"look for late mail", 1000, stragglers, 0},
		{"write run files", 30000, emit_all, 0},
		{"hash uploads", 0, hash, 0},
		{"prune", HOUR_MS, prune, 0},
		{"remove files of closed jobs", 10000, retention_tick, 0},
		{"remove uploads that were given up", HOUR_MS, uploads_sweep, 0},
	};
	const size_t n = sizeof(tasks) / sizeof(tasks[0]);
	int status = 0;
	struct app *app = app_open(p, NULL, STORE_MIGRATE, &status);

	if (app == NULL)
		return status;
	if (write(ready_fd, "k", 1) != 1)
		log_warn("keeper: the parent does not listen");
	close(ready_fd);
	extend_leases(app);
	work(app, tasks, n, true);
	while (!pool_stopping(p) && !app->outdated) {
		pool_pause(more_to_hash ? 0 : 1000);
		work(app, tasks, n, changed(app));
	}
	app_close(app);
	return 0;
}
