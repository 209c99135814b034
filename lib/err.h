/*
 * Errors: one polarity everywhere. A fallible function returns `const struct err *`; NULL is success.
 *
 * An error is a row of the one table in err_table.h (its stable code, what to do about it) and one line of
 * text that says what, where. Errors live in a small ring of the calling thread: never free one, and hand it
 * up or report it before ERR_RING further errors are made. Clean-up code keeps the first error it has.
 */
#ifndef ERR_H
#define ERR_H

#include <stddef.h>

#define ERR_MSG_SIZE 512 /* bytes with the NUL; longer texts are cut at a character boundary */
#define ERR_RING 16

enum err_id {
	ERR_NONE = 0,
#define ERR_ROW(id, code, retry, http, exit_, en, remedy_en, pt, remedy_pt) id,
#include "err_table.h"
#undef ERR_ROW
	ERR_COUNT
};

/* What a scheduler may do about it. */
enum err_retry {
	RETRY_NEVER, /* the same attempt fails the same way: a person must act */
	RETRY_LATER, /* passes by itself: try again after a pause that grows */
	RETRY_ONCE   /* may be chance: one more attempt, then a person */
};

struct err {
	enum err_id id;
	int sys; /* errno behind it, or 0 */
	char msg[ERR_MSG_SIZE];
};

struct err_row {
	enum err_id id;
	const char *code; /* stable, dotted: "auth.rejected" */
	enum err_retry retry;
	int http; /* status when the API answers with it */
	int exit; /* exit status of a program that ends with it (sysexits) */
	const char *en, *remedy_en;
	const char *pt, *remedy_pt;
};

const struct err *err_new(enum err_id id, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From errno (ENOSPC and EDQUOT: disk.low, EACCES and EPERM: permission.denied, ENOENT: not_found, else
 * io.failed); strerror is appended. errno must still be the failing call's. */
const struct err *err_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same error with "context: " before its text. NULL stays NULL. */
const struct err *err_wrap(const struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The table's row of an id, or of a code as text (NULL when there is none). */
const struct err_row *err_row(enum err_id id);
const struct err_row *err_row_by_code(const char *code);

const char *err_code(const struct err *e); /* "" for NULL */
int err_exit(const struct err *e);         /* 0 for NULL */

#endif
