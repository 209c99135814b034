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
