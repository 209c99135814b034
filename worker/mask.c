#include "mask.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

struct word {
	struct word *next;
	size_t len;
	char *text; /* sodium_malloc: locked, guarded, wiped when freed */
};

struct mask {
	struct word *words;
	struct buf held;
	bool first[256]; /* bytes that begin a word */
};

struct mask *mask_new(void)
{
	struct mask *m = xcalloc(1, sizeof(*m));

	buf_init(&m->held);
	return m;
}

void mask_free(struct mask *m)
{
	struct word *w;

	if (m == NULL)
		return;
	while ((w = m->words) != NULL) {
		m->words = w->next;
		sodium_free(w->text);
		free(w);
	}
	buf_wipe(&m->held);
	free(m);
}

static void add(struct mask *m, const char *text, size_t len)
{
	struct word *w;

	if (len < MASK_MIN)
		return;
	w = xcalloc(1, sizeof(*w));
	w->text = sodium_malloc(len);
	if (w->text == NULL) {
		free(w);
		return;
	}
	memcpy(w->text, text, len);
	w->len = len;
	/* longest first: a word that begins another must not hide it */
	for (struct word **p = &m->words;; p = &(*p)->next)
		if (*p == NULL || (*p)->len <= len) {
			w->next = *p;
			*p = w;
			break;
		}
	m->first[(unsigned char)text[0]] = true;
}

/* Base64 of the secret at each of the three places where a longer text may hold it: only the characters that
 * depend on nothing but the secret. */
static void add_base64(struct mask *m, const char *secret, size_t len)
{
	for (size_t shift = 0; shift < 3; shift++) {
		struct buf padded = BUF_INIT, text = BUF_INIT;
		size_t skip = shift == 0 ? 0 : shift + 1, end;

		buf_add(&padded, "\0\0\0", shift);
		buf_add(&padded, secret, len);
		end = padded.len * 8 / 6;
		str_base64(&text, padded.ptr, padded.len, BASE64_NOPAD);
		if (end > skip + MASK_MIN)
			add(m, text.ptr + skip, end - skip);
		buf_wipe(&padded);
		buf_wipe(&text);
	}
}

void mask_secret(struct mask *m, const char *secret, size_t len)
{
	struct buf b = BUF_INIT;

	add(m, secret, len);
	str_percent(&b, secret, len);
	if (b.len != len)
		add(m, b.ptr, b.len);
	buf_wipe(&b);
	add_base64(m, secret, len);
}

/* The length of the longest word that stands at p, 0 for none; *partial: a longer one may begin there. */
static size_t match(const struct mask *m, const char *p, size_t n, bool *partial)
{
	size_t found = 0;

	*partial = false;
	for (const struct word *w = m->words; w != NULL; w = w->next) {
		if (w->len > n)
			*partial |= memcmp(p, w->text, n) == 0;
		else if (found == 0 && memcmp(p, w->text, w->len) == 0)
			found = w->len;
	}
	return found;
}

/* Appends to out what can be told of p[0..n), returns how much of it that was. At the end of the stream the
 * beginning of a word counts as the word when it is long enough to tell. */
static size_t scan(const struct mask *m, const char *p, size_t n, struct buf *out, bool last)
{
	size_t at = 0, clean = 0;

	while (at < n) {
		bool partial = false;
		size_t k = m->first[(unsigned char)p[at]] ? match(m, p + at, n - at, &partial) : 0;

		if (partial && !last)
			break;
		if (partial && k == 0 && n - at >= MASK_MIN)
			k = n - at;
		if (k == 0) {
			at++;
			continue;
		}
		buf_add(out, p + clean, at - clean);
		buf_adds(out, "********");
		at += k;
		clean = at;
	}
	buf_add(out, p + clean, at - clean);
	return at;
}

void mask_feed(struct mask *m, const char *p, size_t n, struct buf *out)
{
	buf_add(&m->held, p, n);
	buf_consume(&m->held, scan(m, m->held.ptr, m->held.len, out, false));
}

void mask_flush(struct mask *m, struct buf *out)
{
	scan(m, m->held.ptr, m->held.len, out, true);
	buf_wipe(&m->held);
}

void mask_text(const struct mask *m, const char *p, size_t n, struct buf *out)
{
	scan(m, p, n, out, true);
}
