/* Text of header fields as people read it: unfolded, encoded-words (RFC 2047) decoded, in UTF-8. Pure. */
#ifndef RFC2047_H
#define RFC2047_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Appends the field body's text to out: white space at both ends cut, each run of white space (folding too) as
 * one space, encoded-words decoded. What cannot be decoded (unknown character set, broken base64) stays as it
 * stands. At most `max` bytes of input are looked at. */
void rfc2047_decode(struct buf *out, const char *s, size_t n, size_t max);

/* Appends n bytes of character set `charset` as UTF-8; bytes that do not belong to it stay themselves. False
 * when the character set is unknown: then the bytes are appended as they are. */
bool rfc2047_to_utf8(struct buf *out, const char *charset, const char *s, size_t n);

/* The value of a parameter in a Content-Type or Content-Disposition field body, RFC 2231 continuations and
 * character sets and encoded-words decoded. False when it is not there. */
bool rfc2047_param(struct buf *out, const char *field, size_t n, const char *name);

#endif
