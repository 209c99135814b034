/* What readpst and imap_upload.py print, understood: lines in, facts out. Pure. */
#ifndef WORKER_UPLOAD_LOG_H
#define WORKER_UPLOAD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* readpst: an item that is done is a mail, a meeting, a contact or a folder below; one that is skipped is something
 * else, or could not be read: only its debug output parts the two. */
struct readpst_counts {
	int64_t folders, done, skipped;
	int64_t other;     /* of the skipped: said to be of a kind that is no mail */
	bool usage;        /* it does not know its arguments */
	bool hostile;      /* a folder named "." or ".." */
	char worst[256];   /* the folders with skipped items, as printed */
	char failure[256]; /* its last words of failure */
};

void readpst_line(struct readpst_counts *c, const char *line);
void readpst_debug(struct readpst_counts *c, const char *line);

enum upload_said { UPLOAD_NOTHING, UPLOAD_OK, UPLOAD_REFUSED, UPLOAD_DONE, UPLOAD_FAILED };

struct upload_line {
	int64_t number, total;        /* of a message, from 1 on */
	int64_t ok, warnings, errors; /* of the last line */
	const char *words;            /* REFUSED, FAILED; inside the line */
	enum err_id code;
};

enum upload_said upload_line(const char *line, struct upload_line *out);

#endif
