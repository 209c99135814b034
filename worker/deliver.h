/*
 * The outbox: a run's end is written to outbox/RUN.json and synced before it is first sent, and stays there until
 * the API has answered. One delivery hands over the last totals, the files (log, events, quarantine), then the
 * final report, then what did not fit into it; while the API is away it tries again with growing pauses. Sending anything twice is
 * harmless: files carry their offset, reports their sequence number.
 *
 *   {"run_id","attempt","worker","file":{run file},"beat":{item of PATCH /runs},"report":{body of PATCH /runs/{id}}}
 */
#ifndef WORKER_DELIVER_H
#define WORKER_DELIVER_H

#include <jansson.h>
#include <stdint.h>

#include "api.h"
#include "err.h"
#include "loop.h"
#include "runfile.h"
#include "spool.h"

struct delivery;

enum delivery_end {
	DELIVERY_DONE,     /* the API has the run's end */
	DELIVERY_REQUEUED, /* it has, and tries the run again */
	DELIVERY_STALE     /* the attempt is over: nothing of it counts any more */
};

typedef void delivery_fn(void *arg, enum delivery_end end);

/* `beat` may be NULL: nothing more to say of progress. */
const struct err *outbox_write(const struct spool *s, const struct runfile *f, json_t *report, json_t *beat);
const struct err *outbox_remove(const struct spool *s, int64_t run);

/* Reads outbox/RUN.json and begins. `dir`: running/RUN; both must outlive it. */
const struct err *delivery_start(struct delivery **out, struct loop *l, struct api *a, const struct spool *s,
	int64_t run, const char *dir, delivery_fn *fn, void *arg);
void delivery_free(struct delivery *d); /* NULL is fine; the outbox keeps its file */
void delivery_hurry(struct delivery *d); /* the API is back: try now */

/* What the outbox said. */
const struct runfile *delivery_file(const struct delivery *d);
int64_t delivery_attempt(const struct delivery *d);
const char *delivery_text(const struct delivery *d, const char *key); /* of the report: status, code, message; "" */

#endif
