/* What the files of the tool readpst + imap_upload.py share; nobody else includes this. */
#ifndef WORKER_TOOL_READPST_IMPL_H
#define WORKER_TOOL_READPST_IMPL_H

#include "lines.h"
#include "room.h"
#include "tool.h"
#include "upload_log.h"

enum step { LOGIN, READ, COUNT, ROOM, CUT, UPLOAD, SPLIT };

struct box {
	char *path, *folder; /* below the place of mboxes, "" for the source itself; at the destination */
	int64_t messages, bytes, handled; /* handled: by an earlier attempt */
};

struct own {
	const struct tool_job *job;
	enum step step;
	char *readpst, *upload, *place; /* place: where readpst writes */
	struct lines lines;
	struct readpst_counts pst;
	struct room room;
	struct box *boxes;
	size_t n_boxes, at;
	int64_t items, total, bytes, ok, refused, present, bytes_done, box_seen;
	char **words; /* of this box's refusals, in order */
	int64_t *numbers;
	size_t n_words, split_at;
	json_t *state; /* what has been moved, by mbox */
	int64_t told, saved;
	bool ended;           /* imap_upload.py's last line came */
	bool logged_in;
	int login_status; /* of the step LOGIN, as of waitpid */
	char damage[600];     /* "" while the source seems whole */
	struct err failure;
};

/* --- tool_readpst.c --- */

/* The source is not whole, for one more reason: what could be read is moved, and the run ends partial. */
void readpst_damaged(struct own *o, const char *what);
/* The error of a program that ended with this status of waitpid. */
const struct err *readpst_step_died(const char *what, int status);

/* --- tool_imap_upload.c --- */

/* It knows LOGIN with an ASCII password over TLS from the first byte, and nothing else: ERR_UNSUPPORTED. */
const struct err *imap_upload_check_account(const struct account *a);
/* ERR_TOOL_MISSING when it would check no certificates. */
const struct err *imap_upload_check_program(const struct own *o);
/* What was moved before, into o->state; another file in the mailbox's place starts from nothing. ERR_TOOL_STATE when
 * it was saved and cannot be read: to take it for nothing would move everything twice. */
const struct err *imap_upload_load(struct own *o);

/* A run that logs in; the caller adds what it shall do. */
const struct err *imap_upload_new(struct own *o, struct spawn **out);
/* A run that moves `file` into the folder of the box at o->at, step UPLOAD. */
const struct err *imap_upload_start(struct own *o, const char *file, struct spawn **out);
/* A line of its output. */
void imap_upload_said(struct own *o, const char *line);
/* After the run: what it has moved is saved. */
const struct err *imap_upload_ended(struct own *o, int status);
/* A run that puts its file of errors into the quarantine, step SPLIT; imap_upload_refused tells of each message. */
const struct err *imap_upload_split(struct own *o, struct spawn **out);
/* The refusal number i of this box, kept as `file` of the quarantine; "": not kept. */
void imap_upload_refused(struct own *o, size_t i, const char *file, int64_t size);
/* Totals; unless `now` at most four times a second. */
void imap_upload_progress(struct own *o, bool now);

#endif
