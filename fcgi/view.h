/* Structs of lib/ as the API's JSON. Each writes one value; key NULL: an element. */
#ifndef VIEW_H
#define VIEW_H

#include "call.h"
#include "gate.h"
#include "store_evidence.h"
#include "store_facts.h"
#include "store_job.h"
#include "store_mailbox.h"
#include "store_run.h"
#include "store_user.h"
#include "writer.h"

/* view_list.c: "next":"cursor", null for 0 */
void view_next(struct writer *w, int64_t cursor);

/* view_gate.c */
void view_gate_small(struct writer *w, const char *domain, const struct gate *g); /* GET /gate */
void view_gate(struct writer *w, const char *key, const char *domain, const struct gate *g,
	const struct gate_job *facts, bool pt);

/* view_job.c: the job with its summary and gate */
const struct err *view_job(struct writer *w, const char *key, struct call *c, const struct job *j);

/* view_mailbox.c: the mailbox with its state */
const struct err *view_mailbox(struct writer *w, const char *key, struct call *c, const struct mailbox *m);
void view_pass(struct writer *w, const char *key, const struct pass_row *p);
/* The members of a pass, of a missing message, into the object that is open: polled and certified alike. */
void view_pass_members(struct writer *w, const struct pass_row *p);
void view_missing_members(struct writer *w, const struct missing_row *m);

/* view_run.c: the run with its live progress */
const struct err *view_run(struct writer *w, const char *key, struct call *c, const struct run *r);
/* The whole answer to a request that has queued one run: 202, the run, Location. Takes the run over (call_emit). */
const struct err *view_run_accepted(struct call *c, struct run *r);

/* view_verification.c: null when there is none; folders when asked for */
const struct err *view_verification(
	struct writer *w, const char *key, struct call *c, const struct verification *v, bool folders);
void view_verification_counts(struct writer *w, const struct verification *v); /* members of an object */
const struct err *view_verification_folders(struct writer *w, struct call *c, int64_t id); /* "folders":[…] */

/* view_report_dns.c: its section "dns" */
const struct err *view_report_dns(struct writer *w, struct call *c, const struct job *j);
/* api_dns.c: member "stragglers": the watch for late mail, null when there was none */
const struct err *view_watch(struct writer *w, struct call *c, int64_t job_id);
/* view_report.c: all that a job's certificate states, {"statement":{…},"sections":{…}}: integers, no ratios */
const struct err *view_report(struct writer *w, const char *key, struct call *c, int64_t job_id, int64_t run_id);

/* view_user.c */
void view_user(struct writer *w, const char *key, const struct user *u);
void view_me(struct writer *w, const char *key, const struct principal *who, unsigned override_roles);

#endif
