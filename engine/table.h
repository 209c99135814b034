/* Tables on standard output for people. */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

/* Text of mails and servers, fit for a terminal: no control characters, no broken UTF-8; padded to `width` columns. */
void table_text(const char *s, size_t width);

#endif
