/* Modified UTF-7 (RFC 3501 section 5.1.3), both ways. Pure. */
#ifndef IMAP_UTF7_H
#define IMAP_UTF7_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Appends the UTF-8. False (and nothing added) when it is not well-formed: bad base64, odd bits, a lone
 * surrogate, 8-bit bytes. */
bool utf7_decode(struct buf *out, const char *p, size_t n);
/* Appends modified UTF-7 of well-formed UTF-8; false (and nothing added) when it is not that. */
bool utf7_encode(struct buf *out, const char *p, size_t n);

#endif
