/* UID FETCH. */
#include "serve.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "mail_date.h"

#include "banned.h"

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
	sv->in_literal = true;
	e = serve_read(sv, m, &r);
	sv->in_literal = false;
	if (e != NULL || r.size != m->size)
		_exit(0); /* the file is another one now: there is no honest way on with this answer */
	buf_adds(&sv->out, ")\r\n");
}

static const struct err *fetch_one(struct serve *sv, const struct wanted *w, uint32_t uid, struct buf *hold)
{
	struct source_msg *m = &sv->open->m[uid - 1];
	struct reading r = {.part = w->header ? HEADER : WHOLE, .hold = hold};
	const struct err *e = w->size ? serve_learn_size(sv, m) : NULL;

	if (e != NULL)
		return e;
	if (!w->whole && !w->header) {
		put_attributes(sv, w, m, uid);
		serve_put(sv, ")\r\n", 3);
		return NULL;
	}
	if (w->whole && m->flags & SOURCE_SIZED && sv->src.kind->sure) {
		put_attributes(sv, w, m, uid);
		stream_body(sv, m);
		return NULL;
	}
	buf_reset(hold);
	e = serve_read(sv, m, &r);
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
	serve_put(sv, hold->ptr, hold->len);
	serve_put(sv, ")\r\n", 3);
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
			if (sv->out.len >= SERVE_OUT / 4)
				serve_flush(sv);
		}
	buf_free(&hold);
	if (failed == 0) {
		buf_addf(&sv->out, "%s OK done\r\n", tag);
		return;
	}
	buf_addf(&sv->out, "%s NO ", tag);
	if (failed > 1)
		buf_addf(&sv->out, "%u messages, the first is number %u: ", failed, first);
	serve_text(sv, why.msg);
}

static struct wanted parse_items(const char *s)
{
	return (struct wanted){.flags = strstr(s, "FLAGS") != NULL, .date = strstr(s, "INTERNALDATE") != NULL,
		.size = strstr(s, "RFC822.SIZE") != NULL, .whole = strstr(s, "BODY.PEEK[]") != NULL,
		.header = strstr(s, "BODY.PEEK[HEADER]") != NULL};
}

/* "3:*" too. */
bool serve_uids(const struct serve *sv, const char *p, size_t n, struct uidset *out)
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

void serve_fetch(struct serve *sv, const char *tag, const char *args)
{
	struct uidset set = UIDSET_INIT;
	size_t n = strcspn(args, " ");
	struct wanted w = parse_items(args + n);

	if (sv->open == NULL || !serve_uids(sv, args, n, &set))
		buf_addf(&sv->out, "%s BAD nothing to fetch\r\n", tag);
	else
		answer_fetch(sv, tag, &set, &w);
	uidset_free(&set);
}
