/* The clock of a lowered TTL, to the second. */
#include "unit.h"

#include "dns_clock.h"

#define S 1000LL
#define T0 1700000000000LL

static struct dns_clock at(const struct dns_sighting *v, size_t n, int64_t said, int64_t now)
{
	struct dns_clock c;

	dns_clock(v, n, 300, said, now, &c);
	return c;
}
#define N(v) (sizeof(v) / sizeof((v)[0]))

static void nothing_seen(void **state)
{
	(void)state;
	assert_int_equal(at(NULL, 0, 0, T0).state, DNS_CLOCK_UNKNOWN);
}

static void to_the_second(void **state)
{
	const struct dns_sighting v[] = {{T0, "a", 3600}, {T0, "b", 3600}, {T0 + 10 * S, "a", 300},
	        {T0 + 10 * S, "b", 3600}, {T0 + 70 * S, "a", 300}, {T0 + 70 * S, "b", 300}};
	struct dns_clock c;

	(void)state;
	assert_int_equal(at(v, 2, 0, T0).state, DNS_CLOCK_HIGH);
	c = at(v, 4, 0, T0 + 20 * S); /* one of two: the other still gives the old one */
	assert_int_equal(c.state, DNS_CLOCK_HIGH);
	assert_int_equal(c.ttl, 3600);
	assert_int_equal(c.safe_at, 0);
	c = at(v, N(v), 0, T0 + 70 * S + 3600 * S - 1);
	assert_int_equal(c.state, DNS_CLOCK_WAITING);
	assert_int_equal(c.lowered_at, T0 + 70 * S);
	assert_int_equal(c.safe_at, T0 + 70 * S + 3600 * S);
	assert_int_equal(c.old_ttl, 3600);
	assert_false(c.assumed);
	assert_int_equal(at(v, N(v), 0, T0 + 70 * S + 3600 * S).state, DNS_CLOCK_SAFE);
}

static void raised_again(void **state)
{
	const struct dns_sighting v[] = {{T0, "a", 600}, {T0 + S, "a", 60}, {T0 + 2 * S, "a", 900}, {T0 + 3 * S, "a", 60}};
	struct dns_clock c = at(v, N(v), 0, T0 + 4 * S);

	(void)state;
	assert_int_equal(c.lowered_at, T0 + 3 * S);
	assert_int_equal(c.safe_at, T0 + 3 * S + 900 * S);
}

static void silent_server(void **state)
{
	const struct dns_sighting v[] = {{T0, "a", 600}, {T0, "b", 600}, {T0 + S, "a", 60}, {T0 + S, "b", -1},
	        {T0 + 2 * S, "a", 60}, {T0 + 2 * S, "b", 60}};

	(void)state;
	assert_int_equal(at(v, 4, 0, T0 + 5000 * S).state, DNS_CLOCK_UNKNOWN);
	/* it answers low now: since when is known only from now on */
	assert_int_equal(at(v, 6, 0, T0 + 3 * S).safe_at, T0 + 2 * S + 600 * S);
}

static void server_taken_out(void **state)
{
	const struct dns_sighting v[] = {{T0, "old", 7200}, {T0, "a", 60}, {T0 + S, "a", 60}};
	struct dns_clock c = at(v, N(v), 0, T0 + 2 * S);

	(void)state;
	assert_int_equal(c.lowered_at, T0);
	assert_int_equal(c.old_ttl, 7200); /* what it gave out lives on in caches */
}

static void old_ttl_unknown(void **state)
{
	const struct dns_sighting v[] = {{T0, "a", 60}};

	(void)state;
	assert_int_equal(at(v, 1, 0, T0).safe_at, T0 + DNS_TTL_ASSUMED * S);
	assert_true(at(v, 1, 0, T0).assumed);
	assert_int_equal(at(v, 1, 1800, T0).safe_at, T0 + 1800 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_seen), cmocka_unit_test(to_the_second),
	        cmocka_unit_test(raised_again), cmocka_unit_test(silent_server), cmocka_unit_test(server_taken_out),
	        cmocka_unit_test(old_ttl_unknown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
