/* IMAP's date-time, "17-Jul-1996 02:44:25 -0700" (RFC 9051 section 9). Pure. */
#ifndef IMAP_DATE_H
#define IMAP_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970; false when it is not well-formed. */
bool imap_date_parse(const char *s, int64_t *out);
/* "2024-01-31" as "31-Jan-2024": what SEARCH wants; out needs 12 bytes. The day is known to be well-formed. */
void imap_date_day(const char *iso, char *out);
/* The day as written, whatever the zone, as 20240131: what SEARCH SINCE and BEFORE compare. */
bool imap_date_as_written(const char *s, int32_t *day);
/* RFC 3339 in UTC, "1996-07-17T09:44:25Z", into out; returns out. */
#define IMAP_DATE_TEXT 40
char *imap_date_text(int64_t seconds, char *out);

#endif
