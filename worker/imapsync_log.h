/*
 * What imapsync prints, understood: bytes in, however they are cut; progress, refusals and losses out as they are
 * said, counts at the end. Pure: it opens nothing and knows no run. Lines that it does not know are passed over.
 *
 * Dates are not read (their words follow the locale). A message that could not be moved is said inline and again in
 * the closing list ("Err 3/7: …"): the list is passed over. Of several Statistics blocks the last one counts.
 */
#ifndef WORKER_IMAPSYNC_LOG_H
#define WORKER_IMAPSYNC_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "lines.h"

#define IMAPSYNC_LINE_MAX 65536

struct imapsync_counts {
	int64_t folders, folders_done;      /* "Folder 3/21" */
	int64_t source_messages, source_bytes, dest_bytes; /* -1: not said */
	int64_t done, total;                /* "X/Y msgs left" */
	int64_t copied, copied_bytes;       /* lines "copied to" */
	int64_t transferred, skipped, void1, duplicate1, cross2, not_in2; /* Statistics; -1: not said */
	int64_t detected;                   /* "Detected N errors", -1: not said */
	int64_t errors, ignored;            /* said inline: failures; losses that imapsync does not count */
	int64_t quota_used, quota_limit;    /* of the destination, bytes; -1: not said */
	int64_t unsynced;                   /* of the verdict "not finished"; 0: looks good; -1: no verdict */
	bool throttled;
	bool ended;                         /* the line "Exiting with return value" came */
	int exit_value;
	enum err_id most_frequent;          /* ERR_NONE: not said */
};

enum imapsync_said {
	IMAPSYNC_FOLDER,   /* begins: folder */
	IMAPSYNC_PROGRESS, /* the counts moved on */
	IMAPSYNC_REFUSED,  /* a message was not moved: folder, uid, size, code, words */
	IMAPSYNC_FAILED,   /* anything else that counts as an error: code, words */
	IMAPSYNC_THROTTLED,
};

struct imapsync_item {
	enum imapsync_said said;
	const char *folder, *words; /* "" when there is none; until the call returns */
	int64_t uid, size;
	enum err_id code;
};

typedef void imapsync_fn(void *arg, const struct imapsync_item *item);

struct imapsync_log {
	struct lines lines;
	struct imapsync_counts counts;
	bool statistics; /* inside the last block */
	char folder[1024];
	imapsync_fn *fn;
	void *arg;
};

void imapsync_log_init(struct imapsync_log *l, imapsync_fn *fn, void *arg);
void imapsync_log_free(struct imapsync_log *l);
void imapsync_log_feed(struct imapsync_log *l, const char *p, size_t n);

/* What a server's or imapsync's words of failure mean; ERR_MESSAGE_REFUSED when nothing better is known. */
enum err_id imapsync_code(const char *words);

#endif
