#include "source_serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "imap_utf7.h"
#include "mail_date.h"
#include "mem.h"
#include "str.h"
#include "uidset.h"

#include "banned.h"

#define OUT_SIZE (256u << 10)
#define HOLD_MAX (1u << 20) /* of a message whose size is not known: longer ones are read twice */
#define LINE_MAX_ 65536
#define PROGRESS_MS 2000
#define CAPABILITIES "IMAP4rev1 LITERAL+ LIST-EXTENDED LIST-STATUS SPECIAL-USE STATUS=SIZE UNSELECT"

struct serve {
	int fd;
	struct source src;
	struct buf out, in;
	size_t in_at;
	struct source_folder *open; /* EXAMINEd */
	int64_t told;
	bool over;
};

/* --- output --- */

static void flush(struct serve *sv)
{
	if (sv->out.len > 0 && fs_write_all(sv->fd, sv->out.ptr, sv->out.len) != NULL)
		_exit(0); /* the engine has gone: so do we */
	buf_reset(&sv->out);
}

static void put(struct serve *sv, const void *p, size_t n)
{
	buf_add(&sv->out, p, n);
	if (sv->out.len >= OUT_SIZE)
		flush(sv);
}

/* Text on one line, bounded: it may come from the file. */
static void put_text(struct serve *sv, const char *text)
{
	for (size_t i = 0; text[i] != '\0' && i < 400; i++)
		buf_addc(&sv->out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
	buf_adds(&sv->out, "\r\n");
}

static void put_name(struct serve *sv, const char *utf8)
{
	struct buf raw = BUF_INIT;

	if (!utf7_encode(&raw, utf8, strlen(utf8)))
		buf_adds(&raw, "_");
	buf_addc(&sv->out, '"');
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '"' || raw.ptr[i] == '\\')
			buf_addc(&sv->out, '\\');
		buf_addc(&sv->out, raw.ptr[i]);
	}
	buf_addc(&sv->out, '"');
	buf_free(&raw);
}

static void on_note(void *arg, enum source_note kind, const char *folder, const char *text)
{
	static const char *const kinds[] = {"damage", "omitted", "progress"};
	struct serve *sv = arg;

	if (kind == SOURCE_PROGRESS) {
		int64_t now = clock_mono_ms();

		if (now - sv->told < PROGRESS_MS)
			return;
		sv->told = now;
	}
	buf_addf(&sv->out, "* OK [DESKNOTE %s ", kinds[kind]);
	if (folder != NULL)
		str_percent(&sv->out, folder, strlen(folder));
	buf_adds(&sv->out, "] ");
	put_text(sv, text);
	if (kind == SOURCE_PROGRESS)
		flush(sv);
}

/* How many of a folder's messages each turn brings it to: "turn:last", rising (feed.h). */
static void put_turns(struct serve *sv, const struct source_folder *f)
{
	uint64_t now = 0;
	unsigned on_line = 0;
	struct buf raw = BUF_INIT;

	if (!utf7_encode(&raw, f->name, strlen(f->name)))
		buf_adds(&raw, "_");
	for (uint32_t i = 0; i < f->n; i++) {
		uint64_t next = i + 1 < f->n ? f->m[i + 1].at / sv->src.turn : UINT64_MAX;

		if (f->m[i].at / sv->src.turn > now)
			now = f->m[i].at / sv->src.turn;
		if (next <= now)
			continue;
		if (on_line == 0) {
			buf_adds(&sv->out, "* OK [DESKTURNS ");
			str_percent(&sv->out, raw.ptr, raw.len);
			buf_addc(&sv->out, ']');
		}
		buf_addf(&sv->out, " %" PRIu64 ":%u", now, i + 1);
		on_line = next == UINT64_MAX ? 0 : (on_line + 1) % 100;
		if (on_line == 0)
			buf_adds(&sv->out, "\r\n");
	}
	buf_free(&raw);
}

/* --- a message's bytes --- */

enum part { WHOLE, HEADER, COUNT };

struct reading {
	struct serve *sv;
	enum part part;
	uint64_t size;    /* so far, lines ended by CRLF */
	bool cr;          /* the last byte was CR */
	struct buf *hold; /* NULL: straight out */
	bool overflow;    /* it was longer than HOLD_MAX: hold is useless */
	bool text;        /* HEADER: the line at work holds something */
	bool stopped;
};

