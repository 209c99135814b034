/*
 * Words of the data model that every program shares: kinds, statuses and roles, as they stand in JSON, in
 * the database and in file names. The text of each is the enum's table in model.c.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum role { ROLE_NONE, ROLE_SUPER_ADMIN, ROLE_OPS_LEAD, ROLE_TECHNICIAN, ROLE_GATE_READER, ROLE_WORKER, ROLE_COUNT };

enum run_kind {
	RUN_PREFLIGHT,
	RUN_DISCOVER,
	RUN_SYNC,
	RUN_VERIFY,
	RUN_RECOPY,
	RUN_DNS_READ,
	RUN_DNS_APPLY,
	RUN_STRAGGLER,
	RUN_ROLLBACK,
	RUN_RESEAL,
	RUN_REPORT,
	RUN_KIND_COUNT
};

enum pass { PASS_NONE, PASS_INITIAL, PASS_DELTA, PASS_FINAL, PASS_COUNT };

/* queued -> running <-> paused | waiting -> succeeded | partial | failed | cancelled */
enum run_status {
	RUN_QUEUED,
	RUN_RUNNING,
	RUN_PAUSED,
	RUN_WAITING,
	RUN_SUCCEEDED,
	RUN_PARTIAL,
	RUN_FAILED,
	RUN_CANCELLED,
	RUN_STATUS_COUNT
};

enum source_kind { SOURCE_IMAP, SOURCE_PST, SOURCE_MBOX, SOURCE_TGZ, SOURCE_KIND_COUNT };
enum engine_kind { ENGINE_NATIVE, ENGINE_REFERENCE, ENGINE_KIND_COUNT };
enum tls_mode { TLS_IMPLICIT, TLS_STARTTLS, TLS_NONE, TLS_MODE_COUNT }; /* "tls", "starttls", "none" */
enum auth_kind { AUTH_PASSWORD, AUTH_XOAUTH2, AUTH_OAUTHBEARER, AUTH_MASTER, AUTH_KIND_COUNT };

/* Names; an out-of-range value is a programming error. */
const char *role_name(enum role r);
const char *run_kind_name(enum run_kind k);
const char *pass_name(enum pass p); /* PASS_NONE: "" */
const char *run_status_name(enum run_status s);
const char *source_kind_name(enum source_kind k);
const char *engine_kind_name(enum engine_kind k);
const char *tls_mode_name(enum tls_mode m);
const char *auth_kind_name(enum auth_kind a);

/* The value of a name; false for an unknown one. */
bool role_parse(const char *s, enum role *out);
bool run_kind_parse(const char *s, enum run_kind *out);
bool pass_parse(const char *s, enum pass *out);
bool run_status_parse(const char *s, enum run_status *out);
bool source_kind_parse(const char *s, enum source_kind *out);
bool engine_kind_parse(const char *s, enum engine_kind *out);
bool tls_mode_parse(const char *s, enum tls_mode *out);
bool auth_kind_parse(const char *s, enum auth_kind *out);

/* Properties of a kind of run (one table in model.c). */
bool run_kind_changes_mail(enum run_kind k);  /* sync, recopy, rollback: what the gate calls mail-changing */
bool run_kind_needs_mailbox(enum run_kind k); /* mailbox_id must not be null */
bool run_status_active(enum run_status s);    /* queued, running, paused, waiting */

#endif
