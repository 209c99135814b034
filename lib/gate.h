/*
 * The gate: may the MX records of a domain be changed? Pure: facts in, verdict and reasons out; nothing else
 * decides, and no verdict is ever stored. First match wins, after reasons that a valid override covers have
 * been set aside:
 *
 *   blocked        rolled_back: a rollback was done, and not every mailbox has had a final pass since
 *   dns_applied    MX was changed (and not rolled back)
 *   blocked        any reason whose row in the table says so (gate.c)
 *   warning        any other reason
 *   ready_for_dns  none
 *
 * Numbers: the ratio is met when found * 1,000,000 >= min * expected in integers, min in millionths: never
 * rounded up. Expected 0 is no ratio: that is source.empty. Only rungs 1 to 3 are found; weak ones (rung 4)
 * are not, accepted or not.
 *
 * source.shrank: the last pass, or the verification after it (expected + excluded), saw fewer messages than
 * an earlier pass on this pair. Accepting it makes the accepted verification the new measure. All other
 * acceptances are of one verification: a newer one asks again. Facts (pairs, passes, verifications,
 * acceptances, removals, domains, the job's own rules) are hashed; approvals and overrides are of one hash and void with any
 * other; accounts of the new server that no mailbox goes to are facts as well. DNS events, active runs, stragglers and settings are not in the hash.
 */
#ifndef GATE_H
#define GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

enum gate_verdict {
	GATE_BLOCKED,
	GATE_WARNING,
	GATE_DNS_APPLIED,
	GATE_READY,
	GATE_VERDICT_COUNT
}; /* worst first */

enum gate_code {
	GATE_DISABLED,        /* service.disabled */
	GATE_RUN_ACTIVE,      /* run.active */
	GATE_ROLLED_BACK,     /* rolled_back */
	GATE_JOB_NONE,        /* job.none */
	GATE_JOB_EMPTY,       /* job.empty */
	GATE_NOT_IN_JOB,      /* account.not_in_job */
	GATE_REMOVED,         /* mailbox.removed */
	GATE_UNVERIFIED,      /* mailbox.unverified */
	GATE_VERIFY_PARTIAL,  /* mailbox.verify_partial */
	GATE_BELOW_MINIMUM,   /* mailbox.below_minimum */
	GATE_MISSING,         /* mailbox.missing_unexplained */
	GATE_SOURCE_EMPTY,    /* source.empty */
	GATE_SOURCE_SHRANK,   /* source.shrank */
	GATE_WEAK,            /* mailbox.weak_unaccepted */
	GATE_REFUSALS,        /* mailbox.refusals_unaccepted */
	GATE_EXCLUDED,        /* mailbox.excluded_unaccepted */
	GATE_NONE_FINAL,      /* pass.none_final */
	GATE_NOT_LAST_FINAL,  /* pass.not_last_final */
	GATE_PASS_FAILED,     /* pass.failed */
	GATE_VERIFY_STALE,    /* verify.stale */
	GATE_NOT_APPROVED,    /* gate.not_approved */
	GATE_APPROVAL_VOID,   /* gate.approval_void */
	GATE_APPLIED,         /* dns.applied */
	GATE_APPLIED_UNREADY, /* dns.applied_without_gate */
	GATE_CODE_COUNT
};

const char *gate_verdict_name(enum gate_verdict v); /* "ready_for_dns" */
const char *gate_code_name(enum gate_code c);       /* "mailbox.unverified" */
bool gate_code_parse(const char *s, enum gate_code *c);
/* One sentence for people: what it means and what to do; Portuguese or English. */
const char *gate_code_text(enum gate_code c, bool pt);

/* --- facts
 * -------------------------------------------------------------------------------------------------------------
 */

struct gate_pass { /* a mail-changing run that came to its end; id 0: none */
	int64_t id, run_id;
	int64_t seq; /* its place among the ends of runs and the events of DNS */
	enum run_kind kind;
	enum pass pass;
	enum run_status status;
	int64_t messages, refused;
	char *by; /* created_by of the run */
};

struct gate_verification { /* the latest; id 0: none */
	int64_t id, run_id, pass_id;
	bool complete;
	int64_t expected, found, found_weak, missing, unexplained, excluded;
};

struct gate_accepted { /* of the latest verification: the greatest count accepted; -1: not */
	int64_t missing, weak, refusals, excluded;
	bool empty;
};