static bool emit(struct reading *r, const char *p, size_t n)
{
	r->size += n;
	if (r->part == COUNT || r->overflow)
		return true;
	if (r->hold == NULL) {
		put(r->sv, p, n);
	} else if (r->hold->len + n <= HOLD_MAX) {
		buf_add(r->hold, p, n);
	} else {
		r->overflow = true;
	}
	return true;
}

/* Line by line, so that each ends in CRLF; of a header no more than it. */
static bool on_bytes(void *arg, const void *data, size_t n)
{
	struct reading *r = arg;
	const char *p = data, *end = p + n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;
		bool had_cr = stop > p ? stop[-1] == '\r' : r->cr;

		if (r->part == HEADER) {
			size_t text = (size_t)(stop - p) - (stop > p && stop[-1] == '\r' && lf != NULL);

			r->text = r->text || text > 1 || (text == 1 && (*p != '\r' || lf != NULL));
		}
		emit(r, p, (size_t)(stop - p));
		if (lf == NULL) {
			r->cr = had_cr;
			return true;
		}
		emit(r, had_cr ? "\n" : "\r\n", had_cr ? 1 : 2);
		r->cr = false;
		p = lf + 1;
		if (r->part == HEADER) {
			if (!r->text) {
				r->stopped = true;
				return false;
			}
			r->text = false;
		}
	}
	return true;
}

static const struct err *read_part(struct serve *sv, const struct source_msg *m, struct reading *r)
{
	r->sv = sv;
	if (m->flags & SOURCE_BROKEN)
		return err_new(ERR_SOURCE_DAMAGED, "item %" PRIu64 " of the file cannot be read", m->at);
	return sv->src.kind->read(&sv->src, sv->open, m, on_bytes, r);
}

static const struct err *learn_size(struct serve *sv, struct source_msg *m)
{
	struct reading r = {.part = COUNT};
	const struct err *e;

	if (m->flags & SOURCE_SIZED)
		return NULL;
	e = read_part(sv, m, &r);
	if (e == NULL) {
		m->size = r.size;
		m->flags |= SOURCE_SIZED;
	}
	return e;
}

/* --- FETCH --- */

struct wanted {
	bool uid, flags, date, size, whole, header;
};

static void put_flags(struct serve *sv, const struct source_msg *m)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} rows[] = {{SOURCE_SEEN, "\\Seen"}, {SOURCE_ANSWERED, "\\Answered"}, {SOURCE_FLAGGED, "\\Flagged"},
		{SOURCE_DELETED, "\\Deleted"}, {SOURCE_DRAFT, "\\Draft"}, {SOURCE_FORWARDED, "$Forwarded"},
		{SOURCE_MDNSENT, "$MDNSent"}};
	const char *gap = "";

	buf_adds(&sv->out, " FLAGS (");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (m->flags & rows[i].bit) {
			buf_addf(&sv->out, "%s%s", gap, rows[i].name);
			gap = " ";
		}
	buf_adds(&sv->out, sv->src.words[m->words] + (*gap == '\0' && sv->src.words[m->words][0] == ' '));
	buf_addc(&sv->out, ')');
}

static void put_attributes(struct serve *sv, const struct wanted *w, const struct source_msg *m, uint32_t uid)
{
	char date[MAIL_DATE_IMAP];

	buf_addf(&sv->out, "* %u FETCH (UID %u", uid, uid);
	if (w->flags)
		put_flags(sv, m);
	if (w->date) {
		mail_date_imap(m->date, date);
		buf_addf(&sv->out, " INTERNALDATE \"%s\"", date);
	}
	if (w->size)
		buf_addf(&sv->out, " RFC822.SIZE %" PRIu64, m->size);
}

/* The bytes go out as they are read: their number is already promised. */
static void stream_body(struct serve *sv, const struct source_msg *m)
{
	struct reading r = {.part = WHOLE};
	const struct err *e;

	buf_addf(&sv->out, " BODY[] {%" PRIu64 "}\r\n", m->size);
	e = read_part(sv, m, &r);
	if (e != NULL || r.size != m->size)
		_exit(0); /* the file is another one now: there is no honest way on with this answer */
	buf_adds(&sv->out, ")\r\n");
}

