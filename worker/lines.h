/* Cuts a stream into lines. A line over the limit is skipped whole and counted. */
#ifndef WORKER_LINES_H
#define WORKER_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct lines {
	struct buf rest;
	size_t max;
	uint64_t too_long; /* lines that were skipped */
	bool skipping;
};

typedef void lines_fn(void *arg, const char *line, size_t n); /* without its end; NUL-terminated */

void lines_init(struct lines *l, size_t max);
void lines_free(struct lines *l);
void lines_feed(struct lines *l, const char *p, size_t n, lines_fn *fn, void *arg);

#endif
