/*
 * Sets of IMAP flags, each distinct set once: a message then costs four bytes. Names are compared in any case
 * (RFC 9051) and kept as first seen.
 */
#ifndef FLAGSET_H
#define FLAGSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct flagsets;
struct flagsets *flagsets_new(void);
void flagsets_free(struct flagsets *f); /* NULL is fine */

/* The number of the set that "\Seen $Forwarded" names; order, case, repetitions and \Recent do not count. Sets
 * are equal exactly when their numbers are; 0 is the empty set. */
uint32_t flagset_of(struct flagsets *f, const char *text);
/* Its names, lower case, sorted, one space between: valid while f lives. */
const char *flagset_text(const struct flagsets *f, uint32_t set);

/* How two sets differ: system flags ("\…"), keywords. */
#define FLAGSET_SYSTEM 1u
#define FLAGSET_KEYWORDS 2u
unsigned flagset_compare(const struct flagsets *f, uint32_t a, uint32_t b);

#endif
