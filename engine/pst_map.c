#include "pst_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "mem.h"

#include "banned.h"

#define HEADER 564
#define PAGE 512
#define PAGE_ENTRIES 488
#define PAGE_TRAILER 496
#define BLOCK_MAX 8192
#define BLOCK_TRAILER 16
#define LEVELS_MAX 16
#define TREE_DEPTH 8
#define TOLD_MAX 200
#define LOOKS_MAX 50000000u /* a hostile file may let its trees point at each other */

enum { TYPE_BBT = 0x80, TYPE_NBT = 0x81 };

struct bref {
	uint64_t bid, ib;
};

struct node {
	uint32_t nid, parent;
	bool seen;
};

struct block {
	uint64_t ib;
	unsigned cb;
	bool internal;
};

struct pst_map {
	int fd;
	uint64_t size;
	pst_map_fn *fn;
	void *arg;
	struct bref nbt, bbt;
	uint64_t blocks, nodes, looks;
	unsigned told;
	uint64_t *bad; /* bids of damaged blocks, sorted once all are known */
	size_t nbad, cap_bad;
	struct node *touched; /* sorted by nid */
	size_t n, cap;
};

static uint64_t le(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	for (int i = bytes - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* MS-PST 5.3: CRC-32 that starts from and ends without inversion. */
static uint32_t crc(const unsigned char *p, size_t n)
{
	return (uint32_t)~crc32(0xffffffffu, p, (unsigned)n);
}

/* MS-PST 5.5 */
static unsigned signature(uint64_t ib, uint64_t bid)
{
	uint64_t x = ib ^ bid;

	return (unsigned)((x >> 16 ^ x) & 0xffff);
}

static void say(struct pst_map *m, enum pst_map_kind kind, const char *text)
{
	if (kind == PST_MAP_DAMAGE && m->told++ >= TOLD_MAX) {
		if (m->told == TOLD_MAX + 1)
			m->fn(m->arg, kind, "more places are damaged than are named here");
		return;
	}
	m->fn(m->arg, kind, text);
}

static bool get(struct pst_map *m, uint64_t at, unsigned char *p, size_t n)
{
	return at <= m->size && m->size - at >= n && at <= INT64_MAX && pread(m->fd, p, n, (off_t)at) == (ssize_t)n;
}

/* --- pages --- */

static const char *page_fault(struct pst_map *m, const struct bref *at, int type, unsigned char *page)
{
	const unsigned char *t = page + PAGE_TRAILER;

	if (at->ib % 64 != 0 || !get(m, at->ib, page, PAGE))
		return "lies behind the end of the file";
	if (t[0] != type || t[1] != type)
		return "is not what it should be";
	if (le(t + 4, 4) != crc(page, PAGE_TRAILER))
		return "has a wrong check sum";
	if (le(t + 2, 2) != signature(at->ib, le(t + 8, 8)) || le(t + 8, 8) != at->bid)
		return "has a wrong signature";
	if (page[491] > LEVELS_MAX || page[490] < 24 || page[488] * page[490] > PAGE_ENTRIES)
		return "has impossible numbers";
	return NULL;
}

typedef void leaf_fn(struct pst_map *m, const unsigned char *entry, void *arg);

static void walk(struct pst_map *m, const struct bref *at, int type, int level, leaf_fn *fn, void *arg, bool tell)
{
	unsigned char page[PAGE];
	const char *fault;
	char text[160];

	if (m->looks++ > LOOKS_MAX)
		return;
	fault = page_fault(m, at, type, page);
	if (fault == NULL && level >= 0 && page[491] != level)
		fault = "stands at a wrong level";
	if (fault != NULL) {
		snprintf(text, sizeof(text), "a page of the %s tree at byte %" PRIu64 " %s: what it leads to is lost",
			type == TYPE_NBT ? "node" : "block", at->ib, fault);
		if (tell)
			say(m, PST_MAP_DAMAGE, text);
		return;
	}
	for (unsigned i = 0; i < page[488]; i++) {
		const unsigned char *e = page + i * page[490];
		struct bref next = {le(e + 8, 8), le(e + 16, 8)};

		if (page[491] > 0)
			walk(m, &next, type, page[491] - 1, fn, arg, tell);
		else if (type == TYPE_BBT || page[490] >= 32)
			fn(m, e, arg);
	}
}

/* --- blocks --- */

static size_t padded(unsigned cb)
{
	return ((size_t)cb + BLOCK_TRAILER + 63) / 64 * 64;
}

static const char *block_fault(struct pst_map *m, uint64_t bid, const struct block *b, unsigned char *data)
{
	size_t n = padded(b->cb);
	const unsigned char *t = data + n - BLOCK_TRAILER;

	if (n > BLOCK_MAX || b->cb == 0)
		return "has an impossible size";
	if (!get(m, b->ib, data, n))
		return "lies behind the end of the file";
	if (le(t, 2) != b->cb || (le(t + 8, 8) | 1) != (bid | 1))
		return "is another one";
	if (le(t + 4, 4) != crc(data, b->cb))
		return "has a wrong check sum";
	if (le(t + 2, 2) != signature(b->ib, le(t + 8, 8)))
		return "has a wrong signature";
	return NULL;
}

static void note_bad(struct pst_map *m, uint64_t bid)
{
	if (m->nbad == m->cap_bad) {
		m->cap_bad = m->cap_bad * 2 + 64;
		m->bad = xreallocarray(m->bad, m->cap_bad, sizeof(*m->bad));
	}
	m->bad[m->nbad++] = bid & ~1ull;
}

static struct block block_of(const unsigned char *entry)
{
	return (struct block){.ib = le(entry + 8, 8), .cb = (unsigned)le(entry + 16, 2), .internal = (entry[0] & 2) != 0};
}

static void on_block(struct pst_map *m, const unsigned char *entry, void *arg)
{
	unsigned char data[BLOCK_MAX];
	struct block b = block_of(entry);
	uint64_t bid = le(entry, 8);
	const char *fault = block_fault(m, bid, &b, data);
	char text[160];

	(void)arg;
	if (++m->blocks % 1024 == 0) {
		snprintf(text, sizeof(text), "%" PRIu64 " blocks compared", m->blocks);
		say(m, PST_MAP_PROGRESS, text);
	}
	if (fault == NULL)
		return;
	note_bad(m, bid);
	snprintf(text, sizeof(text), "block %" PRIx64 " at byte %" PRIu64 " (%u bytes) %s", bid, b.ib, b.cb, fault);
	say(m, PST_MAP_DAMAGE, text);
}

/* --- which nodes lie on them --- */

static int by_bid(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_bad(const struct pst_map *m, uint64_t bid)
{
	bid &= ~1ull;
	return m->nbad > 0 && bsearch(&bid, m->bad, m->nbad, sizeof(*m->bad), by_bid) != NULL;
}

/* Down the block tree to one block. False: it is not there. */
static bool find_block(struct pst_map *m, uint64_t bid, struct block *out)
{
	unsigned char page[PAGE];
	struct bref at = m->bbt;

	for (int level = 0; level <= LEVELS_MAX && m->looks++ < LOOKS_MAX; level++) {
		const unsigned char *best = NULL;

		if (page_fault(m, &at, TYPE_BBT, page) != NULL)
			return false;
		for (unsigned i = 0; i < page[488]; i++)
			if ((le(page + i * page[490], 8) & ~1ull) <= (bid & ~1ull))
				best = page + i * page[490];
		if (best == NULL)
			return false;
		if (page[491] == 0) {
			*out = block_of(best);
			return (le(best, 8) & ~1ull) == (bid & ~1ull);
		}
		at = (struct bref){le(best + 8, 8), le(best + 16, 8)};
	}
	return false;
}

/* Is anything damaged that hangs from this block: a tree of data, or of sub-nodes? */
static bool hangs(struct pst_map *m, uint64_t bid, int depth)
{
	unsigned char data[BLOCK_MAX];
	struct block b;
	unsigned n, step, head;

	if ((bid & ~1ull) == 0 || m->looks > LOOKS_MAX)
		return false;
	if (is_bad(m, bid) || depth > TREE_DEPTH)
		return true;
	if ((bid & 2) == 0) /* plain data */
		return false;
	if (!find_block(m, bid, &b) || block_fault(m, bid, &b, data) != NULL)
		return true;
	n = (unsigned)le(data + 2, 2);
	step = data[0] == 1 ? 8 : data[1] == 0 ? 24 : 16; /* XBLOCK, SLBLOCK, SIBLOCK */
	head = 8;
	for (unsigned i = 0; i < n && head + (i + 1) * step <= b.cb; i++) {
		const unsigned char *e = data + head + i * step;

		if (data[0] == 1 ? hangs(m, le(e, 8), depth + 1)
				 : hangs(m, le(e + 8, 8), depth + 1) || (step == 24 && hangs(m, le(e + 16, 8), depth + 1)))
			return true;
	}
	return false;
}

static void on_node(struct pst_map *m, const unsigned char *e, void *arg)
{
	struct block b;
	uint64_t data = le(e + 8, 8);
	bool lost;

	(void)arg;
	m->nodes++;
	lost = data != 0 && (data & 2) == 0 && !is_bad(m, data) && m->nbad > 0 && !find_block(m, data, &b);
	if (!lost && (m->nbad == 0 || (!hangs(m, data, 0) && !hangs(m, le(e + 16, 8), 0))))
		return;
	if (m->n == m->cap) {
		m->cap = m->cap * 2 + 64;
		m->touched = xreallocarray(m->touched, m->cap, sizeof(*m->touched));
	}
	m->touched[m->n++] = (struct node){(uint32_t)le(e, 4), (uint32_t)le(e + 24, 4), false};
}

static int by_nid(const void *a, const void *b)
{
	uint32_t x = ((const struct node *)a)->nid, y = ((const struct node *)b)->nid;

	return x < y ? -1 : x > y;
}

/* --- the whole --- */

static const struct err *read_header(struct pst_map *m, bool *unicode)
{
	unsigned char h[HEADER];
	unsigned version;
	char text[160];

	if (m->size < HEADER || !get(m, 0, h, HEADER))
		return err_new(ERR_SOURCE_DAMAGED, "no PST: it has %" PRIu64 " bytes", m->size);
	if (memcmp(h, "!BDN", 4) != 0)
		return err_new(ERR_SOURCE_DAMAGED, "no PST: it does not begin with \"!BDN\"");
	version = (unsigned)le(h + 10, 2);
	*unicode = version == 0x15 || version == 0x17;
	if (!*unicode && version != 0x0e && version != 0x0f && version != 0x24)
		return err_new(ERR_SOURCE_DAMAGED, "a PST of a version that is not known (0x%02x), or its header is damaged", version);
	if (!*unicode) {
		say(m, PST_MAP_HINT, "check sums of this old or new kind of PST are not compared: damage may go unseen");
		return NULL;
	}
	if (le(h + 4, 4) != crc(h + 8, 471) || le(h + 524, 4) != crc(h + 8, 516))
		say(m, PST_MAP_DAMAGE, "the header has a wrong check sum");
	m->nbt = (struct bref){le(h + 216, 8), le(h + 224, 8)};
	m->bbt = (struct bref){le(h + 232, 8), le(h + 240, 8)};
	if (le(h + 184, 8) > m->size) {
		snprintf(text, sizeof(text), "the file has %" PRIu64 " bytes, its header says %" PRIu64 ": its end is cut off", m->size,
			le(h + 184, 8));
		say(m, PST_MAP_HINT, text);
	}
	return NULL;
}

const struct err *pst_map_new(struct pst_map **out, int fd, uint64_t size, pst_map_fn *fn, void *arg)
{
	struct pst_map *m = xcalloc(1, sizeof(*m));
	const struct err *e;
	bool unicode = false;

	m->fd = fd;
	m->size = size;
	m->fn = fn;
	m->arg = arg;
	e = read_header(m, &unicode);
	if (e != NULL) {
		pst_map_free(m);
		return e;
	}
	if (unicode) {
		walk(m, &m->bbt, TYPE_BBT, -1, on_block, NULL, true);
		if (m->nbad > 1)
			qsort(m->bad, m->nbad, sizeof(*m->bad), by_bid);
		walk(m, &m->nbt, TYPE_NBT, -1, on_node, NULL, true);
		if (m->n > 1)
			qsort(m->touched, m->n, sizeof(*m->touched), by_nid);
	}
	*out = m;
	return NULL;
}

void pst_map_free(struct pst_map *m)
{
	if (m == NULL)
		return;
	free(m->bad);
	free(m->touched);
	free(m);
}

bool pst_map_touched(struct pst_map *m, uint32_t nid)
{
	struct node key = {.nid = nid}, *found;

	found = m->n > 0 ? bsearch(&key, m->touched, m->n, sizeof(key), by_nid) : NULL;
	if (found == NULL)
		return false;
	found->seen = true;
	return true;
}

void pst_map_unseen(const struct pst_map *m, pst_map_node_fn *fn, void *arg)
{
	for (size_t i = 0; i < m->n; i++) {
		unsigned type = m->touched[i].nid & 0x1f;

		if (!m->touched[i].seen && (type == 2 || type == 4)) /* folder, message */
			fn(arg, m->touched[i].nid, m->touched[i].parent);
	}
}

uint64_t pst_map_blocks(const struct pst_map *m)
{
	return m->blocks;
}

uint64_t pst_map_nodes(const struct pst_map *m)
{
	return m->nodes;
}
