/*
 * One PATCH /runs for all runs: once a heartbeat, and at most once a second while something is new. It renews the
 * leases; the answer carries cancel, pause and the end of attempts that another worker has now.
 */
#ifndef WORKER_HEARTBEAT_H
#define WORKER_HEARTBEAT_H

struct heartbeat;
struct supervisor;

struct heartbeat *heartbeat_new(struct supervisor *s);
void heartbeat_free(struct heartbeat *h);
void heartbeat_tick(struct heartbeat *h); /* once a second */

#endif
