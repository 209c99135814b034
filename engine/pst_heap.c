#include "pst_heap.h"

#include "banned.h"

#define HEAP_SIGNATURE 0xec
#define PROPERTIES 0xbc /* what the heap holds */
#define TREE 0xb5
#define KEY 2           /* bytes of a property's number */
#define LEAF 8          /* number, type, value */
#define BRANCH 6        /* number, where */
#define LEVELS_MAX 8
#define INTEGER32 3

struct span {
	const unsigned char *p;
	size_t n;
};

static uint32_t le(const unsigned char *p, int bytes)
{
	uint32_t v = 0;

	for (int i = bytes - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* What a HID points at (MS-PST 2.3.1.1): block and place in the block's map of allocations. */
static bool span_of(const struct pst_heap *h, uint32_t hid, struct span *out)
{
	unsigned shift = h->large ? 19 : 16, place = (hid & ((1u << shift) - 1)) >> 5;
	const unsigned char *p;
	size_t size, map, from, to;

	if ((hid & 0x1f) != 0 || place == 0 || !h->block(h->arg, hid >> shift, &p, &size) || size < 2)
		return false;
	map = le(p, 2);
	if (map + 4 > size || place > le(p + map, 2) || map + 4 + 2 * ((size_t)place + 1) > size)
		return false;
	from = le(p + map + 4 + 2 * (place - 1), 2);
	to = le(p + map + 4 + 2 * place, 2);
	if (from > to || to > map)
		return false;
	*out = (struct span){p + from, to - from};
	return true;
}

/* The last branch whose first number is not above id. */
static bool follow(const struct pst_heap *h, struct span *at, uint16_t id)
{
	const unsigned char *next = NULL;

	for (size_t i = 0; i + BRANCH <= at->n && le(at->p + i, KEY) <= id; i += BRANCH)
		next = at->p + i;
	return next != NULL && span_of(h, le(next + KEY, 4), at);
}

bool pst_heap_number(const struct pst_heap *h, uint16_t id, uint32_t *out)
{
	const unsigned char *first;
	struct span at;
	size_t size;
	unsigned levels;

	if (!h->block(h->arg, 0, &first, &size) || size < 12 || first[2] != HEAP_SIGNATURE || first[3] != PROPERTIES)
		return false;
	if (!span_of(h, le(first + 4, 4), &at) || at.n < 8 || at.p[0] != TREE || at.p[1] != KEY || at.p[2] != LEAF - KEY)
		return false;
	levels = at.p[3];
	if (levels > LEVELS_MAX || !span_of(h, le(at.p + 4, 4), &at))
		return false;
	while (levels-- > 0)
		if (!follow(h, &at, id))
			return false;
	for (size_t i = 0; i + LEAF <= at.n; i += LEAF) {
		if (le(at.p + i, KEY) != id)
			continue;
		*out = le(at.p + i + 4, 4);
		return le(at.p + i + 2, 2) == INTEGER32;
	}
	return false;
}
