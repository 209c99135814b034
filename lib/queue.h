/*
 * How a run that is queued in the database becomes known to workers. The row comes first; emitting is at
 * least once and harmless to repeat, because only a claim starts anything. Today one carrier: the spool
 * folder (queue_spool.c).
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "conf.h"
#include "err.h"
#include "store_run.h"

struct queue;

/* MIGRATION_QUEUE: "spool:" (MIGRATION_SPOOL_PATH) or "spool:/folder". The folders must exist: nothing is
 * created. */
const struct err *queue_open(struct queue **out, const struct conf *c);
void queue_close(struct queue *q);

/* Writes incoming/RUN.json (tmp/, fsync, link); a file that is there already is success. The run must be
 * queued, not held. */
const struct err *queue_emit(struct queue *q, const struct run *r);

/* The run file's text, one JSON document and a line feed; the caller's to free. */
char *queue_run_file(const struct run *r);

#endif
