/* Numbers out of a heap of properties: one block and more, trees with levels, and what leads nowhere. */
#include "unit.h"

#include "pst_heap.h"

struct blocks {
	unsigned char b[3][256];
	size_t size[3];
};

static bool block(void *arg, unsigned n, const unsigned char **p, size_t *size)
{
	struct blocks *x = arg;

	if (n >= 3 || x->size[n] == 0)
		return false;
	*p = x->b[n];
	*size = x->size[n];
	return true;
}

static void put(unsigned char *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* A block of two allocations behind a head of 12 bytes: a of an bytes, then z of zn. */
static void fill(struct blocks *x, unsigned n, const void *a, size_t an, const void *z, size_t zn)
{
	size_t map = 12 + an + zn;

	memset(x->b[n], 0, sizeof(x->b[n]));
	memcpy(x->b[n] + 12, a, an);
	memcpy(x->b[n] + 12 + an, z, zn);
	put(x->b[n], (uint32_t)map, 2);
	put(x->b[n] + map, 2, 2);
	put(x->b[n] + map + 4, 12, 2);
	put(x->b[n] + map + 6, (uint32_t)(12 + an), 2);
	put(x->b[n] + map + 8, (uint32_t)map, 2);
	x->size[n] = map + 10;
}

static const unsigned char leaf[] = "\x80\x10\x03\x00\x05\x01\x00\x00\x81\x10\x03\x00\x66\x00\x00\x00\x82\x10\x1f\x00\x09\x00\x00\x00";

static void make(struct blocks *x, const char *tree)
{
	memset(x, 0, sizeof(*x));
	fill(x, 0, tree, 8, leaf, 24);
	x->b[0][2] = 0xec;
	x->b[0][3] = 0xbc;
	put(x->b[0] + 4, 1 << 5, 4);
}

static bool number(struct blocks *x, uint16_t id, uint32_t *v)
{
	struct pst_heap h = {block, x, false};

	return pst_heap_number(&h, id, v);
}

static void test_one_block(void **state)
{
	struct blocks x;
	uint32_t v;

	(void)state;
	make(&x, "\xb5\x02\x06\x00\x40\x00\x00\x00");
	assert_true(number(&x, 0x1080, &v) && v == 0x105);
	assert_true(number(&x, 0x1081, &v) && v == 102);
	assert_false(number(&x, 0x1082, &v)); /* a text */
	assert_false(number(&x, 0x1090, &v));
	make(&x, "\xb5\x02\x04\x00\x40\x00\x00\x00"); /* other records */
	assert_false(number(&x, 0x1080, &v));
	make(&x, "\xb5\x02\x06\x00\x5f\x02\x00\x00"); /* in a node of its own */
	assert_false(number(&x, 0x1080, &v));
	make(&x, "\xb5\x02\x06\x09\x40\x00\x00\x00"); /* too high */
	assert_false(number(&x, 0x1080, &v));
	make(&x, "\xb5\x02\x06\x08\x40\x00\x00\x00"); /* leaves taken for branches */
	assert_false(number(&x, 0x1080, &v));
}

static void test_levels(void **state)
{
	/* the root, in block 1, leads to two leaves in block 2 */
	static const unsigned char root[] = "\x00\x10\x20\x00\x02\x00\x81\x10\x40\x00\x02\x00";
	struct blocks x;
	uint32_t v;

	(void)state;
	make(&x, "\xb5\x02\x06\x01\x20\x00\x01\x00");
	fill(&x, 1, root, 12, "", 0);
	fill(&x, 2, leaf, 8, leaf + 8, 16);
	assert_true(number(&x, 0x1080, &v) && v == 0x105);
	assert_true(number(&x, 0x1081, &v) && v == 102);
	assert_false(number(&x, 0x0fff, &v)); /* before the first */
	x.size[2] = 0;
	assert_false(number(&x, 0x1080, &v));
}

/* Cut anywhere, or with any byte another one: no more than what is there is read. */
static void test_damage(void **state)
{
	struct blocks x;
	uint32_t v;

	(void)state;
	for (unsigned at = 0; at < 54; at++) {
		make(&x, "\xb5\x02\x06\x00\x40\x00\x00\x00");
		x.size[0] = at;
		assert_false(number(&x, 0x1080, &v));
		for (unsigned byte = 0; byte < 256; byte++) {
			make(&x, "\xb5\x02\x06\x00\x40\x00\x00\x00");
			x.b[0][at] = (unsigned char)byte;
			number(&x, 0x1080, &v);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_block),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
