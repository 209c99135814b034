/* CSV as spreadsheets write it (RFC 4180, ',' or ';', UTF-8 with or without BOM): pure. */
#ifndef CSV_H
#define CSV_H

#include <jansson.h>

#include "err.h"

#define CSV_COLUMNS 32
#define CSV_ROWS 5000

/* *rows: an array of objects, a member for each non-empty cell, named by the header row (lower case,
 * trimmed); "line" in each is the line it begins on. The separator is what the header uses more. ERR_JSON
 * naming the line for bytes that are not UTF-8, an open quote, a row longer than the header; ERR_TOO_LARGE.
 */
const struct err *csv_parse(const char *p, size_t n, json_t **rows);

#endif
