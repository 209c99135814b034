/* Pairing of multisets: every copy once, the best twin first, nothing invented. */
#include "unit.h"

#include "match.h"
#include "mem.h"

struct pairs {
	uint32_t dest_of[1000]; /* by source ref; 0: none */
	size_t n;
};

static void on_pair(void *arg, uint32_t s, uint32_t d)
{
	struct pairs *p = arg;

	assert_int_equal(p->dest_of[s], 0);
	p->dest_of[s] = d;
	p->n++;
}

static struct ident_key key(unsigned n)
{
	struct ident_key k = {{0}};

	k.b[0] = (uint8_t)n;
	k.b[15] = (uint8_t)(n >> 8);
	return k;
}

static void add(struct match *m, enum match_side side, uint32_t ref, unsigned k, uint64_t date, uint64_t flags)
{
	struct ident_key kk = key(k);

	match_add(m, side, ref, &kk, match_tie(date, flags));
}

static void copies_count(void **state)
{
	struct match *m = match_new();
	struct pairs p = {.n = 0};

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		add(m, MATCH_SOURCE, i, 7, 1, 0);
	for (uint32_t i = 11; i <= 12; i++)
		add(m, MATCH_DEST, i, 7, 1, 0);
	add(m, MATCH_DEST, 13, 8, 1, 0);
	match_run(m, on_pair, &p);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.dest_of[1], 11);
	assert_int_equal(p.dest_of[2], 12);
	assert_int_equal(match_count(m, MATCH_SOURCE), 1);
	assert_int_equal(match_left(m, MATCH_SOURCE, 0), 3);
	assert_int_equal(match_count(m, MATCH_DEST), 1);
	assert_int_equal(match_left(m, MATCH_DEST, 0), 13);
	match_free(m);
}

static void twins_meet_the_twin_that_is_most_like_them(void **state)
{
	struct match *m = match_new();
	struct pairs p = {.n = 0};

	(void)state;
	add(m, MATCH_SOURCE, 1, 7, 100, 1);
	add(m, MATCH_SOURCE, 2, 7, 100, 2);
	add(m, MATCH_SOURCE, 3, 7, 200, 1);
	add(m, MATCH_SOURCE, 4, 7, 300, 1);
	add(m, MATCH_DEST, 21, 7, 300, 5); /* date only */
	add(m, MATCH_DEST, 22, 7, 200, 1); /* both */
	add(m, MATCH_DEST, 23, 7, 100, 2); /* both */
	add(m, MATCH_DEST, 24, 7, 999, 9); /* the rest */
	match_run(m, on_pair, &p);
	assert_int_equal(p.n, 4);
	assert_int_equal(p.dest_of[3], 22);
	assert_int_equal(p.dest_of[2], 23);
	assert_int_equal(p.dest_of[4], 21);
	assert_int_equal(p.dest_of[1], 24);
	match_free(m);
}

/* Against counting by hand: a few hundred messages, many of them equal, in any order. */
static void random_multisets_are_paired_completely(void **state)
{
	uint32_t seed = 42;

	(void)state;
	for (int round = 0; round < (is_long() ? 200 : 60); round++) {
		struct match *m = match_new();
		unsigned count[MATCH_SIDES][40] = {{0}}, k_of[MATCH_SIDES][1000];
		struct pairs p = {.n = 0};
		size_t want = 0;

		for (int s = 0; s < MATCH_SIDES; s++)
			for (uint32_t i = 1; i < 300; i++) {
				seed = seed * 1664525 + 1013904223;
				k_of[s][i] = (seed >> 20) % 40;
				count[s][k_of[s][i]]++;
				add(m, (enum match_side)s, i, k_of[s][i], seed >> 30, seed >> 28 & 3);
			}
		for (int k = 0; k < 40; k++)
			want += count[0][k] < count[1][k] ? count[0][k] : count[1][k];
		match_run(m, on_pair, &p);
		assert_int_equal(p.n, want);
		assert_int_equal(match_count(m, MATCH_SOURCE), 299 - want);
		assert_int_equal(match_count(m, MATCH_DEST), 299 - want);
		for (uint32_t i = 1; i < 300; i++)
			if (p.dest_of[i] != 0)
				assert_int_equal(k_of[0][i], k_of[1][p.dest_of[i]]);
		match_reset(m);
		assert_int_equal(match_count(m, MATCH_SOURCE), 0);
		match_free(m);
	}
}

static void count_pair(void *arg, uint32_t s, uint32_t d)
{
	size_t *n = arg;

	assert_int_equal(s, d);
	(*n)++;
}

static void a_million_messages_fit(void **state)
{
	const uint32_t many = is_long() ? 1000000 : 100000;
	struct match *m = match_new();
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < many; i++) {
		struct ident_key k = {{0}};
		uint32_t h = i * UINT32_C(2654435761);

		memcpy(k.b, &h, sizeof(h));
		match_add(m, MATCH_SOURCE, i, &k, 0);
		match_add(m, MATCH_DEST, i, &k, 0);
	}
	match_run(m, count_pair, &n);
	assert_int_equal(n, many);
	match_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_count),
		cmocka_unit_test(twins_meet_the_twin_that_is_most_like_them),
		cmocka_unit_test(random_multisets_are_paired_completely),
		cmocka_unit_test(a_million_messages_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
