/* DNS of a job: the plan with its sealed token, what reads saw, record sets saved before a change, webhook
 * messages, and the events that the gate knows. */
#ifndef STORE_DNS_H
#define STORE_DNS_H

#include <jansson.h>

#include "dns_clock.h"
#include "store.h"
#include "store_run.h"

struct dns_plan {
	int64_t job_id, version; /* version 0: the job has none */
	char *document;          /* JSON object: see fcgi/dns_plan_input.h */
	char *key_id, *sealed;   /* "": no token */
	int64_t updated_at;
};
void dns_plan_free(struct dns_plan *p);
/* Zero (texts empty) when there is none. */
const struct err *dns_plan_get(struct store *s, int64_t job_id, struct dns_plan *out);
/* `version`: the one that is replaced, 0 for the first; ERR_PRECONDITION otherwise. */
const struct err *dns_plan_put(struct store *s, const struct dns_plan *p, const struct actor *by);

struct dns_read {
	int64_t id, run_id, at; /* id 0: none */
	bool moved;
	char *domain, *document;
};
void dns_read_free(struct dns_read *r);
/* The newest, or (first) the oldest, of a domain. */
const struct err *dns_read_get(struct store *s, int64_t job_id, const char *domain, bool first, struct dns_read *out);
/* The clock over all reads of a domain. */
const struct err *dns_clock_of(struct store *s, int64_t job_id, const char *domain, int64_t target, int64_t said,
        int64_t now_ms, struct dns_clock *out);

struct dns_event {
	int64_t id, at; /* id 0: none */
	bool rolled_back, was_ready;
	char *how, *detail;
};
void dns_events_free(struct dns_event *v, size_t n);
const struct err *dns_event_list(struct store *s, int64_t job_id, struct dns_event **v, size_t *n);
/* Whether MX counts as moved: the last event says applied. */
const struct err *dns_is_applied(struct store *s, int64_t job_id, bool *applied);

/* The set that a run saved (the first of its attempts stays). */
const struct err *dns_saved_put(struct store *s, const struct run *r, const char *records, int64_t now_ms);
/* The set before the last dns_apply with action apply that succeeded, or that may have changed something. */
const struct err *dns_saved_last(struct store *s, int64_t job_id, char **records);

/* *repeated: this message was taken before. ERR_CONFLICT when it was another text then. */
const struct err *dns_webhook_take(struct store *s, const char *message, int64_t job_id, const char *body_hash,
        int64_t now_ms, bool *repeated);

/* ERR_RUN_ACTIVE when a dns_apply of the job is queued or running. Inside the transaction that queues another. */
const struct err *dns_apply_idle(struct store *s, int64_t job_id);
/* Whether `permit` is the one of the claim that holds the run now; *cancel: the run was told to stop. */
const struct err *dns_permit_check(struct store *s, int64_t run_id, const char *permit, struct run *out);

/* What the end of a dns_read or dns_apply run means; in run_report's transaction. `result`: the report's. */
const struct err *dns_run_ended(struct store *s, const struct run *r, enum run_status status, const char *result,
        const struct actor *by, int64_t now_ms);

/* Pure: every authoritative server that a read's document lists answered, and with the planned MX hosts. */
bool dns_moved(const json_t *read, const json_t *plan);

#endif
