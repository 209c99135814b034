/* Records come out in order, whether they fit in memory or not. */
#include "unit.h"

#include <stdlib.h>

#include "sorter.h"

struct record {
	uint32_t key, number;
	char more[5];
};

static int by_key(const void *pa, const void *pb)
{
	const struct record *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void sorts(size_t count, size_t in_memory, uint32_t keys)
{
	struct sorter *s = sorter_new(sizeof(struct record), in_memory * sizeof(struct record), by_key);
	struct record *all = calloc(count + 1, sizeof(*all));
	uint32_t random = 12345;
	const void *p;

	assert_non_null(all);
	for (uint32_t i = 0; i < count; i++) {
		random = random * 1664525 + 1013904223;
		all[i] = (struct record){.key = (random >> 8) % keys, .number = i, .more = "abcd"};
		assert_ok(sorter_add(s, &all[i]));
	}
	assert_int_equal(sorter_count(s), count);
	qsort(all, count, sizeof(*all), by_key);
	for (size_t i = 0; i < count; i++) {
		assert_ok(sorter_next(s, &p));
		assert_non_null(p);
		assert_memory_equal(p, &all[i], sizeof(*all));
	}
	for (int i = 0; i < 2; i++) {
		assert_ok(sorter_next(s, &p));
		assert_null(p);
	}
	sorter_free(s);
	free(all);
}

static void any_number_comes_out_in_order(void **state)
{
	static const size_t counts[] = {0, 1, 2, 9, 10, 11, 20, 21, 99, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		sorts(counts[i], 10, 1000000);
		sorts(counts[i], 10, 7); /* many equal keys */
		sorts(counts[i], 1, 50);
		sorts(counts[i], 5000, 50);
	}
}

static void freed_before_the_end(void **state)
{
	struct sorter *s = sorter_new(sizeof(struct record), 4 * sizeof(struct record), by_key);
	struct record r = {.key = 1};
	const void *p;

	(void)state;
	sorter_free(NULL);
	for (uint32_t i = 0; i < 30; i++) {
		r.key = 30 - i;
		assert_ok(sorter_add(s, &r));
	}
	assert_ok(sorter_next(s, &p));
	assert_int_equal(((const struct record *)p)->key, 1);
	sorter_free(s);
}

static void a_file_that_cannot_be_made_is_an_error(void **state)
{
	struct sorter *s = sorter_new(sizeof(struct record), sizeof(struct record), by_key);
	const char *before = getenv("TMPDIR");
	char *kept = before != NULL ? strdup(before) : NULL;
	struct record r = {.key = 1};

	(void)state;
	setenv("TMPDIR", "/nowhere/at/all", 1);
	assert_ok(sorter_add(s, &r));
	assert_non_null(sorter_add(s, &r));
	if (kept != NULL)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	free(kept);
	sorter_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_comes_out_in_order),
		cmocka_unit_test(freed_before_the_end),
		cmocka_unit_test(a_file_that_cannot_be_made_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
