/*
 * One server response (RFC 9051, section 7), and what the ones that we ask for say. Untagged data is a flat list of
 * values (a list's elements follow it); FETCH items stand in struct imap_fetch. The reader (imap_reader.h) makes it
 * and owns it: it lives until the next one.
 */
#ifndef IMAP_RESP_H
#define IMAP_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
