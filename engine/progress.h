/* How far a copy or a verify is: a bar on a terminal, `progress` events, both at most four times a second. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

struct progress_now {
	uint64_t messages_total, messages_done, bytes_total, bytes_done, refused;
	uint64_t messages_moved, bytes_moved; /* of those done, by this run */
	uint64_t folders_total, folders_done;
	const char *folder; /* UTF-8; "" for none */
};

struct progress {
	bool bar;
	int64_t started, last;
	unsigned width;          /* columns of what stands on the line now */
	struct progress_now now; /* as shown last */
};

void progress_start(struct progress *p, bool wanted);
/* force: also when the last one was just now. */
void progress_show(struct progress *p, struct events *ev, const struct progress_now *now, bool force);
/* Before something else is printed: the next progress_show brings the bar back. */
void progress_wipe(struct progress *p);
/* The end of a copy: in place of the bar a line that says what became of it. */
void progress_end(struct progress *p);

#endif
