/* What the files of a reconciliation share; nobody else includes this. */
#ifndef ENGINE_RECONCILE_IMPL_H
#define ENGINE_RECONCILE_IMPL_H

#include "copy.h"
#include "ident.h"
#include "sorter.h"

enum side { SRC, DST, SIDES };

struct entry {
	struct ident_key key, head; /* header block and size; Message-Id or its stand-in */
	int64_t date;
	uint32_t uid, tie;
	bool has_head, taken; /* taken: its body is wanted */
};

struct body_keys {
	uint32_t uid, tie;
	struct ident id;
};

struct found {
	uint32_t src, dst;
	bool flags_differ;
};

struct twin {
	uint32_t uid, tie;
};

struct half {
	struct reconcile *r;
	enum side side;
	struct imap_conn *conn;
	struct ident_reader *reader;
	struct ident id;
	bool have_id;
	uint64_t least; /* so many messages there are at the least of which headers are asked for */
	struct sorter *heads;
	const struct entry *at; /* of heads: the next one */
	struct entry *e;	/* what the headers alone do not decide */
	size_t n, cap;
	struct twin *twin; /* those with the key that is looked at */
	size_t ntwins, twin_cap;
	struct body_keys *b;
	size_t nb, bcap;
	struct uidset bodies; /* to be read in step 2 */
};

struct reconcile {
	struct pair *p;
	struct job *j;
	struct half half[SIDES];
	unsigned left; /* commands unanswered in this step */
	int step;
	uint64_t dst_exists;
	uint32_t dst_uidnext, dst_top, dst_uidvalidity;
	bool dst_open, uidnext_unknown;
	bool heads_again, bodies_again; /* asked for once more what had not come */
	struct uidset searched;
	struct sorter *found;
};

/* --- reconcile.c --- */

/* Without what was found, or what was read, nothing may be decided. */
void reconcile_check(struct reconcile *r, const struct err *e);

/* --- reconcile_compare.c --- */

/* The order of entries in half.heads: a compare function of sorter.h. */
int reconcile_order(const void *a, const void *b);
/* Reads half.heads of both sides to the end: pairs go to `found`, what headers do not decide to half.bodies. */
void reconcile_compare_heads(struct reconcile *r);
/* Pairs of half.b go to `found`. */
void reconcile_compare_bodies(struct reconcile *r);

#endif
