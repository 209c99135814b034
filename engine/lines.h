/*
 * Lines of mail in bulk: what a file of many gigabytes goes through, 16 bytes at a time where the processor has SSE2.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that lines_to_crlf may write for n. */
#define LINES_ROOM(n) (2 * (n) + 16)

/* The n bytes at p to out with every line ended by CRLF (RFC 5322, 2.1); *cr: whether the byte before p was CR, then
 * whether the last of p is. Returns the bytes that count; up to LINES_ROOM(n) are written. A CR without LF stays. */
size_t lines_to_crlf(char *out, const char *p, size_t n, bool *cr);

#endif
