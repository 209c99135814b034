/* What a run left behind: rows of the files under artefacts/RUN/. The files themselves are the caller's. */
#ifndef STORE_ARTEFACT_H
#define STORE_ARTEFACT_H

#include "store.h"

struct artefact {
	int64_t id, run_id, size, at;
	char *name, *sha256; /* "" while not complete */
	bool complete;
};
void artefact_free(struct artefact *a);
void artefacts_free(struct artefact *v, size_t n);

/* Inserts or moves forward; a complete one stays as it is (ERR_CONFLICT for another size). ERR_RUN_STALE
 * unless `attempt` and `worker` are the run's. A run that has not ended keeps its lease for lease_ms more. */
const struct err *artefact_put(struct store *s, int64_t run_id, const char *worker, int64_t attempt,
        const char *name, int64_t size, bool complete, const char *sha256, int64_t lease_ms, int64_t now_ms);
/* ERR_NOT_FOUND. */
const struct err *artefact_get(struct store *s, int64_t run_id, const char *name, struct artefact *out);
const struct err *artefact_list(struct store *s, int64_t run_id, struct artefact **v, size_t *n);
/* The complete ones of that name, of any run and attempt ("a2-NAME"), oldest first. */
const struct err *artefact_list_named(struct store *s, const char *name, struct artefact **v, size_t *n);

#endif
