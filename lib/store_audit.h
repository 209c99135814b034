/*
 * The audit trail: append-only, each row carries the hash of the one before.
 * hash = hex BLAKE2b-256 of: previous, id, at, actor, role, action, job_id ("" for none), subject, detail;
 * each as its length in decimal, ':' and its bytes.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store.h"

/* `detail`: a JSON object's text, or NULL. Inside a transaction (store_begin) only. */
const struct err *audit_add(struct store *s, const struct actor *by, const char *action, int64_t job_id,
        const char *subject, const char *detail);
/* The same with subject "KIND:ID" and a detail that is freed: audit_addf(s, by, "run.claim", job, "run", 31,
 * text). */
const struct err *audit_on(struct store *s, const struct actor *by, const char *action, int64_t job_id,
        const char *kind, int64_t id, char *detail);

struct audit_row {
	int64_t id, at, job_id; /* job_id 0: none */
	char *actor, *role, *action, *subject, *detail, *hash;
};
void audit_rows_free(struct audit_row *v, size_t n);
/* Newest first; `before` 0: from the end; job_id 0: all. */
const struct err *audit_list(
        struct store *s, int64_t job_id, int64_t before, size_t limit, struct audit_row **v, size_t *n);

#define AUDIT_HASH 65 /* bytes of a hash as text */
/* The last row: what anchors the whole trail. *id 0 and "" while there is none. */
const struct err *audit_head(struct store *s, int64_t *id, char hash[AUDIT_HASH]);
/* The hash of one row; "" when there is no such row. */
const struct err *audit_hash_of(struct store *s, int64_t id, char hash[AUDIT_HASH]);

struct audit_check {
	bool ok;
	int64_t rows;   /* checked */
	int64_t bad_id; /* first row that is wrong */
	char what[160]; /* "row 17: its content was changed", "rows 5 to 7 are missing" … */
};
const struct err *audit_verify(struct store *s, struct audit_check *out);

#endif
