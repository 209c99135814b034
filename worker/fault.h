/*
 * Named points at which a test build dies as if the power had been cut (`migration-worker -F POINT`): no
 * clean-up, no further write. Compiled only with --enable-fault-points (implied by --enable-sanitizers);
 * elsewhere FAULT costs nothing and -F is refused.
 */
#ifndef WORKER_FAULT_H
#define WORKER_FAULT_H

#ifdef FAULT_POINTS
/* Dies at `point`, "NAME" or "NAME:N" (the N-th time it is reached). */
void fault_arm(const char *point);
void fault_hit(const char *name);
#define FAULT(name) fault_hit(name)
#else
#define FAULT(name) ((void)0)
#endif

#endif
