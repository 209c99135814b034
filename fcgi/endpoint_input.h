/* The server side of input: host, port, TLS, user, and where each comes from when it is not said. */
#ifndef ENDPOINT_INPUT_H
#define ENDPOINT_INPUT_H

#include "conf.h"
#include "json.h"
#include "store_job.h"
#include "store_mailbox.h"

enum side { SIDE_SOURCE, SIDE_DESTINATION };

/* What a mailbox takes where its own document says nothing. host "": nothing there either. */
struct endpoint_defaults {
	enum source_kind kind; /* SIDE_SOURCE */
	char host[256];
	int64_t port; /* 0: the port of the TLS mode */
	enum tls_mode tls;
};

/* From the job's JSON, then (destination) the settings. */
void endpoint_defaults(
	struct endpoint_defaults *out, enum side side, const struct job *j, const struct conf *conf);

/* A job's `source` or `destination` object: checked, and written anew as the text of the column (the
 * caller's). Mistakes go to at->bad. */
char *endpoint_job_json(const struct js_at *at, enum side side, const struct conf *conf);

/* A mailbox's side into *p (whose texts are replaced): what `at` says, else what is in *p when `keep`, else
 * the defaults. *secret is NULL when none was sent. Returns whether host, port, tls or user differ from
 * before. */
bool endpoint_read(const struct js_at *at, enum side side, const struct endpoint_defaults *d,
	const struct conf *conf, bool keep, enum source_kind *kind, int64_t *upload, struct endpoint *p,
	const char **secret);

#endif
