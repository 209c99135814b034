/*
 * A growable run of bytes. Invariants: after any call but buf_free, ptr is not NULL and ptr[len] is NUL, so
 * that it can be read as text when it holds none; cap > len. Start with BUF_INIT. Bounds on what a peer may
 * make us hold are the caller's to check.
 */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *ptr;
	size_t len, cap;
};

extern char buf_empty[1];
#define BUF_INIT                                                                                                       \
	{                                                                                                              \
		.ptr = buf_empty                                                                                       \
	}

void buf_init(struct buf *b);
void buf_free(struct buf *b);        /* back to BUF_INIT */
void buf_wipe(struct buf *b);        /* zeroes the memory, then buf_free */
void buf_reset(struct buf *b);       /* len 0, keeps the memory */
void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes beyond len */
void buf_truncate(struct buf *b, size_t len); /* len must not exceed b->len */
void buf_consume(struct buf *b, size_t n);    /* drops the first n bytes */

void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* The memory as a string of the caller's (free); the buffer is empty afterwards. */
char *buf_detach(struct buf *b);

#endif
