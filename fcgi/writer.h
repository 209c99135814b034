/*
 * Writes JSON straight into a buffer, in order: what the views use. A key of NULL is an element of an array.
 * Strings that are not UTF-8 are written with U+FFFD for each bad byte, so that an answer is always JSON.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct writer {
	struct buf *out; /* borrowed */
	bool comma;      /* a value stands before */
};

void w_init(struct writer *w, struct buf *out);

void w_object(struct writer *w, const char *key);
void w_object_end(struct writer *w);
void w_array(struct writer *w, const char *key);
void w_array_end(struct writer *w);

void w_str(struct writer *w, const char *key, const char *value);  /* NULL: null */
void w_text(struct writer *w, const char *key, const char *value); /* NULL or "": null */
void w_i64(struct writer *w, const char *key, int64_t value);
void w_bool(struct writer *w, const char *key, bool value);
void w_null(struct writer *w, const char *key);
void w_time(struct writer *w, const char *key, int64_t ms); /* RFC 3339; 0: null */
void w_ratio(struct writer *w, const char *key, int64_t part,
	int64_t whole);                                           /* cut, never rounded up; 0/0: null */
void w_json(struct writer *w, const char *key, const char *json); /* a JSON text as it is; NULL or "": null */

#endif
