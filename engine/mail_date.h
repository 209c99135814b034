/* Dates as mail writes them: RFC 5322, asctime, and what comes near. Pure. */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Mon, 1 Jan 2024 10:00:00 -0300 (BRT)", "Mon Jan  1 10:00:00 2024", "Mon Jan 01 10:00:00 +0000 2024": seconds
 * since 1970. Without a zone it is UTC. False unless day, month, year and hours are there and make sense. */
bool mail_date(const char *p, size_t n, int64_t *out);

/* Seconds since 1970 of a day and time in UTC (proleptic Gregorian). */
int64_t mail_date_utc(int year, int month, int day, int hour, int minute, int second);

/* "17-Jul-1996 02:44:25 +0000": IMAP's form, UTC; out has room for MAIL_DATE_IMAP. */
#define MAIL_DATE_IMAP 32
void mail_date_imap(int64_t seconds, char *out);

#endif
