#include "imap_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "imap_parse.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define RESP_BYTES_MAX (1u << 20) /* of values in one response */
#define RESP_VALUES_MAX 65536u
#define NO_VALUE ((size_t)-1)

struct imap_reader {
	struct imap_parser parser;
	struct imap_resp resp;
	struct buf bytes; /* what values point to; offsets in val.s until the response is complete */
	struct imap_val *v;
	size_t nv, cap;
	size_t open[IMAP_DEPTH_MAX + 1];
	unsigned depth;
	size_t item;     /* FETCH: the value that names the item whose value comes next; NO_VALUE: a name comes */
	size_t literal;  /* value that a literal is being collected in; NO_VALUE */
	bool streaming;  /* the literal goes to the body callbacks */
	bool fresh;      /* the next token starts a line */
	bool all_next;   /* ESEARCH: the next atom is a set */
	struct buf flags, date, code, text;
};

struct kind_row {
	const char *word;
	enum imap_kind kind;
};

static const struct kind_row kinds[] = {
	{"OK", IMAP_OK}, {"NO", IMAP_NO}, {"BAD", IMAP_BAD}, {"BYE", IMAP_BYE}, {"PREAUTH", IMAP_PREAUTH},
	{"FETCH", IMAP_FETCH}, {"LIST", IMAP_LIST}, {"STATUS", IMAP_STATUS}, {"LSUB", IMAP_LSUB},
	{"EXISTS", IMAP_EXISTS}, {"RECENT", IMAP_RECENT}, {"EXPUNGE", IMAP_EXPUNGE}, {"VANISHED", IMAP_VANISHED},
	{"CAPABILITY", IMAP_CAPABILITY}, {"ENABLED", IMAP_ENABLED}, {"NAMESPACE", IMAP_NAMESPACE},
	{"FLAGS", IMAP_FLAGS}, {"SEARCH", IMAP_SEARCH}, {"ESEARCH", IMAP_ESEARCH}, {"QUOTA", IMAP_QUOTA},
	{"QUOTAROOT", IMAP_QUOTAROOT}, {"ID", IMAP_ID},
};

struct imap_reader *imap_reader_new(void)
{
	struct imap_reader *r = xcalloc(1, sizeof(*r));

	imap_parser_init(&r->parser);
	buf_init(&r->bytes);
	buf_init(&r->flags);
	buf_init(&r->date);
	buf_init(&r->code);
	buf_init(&r->text);
	r->fresh = true;
	return r;
}

void imap_reader_free(struct imap_reader *r)
{
	if (r == NULL)
		return;
	buf_free(&r->bytes);
	buf_free(&r->flags);
	buf_free(&r->date);
	buf_free(&r->code);
	buf_free(&r->text);
	uidset_free(&r->resp.uids);
	free(r->v);
	free(r);
}

static void start(struct imap_reader *r)
{
	struct uidset keep = r->resp.uids;

	uidset_clear(&keep);
	memset(&r->resp, 0, sizeof(r->resp));
	r->resp.uids = keep;
	r->resp.kind = IMAP_OTHER;
	r->resp.word = r->resp.code = r->resp.code_args = r->resp.text = "";
	buf_reset(&r->bytes);
	r->nv = 0;
	r->depth = 0;
	r->item = r->literal = NO_VALUE;
	r->streaming = r->fresh = r->all_next = false;
}

static const struct err *too_much(void)
{
	return err_new(ERR_PROTOCOL, "a response with more values than IMAP needs");
}

static const struct err *add_value(struct imap_reader *r, enum imap_type type, const char *p, size_t n)
{
	struct imap_val *v;

	if (r->nv >= RESP_VALUES_MAX || r->bytes.len + n > RESP_BYTES_MAX)
		return too_much();
	if (r->nv == r->cap) {
		r->cap = r->cap * 2 + 32;
		r->v = xreallocarray(r->v, r->cap, sizeof(*r->v));
	}
	v = &r->v[r->nv++];
	v->type = type;
	v->s = (const char *)(uintptr_t)r->bytes.len;
	v->n = n;
	v->span = 1;
	buf_add(&r->bytes, p, n);
	buf_addc(&r->bytes, '\0');
	return NULL;
}

static const char *val_bytes(const struct imap_reader *r, size_t at)
{
	return r->bytes.ptr + (uintptr_t)r->v[at].s;
}

