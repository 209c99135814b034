/* Uploads: rows of the files that hold mail. The files are upload_file.h's, and what is on disk of one that is still
 * being received is known there alone. */
#ifndef STORE_UPLOAD_H
#define STORE_UPLOAD_H

#include "store.h"
#include "upload_kind.h"

enum upload_status { UPLOAD_RECEIVING, UPLOAD_COMPLETE, UPLOAD_REMOVED, UPLOAD_STATUS_COUNT };
const char *upload_status_name(enum upload_status s);

struct upload {
	int64_t id;
	char *token, *org, *name, *kind, *sha256, *metadata, *created_by; /* kind "" until it is complete, sha256 until it is known */
	enum upload_status status;
	int64_t size, received;
	int64_t expires_at, created_at, updated_at; /* expires_at 0: it does not */
};
void upload_free(struct upload *u);
void uploads_free(struct upload *v, size_t n);

/* Fills in id and instants. metadata is a JSON object's text. */
const struct err *upload_insert(struct store *s, struct upload *u, const struct actor *by, int64_t now_ms);
const struct err *upload_get(struct store *s, int64_t id, struct upload *out);
/* org NULL: of any. ERR_NOT_FOUND. */
const struct err *upload_find(struct store *s, const char *token, const char *org, struct upload *out);
/* By id; without removed ones. org NULL: of any; status -1: any. */
const struct err *upload_list(struct store *s, const char *org, int status, int64_t after, size_t limit, struct upload **v,
        size_t *n);
/* Those still being received whose time is over, and complete ones that no mailbox was ever given since unused_since_ms. */
const struct err *upload_overdue(struct store *s, int64_t now_ms, int64_t unused_since_ms, struct upload **v, size_t *n);
/* Complete ones that a mailbox of the job has as its source, and none of a job that is open or was closed after
 * closed_before; the first hundred. */
const struct err *upload_list_closed(struct store *s, int64_t job_id, int64_t closed_before, struct upload **v, size_t *n);

/* While it is being received: it lives on. */
const struct err *upload_extend(struct store *s, int64_t id, int64_t expires_at, int64_t now_ms);
/* sha256 NULL: it is not known yet (upload_hashed). */
const struct err *upload_complete(struct store *s, int64_t id, const char *sha256, enum upload_kind kind,
        const struct actor *by, int64_t now_ms);
/* Complete ones whose hash is not known, oldest first; the first hundred. */
const struct err *upload_unhashed(struct store *s, struct upload **v, size_t *n);
const struct err *upload_hashed(struct store *s, int64_t id, const char *sha256, const struct actor *by, int64_t now_ms);
/* ERR_CONFLICT while a mailbox of an open job has it as its source. `why` goes into the audit trail. */
const struct err *upload_remove(struct store *s, int64_t id, const char *why, const struct actor *by, int64_t now_ms);

/* For a run: ERR_UPLOAD_INCOMPLETE unless the mailbox's file, if it has one, is here as a whole. */
const struct err *upload_check_mailbox(struct store *s, int64_t mailbox_id);

#endif