static const struct err *fetch_one(struct serve *sv, const struct wanted *w, uint32_t uid, struct buf *hold)
{
	struct source_msg *m = &sv->open->m[uid - 1];
	struct reading r = {.part = w->header ? HEADER : WHOLE, .hold = hold};
	const struct err *e = w->size ? learn_size(sv, m) : NULL;

	if (e != NULL)
		return e;
	if (!w->whole && !w->header) {
		put_attributes(sv, w, m, uid);
		put(sv, ")\r\n", 3);
		return NULL;
	}
	if (w->whole && m->flags & SOURCE_SIZED && sv->src.kind->sure) {
		put_attributes(sv, w, m, uid);
		stream_body(sv, m);
		return NULL;
	}
	buf_reset(hold);
	e = read_part(sv, m, &r);
	if (e != NULL)
		return e;
	if (w->whole) {
		m->size = r.size;
		m->flags |= SOURCE_SIZED;
	}
	put_attributes(sv, w, m, uid);
	if (r.overflow) {
		stream_body(sv, m);
		return NULL;
	}
	buf_addf(&sv->out, " BODY[%s] {%zu}\r\n", w->header ? "HEADER" : "", hold->len);
	put(sv, hold->ptr, hold->len);
	put(sv, ")\r\n", 3);
	return NULL;
}

static void answer_fetch(struct serve *sv, const char *tag, struct uidset *set, const struct wanted *w)
{
	struct buf hold = BUF_INIT;
	struct err why = {0};
	uint32_t failed = 0, first = 0;

	uidset_clip(set, 1, sv->open->n);
	for (size_t i = 0; i < set->n; i++)
		for (uint64_t uid = set->r[i].lo; uid <= set->r[i].hi; uid++) {
			const struct err *e = fetch_one(sv, w, (uint32_t)uid, &hold);

			if (e != NULL && failed++ == 0) {
				why = *e;
				first = (uint32_t)uid;
			}
			if (sv->out.len >= OUT_SIZE / 4)
				flush(sv);
		}
	buf_free(&hold);
	if (failed == 0) {
		buf_addf(&sv->out, "%s OK done\r\n", tag);
		return;
	}
	buf_addf(&sv->out, "%s NO ", tag);
	if (failed > 1)
		buf_addf(&sv->out, "%u messages, the first is number %u: ", failed, first);
	put_text(sv, why.msg);
}

static struct wanted parse_items(const char *s)
{
	return (struct wanted){.flags = strstr(s, "FLAGS") != NULL, .date = strstr(s, "INTERNALDATE") != NULL,
		.size = strstr(s, "RFC822.SIZE") != NULL, .whole = strstr(s, "BODY.PEEK[]") != NULL,
		.header = strstr(s, "BODY.PEEK[HEADER]") != NULL};
}

/* "3:*" too. */
static bool parse_set(const struct serve *sv, const char *p, size_t n, struct uidset *out)
{
	struct buf text = BUF_INIT;
	bool ok;

	for (size_t i = 0; i < n; i++)
		if (p[i] == '*')
			buf_addf(&text, "%u", sv->open->n > 0 ? sv->open->n : 1);
		else
			buf_addc(&text, p[i]);
	ok = uidset_parse(out, text.ptr, text.len);
	buf_free(&text);
	return ok;
}

static void do_fetch(struct serve *sv, const char *tag, const char *args)
{
	struct uidset set = UIDSET_INIT;
	size_t n = strcspn(args, " ");
	struct wanted w = parse_items(args + n);

	if (sv->open == NULL || !parse_set(sv, args, n, &set))
		buf_addf(&sv->out, "%s BAD nothing to fetch\r\n", tag);
	else
		answer_fetch(sv, tag, &set, &w);
	uidset_free(&set);
}

/* --- SEARCH --- */

struct search {
	struct uidset uids;
	bool has_uids;
	int64_t since, before; /* seconds; 0: none */
	uint64_t largest;      /* 0: none */
};

static char *word(char **at)
{
	char *p = *at + strspn(*at, " "), *end = p + strcspn(p, " ");

	*at = end + (*end != '\0');
	*end = '\0';
	return p;
}

/* "31-Jan-2024" */
static bool parse_day(const char *s, int64_t *out)
{
	char text[64];

	if (strlen(s) > 20)
		return false;
	snprintf(text, sizeof(text), "%s 00:00:00", s);
	return mail_date(text, strlen(text), out);
}

