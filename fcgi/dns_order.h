/* A dns_apply run and its options: {"action":"apply"|"restore","etag","provider",
 * "domains":[{"domain","zone","wanted":{"ttl","records"}}]}. */
#ifndef DNS_ORDER_H
#define DNS_ORDER_H

#include "call.h"
#include "store_job.h"
#include "store_run.h"

/* Queues a run that changes the MX of all domains of the job, from a gate that is ready and whose ETag is If-Match.
 * In the caller's transaction; *v is one run, the caller's to free or to emit. */
const struct err *dns_order_apply(struct call *c, const struct job *j, struct run **v);
/* Queues one that puts back the sets that the last change has saved. ERR_CONFLICT when there is nothing to put back or
 * nobody to do it, ERR_CRED_MISSING, ERR_RUN_ACTIVE. */
const struct err *dns_order_restore(struct call *c, const struct job *j, struct run **v);

/* Of the gate as it is now: ERR_PRECONDITION when it has another ETag, ERR_GATE_CLOSED when it is not ready. */
const struct err *dns_order_gate(struct call *c, int64_t job_id, const char *etag);

#endif
