/*
 * The canonical form of a message, told as a difference to the bytes as they come: which bytes stay, which are
 * dropped, what is put between. Line ends become CRLF (any run of CRs before a LF is one; a CR elsewhere
 * stays), header fields that stores add are dropped with their continuation lines, and so is an mbox "From "
 * line before the header. Pure, a few hundred bytes of memory.
 */
#ifndef CANON_H
#define CANON_H

#include <stdbool.h>
#include <stddef.h>

enum canon_op {
	CANON_KEEP,  /* bytes of the message that belong to the canonical form */
	CANON_DROP,  /* bytes of the message that do not */
	CANON_INSERT /* bytes of the canonical form that the message does not have */
};

/* Called with neighbouring pieces in the order of the message; p lives until it returns. */
typedef void canon_fn(void *arg, enum canon_op op, const void *p, size_t n);

#define CANON_NAME_MAX 64 /* longer field names are never dropped */

struct canon {
	canon_fn *emit;
	void *arg;
	const char *const *ignore;
	enum { CANON_FIRST_LINE, CANON_LINE_START, CANON_LINE, CANON_BODY } state;
	bool dropping;  /* the field that the present line belongs to */
	bool line_empty; /* nothing but CRs so far */
	size_t crs;     /* CRs seen and not yet decided */
	size_t nheld;   /* start of a header line whose name is not complete */
	char held[CANON_NAME_MAX + 1];
};

void canon_init(struct canon *c, const char *const *ignore, canon_fn *emit, void *arg);
void canon_feed(struct canon *c, const void *p, size_t n);
void canon_end(struct canon *c); /* canon_init for the next message */

/* Is this field (name of n bytes, any case) one that stores add? `ignore`: further names, NULL-ended or NULL. */
bool canon_drops(const char *name, size_t n, const char *const *ignore);

#endif