static bool parse_search(struct serve *sv, char *args, struct search *q)
{
	while (*args != '\0') {
		char *key = word(&args);
		int64_t v;

		if (str_ieq(key, "UID")) {
			char *set = word(&args);

			q->has_uids = true;
			if (!parse_set(sv, set, strlen(set), &q->uids))
				return false;
		} else if (str_ieq(key, "SINCE")) {
			if (!parse_day(word(&args), &q->since))
				return false;
		} else if (str_ieq(key, "BEFORE")) {
			if (!parse_day(word(&args), &q->before))
				return false;
		} else if (str_ieq(key, "NOT") && str_ieq(word(&args), "LARGER")) {
			if (!str_i64(word(&args), 0, INT64_MAX, &v))
				return false;
			q->largest = (uint64_t)v;
		} else if (*key != '\0' && !str_ieq(key, "ALL")) {
			return false;
		}
	}
	return true;
}

static bool matches(struct serve *sv, const struct search *q, uint32_t uid)
{
	struct source_msg *m = &sv->open->m[uid - 1];

	if (q->has_uids && !uidset_has(&q->uids, uid))
		return false;
	if ((q->since != 0 && m->date < q->since) || (q->before != 0 && m->date >= q->before))
		return false;
	return q->largest == 0 || learn_size(sv, m) != NULL || m->size <= q->largest;
}

static void do_search(struct serve *sv, const char *tag, char *args)
{
	struct search q = {.uids = UIDSET_INIT};

	if (sv->open == NULL || !parse_search(sv, args, &q)) {
		buf_addf(&sv->out, "%s BAD cannot search for this\r\n", tag);
	} else {
		buf_adds(&sv->out, "* SEARCH");
		for (uint32_t uid = 1; uid <= sv->open->n; uid++)
			if (matches(sv, &q, uid))
				buf_addf(&sv->out, " %u", uid);
		buf_addf(&sv->out, "\r\n%s OK done\r\n", tag);
	}
	uidset_free(&q.uids);
}

/* --- folders --- */

static void put_status(struct serve *sv, const struct source_folder *f)
{
	buf_adds(&sv->out, "* STATUS ");
	put_name(sv, f->name);
	buf_addf(&sv->out, " (MESSAGES %u UIDNEXT %u UIDVALIDITY %u SIZE %" PRIu64 ")\r\n", f->n, f->n + 1, f->uidvalidity,
		f->bytes);
}

static void do_list(struct serve *sv, const char *tag, const char *args)
{
	bool status = strstr(args, "STATUS") != NULL;

	for (size_t i = 0; i < sv->src.nf; i++) {
		const struct source_folder *f = &sv->src.f[i];

		buf_addf(&sv->out, "* LIST (\\Subscribed%s%s) \"/\" ", f->role != NULL ? " " : "", f->role != NULL ? f->role : "");
		put_name(sv, f->name);
		buf_adds(&sv->out, "\r\n");
		if (status)
			put_status(sv, f);
	}
	buf_addf(&sv->out, "%s OK done\r\n", tag);
}

static void do_lsub(struct serve *sv, const char *tag)
{
	for (size_t i = 0; i < sv->src.nf; i++) {
		buf_adds(&sv->out, "* LSUB () \"/\" ");
		put_name(sv, sv->src.f[i].name);
		buf_adds(&sv->out, "\r\n");
	}
	buf_addf(&sv->out, "%s OK done\r\n", tag);
}

/* The folder named by a quoted string or an atom; *rest: what follows. */
static struct source_folder *named(struct serve *sv, const char *args, const char **rest)
{
	struct buf raw = BUF_INIT, name = BUF_INIT;
	struct source_folder *found = NULL;

	if (*args == '"') {
		for (args++; *args != '\0' && *args != '"'; args++) {
			if (*args == '\\' && args[1] != '\0')
				args++;
			buf_addc(&raw, *args);
		}
		args += *args == '"';
	} else {
		buf_add(&raw, args, strcspn(args, " "));
		args += raw.len;
	}
	*rest = args;
	if (utf7_decode(&name, raw.ptr, raw.len))
		for (size_t i = 0; i < sv->src.nf && found == NULL; i++)
			if (strcmp(sv->src.f[i].name, name.ptr) == 0 ||
				(str_ieq(name.ptr, "INBOX") && str_ieq(sv->src.f[i].name, "INBOX")))
				found = &sv->src.f[i];
	buf_free(&raw);
	buf_free(&name);
	return found;
}

static void do_status(struct serve *sv, const char *tag, const char *args)
{
	const char *rest;
	struct source_folder *f = named(sv, args, &rest);

	if (f != NULL)
		put_status(sv, f);
	buf_addf(&sv->out, f != NULL ? "%s OK done\r\n" : "%s NO no such folder\r\n", tag);
}

