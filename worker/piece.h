/* A run's file on its way to the API, piece by piece: PUT /runs/{id}/files/{name}. */
#ifndef WORKER_PIECE_H
#define WORKER_PIECE_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"

struct piece {
	int64_t run, attempt, offset;
	const char *path, *name; /* here, and there */
	bool whole;              /* it grows no more: the piece that reaches its end completes it */
};

/* The name of a file at the API: a later attempt's stand beside an earlier one's, for what is complete there never
 * changes; the caller's. */
char *piece_name(int64_t attempt, const char *name);

/* Sends what stands from p->offset on, 4 MiB at most; an answer 200 or 409 says where the API's copy ends. NULL: there is
 * nothing (more) to read. Of a whole file that stands there already its end is told, with no bytes. */
struct http_call *piece_send(struct api *a, const struct piece *p, api_fn *fn, void *arg);

/* What an answer says of that end; -1: nothing. */
int64_t piece_end(const struct api_answer *a);
/* The attempt is over, or the run is gone. */
bool piece_stale(const struct api_answer *a);

#endif
