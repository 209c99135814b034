#include "folders.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

#include "banned.h"

#define FOLDERS_MAX 200000

struct folders_query {
	struct imap_conn *c;
	struct folders *out;
	folders_fn *done;
	void *arg;
	bool want_modseq;
	bool plain; /* LIST without RETURN: the server does not mean what it offers */
	unsigned left, lists; /* answers still to come, of them LIST and LSUB */
	struct err why;
	bool failed;
};

/* A STATUS of its own, for servers without LIST-STATUS. */
struct status_ask {
	struct folders_query *q;
	size_t at;
};

void folders_init(struct folders *f)
{
	memset(f, 0, sizeof(*f));
	f->has_size = true;
	f->prefix = xstrdup("");
	f->side.prefix = f->prefix;
	f->side.sep = '/';
}

void folders_free(struct folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->f[i].raw);
	for (size_t i = 0; i < f->nforeign; i++)
		free(f->foreign[i]);
	free(f->f);
	free(f->foreign);
	free(f->prefix);
	free(f->status_failed);
	memset(f, 0, sizeof(*f));
}

static bool is_inbox(const char *p, size_t n)
{
	return n == 5 && strncasecmp(p, "INBOX", 5) == 0;
}

static int compare_name(const char *a, size_t an, const char *b, size_t bn)
{
	int c = memcmp(a, b, an < bn ? an : bn);

	return c != 0 ? c : an < bn ? -1 : an > bn;
}

/* Where the name is, or would be. */
static size_t place(const struct folders *f, const char *raw, size_t len, bool *there)
{
	size_t a = 0, b = f->n;

	if (is_inbox(raw, len))
		raw = "INBOX";
	while (a < b) {
		size_t m = a + (b - a) / 2;
		int c = compare_name(f->f[m].raw, f->f[m].len, raw, len);

		if (c == 0) {
			*there = true;
			return m;
		}
		if (c < 0)
			a = m + 1;
		else
			b = m;
	}
	*there = false;
	return a;
}

struct folder *folders_find(const struct folders *f, const char *raw, size_t len)
{
	bool there;
	size_t at = place(f, raw, len, &there);

	return there ? &f->f[at] : NULL;
}

static struct folder *get(struct folders *f, const char *raw, size_t len)
{
	bool there;
	size_t at = place(f, raw, len, &there);
	struct folder *x;

	if (there)
		return &f->f[at];
	if (f->n >= FOLDERS_MAX)
		return NULL;
	if (f->n == f->cap) {
		f->cap = f->cap * 2 + 32;
		f->f = xreallocarray(f->f, f->cap, sizeof(*f->f));
	}
	memmove(f->f + at + 1, f->f + at, (f->n - at) * sizeof(*f->f));
	f->n++;
	x = &f->f[at];
	memset(x, 0, sizeof(*x));
	x->raw = is_inbox(raw, len) ? xstrdup("INBOX") : xstrndup(raw, len);
	x->len = len;
	return x;
}

static bool is_foreign(const struct folders *f, const char *raw, size_t len)
{
	for (size_t i = 0; i < f->nforeign; i++) {
		size_t n = strlen(f->foreign[i]);

		/* "user." hides "user.x", and "user" itself, its empty root */
		if ((len >= n && memcmp(raw, f->foreign[i], n) == 0) ||
			(len + 1 == n && memcmp(raw, f->foreign[i], len) == 0))
			return true;
	}
	return false;
}

static void on_list(struct folders_query *q, const struct imap_resp *r)
{
	struct imap_list_item it;
	struct folder *x;

	if (!imap_resp_list(r, &it) || it.len == 0 || memchr(it.name, '\0', it.len) != NULL)
		return;
	if (is_foreign(q->out, it.name, it.len)) {
		q->out->left_out += r->kind == IMAP_LIST;
		return;
	}
	if ((x = get(q->out, it.name, it.len)) == NULL)
		return;
	x->sep = it.sep;
	if (r->kind == IMAP_LSUB) {
		/* \Noselect in LSUB: only a parent of something subscribed */
		x->subscribed = x->subscribed || !it.noselect;
		return;
	}
	x->listed = !it.nonexistent;
	x->selectable = !it.noselect && !it.nonexistent;
	x->subscribed = x->subscribed || it.subscribed;
	if (it.role != NULL)
		x->role = it.role;
	/* what LIST says of INBOX goes before NAMESPACE: a server that keeps a folder in one file (imap4d) offers "/"
	 * there and has no room for levels below a folder with mail: flat names are the ones that work */
	if (it.len == 5 && is_inbox(it.name, 5))
		q->out->side.sep = it.sep;
}

