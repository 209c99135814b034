#include "mail_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail_date.h"
#include "source.h"

#include "banned.h"

#define VALUE_MAX 8192
#define WORD_MAX 60

static const char *const names[MAIL_FIELDS] = {
	[MAIL_DATE] = "Date",
	[MAIL_RECEIVED] = "Received",
	[MAIL_LENGTH] = "Content-Length",
	[MAIL_STATUS] = "Status",
	[MAIL_X_STATUS] = "X-Status",
	[MAIL_MOZILLA_STATUS] = "X-Mozilla-Status",
	[MAIL_MOZILLA_KEYS] = "X-Mozilla-Keys",
	[MAIL_KEYWORDS] = "X-Keywords",
	[MAIL_LABELS] = "X-Gmail-Labels",
};

void mail_head_init(struct mail_head *h)
{
	for (int i = 0; i < MAIL_FIELDS; i++)
		buf_init(&h->v[i]);
	h->at = -1;
	h->any = false;
}

void mail_head_reset(struct mail_head *h)
{
	for (int i = 0; i < MAIL_FIELDS; i++)
		buf_reset(&h->v[i]);
	h->at = -1;
	h->any = false;
}

void mail_head_free(struct mail_head *h)
{
	for (int i = 0; i < MAIL_FIELDS; i++)
		buf_free(&h->v[i]);
}

static int field_of(const char *p, size_t n)
{
	for (int i = 0; i < MAIL_FIELDS; i++)
		if (strlen(names[i]) == n && strncasecmp(p, names[i], n) == 0)
			return i;
	return -1;
}

void mail_head_line(struct mail_head *h, const char *p, size_t n)
{
	const char *colon;

	if (n > 0 && (p[0] == ' ' || p[0] == '\t')) {
		if (h->at >= 0 && h->v[h->at].len + n < VALUE_MAX)
			buf_add(&h->v[h->at], p, n);
		return;
	}
	h->at = -1;
	colon = memchr(p, ':', n < 100 ? n : 100);
	if (colon == NULL || colon == p)
		return;
	h->any = true;
	if (p[0] != 'D' && p[0] != 'd' && strchr("RrCcSsXx", p[0]) == NULL)
		return;
	h->at = field_of(p, (size_t)(colon - p));
	if (h->at < 0)
		return;
	if (h->v[h->at].len > 0) { /* the first counts */
		h->at = -1;
		return;
	}
	n -= (size_t)(colon + 1 - p);
	buf_add(&h->v[h->at], colon + 1, n < VALUE_MAX ? n : VALUE_MAX);
}

void mail_head_text(struct mail_head *h, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf != NULL ? lf : end;
		size_t k = (size_t)(stop - p);

		if (k > 0 && p[k - 1] == '\r')
			k--;
		if (k == 0)
			return;
		mail_head_line(h, p, k);
		p = stop + 1;
	}
}

bool mail_head_date(const struct mail_head *h, int64_t *out)
{
	const struct buf *r = &h->v[MAIL_RECEIVED];
	const char *semicolon = r->len > 0 ? memrchr(r->ptr, ';', r->len) : NULL;

	if (semicolon != NULL && mail_date(semicolon + 1, (size_t)(r->ptr + r->len - semicolon - 1), out))
		return true;
	return mail_date(h->v[MAIL_DATE].ptr, h->v[MAIL_DATE].len, out);
}

static const struct {
	char c;
	uint32_t flag;
} letters[] = {{'R', SOURCE_SEEN}, {'A', SOURCE_ANSWERED}, {'F', SOURCE_FLAGGED}, {'D', SOURCE_DELETED},
	{'T', SOURCE_DRAFT}};

uint32_t mail_head_flags(const struct mail_head *h, bool *gone)
{
	static const struct {
		unsigned bit;
		uint32_t flag;
	} mozilla[] = {{0x1, SOURCE_SEEN}, {0x2, SOURCE_ANSWERED}, {0x4, SOURCE_FLAGGED}, {0x1000, SOURCE_FORWARDED}};
	unsigned long bits = strtoul(h->v[MAIL_MOZILLA_STATUS].ptr, NULL, 16);
	uint32_t flags = 0;

	*gone = (bits & 0x8) != 0;
	for (size_t i = 0; i < sizeof(mozilla) / sizeof(mozilla[0]); i++)
		if (bits & mozilla[i].bit)
			flags |= mozilla[i].flag;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (memchr(h->v[MAIL_STATUS].ptr, letters[i].c, h->v[MAIL_STATUS].len) != NULL ||
			memchr(h->v[MAIL_X_STATUS].ptr, letters[i].c, h->v[MAIL_X_STATUS].len) != NULL)
			flags |= letters[i].flag;
	return flags;
}

void mail_word_add(struct buf *set, const char *p, size_t n)
{
	size_t from = set->len, kept = 0;
	bool odd = false;

	buf_addc(set, ' ');
	for (size_t i = 0; i < n && kept < WORD_MAX; i++) {
		unsigned char c = (unsigned char)p[i];
		bool ok = c > 0x20 && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;

		if (!ok && odd)
			continue;
		buf_addc(set, ok ? (char)c : '_');
		odd = !ok;
		kept++;
	}
	if (kept == 0 || (kept == 1 && odd))
		buf_truncate(set, from);
}

void mail_head_words(const struct mail_head *h, struct buf *out)
{
	const int fields[] = {MAIL_KEYWORDS, MAIL_MOZILLA_KEYS};

	for (size_t i = 0; i < 2; i++) {
		const char *p = h->v[fields[i]].ptr;

		while (*p != '\0' && out->len < 1000) {
			size_t n = strcspn(p, " \t,\r\n");

			if (n > 0)
				mail_word_add(out, p, n);
			p += n;
			p += *p != '\0';
		}
	}
}
