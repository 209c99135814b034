/*
 * The worker's part of MIGRATION_RETENTION_DAYS: what its spool holds of jobs that have been closed for longer, in
 * done/, failed/, work/ and state/. The worker asks the API about the runs and mailboxes that it finds there, a few
 * hundred at a time; a folder is renamed to .removed-NAME before it is emptied, so that nobody takes what is left of it
 * for whole, and what a crash left behind so goes the next time. Files of failed/ that belong to no run (they could not
 * be read) go by their own age.
 */
#ifndef WORKER_RETENTION_H
#define WORKER_RETENTION_H

struct retention;
struct supervisor;

/* Looks soon, and once an hour from then on; does nothing when the setting is 0. */
struct retention *retention_new(struct supervisor *s);
void retention_free(struct retention *r); /* NULL is fine */

#endif
