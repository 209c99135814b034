#include "mime.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "charset.h"
#include "mem.h"
#include "mime_leaf.h"
#include "rfc2047.h"
#include "str.h"

#include "banned.h"

enum {
	BOUNDARY_MAX = 200, /* RFC 2046 allows 70 */
	HEAD_MAX = BOUNDARY_MAX + 100, /* start of a line, while it may be a delimiter */
	TYPE_MAX = 128
};

struct level {
	char boundary[BOUNDARY_MAX + 1];
	size_t len;
	bool digest; /* parts without a type are messages */
};

/* What the header that is being read says of its body. */
struct entity {
	char type[TYPE_MAX];
	char charset[CHARSET_MAX];
	enum mime_cte cte;
	struct level level; /* of a multipart */
	struct buf filename;
	bool in_message; /* a message's header, not a part's */
};

struct mime {
	const struct mime_sink *sink;
	void *arg;
	enum { IN_HEADER, IN_LEAF, IN_SKIP } state;
	struct entity cur;
	struct buf field; /* the header field so far, raw */
	struct level *levels;
	unsigned nlevels, messages; /* open multiparts; message/rfc822 entered */
	struct mime_leaf *leaf;
	bool newline; /* a line end that a delimiter would take for itself */
	/* the present line */
	size_t crs;
	bool line_start, line_empty;
	bool guess;  /* head may be the start of a delimiter */
	char head[HEAD_MAX];
	size_t nhead;
};

struct mime *mime_new(const struct mime_sink *sink, void *arg)
{
	struct mime *m = xcalloc(1, sizeof(*m));

	m->sink = sink;
	m->arg = arg;
	m->levels = xcalloc(MIME_DEPTH_MAX, sizeof(*m->levels));
	m->leaf = mime_leaf_new(sink->leaf_data, arg);
	buf_init(&m->field);
	buf_init(&m->cur.filename);
	mime_reset(m);
	return m;
}

void mime_free(struct mime *m)
{
	if (m == NULL)
		return;
	buf_free(&m->field);
	buf_free(&m->cur.filename);
	mime_leaf_free(m->leaf);
	free(m->levels);
	free(m);
}

/* --- headers ---------------------------------------------------------------------------------------------- */

static void header_begin(struct mime *m, bool in_message)
{
	bool digest = !in_message && m->nlevels > 0 && m->levels[m->nlevels - 1].digest;
	struct buf filename = m->cur.filename;

	buf_reset(&filename);
	m->cur = (struct entity){.in_message = in_message, .filename = filename};
	memcpy(m->cur.type, digest ? "message/rfc822" : "text/plain", digest ? 15 : 11);
	m->state = IN_HEADER;
}

void mime_reset(struct mime *m)
{
	m->nlevels = m->messages = 0;
	buf_reset(&m->field);
	m->newline = m->guess = false;
	m->crs = m->nhead = 0;
	m->line_start = m->line_empty = true;
	header_begin(m, true);
}

static bool param_small(char *out, size_t size, const char *body, size_t n, const char *name)
{
	struct buf v = BUF_INIT;
	bool fits = rfc2047_param(&v, body, n, name) && v.len < size;

	if (fits)
		memcpy(out, v.ptr, v.len + 1);
	buf_free(&v);
	return fits;
}

static bool is_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"[]?=", c) == NULL;
}

static void content_type(struct mime *m, const char *body, size_t n)
{
	struct entity *e = &m->cur;
	size_t i = 0, k = 0;

	while (i < n && (body[i] == ' ' || body[i] == '\t' || body[i] == '\r' || body[i] == '\n'))
		i++;
	while (i < n && k + 1 < sizeof(e->type) && is_token(body[i]))
		e->type[k++] = body[i++];
	e->type[k] = '\0';
	str_lower(e->type);
	if (strchr(e->type, '/') == NULL)
		memcpy(e->type, "text/plain", 11);
	param_small(e->charset, sizeof(e->charset), body, n, "charset");
	e->level.len = 0;
	if (str_starts(e->type, "multipart/") &&
		param_small(e->level.boundary, sizeof(e->level.boundary), body, n, "boundary"))
		e->level.len = strlen(e->level.boundary);
	e->level.digest = strcmp(e->type, "multipart/digest") == 0;
	if (e->filename.len == 0)
		rfc2047_param(&e->filename, body, n, "name");
}

static void content_disposition(struct mime *m, const char *body, size_t n)
{
	struct buf v = BUF_INIT;

	if (rfc2047_param(&v, body, n, "filename")) {
		buf_reset(&m->cur.filename);
		buf_add(&m->cur.filename, v.ptr, v.len);
	}
	buf_free(&v);
}

static void content_transfer_encoding(struct mime *m, const char *body, size_t n)
{
	struct buf v = BUF_INIT;

	rfc2047_decode(&v, body, n, 100);
	m->cur.cte = str_istarts(v.ptr, "base64") ? CTE_BASE64
		   : str_istarts(v.ptr, "quoted-printable") ? CTE_QP
								  : CTE_IDENTITY;
	buf_free(&v);
}

static const struct {
	const char *name;
	void (*read)(struct mime *m, const char *body, size_t n);
} content_fields[] = {
	{"Content-Type", content_type},
	{"Content-Disposition", content_disposition},
	{"Content-Transfer-Encoding", content_transfer_encoding},
};