static void on_status(struct folders_query *q, const struct imap_resp *r)
{
	struct imap_status_item it;
	struct folder *x;

	if (!imap_resp_status(r, &it) || (x = folders_find(q->out, it.name, it.len)) == NULL)
		return;
	x->has_status = it.has_messages && it.has_uidnext && it.has_uidvalidity;
	x->messages = it.messages;
	x->uidnext = it.uidnext;
	x->uidvalidity = it.uidvalidity;
	x->modseq = it.modseq;
	x->size = it.size;
	if (!it.has_size && it.messages > 0)
		q->out->has_size = false;
}

/* NAMESPACE (("INBOX." ".")) (("user." ".")) NIL: personal, other users', shared. */
static void on_namespace(struct folders_query *q, const struct imap_resp *r)
{
	const struct imap_val *v = r->v, *end = r->v + r->nv;

	for (int kind = 0; kind < 3 && v < end; kind++, v += v->span) {
		const struct imap_val *one = v + 1;

		if (v->type != IMAP_V_LIST)
			continue;
		for (; one < v + v->span; one += one->span) {
			if (one->type != IMAP_V_LIST || one->span < 3)
				continue;
			if (kind == 0 && one == v + 1) {
				free(q->out->prefix);
				q->out->prefix = xstrdup(one[1].s);
				q->out->side.prefix = q->out->prefix;
				q->out->side.sep = one[2].type == IMAP_V_NIL ? '\0' : one[2].s[0];
			} else if (kind > 0 && one[1].n > 0) {
				struct folders *f = q->out;

				f->foreign = xreallocarray(f->foreign, f->nforeign + 1, sizeof(char *));
				f->foreign[f->nforeign++] = xstrdup(one[1].s);
			}
		}
	}
}

static void on_data(void *arg, const struct imap_resp *r)
{
	struct folders_query *q = arg;

	if (r->kind == IMAP_LIST || r->kind == IMAP_LSUB)
		on_list(q, r);
	else if (r->kind == IMAP_STATUS)
		on_status(q, r);
	else if (r->kind == IMAP_NAMESPACE)
		on_namespace(q, r);
}

static void answered(struct folders_query *q)
{
	if (--q->left > 0)
		return;
	q->done(q->arg, q->out, q->failed ? &q->why : NULL);
	free(q);
}

static void note(struct folders_query *q, const struct err *e)
{
	if (q->failed || e == NULL)
		return;
	q->failed = true;
	q->why = *e;
}

static const char *items(const struct folders_query *q)
{
	bool size = imap_has(q->c, "STATUS=SIZE"), modseq = q->want_modseq && imap_has(q->c, "CONDSTORE");

	return size ? modseq ? "MESSAGES UIDNEXT UIDVALIDITY SIZE HIGHESTMODSEQ" : "MESSAGES UIDNEXT UIDVALIDITY SIZE"
	       : modseq ? "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ" : "MESSAGES UIDNEXT UIDVALIDITY";
}

static void on_status_data(void *arg, const struct imap_resp *r)
{
	struct status_ask *a = arg;

	if (r->kind == IMAP_STATUS)
		on_status(a->q, r);
}

static void on_examine_data(void *arg, const struct imap_resp *r)
{
	struct status_ask *a = arg;
	struct folder *x = &a->q->out->f[a->at];
	uint64_t n;

	if (r->kind == IMAP_EXISTS)
		x->messages = r->number;
	else if (imap_resp_code_number(r, "UIDNEXT", &n) && n <= UINT32_MAX)
		x->uidnext = (uint32_t)n;
	else if (imap_resp_code_number(r, "UIDVALIDITY", &n) && n <= UINT32_MAX)
		x->uidvalidity = (uint32_t)n;
}

static void on_examine_done(void *arg, const struct imap_result *res)
{
	struct status_ask *a = arg;
	struct folders_query *q = a->q;
	struct folder *x = &q->out->f[a->at];

	if (res->lost)
		note(q, res->err);
	x->has_status = !res->lost && res->kind == IMAP_OK && x->uidvalidity > 0 && x->uidnext > 0;
	if (x->has_status)
		q->out->has_size = q->out->has_size && x->messages == 0;
	else if (q->out->status_failed == NULL)
		q->out->status_failed = xstrdup(x->raw);
	free(a);
	answered(q);
}

/* STATUS is refused, or says too little: opening the folder tells the same. */
static void ask_by_examine(struct status_ask *a)
{
	static const struct imap_handler h = {.untagged = on_examine_data, .done = on_examine_done};
	struct folder *x = &a->q->out->f[a->at];

	imap_begin(a->q->c, &h, a);
	imap_text(a->q->c, "EXAMINE ");
	imap_mailbox(a->q->c, x->raw, x->len);
	imap_end(a->q->c);
}

