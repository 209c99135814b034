/* What migrationctl doctor finds: a list of checks, printed as text or JSON. Used by cmd_doctor.c and
 * doctor_*.c. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl.h"

enum finding { FOUND_OK, FOUND_NOTE, FOUND_WRONG };

struct doctor {
	struct ctl *ctl;
	struct {
		char *area, *what, *remedy; /* remedy "" when there is nothing to do */
		enum finding finding;
	} * v;
	size_t n;
	bool users_known; /* the service's system users exist: owners can be compared */
};

void doctor_add(struct doctor *d, enum finding f, const char *area, const char *remedy, const char *fmt, ...)
        __attribute__((format(printf, 5, 6)));

void doctor_paths(struct doctor *d); /* owners and modes */
void doctor_keys(struct doctor *d);  /* sealing pair, issuers, worker's key */
void doctor_tools(struct doctor *d); /* programs with versions, pipelines */
void doctor_data(
        struct doctor *d); /* databases, audit trail, workers: becomes the owner of the data, so comes last */

#endif