/* The field in m->field is complete. A line without a colon is no field and is passed over. */
static void field_end(struct mime *m)
{
	const char *s = m->field.ptr, *colon = memchr(s, ':', m->field.len), *body;
	size_t nname, n;

	if (m->field.len == 0 || colon == NULL)
		goto done;
	nname = (size_t)(colon - s);
	while (nname > 0 && (s[nname - 1] == ' ' || s[nname - 1] == '\t'))
		nname--;
	body = colon + 1;
	n = m->field.len - (size_t)(body - s);
	if (nname == 0 || memchr(s, ' ', nname) != NULL) /* "From somebody Mon Jan …" */
		goto done;
	for (size_t i = 0; i < sizeof(content_fields) / sizeof(content_fields[0]); i++)
		if (strlen(content_fields[i].name) == nname && strncasecmp(content_fields[i].name, s, nname) == 0)
			content_fields[i].read(m, body, n);
	if (m->cur.in_message)
		m->sink->field(m->arg, m->messages, s, nname, body, n);
done:
	buf_reset(&m->field);
}

/* The header is over: what follows is preamble, a message's header, or a leaf's body. */
static void header_end(struct mime *m)
{
	struct entity *e = &m->cur;

	field_end(m);
	m->newline = false;
	if (e->level.len > 0 && m->nlevels < MIME_DEPTH_MAX) {
		m->levels[m->nlevels++] = e->level;
		m->state = IN_SKIP;
		return;
	}
	if (strcmp(e->type, "message/rfc822") == 0 && e->cte == CTE_IDENTITY && m->messages < MIME_DEPTH_MAX) {
		m->messages++;
		header_begin(m, true);
		return;
	}
	m->state = IN_LEAF;
	m->sink->leaf_begin(m->arg, e->type, e->filename.ptr);
	mime_leaf_begin(m->leaf, e->cte, str_starts(e->type, "text/"), e->charset);
}

/* --- bodies ----------------------------------------------------------------------------------------------- */

static void part_end(struct mime *m)
{
	if (m->state == IN_HEADER)
		header_end(m);
	if (m->state == IN_HEADER) /* an empty message inside */
		header_end(m);
	if (m->state == IN_LEAF) {
		mime_leaf_end(m->leaf);
		m->sink->leaf_end(m->arg);
	}
	m->newline = false;
	m->state = IN_SKIP;
}

/* Does the line in head delimit a part? The innermost multipart is asked first: an outer one's delimiter ends
 * the inner one too. */
static bool delimiter(struct mime *m)
{
	for (unsigned i = m->nlevels; i-- > 0;) {
		const struct level *l = &m->levels[i];
		size_t n = m->nhead, used = l->len + 2;
		bool closing;

		if (n < used || memcmp(m->head + 2, l->boundary, l->len) != 0)
			continue;
		closing = n >= used + 2 && memcmp(m->head + used, "--", 2) == 0;
		used += closing ? 2 : 0;
		while (used < n && (m->head[used] == ' ' || m->head[used] == '\t'))
			used++;
		if (used < n)
			continue;
		part_end(m);
		m->nlevels = closing ? i : i + 1;
		if (!closing)
			header_begin(m, false);
		return true;
	}
	return false;
}

/* A piece of a line that is not a delimiter's start. */
static void line_data(struct mime *m, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (m->state == IN_HEADER) {
		if (m->line_start && *p != ' ' && *p != '\t')
			field_end(m);
		else if (m->line_start && m->field.len > 0 && m->field.len < MIME_FIELD_MAX)
			buf_addc(&m->field, '\n');
		m->line_start = false;
		if (n > MIME_FIELD_MAX - m->field.len)
			n = MIME_FIELD_MAX - m->field.len;
		buf_add(&m->field, p, n);
		return;
	}
	m->line_start = false;
	if (m->state != IN_LEAF)
		return;
	if (m->newline)
		mime_leaf_newline(m->leaf);
	m->newline = false;
	mime_leaf_data(m->leaf, p, n);
}

static void head_flush(struct mime *m)
{
	m->guess = false;
	line_data(m, m->head, m->nhead);
	m->nhead = 0;
}

static void line_end(struct mime *m)
{
	bool was_delimiter = m->guess && delimiter(m);

	if (m->guess && !was_delimiter)
		head_flush(m);
	m->guess = false;
	m->nhead = 0;
	if (!was_delimiter) {
		if (m->state == IN_HEADER && m->line_empty) {
			header_end(m);
		} else if (m->state == IN_LEAF) {
			if (m->newline)
				mime_leaf_newline(m->leaf);
			m->newline = true;
		}
	}
	m->line_start = m->line_empty = true;
}

/* p has no LF, and no CR but those that stand inside a line. */
static void inside(struct mime *m, const char *p, size_t n)
{
	while (n > 0 && m->nlevels > 0 && (m->line_empty || m->guess)) {
		if (m->line_empty) {
			m->guess = true;
			m->nhead = 0;
		}
		m->line_empty = false;
		m->head[m->nhead++] = *p++;
		n--;
		if ((m->nhead <= 2 && m->head[m->nhead - 1] != '-') || m->nhead == sizeof(m->head))
			head_flush(m);
	}
	if (n > 0)
		m->line_empty = false;
	line_data(m, p, n);
}

static void inside_crs(struct mime *m)
{
	for (; m->crs > 0; m->crs--)
		inside(m, "\r", 1);
}

void mime_feed(struct mime *m, const void *data, size_t n)
{
	const char *p = data, *end = p + n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf != NULL ? lf : end, *q = stop;

		while (q > p && q[-1] == '\r')
			q--;
		if (q > p) {
			inside_crs(m);
			inside(m, p, (size_t)(q - p));
		}
		m->crs += (size_t)(stop - q);
		if (lf == NULL)
			break;
		m->crs = 0;
		line_end(m);
		p = lf + 1;
	}
}

void mime_end(struct mime *m)
{
	inside_crs(m);
	if (m->guess)
		if (!delimiter(m))
			head_flush(m);
	part_end(m);
	mime_reset(m);
}
