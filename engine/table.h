/* Tables on standard output for people. Text of mails and servers comes out fit for a terminal: no control characters, no
 * broken UTF-8 ('?' in their place). Columns are those of a terminal (wcwidth(3)). */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

#include "buf.h"

/* Appends as much of `s` as fits into `width` columns; the columns that it takes. */
size_t table_cut(struct buf *out, const char *s, size_t width);

size_t table_width(const char *s);

/* The width of a column that starts with `least` and shall hold `s` too, within reason: few lines may stick out. */
size_t table_widen(size_t least, const char *s);

/* Prints all of it, padded to `width` columns. */
void table_text(const char *s, size_t width);

#endif