static void do_examine(struct serve *sv, const char *tag, const char *args)
{
	const char *rest;

	sv->open = named(sv, args, &rest);
	if (sv->open == NULL) {
		buf_addf(&sv->out, "%s NO no such folder\r\n", tag);
		return;
	}
	buf_addf(&sv->out, "* %u EXISTS\r\n* OK [UIDVALIDITY %u] .\r\n* OK [UIDNEXT %u] .\r\n%s OK [READ-ONLY] done\r\n",
		sv->open->n, sv->open->uidvalidity, sv->open->n + 1, tag);
}

/* --- commands --- */

static void do_logout(struct serve *sv, const char *tag)
{
	buf_addf(&sv->out, "* BYE done\r\n%s OK done\r\n", tag);
	sv->over = true;
}

static void command(struct serve *sv, char *line)
{
	char *tag = word(&line), *verb = word(&line);
	bool uid = str_ieq(verb, "UID");

	if (uid)
		verb = word(&line);
	if (str_ieq(verb, "FETCH"))
		do_fetch(sv, tag, line);
	else if (str_ieq(verb, "SEARCH"))
		do_search(sv, tag, line);
	else if (str_ieq(verb, "LIST"))
		do_list(sv, tag, line);
	else if (str_ieq(verb, "LSUB"))
		do_lsub(sv, tag);
	else if (str_ieq(verb, "STATUS"))
		do_status(sv, tag, line);
	else if (str_ieq(verb, "EXAMINE") || str_ieq(verb, "SELECT"))
		do_examine(sv, tag, line);
	else if (str_ieq(verb, "CAPABILITY"))
		buf_addf(&sv->out, "* CAPABILITY " CAPABILITIES "\r\n%s OK done\r\n", tag);
	else if (str_ieq(verb, "LOGOUT"))
		do_logout(sv, tag);
	else if (str_ieq(verb, "NOOP") || str_ieq(verb, "UNSELECT") || str_ieq(verb, "CLOSE"))
		buf_addf(&sv->out, "%s OK done\r\n", tag);
	else
		buf_addf(&sv->out, "%s BAD a file cannot do this\r\n", tag);
}

/* The next line without its end; NULL: the peer has gone. */
static char *next_line(struct serve *sv)
{
	for (;;) {
		char *from = sv->in.ptr + sv->in_at, *lf = memchr(from, '\n', sv->in.len - sv->in_at);
		ssize_t n;

		if (lf != NULL) {
			sv->in_at += (size_t)(lf + 1 - from);
			*lf = '\0';
			if (lf > from && lf[-1] == '\r')
				lf[-1] = '\0';
			return from;
		}
		flush(sv); /* before waiting */
		buf_consume(&sv->in, sv->in_at);
		sv->in_at = 0;
		if (sv->in.len > LINE_MAX_)
			return NULL;
		buf_reserve(&sv->in, 8192);
		do
			n = read(sv->fd, sv->in.ptr + sv->in.len, 8000);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return NULL;
		sv->in.len += (size_t)n;
		sv->in.ptr[sv->in.len] = '\0';
	}
}

void source_serve(int fd, const struct source_kind *kind, const char *path, bool landlock)
{
	struct serve sv = {.fd = fd, .out = BUF_INIT, .in = BUF_INIT};
	const struct err *e;
	char *line;

	source_init(&sv.src, kind, on_note, &sv);
	buf_adds(&sv.out, "* PREAUTH [CAPABILITY " CAPABILITIES "] a file\r\n");
	if (!landlock)
		source_say(&sv.src, SOURCE_OMITTED, NULL, "this kernel has no Landlock: the reader of the file is held by "
			"seccomp alone and could read other files of this user");
	flush(&sv);
	e = source_open(&sv.src, path);
	if (e != NULL) {
		buf_addf(&sv.out, "* BYE [DESKERR %s] ", err_code(e));
		put_text(&sv, e->msg);
	} else {
		for (size_t i = 0; i < sv.src.nf && sv.src.turn > 0; i++)
			put_turns(&sv, &sv.src.f[i]);
		while (!sv.over && (line = next_line(&sv)) != NULL)
			command(&sv, line);
	}
	flush(&sv);
	source_free(&sv.src);
	buf_free(&sv.out);
	buf_free(&sv.in);
}