static const struct err *add_unescaped(struct imap_reader *r, const char *p, size_t n)
{
	struct buf plain = BUF_INIT;
	const struct err *e;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\' && i + 1 < n)
			i++;
		buf_addc(&plain, p[i]);
	}
	e = add_value(r, IMAP_V_STRING, plain.ptr, plain.len);
	buf_free(&plain);
	return e;
}

static bool is_section(const char *name)
{
	return strncasecmp(name, "BODY[", 5) == 0 || strncasecmp(name, "BINARY[", 7) == 0 ||
	       strncasecmp(name, "RFC822", 6) == 0;
}

/* The item name `BODY[...]` whose content may be streamed, or NULL. */
static const char *section_here(const struct imap_reader *r)
{
	const char *name;

	if (r->resp.kind != IMAP_FETCH || r->item == NO_VALUE || r->depth != 1)
		return NULL;
	name = val_bytes(r, r->item);
	return is_section(name) ? name : NULL;
}

static void fetch_flags(struct imap_reader *r, size_t list)
{
	struct imap_fetch *f = &r->resp.fetch;

	buf_reset(&r->flags);
	for (size_t i = list + 1; i < list + r->v[list].span; i++) {
		const char *s = val_bytes(r, i);

		if (r->v[i].type == IMAP_V_LIST || strcasecmp(s, "\\Recent") == 0)
			continue;
		if (r->flags.len > 0)
			buf_addc(&r->flags, ' ');
		buf_adds(&r->flags, s);
	}
	f->has_flags = true;
	f->flags = r->flags.ptr;
}

/* The value at `at` of the item named at r->item is complete. */
static void fetch_item(struct imap_reader *r, size_t at)
{
	struct imap_fetch *f = &r->resp.fetch;
	const char *name = val_bytes(r, r->item), *s = val_bytes(r, at);
	size_t n = r->v[at].n;
	uint64_t num = 0;

	if (strcasecmp(name, "UID") == 0 && imap_number(s, n, &num) && num <= UINT32_MAX) {
		f->uid = (uint32_t)num;
	} else if (strcasecmp(name, "FLAGS") == 0 && r->v[at].type == IMAP_V_LIST) {
		fetch_flags(r, at);
	} else if (strcasecmp(name, "INTERNALDATE") == 0 && r->v[at].type == IMAP_V_STRING) {
		buf_reset(&r->date);
		buf_add(&r->date, s, n);
		f->has_date = true;
		f->date = r->date.ptr;
	} else if (strcasecmp(name, "RFC822.SIZE") == 0 && imap_number(s, n, &num)) {
		f->has_size = true;
		f->size = num;
	} else if (strcasecmp(name, "MODSEQ") == 0 && r->v[at].type == IMAP_V_LIST && r->v[at].span > 1 &&
		   imap_number(val_bytes(r, at + 1), r->v[at + 1].n, &num)) {
		f->has_modseq = true;
		f->modseq = num;
	}
	r->item = NO_VALUE;
}

/* A value at the top of a FETCH's list: an item's name, or the value of the item named before. */
static void fetch_value(struct imap_reader *r, size_t at)
{
	if (r->resp.kind != IMAP_FETCH || r->depth != 1)
		return;
	if (r->item == NO_VALUE)
		r->item = at;
	else
		fetch_item(r, at);
}

static enum imap_kind kind_of(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcasecmp(kinds[i].word, word) == 0)
			return kinds[i].kind;
	return IMAP_OTHER;
}

/* The first values of a line: tag or "*", then a word or a number and a word. True when it was one of these. */
static bool head_value(struct imap_reader *r, size_t at)
{
	const char *s = val_bytes(r, at);
	uint64_t num;

	if (at == 0) {
		if (s[0] == '+' && s[1] == '\0')
			r->resp.kind = IMAP_CONTINUE;
		return true;
	}
	if (at == 1) {
		if (imap_number(s, r->v[at].n, &num))
			r->resp.number = num;
		else
			r->resp.kind = kind_of(s);
		return true;
	}
	if (at == 2 && imap_number(val_bytes(r, 1), r->v[1].n, &num)) {
		r->resp.kind = kind_of(s);
		return true;
	}
	return false;
}

