/* The files of runs, as workers have handed them over: MIGRATION_DATA_PATH/artefacts/RUN/NAME. */
#ifndef ARTEFACTS_H
#define ARTEFACTS_H

#include <stdint.h>
#include <sys/types.h>

#include "app.h"

/* Opens for reading; ERR_NOT_FOUND, ERR_FILE_REMOVED. *size: bytes there now. */
const struct err *artefact_open(
	const struct app *app, int64_t run_id, const char *name, int *fd, off_t *size);

/* Opens for appending (made when missing) under a lock that lasts until close; *size: bytes there now. */
const struct err *artefact_open_write(
	const struct app *app, int64_t run_id, const char *name, int *fd, off_t *size);

/* Is the file there? */
bool artefact_exists(const struct app *app, int64_t run_id, const char *name);

/* Removes the files of a run, with ledger all but its logs and events; *files and *bytes rise by what went. */
const struct err *artefacts_remove(
	const struct app *app, int64_t run_id, bool ledger, int64_t *files, int64_t *bytes);
/* After that: on the disk as well. */
const struct err *artefacts_sync(const struct app *app);

/* Hex SHA-256 of the whole file; the caller's to free. */
const struct err *artefact_sha256(int fd, char **hex);

#endif
