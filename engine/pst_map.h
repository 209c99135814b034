/*
 * The damage map of a PST: a reader of its lowest layer (MS-PST 2.2: header, node and block B-trees, blocks) that
 * compares every check sum and signature, which libpst does not, and says which nodes lie on damage. A node is a folder,
 * a message or a table of one; its number (nid) is what libpst calls d_id.
 *
 * Pages and blocks of the Unicode format are compared; of others (ANSI, the 4 KiB pages of OST 2013) the header only.
 */
#ifndef PST_MAP_H
#define PST_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pst_map;

enum pst_map_kind { PST_MAP_DAMAGE, PST_MAP_HINT, PST_MAP_PROGRESS };
typedef void pst_map_fn(void *arg, enum pst_map_kind kind, const char *text);

/* Reads the file once. An error: it is no PST at all. fn hears of each damaged place, and how far it is. */
const struct err *pst_map_new(struct pst_map **out, int fd, uint64_t size, pst_map_fn *fn, void *arg);
void pst_map_free(struct pst_map *m); /* NULL is fine */

/* Does this node, or what is below it (attachments, recipients), lie on damage? Marks it as seen. */
bool pst_map_touched(struct pst_map *m, uint32_t nid);
/* The touched messages and folders that nobody has asked for: they are not reached from the folders any more. */
typedef void pst_map_node_fn(void *arg, uint32_t nid, uint32_t parent);
void pst_map_unseen(const struct pst_map *m, pst_map_node_fn *fn, void *arg);

uint64_t pst_map_blocks(const struct pst_map *m); /* looked at */
uint64_t pst_map_nodes(const struct pst_map *m);

#endif
