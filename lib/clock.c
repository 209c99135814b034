#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "banned.h"

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

char *clock_text(int64_t ms, char *out)
{
	int64_t frac = ms % 1000;
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (frac < 0) {
		frac += 1000;
		s--;
	}
	if (gmtime_r(&s, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	n = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_TEXT_SIZE - n, ".%03dZ", (int)frac);
	return out;
}

bool clock_parse(const char *s, int64_t *ms)
{
	struct tm tm = {0};
	int n = 0, oh = 0, om = 0, used = 0, frac = 0, scale = 100;
	char sign[2] = "Z";

	if (sscanf(s, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec, &n) != 6 || n == 0)
		return false;
	s += n;
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			frac += (*s - '0') * scale;
	}
	if (*s == 'Z' || *s == 'z') {
		if (s[1] != '\0')
			return false;
	} else {
		if (sscanf(s, "%1[+-]%2d:%2d%n", sign, &oh, &om, &used) != 3 || s[used] != '\0')
			return false;
	}
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
		tm.tm_sec > 60 || oh > 23 || om > 59)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ms = (int64_t)timegm(&tm) * 1000 + frac;
	if (sign[0] == '+')
		*ms -= (oh * 60 + om) * 60000LL;
	else if (sign[0] == '-')
		*ms += (oh * 60 + om) * 60000LL;
	return true;
}
