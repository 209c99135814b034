#include "mbox_scan.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mail_date.h"
#include "mem.h"

#include "banned.h"

#define LINE_MAX_ 16384 /* of a line that matters; the rest of a longer one is passed over */
#define PEEK 512

enum where { BEFORE, HEAD, BODY };

struct mbox_scan {
	mbox_scan_fn *fn;
	mbox_peek_fn *peek;
	void *arg;
	enum where where;
	struct mail_head head;
	struct buf line;    /* the start of a line that a piece has cut */
	bool cut;           /* line holds something, or a long line is being passed over */
	bool cut_cr;        /* its last byte was CR */
	uint64_t at;        /* of the file: the start of the line at work */
	uint64_t pos;       /* all bytes seen */
	uint64_t before;
	bool blank;         /* the line before was empty, or there was none */
	unsigned blank_len; /* bytes of it */
	uint64_t believed;  /* end of the body that Content-Length tells; 0: none */
	struct mbox_message m;
	uint64_t bare, quoted; /* LFs without CR, and ">" that will go */
	bool from_dated;
	int64_t from_date;
};

struct mbox_scan *mbox_scan_new(mbox_scan_fn *fn, mbox_peek_fn *peek, void *arg)
{
	struct mbox_scan *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->peek = peek;
	s->arg = arg;
	s->blank = true;
	mail_head_init(&s->head);
	buf_init(&s->line);
	return s;
}

void mbox_scan_free(struct mbox_scan *s)
{
	if (s == NULL)
		return;
	mail_head_free(&s->head);
	buf_free(&s->line);
	free(s);
}

/* "Subject: x", "Received:": what a header begins with. */
static bool looks_like_field(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (unsigned char)p[i] > 0x20 && p[i] != ':' && (unsigned char)p[i] < 0x7f)
		i++;
	return i > 0 && i < n && p[i] == ':';
}

/* Does the line behind this From_ line begin a header? */
static bool head_follows(struct mbox_scan *s, uint64_t at)
{
	char next[PEEK];
	size_t n = s->peek(s->arg, at, next, sizeof(next));

	if (n > 0 && (next[0] == '>' && n > 5 && memcmp(next, ">From ", 6) == 0)) /* some tools add one */
		return true;
	return looks_like_field(next, n);
}

static bool is_from(const char *p, size_t n)
{
	return n >= 5 && memcmp(p, "From ", 5) == 0;
}

/* A From_ line with a date, or "From -", with or without a space behind it: Netscape and Mozilla write no date. */
static bool is_dated_from(const char *p, size_t n)
{
	int64_t date;
	size_t text = n;

	while (text > 0 && p[text - 1] == ' ')
		text--;
	if (text == 6 && memcmp(p, "From -", 6) == 0)
		return true;
	return is_from(p, n) && mail_date(p + 5, n - 5, &date);
}

static void end_message(struct mbox_scan *s, uint64_t end)
{
	int64_t date;

	if (s->where == BEFORE)
		return;
	s->m.raw = end > s->m.at ? end - s->m.at : 0;
	s->m.size = s->m.raw + s->bare - (s->m.verbatim ? 0 : s->quoted);
	s->m.verbatim = s->m.verbatim || s->quoted == 0;
	s->m.head = &s->head;
	s->m.dated = s->from_dated;
	s->m.date = s->from_date;
	if (!s->from_dated && mail_head_date(&s->head, &date)) {
		s->m.dated = true;
		s->m.date = date;
	}
	s->fn(s->arg, &s->m);
}

/* The empty line before a From_ line is no part of the message. */
static void drop_blank(struct mbox_scan *s, uint64_t *end)
{
	if (s->blank && s->blank_len > 0 && *end >= s->m.at + s->blank_len && s->where == BODY) {
		*end -= s->blank_len;
		s->bare -= s->blank_len == 1;
	}
}

