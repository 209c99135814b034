/* The preflight's inside: check.c looks, check_probe.c writes. */
#ifndef CHECK_H
#define CHECK_H

#include <jansson.h>

#include "app.h"
#include "ident.h"
#include "imap_conn.h"
#include "survey.h"

struct check;

struct check_side {
	const struct endpoint *ep;
	struct check *check;
	struct imap_conn *conn;
	const char *stage; /* the check that is under way */
	bool ready, lost;
	bool failed; /* why: the first check that failed */
	struct err why;
	bool refused;
	struct err why_refused;
	struct survey survey;
	uint64_t folders, messages, bytes;
	bool has_quota;
	int64_t quota_used, quota_limit; /* bytes */
	bool looked, uidplus;  /* looked: its capabilities are known */
	int64_t rtt_ms;
	uint64_t append_limit; /* 0: none is said */
	uint64_t too_large;    /* source: messages over the destination's limit */
};

struct check {
	struct app *app;
	struct check_side side[2];
	bool probing;
	bool probed; /* the write probe came to its end: what follows is known */
	uint8_t rung; /* by which the probe message was recognised; IDENT_RUNGS: by none */
	bool date_lost, flags_lost, keywords_lost;
};

/* One check event and a line for people; `more` (may be NULL) is taken over. e NULL: ok, with text. */
void check_event(struct check *ck, struct check_side *s, const char *name, const struct err *e, json_t *more,
	const char *text);
const struct err *check_connect(struct check *ck, struct check_side *s);
const struct err *check_wait(struct check *ck, struct check_side *s); /* imap_wait that minds app->stop */
void check_disconnect(struct check_side *s);

/* The write probe: creates a folder of an unlikely name, appends a message, reads it back, deletes the folder;
 * also those that an earlier probe was kept from deleting. */
void check_write(struct check *ck, struct check_side *s);

/* check_advice.c: what the facts mean, in words; what to do about a failure. */
void check_advise(struct check *ck);
void check_remedy(const struct check *ck, const struct err *e);

#endif