/* SEARCH and its kin go straight into a set: a million numbers are no values. True when taken. */
static bool set_atom(struct imap_reader *r, const char *p, size_t n, const struct err **e)
{
	uint64_t num;

	switch (r->resp.kind) {
	case IMAP_SEARCH:
		if (r->depth > 0 || !imap_number(p, n, &num) || num == 0 || num > UINT32_MAX)
			return false;
		uidset_add(&r->resp.uids, (uint32_t)num, (uint32_t)num);
		return true;
	case IMAP_ESEARCH:
		if (r->all_next) {
			r->all_next = false;
			if (!uidset_parse(&r->resp.uids, p, n))
				*e = err_new(ERR_PROTOCOL, "ESEARCH ALL without a set of numbers");
			return true;
		}
		r->all_next = r->depth == 0 && n == 3 && strncasecmp(p, "ALL", 3) == 0;
		return r->all_next;
	case IMAP_VANISHED:
		if (r->depth > 0 || n == 0 || p[0] < '0' || p[0] > '9')
			return false;
		if (!uidset_parse(&r->resp.uids, p, n))
			*e = err_new(ERR_PROTOCOL, "VANISHED without a set of numbers");
		return true;
	default:
		return false;
	}
}

static const struct err *on_atom(struct imap_reader *r, const struct imap_token *t)
{
	bool nil = t->n == 3 && strncasecmp(t->p, "NIL", 3) == 0 && r->nv > 2;
	const struct err *e = NULL;

	if (r->nv >= 2 && set_atom(r, t->p, t->n, &e))
		return e;
	if ((e = add_value(r, nil ? IMAP_V_NIL : IMAP_V_ATOM, t->p, t->n)) != NULL)
		return e;
	if (r->depth > 0 || !head_value(r, r->nv - 1))
		fetch_value(r, r->nv - 1);
	return NULL;
}

static const struct err *on_string(struct imap_reader *r, const struct imap_token *t, const struct imap_body_ops *body,
	void *arg)
{
	const char *section = body != NULL && body->begin != NULL ? section_here(r) : NULL;
	const struct err *e;

	e = t->escaped ? add_unescaped(r, t->p, t->n) : add_value(r, IMAP_V_STRING, t->p, t->n);
	if (e != NULL)
		return e;
	if (section != NULL) { /* a short body sent as a quoted string */
		struct imap_val *v = &r->v[r->nv - 1];

		section = val_bytes(r, r->item);
		body->begin(arg, &r->resp.fetch, section, v->n);
		if (v->n > 0)
			body->data(arg, val_bytes(r, r->nv - 1), v->n);
		body->end(arg);
	}
	fetch_value(r, r->nv - 1);
	return NULL;
}

static const struct err *on_literal(struct imap_reader *r, const struct imap_token *t, const struct imap_body_ops *body,
	void *arg)
{
	const char *section = body != NULL && body->begin != NULL ? section_here(r) : NULL;

	if (section != NULL) {
		r->streaming = true;
		body->begin(arg, &r->resp.fetch, section, t->size);
		return NULL;
	}
	if (t->size > RESP_BYTES_MAX)
		return err_new(ERR_PROTOCOL, "a literal of %llu bytes where none so long belongs",
			(unsigned long long)t->size);
	r->literal = r->nv;
	return add_value(r, IMAP_V_STRING, "", 0);
}

static const struct err *on_literal_data(struct imap_reader *r, const struct imap_token *t,
	const struct imap_body_ops *body, void *arg)
{
	if (r->streaming) {
		body->data(arg, t->p, t->n);
		return NULL;
	}
	if (r->bytes.len + t->n > RESP_BYTES_MAX)
		return too_much();
	buf_truncate(&r->bytes, r->bytes.len - 1);
	buf_add(&r->bytes, t->p, t->n);
	buf_addc(&r->bytes, '\0');
	r->v[r->literal].n += t->n;
	return NULL;
}

static const struct err *on_literal_end(struct imap_reader *r, const struct imap_body_ops *body, void *arg)
{
	const struct err *e;

	if (!r->streaming) {
		fetch_value(r, r->literal);
		r->literal = NO_VALUE;
		return NULL;
	}
	r->streaming = false;
	if ((e = add_value(r, IMAP_V_NIL, "", 0)) != NULL) /* its place in the list */
		return e;
	fetch_value(r, r->nv - 1);
	body->end(arg);
	return NULL;
}

static const struct err *on_open(struct imap_reader *r)
{
	const struct err *e = add_value(r, IMAP_V_LIST, "", 0);

	if (e == NULL)
		r->open[r->depth++] = r->nv - 1;
	return e;
}

static void on_close(struct imap_reader *r)
{
	size_t list = r->open[--r->depth];

	r->v[list].span = r->nv - list;
	fetch_value(r, list);
}