static void begin_message(struct mbox_scan *s, const char *p, size_t n, uint64_t next)
{
	const char *sender = p + 5, *space;

	s->where = HEAD;
	s->m = (struct mbox_message){.at = next};
	s->bare = s->quoted = 0;
	s->believed = 0;
	mail_head_reset(&s->head);
	/* Thunderbird writes "From - " and the time of the download; others when it came */
	space = n > 5 ? memchr(sender, ' ', n - 5) : NULL;
	s->from_dated = space != NULL && !(space == sender + 1 && *sender == '-') &&
			mail_date(space, (size_t)(p + n - space), &s->from_date);
	if (!s->from_dated)
		s->from_date = 0;
}

/* Is this line, at `at`, the next one at `next`, where a message begins? */
static bool separates(struct mbox_scan *s, const char *p, size_t n, uint64_t next)
{
	if (!is_from(p, n))
		return false;
	if (!s->blank) /* some writers leave no empty line: then both must be right */
		return is_dated_from(p, n) && head_follows(s, next);
	return is_dated_from(p, n) || head_follows(s, next);
}

/* Would this line, the start of the n bytes at `at`, begin a message behind an empty line? */
static bool begins_message(struct mbox_scan *s, const char *p, size_t n, uint64_t at)
{
	const char *lf = memchr(p, '\n', n);
	size_t text = lf != NULL ? (size_t)(lf - p) : n;

	if (lf == NULL || !is_from(p, n))
		return false;
	if (text > 0 && p[text - 1] == '\r')
		text--;
	return is_dated_from(p, text) || head_follows(s, at + (uint64_t)(lf + 1 - p));
}

/* The header is over at `body`: is there a Content-Length that leads to the next message? */
static void judge_length(struct mbox_scan *s, uint64_t body)
{
	const struct buf *v = &s->head.v[MAIL_LENGTH];
	char tail[PEEK], last, *end;
	unsigned long long length;
	size_t n, i = 0;

	if (v->len == 0)
		return;
	length = strtoull(v->ptr, &end, 10);
	if (end == v->ptr || length > (1ull << 40))
		return;
	n = s->peek(s->arg, body + length, tail, sizeof(tail));
	if (n == 0) { /* at the end, not beyond it? */
		if (length > 0 && s->peek(s->arg, body + length - 1, &last, 1) == 0)
			return;
	} else {
		for (int ends = 0; ends < 2 && i < n; ends++) /* of the last line, and an empty one */
			i += tail[i] == '\n' ? 1 : i + 1 < n && tail[i] == '\r' && tail[i + 1] == '\n' ? 2 : 0;
		if (i < n && !begins_message(s, tail + i, n - i, body + length + i))
			return;
		if (i == 0 && length > 0 && (s->peek(s->arg, body + length - 1, &last, 1) != 1 || last != '\n'))
			return; /* it would end inside a line */
	}
	s->believed = body + length;
	s->m.verbatim = true;
}

static void count_quote(struct mbox_scan *s, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == '>')
		i++;
	s->quoted += i > 0 && is_from(p + i, n - i);
}

/* A line at s->at: the first n bytes of its text (without its end); `ending` bytes of end (0 at the end of the
 * file), next: where the following one starts. */
static void on_line(struct mbox_scan *s, const char *p, size_t n, unsigned ending, uint64_t next)
{
	if (s->where == BODY && s->believed > s->at) { /* inside what Content-Length covers */
		s->bare += ending == 1 && next <= s->believed;
		s->blank = next >= s->believed;
		s->blank_len = 0;
		return;
	}
	if (s->where == BODY && s->believed != 0 && s->at >= s->believed && n == 0 && ending > 0) {
		s->blank = true; /* between two messages: nobody's */
		return;
	}
	if (separates(s, p, n, next)) {
		uint64_t end = s->believed != 0 ? s->believed : s->at;

		if (s->believed == 0)
			drop_blank(s, &end);
		end_message(s, end);
		begin_message(s, p, n, next);
		s->blank = false;
		return;
	}
	s->blank = n == 0 && ending > 0;
	s->blank_len = s->blank ? ending : 0;
	if (s->where == BEFORE) {
		s->before = s->blank && s->before == 0 ? 0 : next;
		return;
	}
	s->bare += ending == 1;
	if (n > 0 && p[0] == '>')
		count_quote(s, p, n);
	if (s->where == HEAD) {
		if (n == 0 && ending > 0) {
			s->where = BODY;
			judge_length(s, next);
		} else {
			mail_head_line(&s->head, p, n);
		}
	}
}

