/*
 * What has been copied: one SQLite file a mailbox pair. It makes a pass start where the last one ended, and
 * a killed one resumable without a message missing or twice:
 *
 *	todo(folder)  = UIDs over `done` that are not in `copied`, and those in `pending`
 *	in flight     = while `active`, an unknown part of todo may be at the destination already, there with a
 *	                UID >= `floor`; everything settled lies below floor
 *
 * `active` and `floor` are on disk before a folder's first APPEND. Later writes are grouped: what a crash loses of
 * them only makes the part in flight larger, which is resolved by looking at both sides (reconcile.c).
 */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "uidset.h"

struct state;

struct state_folder {
	int64_t id; /* 0: not in the file yet */
	uint32_t src_uidvalidity, dst_uidvalidity; /* dst 0: not known yet */
	uint32_t done, floor;
	bool active;
	uint64_t modseq; /* of the source, when flags were last the same; 0: not known */
};

enum state_pending { STATE_RETRY = 1, STATE_REFUSED = 2 };

/* path NULL: in memory. from and to name the accounts. A file that is damaged or of other accounts is moved to
 * FILE.old and a new one begun; *rebuilt then says why (else NULL). ERR_STATE_BUSY while another engine has it. */
const struct err *state_open(struct state **out, const char *path, const char *from, const char *to,
	const struct err **rebuilt);
/* To look only: a file that is missing, damaged or of other accounts counts as empty and stays as it is, and nothing of
 * what follows is ever written. */
const struct err *state_peek(struct state **out, const char *path, const char *from, const char *to,
	const struct err **rebuilt);
void state_close(struct state *s); /* commits; NULL is fine */

/* Milliseconds since something was last written, by whoever; INT64_MAX for a new file. */
int64_t state_age_ms(const struct state *s);

/* What follows joins a transaction that state_commit ends. */
const struct err *state_commit(struct state *s);
bool state_dirty(const struct state *s);

const struct err *state_folder_get(struct state *s, const char *src, size_t src_len, const char *dst,
	struct state_folder *out);
/* Inserts (id 0) or updates. */
const struct err *state_folder_put(struct state *s, const char *src, size_t src_len, const char *dst,
	struct state_folder *f);
/* Forgets all that is known of its messages: done 0, floor 1. */
const struct err *state_folder_reset(struct state *s, struct state_folder *f);

/* The i-th UID of src is the i-th of dst; dst NULL: their UIDs there are not known. */
const struct err *state_copied_add(struct state *s, int64_t folder, const struct uidset *src, const struct uidset *dst);
/* They are not at the destination after all, or left both sides. */
const struct err *state_copied_drop(struct state *s, int64_t folder, const struct uidset *src);
/* Adds the source UIDs over `above` that are copied. */
const struct err *state_copied(struct state *s, int64_t folder, uint32_t above, struct uidset *out);
/* Each run of copied messages with known UIDs at the destination, rising. */
typedef void state_run_fn(void *arg, uint32_t src, uint32_t n, uint32_t dst);
const struct err *state_copied_runs(struct state *s, int64_t folder, state_run_fn *fn, void *arg);

const struct err *state_pending_add(struct state *s, int64_t folder, uint32_t src, enum state_pending kind,
	const char *code, const char *words);
const struct err *state_pending_clear(struct state *s, int64_t folder);
const struct err *state_pending_drop(struct state *s, int64_t folder, const struct uidset *src);
const struct err *state_pending(struct state *s, int64_t folder, struct uidset *out);

const struct err *state_note(struct state *s, const char *key, const char *value);
/* *out is NULL when there is none; free() it. */
const struct err *state_noted(struct state *s, const char *key, char **out);

#endif
