/*
 * One server response, put together from tokens. Untagged data is kept as a flat list of values (a list's
 * elements follow it); FETCH items are read into struct imap_fetch as they come, so that a body can be
 * streamed the moment its literal starts. Everything is bounded and lives until the next response.
 */
#ifndef IMAP_RESP_H
#define IMAP_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "imap_parse.h"
#include "uidset.h"

enum imap_kind {
	IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_PREAUTH, /* status responses, tagged or not */
	IMAP_CONTINUE,
	IMAP_CAPABILITY, IMAP_ENABLED, IMAP_LIST, IMAP_LSUB, IMAP_STATUS, IMAP_NAMESPACE, IMAP_FLAGS,
	IMAP_EXISTS, IMAP_RECENT, IMAP_EXPUNGE, IMAP_VANISHED, IMAP_FETCH, IMAP_SEARCH, IMAP_ESEARCH,
	IMAP_QUOTA, IMAP_QUOTAROOT, IMAP_ID, IMAP_OTHER
};

enum imap_type { IMAP_V_ATOM, IMAP_V_STRING, IMAP_V_NIL, IMAP_V_LIST };

struct imap_val {
	enum imap_type type;
	const char *s; /* NUL-terminated copy; strings may hold NUL inside: use n */
	size_t n;
	size_t span; /* this value and all inside it: the next sibling is v + span */
};

struct imap_fetch {
	uint32_t seq, uid; /* uid 0: not said */
	bool has_flags, has_date, has_size, has_modseq;
	uint64_t size, modseq;
	const char *flags; /* "\Seen $Forwarded": as sent, without \Recent */
	const char *date;  /* INTERNALDATE as sent */
};

struct imap_resp {
	enum imap_kind kind;
	const char *tag;  /* NULL for untagged */
	uint64_t number;  /* EXISTS, EXPUNGE, FETCH … */
	const char *word; /* the response's name, upper case */
	/* status responses: */
	const char *code;      /* "APPENDUID", upper case; "" without */
	const char *code_args; /* "38505 3955" */
	const char *text;      /* for people */
	/* data: */
	const struct imap_val *v;
	size_t nv; /* values at all depths */
	struct imap_fetch fetch;
	struct uidset uids; /* SEARCH, ESEARCH ALL, VANISHED */
};

/* A body section of a FETCH, streamed. begin sees what of the FETCH has been read so far: a server may send
 * UID, FLAGS or INTERNALDATE after the body. data comes as bytes arrive; end when all `size` have been. */
struct imap_body_ops {
	void (*begin)(void *arg, const struct imap_fetch *f, const char *section, uint64_t size);
	void (*data)(void *arg, const void *p, size_t n);
	void (*end)(void *arg);
};

struct imap_list_item {
	const char *name; /* raw bytes of the wire, modified UTF-7 (or UTF-8) */
	size_t len;
	char sep;         /* '\0': flat */
	bool noselect, nonexistent, noinferiors, subscribed, has_children;
	const char *role; /* "\Sent", "\Drafts" …; NULL without */
};

struct imap_status_item {
	const char *name;
	size_t len;
	bool has_messages, has_uidnext, has_uidvalidity, has_modseq, has_size;
	uint64_t messages, modseq, size;
	uint32_t uidnext, uidvalidity;
};

/* False when the response is not of that shape. */
bool imap_resp_list(const struct imap_resp *r, struct imap_list_item *out);
bool imap_resp_status(const struct imap_resp *r, struct imap_status_item *out);
/* The code's first number, "[UIDNEXT 5]"; false when the code is another or has none. */
bool imap_resp_code_number(const struct imap_resp *r, const char *code, uint64_t *out);
/* "[APPENDUID 38505 3955:3957]"; out is cleared first. */
bool imap_resp_appenduid(const struct imap_resp *r, uint32_t *uidvalidity, struct uidset *out);

struct imap_reader; /* a parser and the response being built */

struct imap_reader *imap_reader_new(void);
void imap_reader_free(struct imap_reader *r);
/* Takes from the n bytes at p at most up to the end of one response; *used says how many. *done: *resp is
 * complete and stands until the next call. Called again with what is left and what has arrived since.
 * `body` may be NULL (sections are then ordinary values in v, at most 1 MiB a response). Stops early, without
 * error, when *pause becomes true inside a body callback. ERR_PROTOCOL otherwise. */
const struct err *imap_reader_feed(struct imap_reader *r, const char *p, size_t n, size_t *used, bool *done,
	const struct imap_resp **resp, const struct imap_body_ops *body, void *arg, const bool *pause);

#endif