/* A line that lies whole in p: the text and what ends it. */
static void whole_line(struct mbox_scan *s, const char *p, size_t n)
{
	unsigned ending = n > 1 && p[n - 2] == '\r' ? 2 : 1;

	on_line(s, p, n - ending, ending, s->at + n);
	s->at += n;
}

static void end_cut_line(struct mbox_scan *s, bool has_lf)
{
	size_t n = s->line.len;
	unsigned ending = has_lf ? 1 + s->cut_cr : 0;

	if (s->cut_cr && has_lf && n > 0 && s->line.ptr[n - 1] == '\r')
		n--;
	on_line(s, s->line.ptr, n, ending, s->pos);
	buf_reset(&s->line);
	s->cut = s->cut_cr = false;
	s->at = s->pos;
}

static void keep_cut(struct mbox_scan *s, const char *p, size_t n)
{
	size_t room = s->line.len < LINE_MAX_ ? LINE_MAX_ - s->line.len : 0;

	if (n == 0)
		return;
	buf_add(&s->line, p, n < room ? n : room);
	s->cut = true;
	s->cut_cr = p[n - 1] == '\r';
}

void mbox_scan_feed(struct mbox_scan *s, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL) {
			s->pos += (uint64_t)(end - p);
			keep_cut(s, p, (size_t)(end - p));
			return;
		}
		s->pos += (uint64_t)(lf + 1 - p);
		if (s->cut) {
			keep_cut(s, p, (size_t)(lf - p));
			end_cut_line(s, true);
		} else if (s->where == BODY && *p != 'F' && *p != '>' && *p != '\r' && *p != '\n' && s->believed == 0) {
			s->bare += lf[-1] != '\r'; /* most lines: nothing to look at */
			s->blank = false;
			s->at = s->pos;
		} else {
			whole_line(s, p, (size_t)(lf + 1 - p));
		}
		p = lf + 1;
	}
}

void mbox_scan_end(struct mbox_scan *s, uint64_t *before)
{
	uint64_t end;

	if (s->cut)
		end_cut_line(s, false);
	end = s->pos;
	if (s->believed != 0 && s->believed <= s->pos)
		end = s->believed;
	else
		drop_blank(s, &end);
	end_message(s, end);
	*before = s->before;
}

/* --- unquoting --- */

static void let_go(struct mbox_unquote *u, struct buf *out)
{
	static const char word[] = "From ";

	for (unsigned i = 0; i < u->held; i++)
		buf_addc(out, '>');
	buf_add(out, word, u->word);
	u->held = u->word = 0;
}

void mbox_unquote(struct mbox_unquote *u, const char *p, size_t n, struct buf *out)
{
	static const char word[] = "From ";
	const char *end = p + n;

	while (p < end) {
		if (u->inside) {
			const char *lf = memchr(p, '\n', (size_t)(end - p));
			const char *stop = lf != NULL ? lf + 1 : end;

			buf_add(out, p, (size_t)(stop - p));
			u->inside = lf == NULL;
			p = stop;
		} else if (*p == '>' && u->word == 0 && u->held < 1000) {
			u->held++;
			p++;
		} else if (u->held > 0 && *p == word[u->word]) {
			u->word++;
			p++;
			if (u->word == 5) {
				u->held--;
				let_go(u, out);
				u->inside = true;
			}
		} else {
			let_go(u, out);
			u->inside = true;
		}
	}
}

void mbox_unquote_end(struct mbox_unquote *u, struct buf *out)
{
	let_go(u, out);
	u->inside = false;
}
