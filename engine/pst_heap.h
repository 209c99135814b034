/*
 * The numbers among a node's properties (MS-PST 2.3: a heap over the node's blocks, in it a B-tree of properties), for those
 * that libpst passes over. Any bytes may stand in the blocks: what does not lead to a number is not there.
 */
#ifndef PST_HEAP_H
#define PST_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Block n of the node, from 0, decoded: its bytes, which stay valid for the whole look-up. False: there is none. */
typedef bool pst_heap_block_fn(void *arg, unsigned n, const unsigned char **p, size_t *size);

struct pst_heap {
	pst_heap_block_fn *block;
	void *arg;
	bool large; /* blocks of 64 KiB (the OST of Outlook 2013 and later) */
};

/* A property of type PtypInteger32. False: the node has none of this number. */
bool pst_heap_number(const struct pst_heap *h, uint16_t id, uint32_t *out);

#endif
