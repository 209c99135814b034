#include "survey.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

/* Folders that a hostile or broken server may list before we call it off. */
enum { FOLDERS_MAX = 200000 };


static bool same_name(const char *a, size_t na, const char *b, size_t nb)
{
	if (na == 5 && nb == 5 && str_istarts(a, "INBOX") && str_istarts(b, "INBOX"))
		return true;
	return na == nb && memcmp(a, b, na) == 0;
}

static struct survey_folder *find(struct survey *s, const char *raw, size_t len)
{
	/* STATUS responses come in the order of LIST, nearly always: look on from the last one */
	for (size_t k = 0; k < s->n; k++) {
		size_t i = (s->last + k) % s->n;

		if (same_name(s->f[i].raw, s->f[i].len, raw, len)) {
			s->last = i;
			return &s->f[i];
		}
	}
	return NULL;
}

/* "user." covers "user.ana" and its root, "user". */
static bool is_foreign(const struct survey *s, const char *raw, size_t len)
{
	for (size_t i = 0; i < s->nforeign; i++) {
		size_t n = strlen(s->foreign[i]);

		if ((len >= n && memcmp(raw, s->foreign[i], n) == 0) ||
			(len + 1 == n && memcmp(raw, s->foreign[i], len) == 0))
			return true;
	}
	return false;
}

static void folder_free(struct survey_folder *f)
{
	free(f->raw);
	free(f->role);
	free(f->display);
}

static void finish_one(struct survey *s)
{
	size_t keep = 0;

	if (--s->open > 0)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (is_foreign(s, s->f[i].raw, s->f[i].len))
			folder_free(&s->f[i]);
		else
			s->f[keep++] = s->f[i];
	s->n = keep;
	s->last = 0;
	s->fn(s->arg, s->error);
}

static void add_folder(struct survey *s, const struct imap_list_item *it)
{
	struct survey_folder *f;

	if (it->len == 0)
		return;
	if (s->n >= FOLDERS_MAX || find(s, it->name, it->len) != NULL)
		return;
	if (s->n == s->cap) {
		s->cap += s->cap / 2 + 64;
		s->f = xreallocarray(s->f, s->cap, sizeof(*s->f));
	}
	f = &s->f[s->n++];
	*f = (struct survey_folder){.raw = xstrndup(it->name, it->len), .len = it->len, .sep = it->sep};
	if (same_name(it->name, it->len, "INBOX", 5)) {
		s->side.sep = it->sep;
		s->has_sep = true;
	}
	f->role = it->role != NULL ? xstrdup(it->role) : NULL;
	f->selectable = !it->noselect && !it->nonexistent;
	f->display = map_display(f->raw, f->len, s->side.utf8);
}

static void on_status(struct survey *s, const struct imap_status_item *it)
{
	struct survey_folder *f = find(s, it->name, it->len);

	if (f == NULL)
		return;
	f->counted = it->has_messages && it->has_uidnext && it->has_uidvalidity;
	f->messages = it->has_messages ? it->messages : 0;
	f->uidnext = it->has_uidnext ? it->uidnext : 0;
	f->uidvalidity = it->has_uidvalidity ? it->uidvalidity : 0;
	f->sized = it->has_size;
	f->bytes = it->has_size ? it->size : 0;
}

/* One namespace: ("INBOX." "."). The first personal one is ours. */
static void add_namespace(struct survey *s, const struct imap_val *v, bool personal)
{
	if (v->type != IMAP_V_LIST || v->span < 3)
		return;
	if (!personal) {
		if (v[1].n > 0) {
			s->foreign = xreallocarray(s->foreign, s->nforeign + 1, sizeof(*s->foreign));
			s->foreign[s->nforeign++] = xstrndup(v[1].s, v[1].n);
		}
		return;
	}
	if (s->has_namespace)
		return;
	free(s->prefix);
	s->prefix = xstrndup(v[1].s, v[1].n);
	s->side.prefix = s->prefix;
	if (!s->has_sep) /* LIST's line of INBOX knows better: NAMESPACE of some names one where folders are flat */
		s->side.sep = v[2].type != IMAP_V_NIL && v[2].n == 1 ? v[2].s[0] : '\0';
	s->has_namespace = true;
}

/* NAMESPACE (("INBOX." ".")) (("user." ".")) NIL: personal, other users', shared */
static void on_namespace(struct survey *s, const struct imap_resp *r)
{
	const struct imap_val *v = r->v, *end = r->v + r->nv;

	for (int kind = 0; kind < 3 && v < end; kind++, v += v->span)
		for (const struct imap_val *one = v + 1; v->type == IMAP_V_LIST && one < v + v->span; one += one->span)
			add_namespace(s, one, kind == 0);
}

