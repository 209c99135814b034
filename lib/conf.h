/*
 * Settings: one table (conf_table.h) of MIGRATION_* names, types, defaults and bounds; two files that the
 * programs read themselves. Values never come from environ.
 *
 *   # comment                      KEY=VALUE a line; spaces around both are cut; a value may stand in
 *   MIGRATION_DATA_PATH=/srv/mail  'single' or "double" quotes (in double quotes \\ and \" escape)
 *
 * migration.env is read by every program; worker.env by the worker and migrationctl, and what it says goes
 * before what migration.env says. A setting that only the worker may know (conf_row.worker) is a mistake in
 * migration.env. All mistakes are collected and reported at once, each "FILE:LINE: what, and what to do".
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum conf_type {
	CONF_TEXT,   /* any text without control characters */
	CONF_PATH,   /* absolute */
	CONF_INT,    /* min..max */
	CONF_BOOL,   /* true false yes no on off 1 0 */
	CONF_RATIO,  /* "0.99": 0 to 1, at most 6 decimals; conf_int gives millionths */
	CONF_TLS,    /* tls starttls none; true = tls, false = none; conf_int gives enum tls_mode */
	CONF_LIST,   /* comma separated, spaces cut */
	CONF_ROLES,  /* comma list of role names that people may have; conf_int gives a mask of 1 << enum role
	              */
	CONF_CHOICE, /* one of conf_row.choices ("a|b|c"); conf_int gives its place */
	CONF_URL     /* http:// or https:// */
};

enum conf_key {
#define CONF_ROW(key, name, type, def, min, max, choices, flags, en, pt) key,
#include "conf_table.h"
#undef CONF_ROW
	CONF_COUNT
};

struct conf_row {
	const char *name;
	enum conf_type type;
	const char *def; /* NULL: none; some defaults follow from another setting (see help) */
	int64_t min, max;
	const char *choices;
	bool secret; /* never shown, wiped when freed */
	bool worker; /* only in worker.env */
	const char *en, *pt;
};

struct conf;

struct conf_source {
	const char *settings;   /* migration.env's path; NULL: none */
	bool settings_optional; /* a file that is missing or may not be read is fine (a worker on another
	                           host) */
	const char *worker;     /* worker.env's path or "fd:N"; NULL: none */
	bool worker_optional;
};

/* *out is always set (conf_free it), with defaults where a value was not valid. ERR_CONFIG when there are
 * mistakes, which are appended to `mistakes`, one a line; the error's text is the first of them. */
const struct err *conf_load(struct conf **out, const struct conf_source *src, struct buf *mistakes);
void conf_free(struct conf *c);

const struct conf_row *conf_row(enum conf_key k);
bool conf_find(const char *name, enum conf_key *k); /* by its MIGRATION_ name */

bool conf_set(const struct conf *c, enum conf_key k); /* a file said so: not the default */
/* The value as text: "" when there is neither value nor default. Lives as long as c. */
const char *conf_str(const struct conf *c, enum conf_key k);
int64_t conf_int(const struct conf *c, enum conf_key k); /* INT RATIO TLS ROLES CHOICE; BOOL: 0 or 1 */
bool conf_bool(const struct conf *c, enum conf_key k);
/* NULL-terminated items of a LIST. */
char *const *conf_list(const struct conf *c, enum conf_key k);
/* What may be shown: the value, "********" for a secret that is set, "" for one that is not. */
const char *conf_shown(const struct conf *c, enum conf_key k);

/* Where the files were ("" when not given). */
const char *conf_settings_path(const struct conf *c);
const char *conf_worker_path(const struct conf *c);

/* The instant that lies MIGRATION_RETENTION_DAYS before now_ms; 0: files of closed jobs are kept. */
int64_t conf_retention_before(const struct conf *c, int64_t now_ms);

/* MIGRATION_DATA_PATH/name, the caller's to free. */
char *conf_data_path(const struct conf *c, const char *name);

#endif