static void on_status_done(void *arg, const struct imap_result *res)
{
	struct status_ask *a = arg;
	struct folders_query *q = a->q;

	if (!res->lost && !q->out->f[a->at].has_status) {
		ask_by_examine(a);
		return;
	}
	if (res->lost)
		note(q, res->err);
	free(a);
	answered(q);
}

/* LIST has told the names: what it has not said about them is asked now, all at once. */
static void ask_status(struct folders_query *q)
{
	static const struct imap_handler h = {.untagged = on_status_data, .done = on_status_done};

	for (size_t i = 0; i < q->out->n; i++) {
		struct folder *x = &q->out->f[i];
		struct status_ask *a;

		if (!x->selectable || x->has_status)
			continue;
		a = xcalloc(1, sizeof(*a));
		a->q = q;
		a->at = i;
		q->left++;
		imap_begin(q->c, &h, a);
		imap_text(q->c, "STATUS ");
		imap_mailbox(q->c, x->raw, x->len);
		imap_text(q->c, " (%s)", items(q));
		imap_end(q->c);
	}
}

static void on_inbox(void *arg, const struct imap_result *res)
{
	struct folders_query *q = arg;

	if (res->lost)
		note(q, res->err);
	else if (res->kind == IMAP_OK)
		note(q, err_new(ERR_PROTOCOL, "LIST names no folder at all, though INBOX is there"));
	answered(q);
}

/* An account without any folder has no INBOX either. */
static bool nothing_listed(const struct folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->f[i].listed)
			return false;
	return f->left_out == 0;
}

/* LIST and LSUB have both been answered: now every name is known. */
static void listed(struct folders_query *q)
{
	static const struct imap_handler inbox = {.done = on_inbox};

	if (--q->lists == 0 && !q->failed) {
		if (nothing_listed(q->out)) {
			q->left++;
			imap_command(q->c, &inbox, q, "STATUS INBOX (MESSAGES)");
		} else {
			ask_status(q);
		}
	}
	answered(q);
}

static void on_done(void *arg, const struct imap_result *res)
{
	static const struct imap_handler list = {.untagged = on_data, .done = on_done};
	struct folders_query *q = arg;

	if (!res->lost && res->kind != IMAP_OK && !q->plain) {
		q->plain = true;
		imap_command(q->c, &list, q, "LIST \"\" \"*\"");
		return;
	}
	note(q, res->err);
	listed(q);
}

static void on_lsub_done(void *arg, const struct imap_result *res)
{
	struct folders_query *q = arg;

	if (res->lost) /* a NO: no subscriptions then */
		note(q, res->err);
	listed(q);
}

static void on_namespace_done(void *arg, const struct imap_result *res)
{
	struct folders_query *q = arg;

	if (res->lost) /* a NO: no namespaces then */
		note(q, res->err);
	answered(q);
}

void folders_ask(struct imap_conn *c, struct folders *out, bool want_modseq, folders_fn *done, void *arg)
{
	static const struct imap_handler ns = {.untagged = on_data, .done = on_namespace_done};
	static const struct imap_handler list = {.untagged = on_data, .done = on_done};
	static const struct imap_handler lsub = {.untagged = on_data, .done = on_lsub_done};
	struct folders_query *q = xcalloc(1, sizeof(*q));
	bool extended = imap_has(c, "LIST-EXTENDED") && imap_has(c, "LIST-STATUS");

	q->c = c;
	q->out = out;
	q->want_modseq = want_modseq;
	q->done = done;
	q->arg = arg;
	q->left = q->lists = 2;
	out->side.utf8 = imap_utf8(c);
	q->plain = !extended && !(imap_has(c, "SPECIAL-USE") && imap_has(c, "LIST-EXTENDED"));
	if (imap_has(c, "NAMESPACE")) {
		q->left++;
		imap_command(c, &ns, q, "NAMESPACE");
	}
	if (extended)
		imap_command(c, &list, q, "LIST \"\" \"*\" RETURN (SUBSCRIBED%s STATUS (%s))",
			imap_has(c, "SPECIAL-USE") ? " SPECIAL-USE" : "", items(q));
	else if (imap_has(c, "SPECIAL-USE") && imap_has(c, "LIST-EXTENDED"))
		imap_command(c, &list, q, "LIST \"\" \"*\" RETURN (SPECIAL-USE)");
	else
		imap_command(c, &list, q, "LIST \"\" \"*\"");
	imap_command(c, &lsub, q, "LSUB \"\" \"*\"");
}
