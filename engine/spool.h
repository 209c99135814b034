/* One message kept aside: up to SPOOL_MEMORY in memory, longer ones in an unlinked temporary file. */
#ifndef SPOOL_H
#define SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define SPOOL_MEMORY (1u << 20)

struct spool {
	struct buf mem;
	int fd; /* -1: all in memory */
	uint64_t size, read;
};

void spool_init(struct spool *s);
void spool_reset(struct spool *s); /* empty again */
const struct err *spool_add(struct spool *s, const void *p, size_t n);
/* The next bytes, at most n; *got 0 at the end. */
const struct err *spool_read(struct spool *s, void *p, size_t n, size_t *got);
void spool_free(struct spool *s);

const struct err *spool_make_file(int *fd); /* an unlinked temporary file in TMPDIR */

#endif
