#include "imap_date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "banned.h"

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* At most `max` digits, spaces before them; false without any. (sscanf took a fiftieth of verify --deep.) */
static bool number(const char **s, int max, int *out)
{
	int n = 0;

	while (**s == ' ')
		++*s;
	for (*out = 0; n < max && **s >= '0' && **s <= '9'; n++)
		*out = *out * 10 + (*(*s)++ - '0');
	return n > 0;
}

static bool mark(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

/* "17-Jul-1996"; *month from 0. */
static bool date(const char **s, int *day, int *month, int *year)
{
	if (!number(s, 2, day) || !mark(s, '-') || strnlen(*s, 3) < 3)
		return false;
	for (*month = 0; *month < 12; ++*month)
		if (strncasecmp(months[*month], *s, 3) == 0)
			break;
	*s += 3;
	return mark(s, '-') && number(s, 4, year) && *month < 12 && *day >= 1 && *day <= 31;
}

bool imap_date_parse(const char *s, int64_t *out)
{
	struct tm tm = {0};
	int hh, mm;
	char sign;

	if (!date(&s, &tm.tm_mday, &tm.tm_mon, &tm.tm_year) || !number(&s, 2, &tm.tm_hour) || !mark(&s, ':') ||
		!number(&s, 2, &tm.tm_min) || !mark(&s, ':') || !number(&s, 2, &tm.tm_sec) || !mark(&s, ' '))
		return false;
	sign = *s;
	if ((sign != '+' && sign != '-') || (s++, !number(&s, 2, &hh)) || !number(&s, 2, &mm) || *s != '\0' ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	*out = (int64_t)timegm(&tm) - (sign == '+' ? 1 : -1) * (hh * 3600 + mm * 60);
	return true;
}

void imap_date_day(const char *iso, char *out)
{
	int y = 0, m = 1, d = 1;

	if (sscanf(iso, "%4d-%2d-%2d", &y, &m, &d) != 3 || m < 1 || m > 12)
		m = 1;
	snprintf(out, 12, "%d-%s-%04d", d % 100, months[m - 1], y % 10000);
}

bool imap_date_as_written(const char *s, int32_t *day)
{
	int d, m, y;

	if (!date(&s, &d, &m, &y))
		return false;
	*day = y * 10000 + (m + 1) * 100 + d;
	return true;
}

char *imap_date_text(int64_t seconds, char *out)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		snprintf(out, IMAP_DATE_TEXT, "@%lld", (long long)seconds);
	else
		snprintf(out, IMAP_DATE_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1,
			tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}
