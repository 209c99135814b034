/* Text: numbers, case, UTF-8, hex, base64 and percent-encoding, each with its bounds checked. */
#ifndef STR_H
#define STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* The whole of s as a decimal number between min and max: no sign but '-', no spaces. */
bool str_i64(const char *s, int64_t min, int64_t max, int64_t *out);

/* ASCII only, whatever the locale. */
bool str_ieq(const char *a, const char *b);
bool str_istarts(const char *s, const char *prefix);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
void str_lower(char *s);
/* Cuts ASCII white space at both ends, in place; returns the new start inside s. */
char *str_trim(char *s);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_utf8(const char *s, size_t n);
/* Appends the text as UTF-8. One that is none has an unknown charset: its bytes are taken for Latin-1, so that none is lost. */
void str_to_utf8(struct buf *out, const char *s, size_t n);
/* A control character (C0, DEL, or C1 in UTF-8) anywhere. */
bool str_has_control(const char *s, size_t n);

void str_hex(struct buf *out, const void *p, size_t n);
bool str_unhex(struct buf *out, const char *s, size_t n);

enum str_base64 { BASE64, BASE64_NOPAD, BASE64_URL, BASE64_URL_NOPAD };
void str_base64(struct buf *out, const void *p, size_t n, enum str_base64 variant);
/* False, and nothing added, unless all n bytes are that variant. */
bool str_unbase64(struct buf *out, const char *s, size_t n, enum str_base64 variant);

/* RFC 3986: unreserved characters stay. */
void str_percent(struct buf *out, const char *s, size_t n);
/* False on a broken %XX. */
bool str_unpercent(struct buf *out, const char *s, size_t n);

#endif