struct gate_mailbox {
	int64_t id;
	char *pair; /* what identifies both accounts; enters the hash */
	bool removed, removal_accepted;
	bool active;           /* a mail-changing run is queued, running, paused or waiting */
	struct gate_pass last; /* the last pass, whatever its kind and end */
	bool any_final;        /* a final pass has succeeded or ended partial on this pair */
	int64_t final_seq;     /* seq of the last of these, 0: none */
	int64_t last_messages; /* the source's, as the last sync that did not fail saw it; -1: none */
	int64_t most_messages; /* the most that such a sync (or an accepted shrinkage) has seen; -1: none */
	struct gate_verification verification;
	struct gate_accepted accepted;
};

struct gate_decision { /* a row of approvals; id 0: none */
	int64_t id;
	char *facts;    /* hash */
	char *snapshot; /* those facts */
	char *covers;   /* override: JSON array of {"code","mailbox_id"} */
	int64_t mailboxes;
	char *reason, *by, *by_name;
	enum role role;
	int64_t at, expires_at; /* ms */
};

struct gate_dns { /* the latest dns_event, or a rollback run's end if that was later; seq 0: none */
	int64_t seq;
	bool rolled_back; /* else applied */
	bool was_ready;
};

struct gate_account { /* the new server has it, under a domain of the job; no mailbox of the job goes there */
	char *name;
	bool accepted;
};

struct gate_job {
	int64_t id;
	char *org;
	char *rules; /* which messages it moves, and where to, said for all its mailboxes; NULL: nothing */
	char **domains;
	size_t n_domains;
	struct gate_mailbox *mailboxes; /* by id, the removed ones too */
	size_t n_mailboxes;
	struct gate_account *accounts; /* by name; none while nobody has listed the server's accounts */
	size_t n_accounts;
	struct gate_decision approval; /* the latest approve that no revoke follows */
	struct gate_decision override; /* the latest override that no revoke follows */
	struct gate_dns dns;
	int64_t rollback_seq; /* of the latest rollback (dns event or run), 0: none */
	char *rollback_why;   /* who asked for the latest and why, for people; NULL: not known */
};
void gate_job_free(struct gate_job *j); /* the content */

struct gate_policy {
	bool enabled;
	int64_t min_ratio;       /* millionths */
	unsigned override_roles; /* mask of 1 << enum role */
	bool four_eyes;
};

/* --- verdict
 * -----------------------------------------------------------------------------------------------------------
 */

struct gate_reason {
	enum gate_code code;
	int64_t job_id, mailbox_id; /* 0: not of one */
	char *detail;               /* numbers, in English: "997 of 1000 found, 0.99 needed" */
	bool covered;               /* by a valid override: set aside */
};

struct gate {
	enum gate_verdict verdict;
	bool ready;              /* verdict == GATE_READY */
	int64_t expected, found; /* over all mailboxes that are verified; ratio is null when expected is 0 */
	int64_t mailboxes;       /* not removed */
	struct gate_reason *reasons;
	size_t n_reasons;
	char facts[65]; /* hex BLAKE2b-256 */
	char etag[33];  /* over facts, decisions, verdict and reasons; without quotes */
	bool approval_valid;
	char *approval_void_because; /* NULL while valid or when there is none */
	bool override_valid;
	int64_t recheck_at; /* ms: the verdict may change by itself then (an override expires); 0: never */
};
void gate_free(struct gate *g);

/* One job. */
void gate_evaluate(const struct gate_job *j, const struct gate_policy *p, int64_t now_ms, struct gate *out);
/* A domain: its open jobs. None: blocked, job.none. Several: the worst verdict answers, reasons and numbers
 * of all. */
void gate_evaluate_domain(
        const struct gate_job *jobs, size_t n, const struct gate_policy *p, int64_t now_ms, struct gate *out);

/* found / expected as a number for display; negative when there is none. Never shown as more than it is:
 * rounded down. */
double gate_ratio(int64_t found, int64_t expected);

/* The facts as text, a line each, and their hash. */
char *gate_facts_text(const struct gate_job *j);
void gate_facts_hash(const char *text, char out[65]);
/* What differs between two such texts, for people: "mailbox 7: a newer pass; mailbox 9: added". The caller's
 * to free. */
char *gate_facts_diff(const char *before, const char *now);
/* The reasons of g as an override's covers (JSON), the caller's to free. Left out, and never covered, are
 * run.active, service.disabled, dns.applied and dns.applied_without_gate. */
char *gate_covers(const struct gate *g);

#endif
