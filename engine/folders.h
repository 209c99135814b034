/*
 * The folders of one account: NAMESPACE, LIST, LSUB and STATUS, as few round trips as the server allows (one
 * with LIST-STATUS). Only the personal namespace counts; what others share is left out and counted.
 */
#ifndef FOLDERS_H
#define FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imap_conn.h"
#include "map.h"

struct folder {
	char *raw; /* as on the wire; "INBOX" always so */
	size_t len;
	char sep;
	const char *role; /* "\Sent" …; NULL */
	bool listed;      /* LIST named it; false: only subscribed */
	bool selectable, subscribed;
	bool made;        /* at the source: names.c has created its counterpart */
	bool has_status;  /* the numbers below are true */
	uint64_t messages, size, modseq; /* size 0: the server does not say */
	uint32_t uidnext, uidvalidity;
};

struct folders {
	struct folder *f; /* sorted by raw name */
	size_t n, cap;
	struct map_side side; /* separator and personal prefix; prefix points to `prefix` */
	char *prefix;
	char **foreign; /* prefixes of namespaces that are not ours */
	size_t nforeign;
	unsigned left_out;   /* folders of other namespaces */
	bool has_size;       /* every size is known */
	char *status_failed; /* display name of a folder whose STATUS was refused; NULL: none */
};

/* done comes once: e is NULL, or why the folders are not known (ERR_SERVER_NO …, or what ended the connection). */
typedef void folders_fn(void *arg, struct folders *f, const struct err *e);

/* Asks on a connection that is ready; `want_modseq` asks for HIGHESTMODSEQ where CONDSTORE is offered. */
void folders_ask(struct imap_conn *c, struct folders *out, bool want_modseq, folders_fn *done, void *arg);

void folders_init(struct folders *f);
void folders_free(struct folders *f);
struct folder *folders_find(const struct folders *f, const char *raw, size_t len); /* NULL: no such folder */

#endif
