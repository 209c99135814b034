#include "mail_date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "banned.h"

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static const struct {
	const char *name;
	int hours;
} zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7},
	{"CET", 1}, {"CEST", 2}, {"WEST", 1}, {"BST", 1}, {"BRT", -3}};

int64_t mail_date_utc(int year, int month, int day, int hour, int minute, int second)
{
	int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (era * 146097 + doe - 719468) * 86400 + hour * 3600 + minute * 60 + second;
}

void mail_date_imap(int64_t s, char *out)
{
	int64_t days = s >= 0 ? s / 86400 : -((86399 - s) / 86400), rest = s - days * 86400;
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
	int64_t y = yoe + era * 400 + (m <= 2);

	if (y < 1 || y > 9999) {
		mail_date_imap(0, out);
		return;
	}
	snprintf(out, MAIL_DATE_IMAP, "%02d-%s-%04d %02d:%02d:%02d +0000", (int)d, months[m - 1], (int)y,
		(int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

struct parts {
	int year, month, day, hour, minute, second, zone; /* zone in minutes */
	bool has_time, has_zone;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Up to `max` digits. */
static int number(const char **p, const char *end, int max)
{
	int v = 0;

	for (int i = 0; i < max && *p < end && is_digit(**p); i++, (*p)++)
		v = v * 10 + (**p - '0');
	return v;
}

static void take_time(struct parts *t, int hour, const char **p, const char *end)
{
	t->hour = hour;
	(*p)++;
	t->minute = number(p, end, 2);
	if (*p + 1 < end && **p == ':' && is_digit((*p)[1])) {
		(*p)++;
		t->second = number(p, end, 2);
	}
	t->has_time = true;
}

static void take_number(struct parts *t, const char **p, const char *end)
{
	const char *from = *p;
	int v = number(p, end, 9);
	size_t digits = (size_t)(*p - from);

	if (*p < end && **p == ':' && digits <= 2 && !t->has_time)
		take_time(t, v, p, end);
	else if (digits == 4 && t->year == 0)
		t->year = v;
	else if (digits <= 2 && t->day == 0)
		t->day = v;
	else if (digits <= 3 && t->year == 0 && t->month != 0) /* RFC 5322 4.3 */
		t->year = digits == 2 && v < 50 ? 2000 + v : 1900 + v;
}

static void take_word(struct parts *t, const char **p, const char *end)
{
	const char *from = *p;
	size_t n;

	while (*p < end && ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z')))
		(*p)++;
	n = (size_t)(*p - from);
	for (int i = 0; i < 12 && t->month == 0 && n >= 3; i++)
		if (strncasecmp(from, months[i], 3) == 0) {
			t->month = i + 1;
			return;
		}
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]) && !t->has_zone && t->has_time; i++)
		if (n == strlen(zones[i].name) && strncasecmp(from, zones[i].name, n) == 0) {
			t->zone = zones[i].hours * 60;
			t->has_zone = true;
		}
}

static void take_zone(struct parts *t, const char **p, const char *end)
{
	int sign = **p == '-' ? -1 : 1, v;
	const char *from = ++*p;

	v = number(p, end, 4);
	if (*p - from == 4 && t->has_time && !t->has_zone) {
		t->zone = sign * (v / 100 * 60 + v % 100);
		t->has_zone = true;
	}
}

bool mail_date(const char *p, size_t n, int64_t *out)
{
	struct parts t = {0};
	const char *end = p + n;

	while (p < end) {
		if (*p == '(') { /* a comment ends it: what follows is rarely more */
			while (p < end && *p != ')')
				p++;
		} else if (is_digit(*p)) {
			take_number(&t, &p, end);
		} else if ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')) {
			take_word(&t, &p, end);
		} else if ((*p == '+' || *p == '-') && t.has_time && p + 1 < end && is_digit(p[1])) {
			take_zone(&t, &p, end);
		} else {
			p++;
		}
	}
	if (t.month == 0 || t.day < 1 || t.day > 31 || t.year < 1970 || t.year > 9998 || !t.has_time || t.hour > 24 ||
		t.minute > 59 || t.second > 60 || t.zone > 16 * 60 || t.zone < -16 * 60)
		return false;
	*out = mail_date_utc(t.year, t.month, t.day, t.hour, t.minute, t.second) - t.zone * 60;
	return *out >= 0;
}
