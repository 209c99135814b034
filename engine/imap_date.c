#include "imap_date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "banned.h"

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool imap_date_parse(const char *s, int64_t *out)
{
	struct tm tm = {0};
	char month[4], sign;
	int n = 0, hh, mm, m;

	if (sscanf(s, "%2d-%3[A-Za-z]-%4d %2d:%2d:%2d %c%2d%2d%n", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec, &sign, &hh, &mm, &n) != 9 || s[n] != '\0' || (sign != '+' && sign != '-'))
		return false;
	for (m = 0; m < 12; m++)
		if (strcasecmp(months[m], month) == 0)
			break;
	if (m == 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 ||
		tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0 || hh < 0 || mm < 0)
		return false;
	tm.tm_mon = m;
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
	int d, y, m;
	char month[4];

	if (sscanf(s, "%2d-%3[A-Za-z]-%4d", &d, month, &y) != 3 || d < 1 || d > 31 || y < 0)
		return false;
	for (m = 0; m < 12; m++)
		if (strcasecmp(months[m], month) == 0)
			break;
	*day = y * 10000 + (m + 1) * 100 + d;
	return m < 12;
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
