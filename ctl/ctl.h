/* migrationctl: what its commands share. One file a group of commands; main.c has their table. */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "store.h"

struct ctl {
	const char *settings, *worker; /* paths of migration.env and worker.env */
	struct conf *conf;             /* loaded by ctl_conf */
	struct store *store;           /* opened by ctl_store */
	char *who;                     /* "ctl|USER": for the audit trail */
	struct actor by;
};

/* A command: its arguments without group and name. Sets *status to what the program exits with when there is
 * no error. */
typedef const struct err *ctl_command(struct ctl *c, int argc, char **argv, int *status);

ctl_command cmd_audit_list, cmd_audit_verify, cmd_certificate_verify, cmd_database_init, cmd_doctor, cmd_job_list, cmd_key_generate,
        cmd_key_issuer, cmd_key_signing, cmd_token_issue, cmd_user_add, cmd_user_delete, cmd_user_disable, cmd_user_enable,
        cmd_user_list, cmd_user_passwd, cmd_verify, cmd_worker_add, cmd_worker_key, cmd_worker_list,
        cmd_worker_revoke;

/* The settings, read once. Mistakes end the program's work (ERR_CONFIG); doctor looks at them itself. */
const struct err *ctl_conf(struct ctl *c);
/* The store. Root becomes the owner of MIGRATION_DATA_PATH first (for good), so that no file there becomes
 * root's. */
const struct err *ctl_store(struct ctl *c, enum store_mode mode);

/* --- arguments --- */
struct ctl_option {
	const char *name;   /* "--role" */
	const char **value; /* takes an argument when not NULL */
	bool *flag;
};
/* Takes the options out of argv; what is left are operands, of which there must be min to max. ERR_USAGE. */
const struct err *ctl_options(int *argc, char **argv, const struct ctl_option *options, int min, int max);
/* The option's text as a number. ERR_USAGE naming it. */
const struct err *ctl_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *out);

/* --- output --- */
/* Text from the database on a terminal: control characters as \xHH. */
void ctl_print(const char *s);
/* "2026-11-22 13:00:00" in UTC, "never" for 0; returns out (at least 24 bytes). */
const char *ctl_time(int64_t ms, char *out);

/* --- files of keys --- */
/* An ES256 pair: `private` (0600) and `private`.pub (0644), both new: ERR_CONFLICT when one exists. The
 * public PEM goes to pem. */
const struct err *ctl_new_pair(const char *private, struct buf *pem);
/* Puts `value` first into the comma list of KEY in a settings file, which is made (0640) when it is missing;
 * other lines, owner, group and mode stay. `group`: of a new file, when there is such a group and we are
 * root. */
const struct err *ctl_settings_prepend(
        const char *path, const char *key, const char *value, const char *group);

/* The same, but what was there goes. */
const struct err *ctl_settings_replace(
        const char *path, const char *key, const char *value, const char *group);

/* --- public keys of certificates --- */
struct ctl_keys {
	unsigned char (*v)[32];
	size_t n;
};
void ctl_keys_free(struct ctl_keys *k);
/* MIGRATION_SIGNING_PUBLIC_KEYS; none when it is not set. */
const struct err *ctl_keys_of_settings(struct ctl *c, struct ctl_keys *out);

/* --- the sealing pair --- */
/* The public key (URL-safe base64) of a secret one as it stands in MIGRATION_CREDENTIALS_KEY. ERR_KEY. */
const struct err *ctl_public_of(const char *secret, struct buf *out);

#endif
