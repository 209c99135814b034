/* Uploads of this service: where they are, how long they live, how much room there is. */
#ifndef UPLOADS_H
#define UPLOADS_H

#include "app.h"
#include "store_upload.h"

char *uploads_dir(const struct app *app); /* the caller's */
int64_t uploads_max(const struct app *app);    /* MIGRATION_MAX_PST_GB in bytes */
int64_t uploads_expiry(const struct app *app, int64_t now_ms);

/* ERR_DISK_LOW unless there is room for `more` bytes and for what all uploads on their way have announced, and
 * MIGRATION_DISK_RESERVE_MB stays free. */
const struct err *uploads_room(struct app *app, int64_t more);
/* The same for bytes that are announced already: only the reserve counts. */
const struct err *uploads_reserve(const struct app *app);

/* The keeper's: goes on with the SHA-256 of complete uploads that came faster than it was computed, for a quarter of
 * a second. *more: there may be more to do at once. */
const struct err *uploads_hash(struct app *app, bool *more);

/* The keeper's: removes what was given up by its sender, and files that no row knows. */
const struct err *uploads_sweep(struct app *app);

#endif
