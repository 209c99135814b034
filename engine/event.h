/*
 * What the engine tells others: JSON Lines, migration-events(7). One object a line, written at once; without
 * --events nothing is written. Texts from servers may hold any bytes: names go through event_name.
 */
#ifndef EVENT_H
#define EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct events;

/* spec: a file (created or appended to), "fd:N", or NULL for none. */
const struct err *events_open(struct events **out, const char *spec);
void events_close(struct events *ev);

/* Writes o with "v", "t" and "at" added; takes over the reference. json_pack makes a good o. */
void event(struct events *ev, const char *type, json_t *o);
/* Sets key to the n bytes as UTF-8; what is not UTF-8 becomes U+FFFD and KEY_raw holds the bytes in hex. */
void event_name(json_t *o, const char *key, const char *p, size_t n);
/* Sets "code" and "message" (empty strings when e is NULL). */
void event_err(json_t *o, const struct err *e);
/* A warning event, and a line in the log. */
void event_warning(struct events *ev, const struct err *e, const char *folder);
/* What could not be written (the reader has gone): the first failure, once. */
const struct err *events_failed(const struct events *ev);

#endif
