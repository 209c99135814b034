/* Jobs: one company's move, with its domains. */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include <jansson.h>

#include "store.h"

struct job {
	int64_t id;
	char *org, *ticket, *title;
	enum engine_kind engine;
	bool closed;
	char *source, *destination, *options; /* JSON objects */
	char **domains;                       /* A-labels, lower case; the first is the main one */
	size_t n_domains;
	int64_t version; /* ETag */
	char *created_by;
	int64_t created_at, updated_at, closed_at; /* ms; closed_at 0: open */
	int64_t pruned_at; /* its files were removed for their age; 0: not */
};
void job_free(struct job *j);
void jobs_free(struct job *v, size_t n);
/* Its domains as an array of strings, the main one first; the caller's. */
json_t *job_domains_json(const struct job *j);

/* Fills in id, version and times. ERR_CONFLICT naming the domain when another open job of the org has it. */
const struct err *job_insert(struct store *s, struct job *j, const struct actor *by);
/* org NULL: of any. ERR_NOT_FOUND. */
const struct err *job_get(struct store *s, int64_t id, const char *org, struct job *out);
/* Writes ticket, title, engine, source, destination, options, domains and closed of the row j->id if its
 * version is still j->version (else ERR_PRECONDITION), which rises by one. Closing with active runs is
 * ERR_RUN_ACTIVE. */
const struct err *job_update(struct store *s, struct job *j, const struct actor *by);

struct job_filter {
	const char *org;    /* NULL: any */
	int closed;         /* -1: any, 0: open ones, 1: closed ones */
	const char *domain; /* A-label, or NULL */
	const char *q;      /* part of domain, ticket or title, any case; or NULL */
	int64_t before;     /* cursor: ids below this; 0: from the newest */
	size_t limit;
};
/* Newest first. */
const struct err *job_list(struct store *s, const struct job_filter *f, struct job **v, size_t *n);

struct job_summary {
	int64_t mailboxes, copied, active_runs; /* not removed; of them with a pass that ended well; active */
	int64_t messages_total, messages_done, bytes_total,
	        bytes_done; /* of each mailbox's last pass or live run */
};
const struct err *job_summary(struct store *s, int64_t id, struct job_summary *out);

#endif
