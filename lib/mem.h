/*
 * Memory that is there or ends the process: every allocator logs "out of memory" and exits 71 (EX_OSERR).
 * A pool's or the engine's process that runs out is replaced by its parent; nothing is half done, because
 * what must survive is on disk by then. Sizes are checked for overflow.
 */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>

void *xmalloc(size_t n); /* n may be 0 */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Frees a NUL-terminated secret after wiping it; NULL is fine. */
void free_secret(char *s);

#endif
