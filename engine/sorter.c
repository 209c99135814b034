#include "sorter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "spool.h"

#include "banned.h"

/* A sorted piece of the file, and how much of it is in memory. */
struct run {
	uint64_t at, end; /* bytes of the file that have not been read */
	char *p;
	size_t have, next; /* records */
};

struct sorter {
	size_t size, max; /* of a record; records in memory */
	sorter_fn *order;
	char *v;
	size_t n, cap;
	uint64_t count;
	int fd; /* -1: all in memory */
	uint64_t written;
	struct run *run;
	size_t nruns, window; /* records of each run that are read at once */
	char *given;
	bool reading;
};

struct sorter *sorter_new(size_t record, size_t memory, sorter_fn *order)
{
	struct sorter *s = xcalloc(1, sizeof(*s));

	s->size = record;
	s->max = memory / record > 1 ? memory / record : 1;
	s->order = order;
	s->fd = -1;
	s->given = xcalloc(1, record);
	return s;
}

static void free_runs(struct sorter *s)
{
	for (size_t i = 0; i < s->nruns; i++)
		free(s->run[i].p);
	free(s->run);
}

void sorter_free(struct sorter *s)
{
	if (s == NULL)
		return;
	free_runs(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->given);
	free(s->v);
	free(s);
}

uint64_t sorter_count(const struct sorter *s)
{
	return s->count;
}

/* What is in memory becomes a run of the file. */
static const struct err *flush(struct sorter *s)
{
	const struct err *e = s->fd < 0 ? spool_make_file(&s->fd) : NULL;
	size_t bytes = s->n * s->size;

	if (e == NULL) {
		qsort(s->v, s->n, s->size, s->order);
		e = fs_write_all(s->fd, s->v, bytes);
	}
	if (e != NULL)
		return e;
	s->run = xreallocarray(s->run, s->nruns + 1, sizeof(*s->run));
	s->run[s->nruns++] = (struct run){.at = s->written, .end = s->written + bytes};
	s->written += bytes;
	s->n = 0;
	return NULL;
}

const struct err *sorter_add(struct sorter *s, const void *record)
{
	const struct err *e = s->n == s->max ? flush(s) : NULL;

	if (e != NULL)
		return e;
	if (s->n == s->cap) {
		s->cap = s->cap * 2 + 64 < s->max ? s->cap * 2 + 64 : s->max;
		s->v = xreallocarray(s->v, s->cap, s->size);
	}
	memcpy(s->v + s->n++ * s->size, record, s->size);
	s->count++;
	return NULL;
}

static const struct err *fill(struct sorter *s, struct run *r)
{
	size_t want = s->window * s->size, got = 0;

	if (want > r->end - r->at)
		want = (size_t)(r->end - r->at);
	while (got < want) {
		ssize_t n = pread(s->fd, r->p + got, want - got, (off_t)(r->at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_errno("temporary file") : err_new(ERR_IO, "temporary file: it has shrunk");
		got += (size_t)n;
	}
	r->at += got;
	r->have = got / s->size;
	r->next = 0;
	return NULL;
}

static const struct err *start(struct sorter *s)
{
	const struct err *e = NULL;

	s->reading = true;
	if (s->fd < 0) {
		if (s->n > 1)
			qsort(s->v, s->n, s->size, s->order);
		s->cap = 0; /* from here on: the next one to be given */
		return NULL;
	}
	if (s->n > 0)
		e = flush(s);
	free(s->v);
	s->v = NULL;
	s->window = s->max / s->nruns + 1;
	for (size_t i = 0; i < s->nruns && e == NULL; i++) {
		s->run[i].p = xreallocarray(NULL, s->window, s->size);
		e = fill(s, &s->run[i]);
	}
	return e;
}

const struct err *sorter_next(struct sorter *s, const void **record)
{
	const struct err *e = s->reading ? NULL : start(s);
	struct run *least = NULL;

	*record = NULL;
	if (e != NULL)
		return e;
	if (s->fd < 0) {
		if (s->cap < s->n)
			*record = s->v + s->cap++ * s->size;
		return NULL;
	}
	for (size_t i = 0; i < s->nruns; i++) {
		struct run *r = &s->run[i];

		if (r->next < r->have && (least == NULL || s->order(r->p + r->next * s->size,
			    least->p + least->next * s->size) < 0))
			least = r;
	}
	if (least == NULL)
		return NULL;
	memcpy(s->given, least->p + least->next * s->size, s->size);
	*record = s->given;
	if (++least->next == least->have && least->at < least->end)
		return fill(s, least);
	return NULL;
}
