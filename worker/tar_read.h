/*
 * A tar archive, gzipped or not, read once from front to back: gzip's checksums are checked (also of several members
 * one after the other), entries may share a name, and the end is the first two zero blocks: what stands behind them is
 * looked at for the checksum's sake only.
 */
#ifndef WORKER_TAR_READ_H
#define WORKER_TAR_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define TAR_NAME_MAX 65536

struct tar_read;

struct tar_entry {
	const char *name; /* as it stands there: never a path to be used */
	uint64_t size;
	int64_t mtime;
	unsigned mode;
	char type; /* '0' a file */
};

/* Takes over fd. `name`: for errors. */
const struct err *tar_open(struct tar_read **out, int fd, const char *name);
bool tar_is_gzip(const struct tar_read *t);
void tar_free(struct tar_read *t); /* NULL is fine */

/* The next entry, after what is left of the one before; *more false at the end of the archive. ERR_SOURCE_DAMAGED says
 * where it broke. */
const struct err *tar_next(struct tar_read *t, struct tar_entry *out, bool *more);
/* Up to n bytes of the entry; *got 0 at its end. */
const struct err *tar_data(struct tar_read *t, void *p, size_t n, size_t *got);
/* After the end: the rest of the gzip stream and its checksum. */
const struct err *tar_finish(struct tar_read *t);

#endif
