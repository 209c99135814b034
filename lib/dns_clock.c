#include "dns_clock.h"

#include <string.h>

#include "banned.h"

static const char *const names[DNS_CLOCK_STATE_COUNT] = {"unknown", "high", "waiting", "safe"};

const char *dns_clock_state_name(enum dns_clock_state s)
{
	return names[s];
}

/* One server's history: since when it has been low, and the highest TTL it gave before. */
struct history {
	int64_t low_since; /* 0: not low */
	int64_t highest;   /* above the target; 0: none */
};

static struct history follow(const struct dns_sighting *v, size_t n, const char *server, int64_t target)
{
	struct history h = {0};

	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].server, server) != 0 || v[i].ttl < 0)
			continue;
		if (v[i].ttl > target) {
			h.low_since = 0;
			if (v[i].ttl > h.highest)
				h.highest = v[i].ttl;
		} else if (h.low_since == 0) {
			h.low_since = v[i].at_ms;
		}
	}
	return h;
}

static void add_server(struct dns_clock *out, const struct dns_sighting *last, struct history h, bool *silent)
{
	if (last->ttl < 0) {
		*silent = true;
		return;
	}
	if (last->ttl > out->ttl)
		out->ttl = last->ttl;
	if (h.low_since > out->lowered_at)
		out->lowered_at = h.low_since;
}

void dns_clock(const struct dns_sighting *v, size_t n, int64_t target, int64_t said, int64_t now_ms,
        struct dns_clock *out)
{
	int64_t seen = 0;
	bool silent = false;

	*out = (struct dns_clock){.ttl = -1};
	if (n == 0)
		return;
	/* an old record may come from any server, also from one that has gone since */
	for (size_t i = 0; i < n; i++)
		if (v[i].ttl > target && v[i].ttl > seen)
			seen = v[i].ttl;
	for (size_t i = n; i-- > 0 && v[i].at_ms == v[n - 1].at_ms;)
		add_server(out, &v[i], follow(v, n, v[i].server, target), &silent);
	out->assumed = seen == 0;
	out->old_ttl = seen >= said && seen > 0 ? seen : said > 0 ? said : DNS_TTL_ASSUMED;
	if (out->ttl > target) {
		out->state = DNS_CLOCK_HIGH;
		out->lowered_at = 0;
		return;
	}
	if (silent || out->ttl < 0) {
		out->state = DNS_CLOCK_UNKNOWN;
		out->lowered_at = 0;
		return;
	}
	out->safe_at = out->lowered_at + out->old_ttl * 1000;
	out->state = now_ms >= out->safe_at ? DNS_CLOCK_SAFE : DNS_CLOCK_WAITING;
}
