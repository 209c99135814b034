/* Prometheus text: this pool's counters and what the database says of runs. */
#include "api.h"

#include "clock.h"

#include "banned.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP desk_migration_%s %s\n# TYPE desk_migration_%s %s\n", name, help, name, type);
}

static void requests(struct buf *out, const struct pool *p)
{
	uint64_t answers[POOL_CLASSES] = {0}, hits = 0, misses = 0, us = 0;
	int busy = 0;

	for (int i = 0; i < p->page->processes; i++) {
		const struct pool_slot *s = &p->page->slots[i];

		for (int k = 0; k < POOL_CLASSES; k++)
			answers[k] += atomic_load(&s->answers[k]);
		hits += atomic_load(&s->cache_hits);
		misses += atomic_load(&s->cache_misses);
		us += atomic_load(&s->busy_us);
		busy += atomic_load(&s->busy_since_ms) != 0;
	}
	head(out, "requests_total", "counter", "Answers by status class; \"none\": the process died.");
	for (int k = 0; k < POOL_CLASSES; k++)
		if (k != 1)
			buf_addf(out, "desk_migration_requests_total{pool=\"%s\",status=\"%.*s%s\"} %llu\n",
				p->name, k > 0, &"012345"[k], k > 0 ? "xx" : "none",
				(unsigned long long)answers[k]);
	head(out, "request_seconds_total", "counter", "Time spent answering.");
	buf_addf(out, "desk_migration_request_seconds_total{pool=\"%s\"} %.6f\n", p->name, (double)us / 1e6);
	head(out, "gate_cache_total", "counter", "Gate answers given from memory and made anew.");
	buf_addf(out, "desk_migration_gate_cache_total{result=\"hit\"} %llu\n", (unsigned long long)hits);
	buf_addf(out, "desk_migration_gate_cache_total{result=\"miss\"} %llu\n", (unsigned long long)misses);
	head(out, "processes", "gauge", "Processes of the pool, and those that are answering.");
	buf_addf(
		out, "desk_migration_processes{pool=\"%s\",state=\"all\"} %d\n", p->name, p->page->processes);
	buf_addf(out, "desk_migration_processes{pool=\"%s\",state=\"busy\"} %d\n", p->name, busy);
	head(out, "forks_total", "counter", "Processes started, the first ones included.");
	buf_addf(out, "desk_migration_forks_total{pool=\"%s\"} %llu\n", p->name,
		(unsigned long long)atomic_load(&p->page->forks));
}

static const struct err *runs(struct buf *out, struct call *c)
{
	struct run_filter f = {.status = -1, .kind = -1, .active = true, .limit = 10000};
	int64_t by_status[RUN_STATUS_COUNT] = {0}, oldest = 0;
	struct run *v = NULL;
	const struct err *e;
	size_t n = 0;

	if ((e = run_list(c->app->store, &f, &v, &n)) != NULL)
		return e;
	for (size_t i = 0; i < n; i++) {
		by_status[v[i].status]++;
		if (v[i].status == RUN_QUEUED && (oldest == 0 || v[i].created_at < oldest))
			oldest = v[i].created_at;
	}
	runs_free(v, n);
	head(out, "runs", "gauge", "Active runs by status.");
	for (int i = 0; i < RUN_STATUS_COUNT; i++)
		if (run_status_active((enum run_status)i))
			buf_addf(out, "desk_migration_runs{status=\"%s\"} %lld\n",
				run_status_name((enum run_status)i), (long long)by_status[i]);
	head(out, "queue_oldest_seconds", "gauge", "Age of the oldest queued run.");
	buf_addf(out, "desk_migration_queue_oldest_seconds %lld\n",
		oldest != 0 && c->now_ms > oldest ? (long long)(c->now_ms - oldest) / 1000 : 0LL);
	return NULL;
}

const struct err *api_metrics(struct call *c)
{
	c->res.type = "text/plain; version=0.0.4; charset=utf-8";
	requests(&c->res.body, c->app->pool);
	return runs(&c->res.body, c);
}
