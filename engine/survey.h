/*
 * What an account holds: its folders with their counts, in as few round trips as the server allows
 * (NAMESPACE, then LIST-STATUS, or LIST and a STATUS each, pipelined). Verifier and preflight look with their own
 * eyes: this shares nothing with the copier but the connection. Only the personal namespace counts: what other
 * users share is theirs to move.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imap_conn.h"
#include "map.h"

struct survey_folder {
	char *raw; /* as on the wire */
	size_t len;
	char sep;
	char *role;    /* "\Sent" …; NULL */
	char *display; /* UTF-8 */
	bool selectable; /* neither \Noselect nor \NonExistent */
	bool counted;    /* messages, uidnext and uidvalidity are known */
	bool sized;      /* bytes is known */
	uint64_t messages, bytes;
	uint32_t uidnext, uidvalidity; /* 0: not said */
};

struct survey {
	struct survey_folder *f; /* in the order of LIST */
	size_t n, cap;
	struct map_side side;
	/* private */
	struct imap_conn *conn;
	void (*fn)(void *arg, const struct err *e);
	void *arg;
	char *prefix, *status_items;
	char **foreign; /* prefixes of other users' and shared namespaces */
	size_t nforeign;
	const struct err *error;
	unsigned open;
	size_t last; /* where the last STATUS was found */
	bool has_namespace, has_sep; /* has_sep: from INBOX */
};

/* On a connection that is ready. fn comes once, unless the connection is lost (its own event says so): with NULL
 * when the list is complete, else with why LIST was refused. A folder whose STATUS was refused stays !counted.
 * with_bytes asks for STATUS=SIZE where it is offered. */
void survey_start(struct survey *s, struct imap_conn *c, bool with_bytes, void (*fn)(void *arg, const struct err *e),
	void *arg);
void survey_free(struct survey *s); /* a zeroed one is fine; its connection must be closed or idle */

/* The folder of that raw name (INBOX in any case); NULL when there is none. */
const struct survey_folder *survey_find(const struct survey *s, const char *raw);

struct map_folder survey_map_folder(const struct survey_folder *f);

#endif
