/* The gate's facts, read from the database, and the decisions of people about them. */
#ifndef STORE_FACTS_H
#define STORE_FACTS_H

#include "conf.h"
#include "gate.h"
#include "store.h"

struct gate_policy gate_policy_of(const struct conf *c);

/* Inside a transaction when the answer is to be acted on. ERR_NOT_FOUND. */
const struct err *facts_load(struct store *s, int64_t job_id, struct gate_job *out);
/* The open jobs of a domain (A-label, lower case); org NULL: of any. */
const struct err *facts_load_domain(
        struct store *s, const char *org, const char *domain, struct gate_job **v, size_t *n);
void facts_free(struct gate_job *v, size_t n);

/* Load and evaluate. facts may be NULL; otherwise gate_job_free it. */
const struct err *gate_of_job(struct store *s, int64_t job_id, const struct gate_policy *p, int64_t now_ms,
        struct gate *out, struct gate_job *facts);
const struct err *gate_of_domain(struct store *s, const char *org, const char *domain,
        const struct gate_policy *p, int64_t now_ms, struct gate *out);

enum gate_act { GATE_APPROVE, GATE_REVOKE, GATE_OVERRIDE };
struct gate_deed {
	enum gate_act act;
	int64_t job_id;
	const char *if_match; /* etag without quotes, "*" is not enough; REVOKE: NULL is fine */
	int64_t mailboxes;    /* how many, as stated; not looked at for REVOKE */
	const char *reason;   /* OVERRIDE and REVOKE: at least 1 character; APPROVE: comment or NULL */
	int64_t override_hours;
};
/* Reads the facts, compares, decides and writes in one transaction. On success *out is the gate afterwards,
 * on ERR_PRECONDITION and ERR_CONFLICT as it is now (always gate_free it; zero when not reached).
 * ERR_PRECONDITION: the etag is not of the present gate. ERR_INPUT: not that many mailboxes, no reason.
 * ERR_FORBIDDEN: role, or four eyes. ERR_CONFLICT: approving a blocked gate, overriding an active run,
 * revoking nothing. */
const struct err *gate_decide(struct store *s, const struct gate_deed *d, const struct gate_policy *p,
        const struct principal *who, int64_t now_ms, struct gate *out, struct gate_job *facts);

#endif
