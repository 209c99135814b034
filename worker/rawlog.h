/*
 * What a tool wrote, kept within bounds: the first RAWLOG_HEAD bytes go to the file as they come, of the rest
 * the last RAWLOG_TAIL bytes are appended at the end, with a line between that says how much was dropped.
 */
#ifndef WORKER_RAWLOG_H
#define WORKER_RAWLOG_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define RAWLOG_HEAD (1u << 20)
#define RAWLOG_TAIL (256u << 10)

struct rawlog;

/* Appends to what the file holds already (an attempt that goes on). */
const struct err *rawlog_open(struct rawlog **out, const char *path);
void rawlog_write(struct rawlog *r, const char *p, size_t n); /* errors are kept for rawlog_close */
/* Writes the tail, syncs, closes and frees; NULL is fine. */
const struct err *rawlog_close(struct rawlog *r);

#endif
