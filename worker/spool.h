/*
 * The spool's folders and the moves between them (migration-spool.5). Every move is a rename or a link on one
 * file system; what must survive a power cut is synced before the next step relies on it.
 *
 * A run belongs to whoever holds the lock of running/RUN/lock. The folder is made before the run file is moved
 * into it, so that of two workers on one spool exactly one gets it.
 */
#ifndef WORKER_SPOOL_H
#define WORKER_SPOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum spool_dir {
	SPOOL_TMP,
	SPOOL_INCOMING,
	SPOOL_RUNNING,
	SPOOL_DONE,
	SPOOL_FAILED,
	SPOOL_OUTBOX,
	SPOOL_WORK,
	SPOOL_STATE,
	SPOOL_DIR_COUNT
};

#define SPOOL_FILE_MAX 65536 /* bytes of a run file */
#define SPOOL_NONCE_SIZE 33  /* hex digits and the NUL */

struct spool;

/* A run's folder under running/, owned. */
struct spool_run {
	int64_t id;
	int lock;                     /* held flock */
	char *dir;                    /* running/RUN */
	char nonce[SPOOL_NONCE_SIZE]; /* of its claim file; "" while there is none */
	bool has_file;                /* run.json is there: taken earlier */
};

/* Makes the folders that are the worker's own (0700); tmp and incoming must be there, or are made when the
 * whole spool is missing and may be made. */
const struct err *spool_open(struct spool **out, const char *path);
void spool_close(struct spool *s);
const char *spool_path(const struct spool *s, enum spool_dir d);
/* Path of a name inside a folder; the caller frees it. */
char *spool_file(const struct spool *s, enum spool_dir d, const char *name);
char *spool_run_file(const struct spool *s, enum spool_dir d, int64_t run, const char *suffix);

/* Calls fn for each name in a folder (not those that start with a dot), in the order of their numbers. */
const struct err *spool_each(const struct spool *s, enum spool_dir d, void (*fn)(void *arg, const char *name),
	void *arg);

/* Makes running/RUN (when `make`) and locks it. *owned is false when another worker has it, or when it is not
 * there and `make` is false. */
const struct err *spool_own(const struct spool *s, int64_t run, bool make, struct spool_run *out, bool *owned);
/* Writes the claim file with a new nonce (unless there is one) and moves incoming/NAME to running/RUN/run.json
 * (unless NAME is NULL). *gone: the file was no longer there. */
const struct err *spool_take(const struct spool *s, struct spool_run *r, const char *name, bool *gone);
/* Releases the lock; the folder stays. */
void spool_release(struct spool_run *r);
/* Removes running/RUN and work/RUN and releases the lock. */
const struct err *spool_drop(const struct spool *s, struct spool_run *r);

/* Moves incoming/NAME to failed/ and writes failed/X.why with the reason in words. */
const struct err *spool_reject(const struct spool *s, const char *name, const struct err *why);
/* Writes done/RUN.json or failed/RUN.json. */
const struct err *spool_put(const struct spool *s, enum spool_dir d, int64_t run, const json_t *doc);

#endif
