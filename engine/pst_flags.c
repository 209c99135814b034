#include "pst_flags.h"

#include <stdlib.h>

#include "pst_heap.h"
#include "source.h"

#include "banned.h"

#define BLOCKS_MAX 16 /* of a node: properties stand in the first ones */
#define INTERNAL 2    /* a block that lists blocks */
#define LIST_HEAD 8

/* MS-OXOMSG 2.2.1 and MS-OXOFLAG 2.2.1.1. The last verb tells the last thing that was done, the icon what is shown. */
static const struct {
	uint16_t property;
	uint32_t value, flag;
} meanings[] = {
	{0x1081, 102, SOURCE_ANSWERED}, /* PidTagLastVerbExecuted: reply */
	{0x1081, 103, SOURCE_ANSWERED}, /* reply to all */
	{0x1081, 104, SOURCE_FORWARDED},
	{0x1080, 0x105, SOURCE_ANSWERED}, /* PidTagIconIndex */
	{0x1080, 0x106, SOURCE_FORWARDED},
	{0x1090, 2, SOURCE_FLAGGED}, /* PidTagFlagStatus: to be followed up; 1 is done */
};

struct node {
	pst_file *pf;
	uint64_t bid;
	char *list, *b[BLOCKS_MAX];
	size_t list_size, size[BLOCKS_MAX];
};

static uint64_t block_of(struct node *d, unsigned n)
{
	unsigned each = d->pf->do_read64 != 0 ? 8 : 4, count;
	const unsigned char *p;
	uint64_t bid = 0;

	if (!(d->bid & INTERNAL))
		return n == 0 ? d->bid : 0;
	if (d->list == NULL)
		d->list_size = pst_ff_getIDblock_dec(d->pf, d->bid, &d->list);
	p = (const unsigned char *)d->list;
	if (p == NULL || d->list_size < LIST_HEAD || p[0] != 1 || p[1] != 1)
		return 0;
	count = p[2] | (unsigned)p[3] << 8;
	if (n >= count || LIST_HEAD + (size_t)each * (n + 1) > d->list_size)
		return 0;
	for (unsigned i = each; i-- > 0;)
		bid = bid << 8 | p[LIST_HEAD + each * n + i];
	return bid;
}

static bool give_block(void *arg, unsigned n, const unsigned char **p, size_t *size)
{
	struct node *d = arg;

	if (n >= BLOCKS_MAX)
		return false;
	if (d->b[n] == NULL) {
		uint64_t bid = block_of(d, n);

		d->size[n] = bid != 0 ? pst_ff_getIDblock_dec(d->pf, bid, &d->b[n]) : 0;
	}
	*p = (const unsigned char *)d->b[n];
	*size = d->size[n];
	return d->b[n] != NULL && d->size[n] > 0;
}

uint32_t pst_flags(pst_file *pf, uint64_t bid)
{
	struct node d = {.pf = pf, .bid = bid};
	struct pst_heap h = {give_block, &d, pf->do_read64 == 2};
	uint32_t flags = 0, v;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (pst_heap_number(&h, meanings[i].property, &v) && v == meanings[i].value)
			flags |= meanings[i].flag;
	for (unsigned i = 0; i < BLOCKS_MAX; i++)
		free(d.b[i]);
	free(d.list);
	return flags;
}
