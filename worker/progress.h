/* A run's totals, its rate and what is left, from the engine's `plan`, `folder` and `progress` events. */
#ifndef WORKER_PROGRESS_H
#define WORKER_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	int64_t messages_total, messages_done, bytes_total, bytes_done, refused, folders_total, folders_done;
	char folder[512];
	double rate_messages, rate_bytes; /* a second, smoothed */
	int64_t at;                       /* wall clock, ms; 0: nothing known yet */
	int64_t sampled, sampled_messages, sampled_bytes;
	bool changed; /* since the last progress_json */
};

/* Takes what an event says; totals only ever come from the event itself. */
void progress_event(struct progress *p, const json_t *event, int64_t now_ms);
/* RUN.progress of the API, or null while nothing is known; the caller's. Clears `changed`. */
json_t *progress_json(struct progress *p);

#endif
