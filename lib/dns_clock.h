/*
 * The clock of a lowered TTL, pure: who has cached the old MX record may keep it for the old TTL after the last
 * moment at which a server still gave it out. Facts are what reads saw on each authoritative server.
 */
#ifndef DNS_CLOCK_H
#define DNS_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_TTL_ASSUMED 86400 /* seconds: the old TTL where nobody has seen or said one */

struct dns_sighting {
	int64_t at_ms;      /* when it was asked; rising */
	const char *server; /* name and address of one authoritative server */
	int64_t ttl;        /* seconds; -1: it did not answer */
};

enum dns_clock_state {
	DNS_CLOCK_UNKNOWN, /* nothing was seen, or a server of the last read did not answer */
	DNS_CLOCK_HIGH,    /* a server still gives a TTL above the target */
	DNS_CLOCK_WAITING, /* lowered everywhere, but not for one old TTL yet */
	DNS_CLOCK_SAFE,
	DNS_CLOCK_STATE_COUNT
};

struct dns_clock {
	enum dns_clock_state state;
	int64_t ttl;        /* the highest of the last read, seconds; -1: unknown */
	int64_t old_ttl;    /* what is waited for, seconds */
	bool assumed;       /* nobody saw the old TTL: it is `said`, or DNS_TTL_ASSUMED */
	int64_t lowered_at; /* ms: the read that was the first to see it low on the last server; 0: not yet */
	int64_t safe_at;    /* ms: lowered_at + old_ttl; 0: not known */
};

/* `v` in the order of time; the sightings of one read share at_ms. Servers that the last read did not ask any more
 * (taken out of the delegation) count no more. `target`: seconds that count as low. `said`: the old TTL as people
 * know it, 0: unknown; a higher one that was seen goes before it. */
void dns_clock(const struct dns_sighting *v, size_t n, int64_t target, int64_t said, int64_t now_ms,
        struct dns_clock *out);

const char *dns_clock_state_name(enum dns_clock_state s); /* unknown, high, waiting, safe */

#endif