/* One for all commands: a server that works on several at a time may send the answer of any. */
static void on_untagged(void *arg, const struct imap_resp *r)
{
	struct survey *s = arg;
	struct imap_list_item li;
	struct imap_status_item si;

	if (r->kind == IMAP_LIST && imap_resp_list(r, &li) && memchr(li.name, '\0', li.len) == NULL)
		add_folder(s, &li);
	else if (r->kind == IMAP_STATUS && imap_resp_status(r, &si))
		on_status(s, &si);
	else if (r->kind == IMAP_NAMESPACE)
		on_namespace(s, r);
}

static void status_done(void *arg, const struct imap_result *res)
{
	if (!res->lost)
		finish_one(arg);
}

static void ask_each(struct survey *s)
{
	static const struct imap_handler h = {.untagged = on_untagged, .done = status_done};

	for (size_t i = 0; i < s->n; i++) {
		if (!s->f[i].selectable || s->f[i].counted)
			continue;
		s->open++;
		imap_begin(s->conn, &h, s);
		imap_text(s->conn, "STATUS ");
		imap_mailbox(s->conn, s->f[i].raw, s->f[i].len);
		imap_text(s->conn, " (%s)", s->status_items);
		imap_end(s->conn);
	}
}

static void inbox_done(void *arg, const struct imap_result *res)
{
	struct survey *s = arg;

	if (res->lost)
		return;
	if (res->kind == IMAP_OK)
		s->error = err_new(ERR_PROTOCOL, "LIST names no folder at all, though INBOX is there");
	finish_one(s);
}

/* Nothing was listed. An account without any folder has no INBOX either. */
static void ask_inbox(struct survey *s)
{
	static const struct imap_handler h = {.done = inbox_done};

	s->open++;
	imap_command(s->conn, &h, s, "STATUS INBOX (MESSAGES)");
}

static void list_done(void *arg, const struct imap_result *res)
{
	struct survey *s = arg;

	if (res->lost)
		return;
	if (res->kind != IMAP_OK)
		s->error = err_wrap(res->err, "LIST");
	if (!s->has_namespace && !s->has_sep && s->n > 0)
		s->side.sep = s->f[0].sep;
	if (s->error == NULL && s->n == 0)
		ask_inbox(s);
	else if (s->error == NULL)
		ask_each(s); /* those that LIST-STATUS did not cover */
	finish_one(s);
}

static void namespace_done(void *arg, const struct imap_result *res)
{
	if (!res->lost)
		finish_one(arg);
}

void survey_start(struct survey *s, struct imap_conn *c, bool with_bytes, void (*fn)(void *arg, const struct err *e),
	void *arg)
{
	static const struct imap_handler ns = {.untagged = on_untagged, .done = namespace_done};
	static const struct imap_handler list = {.untagged = on_untagged, .done = list_done};
	bool extended = imap_has(c, "LIST-EXTENDED"), status = imap_has(c, "LIST-STATUS");

	survey_free(s);
	*s = (struct survey){.conn = c, .fn = fn, .arg = arg};
	s->prefix = xstrdup("");
	s->side.prefix = s->prefix;
	s->side.utf8 = imap_utf8(c);
	s->status_items = xasprintf("MESSAGES UIDNEXT UIDVALIDITY%s",
		with_bytes && (imap_has(c, "STATUS=SIZE") || imap_has(c, "IMAP4rev2")) ? " SIZE" : "");
	s->open = 1;
	if (imap_has(c, "NAMESPACE")) {
		s->open++;
		imap_command(c, &ns, s, "NAMESPACE");
	}
	if (extended && status)
		imap_command(c, &list, s, "LIST \"\" \"*\" RETURN (%sSTATUS (%s))",
			imap_has(c, "SPECIAL-USE") ? "SPECIAL-USE " : "", s->status_items);
	else if (extended && imap_has(c, "SPECIAL-USE"))
		imap_command(c, &list, s, "LIST \"\" \"*\" RETURN (SPECIAL-USE)");
	else
		imap_command(c, &list, s, "LIST \"\" \"*\"");
}

void survey_free(struct survey *s)
{
	for (size_t i = 0; i < s->n; i++)
		folder_free(&s->f[i]);
	for (size_t i = 0; i < s->nforeign; i++)
		free(s->foreign[i]);
	free(s->foreign);
	free(s->f);
	free(s->prefix);
	free(s->status_items);
	*s = (struct survey){.n = 0};
}

const struct survey_folder *survey_find(const struct survey *s, const char *raw)
{
	for (size_t i = 0; i < s->n; i++)
		if (same_name(s->f[i].raw, s->f[i].len, raw, strlen(raw)))
			return &s->f[i];
	return NULL;
}

struct map_folder survey_map_folder(const struct survey_folder *f)
{
	return (struct map_folder){.raw = f->raw, .len = f->len, .sep = f->sep, .role = f->role};
}
