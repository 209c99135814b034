/*
 * JSON in its one canonical form (RFC 8785, JSON Canonicalization Scheme): no white space, members sorted by the
 * UTF-16 code units of their names, the shortest escapes. Numbers are integers of at most 2^53 here: a real number is
 * an error, so that no rule about its digits is needed.
 */
#ifndef CANONICAL_H
#define CANONICAL_H

#include <jansson.h>

#include "buf.h"
#include "err.h"

/* Appends v. ERR_INPUT for a real number or one beyond 2^53. */
const struct err *canonical_write(struct buf *out, const json_t *v);

/* Hex SHA-256 of the canonical form. */
const struct err *canonical_sha256(const json_t *v, char out[65]);

#endif
