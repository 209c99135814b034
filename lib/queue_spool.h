/* The spool as the queue's carrier: run files in SPOOL/incoming, written in SPOOL/tmp. Used by queue.c. */
#ifndef QUEUE_SPOOL_H
#define QUEUE_SPOOL_H

#include <stdint.h>

#include "err.h"

/* tmp and incoming are there and may be written. */
const struct err *queue_spool_check(const char *spool);
/* incoming/RUN.json with this text, mode 0640; one that is there is left alone. */
const struct err *queue_spool_emit(const char *spool, int64_t run_id, const char *text);

#endif
