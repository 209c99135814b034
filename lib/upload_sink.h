/*
 * Where an upload's bytes go: into its file, block by block. The blocks are large and lie at multiples of their size,
 * which the page cache takes at half the price of small ones, and what is written is handed to the disk as it comes, so
 * that a later fsync is short.
 */
#ifndef UPLOAD_SINK_H
#define UPLOAD_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct upload_sink {
	int fd;           /* not the sink's */
	uint64_t written; /* length of the file */
	uint64_t started; /* writeback began up to here */
	char *block;      /* NULL: none yet */
	size_t n;         /* bytes in it, to be written at `written` */
};

void upload_sink_free(struct upload_sink *s); /* what waits in the block is dropped */

/* From here on, at this length of the file; what waits in the block is dropped. */
void upload_sink_set(struct upload_sink *s, int fd, uint64_t length);
/* After an error (ERR_DISK_LOW, ERR_IO) bytes may be missing until upload_sink_set. */
const struct err *upload_sink_write(struct upload_sink *s, const void *p, size_t n);
/* Writes what waits for its block to be full. Errors as above. */
const struct err *upload_sink_flush(struct upload_sink *s);

#endif