/* "[CODE args] text": a quoted string in args may hold ']'. */
static void on_text(struct imap_reader *r, const char *p, size_t n)
{
	size_t end = 1, word;
	bool quote = false;

	buf_reset(&r->code);
	buf_reset(&r->text);
	if (n > 0 && p[0] == '[' && r->resp.kind != IMAP_CONTINUE) {
		for (; end < n && (quote || p[end] != ']'); end++)
			if (p[end] == '"')
				quote = !quote;
		if (end == n) /* no end: then it is only text */
			end = 0;
	} else {
		end = 0;
	}
	if (end > 0) {
		for (word = 1; word < end && p[word] != ' '; word++)
			;
		buf_add(&r->code, p + 1, word - 1);
		for (size_t i = 0; i < r->code.len; i++)
			if (r->code.ptr[i] >= 'a' && r->code.ptr[i] <= 'z')
				r->code.ptr[i] = (char)(r->code.ptr[i] - 'a' + 'A');
		buf_addc(&r->code, '\0');
		if (word < end)
			buf_add(&r->code, p + word + 1, end - word - 1);
		end++;
		if (end < n && p[end] == ' ')
			end++;
		r->resp.code = r->code.ptr;
		r->resp.code_args = r->code.ptr + strlen(r->code.ptr) + 1;
	}
	buf_add(&r->text, p + end, n - end);
	r->resp.text = r->text.ptr;
}

static const struct err *finish(struct imap_reader *r)
{
	struct imap_resp *resp = &r->resp;
	size_t skip;

	if (r->nv == 0)
		return err_new(ERR_PROTOCOL, "an empty line");
	for (size_t i = 0; i < r->nv; i++)
		r->v[i].s = val_bytes(r, i);
	r->fresh = true;
	if (r->v[0].s[0] != '*' && r->v[0].s[0] != '+')
		resp->tag = r->v[0].s;
	skip = r->nv > 1 && r->v[1].s[0] >= '0' && r->v[1].s[0] <= '9' && r->nv > 2 ? 3 : 2;
	if (r->nv >= 2)
		resp->word = r->v[skip - 1].s;
	if (resp->kind == IMAP_CONTINUE)
		skip = 1;
	resp->v = r->v + (skip < r->nv ? skip : r->nv);
	resp->nv = skip < r->nv ? r->nv - skip : 0;
	if (resp->tag != NULL && resp->kind != IMAP_OK && resp->kind != IMAP_NO && resp->kind != IMAP_BAD)
		return err_new(ERR_PROTOCOL, "a tagged answer without OK, NO or BAD: \"%.40s %.40s\"", resp->tag,
			resp->word);
	return NULL;
}

static const struct err *on_token(struct imap_reader *r, const struct imap_token *t, const struct imap_body_ops *body,
	void *arg)
{
	switch (t->type) {
	case TOK_ATOM:
		return on_atom(r, t);
	case TOK_STRING:
		return on_string(r, t, body, arg);
	case TOK_LITERAL:
		return on_literal(r, t, body, arg);
	case TOK_LITERAL_DATA:
		return on_literal_data(r, t, body, arg);
	case TOK_LITERAL_END:
		return on_literal_end(r, body, arg);
	case TOK_OPEN:
		return on_open(r);
	case TOK_CLOSE:
		on_close(r);
		return NULL;
	case TOK_TEXT:
		on_text(r, t->p, t->n);
		return NULL;
	default:
		return NULL;
	}
}

const struct err *imap_reader_feed(struct imap_reader *r, const char *p, size_t n, size_t *used, bool *done,
	const struct imap_resp **resp, const struct imap_body_ops *body, void *arg, const bool *pause)
{
	const struct err *e = NULL;
	struct imap_token t;

	*used = 0;
	*done = false;
	while (e == NULL) {
		*used += imap_parse(&r->parser, p + *used, n - *used, &t);
		if (t.type == TOK_MORE)
			return NULL;
		if (t.type == TOK_ERROR)
			return err_new(ERR_PROTOCOL, "%s", r->parser.error);
		if (r->fresh) {
			if (t.type == TOK_EOL) /* an empty line between responses: some servers send one */
				continue;
			start(r);
		}
		if (t.type == TOK_EOL) {
			*done = true;
			*resp = &r->resp;
			return finish(r);
		}
		e = on_token(r, &t, body, arg);
		if (r->streaming && pause != NULL && *pause)
			break;
	}
	return e;
}
