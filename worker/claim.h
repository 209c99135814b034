/* The answer to a claim: what a run needs to know, with the sealed credentials of that moment. */
#ifndef WORKER_CLAIM_H
#define WORKER_CLAIM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "unseal.h"

struct claim_credential {
	bool present;
	bool needed; /* it is an account's: false for a file, or a server that is asked over ssh */
	int64_t id, version;
	const char *key_id, *sealed;
};

struct claim {
	int64_t run_id, job_id, mailbox_id; /* mailbox_id 0: none */
	enum run_kind kind;
	enum pass pass;
	enum engine_kind engine;
	int64_t attempt, lease_seconds, heartbeat_seconds;
	bool cancel, pause; /* asked for already */
	enum source_kind source_kind;
	struct account_row source, destination; /* host "" for a file */
	const char *upload_path; /* the source's file, NULL: none */
	struct account_row provider; /* of DNS; host "": none */
	struct claim_credential source_credential, destination_credential, provider_credential;
	const json_t *folders, *options; /* objects, never NULL */
	const json_t *baseline;          /* NULL: none */
	int64_t baseline_pass;
	const json_t *report; /* what a report run is to state; NULL: none */
	json_t *doc; /* owns all texts above */
};

/* Takes over doc. ERR_INPUT when the API's answer is not what it must be. */
const struct err *claim_parse(json_t *doc, struct claim *out);
void claim_free(struct claim *c); /* one that is zero is fine */

#endif
