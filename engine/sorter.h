/*
 * Records of one size, sorted with little memory: as many as fit are kept and sorted there; more of them go sorted to an
 * unlinked temporary file, piece by piece, and are merged as they are read. A folder of a million messages is
 * compared within a few megabytes.
 */
#ifndef SORTER_H
#define SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct sorter;
typedef int sorter_fn(const void *, const void *);

/* `memory`: bytes of records that are kept; half as much again is used while they are sorted or merged. */
struct sorter *sorter_new(size_t record, size_t memory, sorter_fn *order);
void sorter_free(struct sorter *s); /* NULL is fine */

const struct err *sorter_add(struct sorter *s, const void *record);
uint64_t sorter_count(const struct sorter *s);

/* The smallest record that has not been given yet, valid until the next call; NULL at the end. Once it has been
 * called nothing may be added. */
const struct err *sorter_next(struct sorter *s, const void **record);

#endif
