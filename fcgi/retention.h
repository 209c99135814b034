/*
 * The keeper's part of MIGRATION_RETENTION_DAYS: artefacts and uploads of jobs that have been closed for longer. What
 * stays is said in store_retention.h; what a certificate names stays as well. The spool is the workers' part.
 *
 * A job is done run by run, each in a transaction in which it is still closed, and noted when all of it is gone from
 * the disk: whatever ends the process in between, the next look begins the job anew and finds less.
 */
#ifndef RETENTION_H
#define RETENTION_H

#include "app.h"

/* As much as can be done in a fraction of a second; the rest next time. */
const struct err *retention_tick(struct app *app);

#endif
