/*
 * Pairing of two multisets of messages (one folder at the source, one at the destination) by one rung of the
 * ladder. Copies count: three equal messages here and two there are two pairs and one left over. Pure.
 *
 * Climb down the ladder by making one matcher a rung: what match_run leaves over (match_left) is what the next
 * rung gets. 24 bytes a message.
 */
#ifndef MATCH_H
#define MATCH_H

#include <stddef.h>
#include <stdint.h>

#include "ident.h"

enum match_side { MATCH_SOURCE, MATCH_DEST, MATCH_SIDES };

struct match;
struct match *match_new(void);
void match_free(struct match *m); /* NULL is fine */

/* `ref` is the caller's: a UID, an index. Among messages with the same key, those with the same `tie` are paired
 * first, then those whose upper 16 bits of it are the same, then the rest in order of ref: give it from
 * match_tie so that twins are paired with the twin that has their date and flags. */
void match_add(struct match *m, enum match_side side, uint32_t ref, const struct ident_key *key, uint32_t tie);

/* date: anything that stands for INTERNALDATE; flags: for the set of flags. */
uint32_t match_tie(uint64_t date, uint64_t flags);

/* Pairs what can be paired, in an order that depends on keys and refs alone; the pairs leave the matcher. */
typedef void match_pair_fn(void *arg, uint32_t source_ref, uint32_t dest_ref);
void match_run(struct match *m, match_pair_fn *pair, void *arg);

/* What is in the matcher: before match_run all that was added, after it what found no partner. */
size_t match_count(const struct match *m, enum match_side side);
uint32_t match_left(const struct match *m, enum match_side side, size_t i); /* ref of the i-th; i < match_count */
void match_reset(struct match *m);

#endif
