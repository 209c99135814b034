/* A run file: {"version":1,"run_id","job_id","mailbox_id","kind","pass","engine","attempt","options"}. */
#ifndef WORKER_RUNFILE_H
#define WORKER_RUNFILE_H

#include <jansson.h>
#include <stdint.h>

#include "err.h"
#include "model.h"

struct runfile {
	int64_t run_id; /* 0: none; an administrator's file, to be adopted */
	int64_t job_id, mailbox_id;
	enum run_kind kind;
	int64_t attempt; /* the row's when the file was written */
	json_t *doc;     /* the whole, owned */
};

/* ERR_JSON, ERR_INPUT (which field and why), ERR_TOO_LARGE, ERR_PERMISSION, ERR_NOT_FOUND. Fields that it does
 * not know are left alone: a file that comes back from failed/ carries the end of its last attempt. */
const struct err *runfile_read(const char *path, struct runfile *out);
void runfile_free(struct runfile *f); /* one that is zero is fine */

/* The body for POST /runs: what describes the run, nothing of an earlier one; the caller's. */
json_t *runfile_request(const struct runfile *f);
/* The document for done/ and failed/: the run file and how it ended; the caller's. */
json_t *runfile_ended(const struct runfile *f, int64_t attempt, const char *status, const char *code,
	const char *message);

#endif
