/*
 * The destination side: APPEND commands, one behind the other without waiting. With MULTIAPPEND a command
 * takes as many messages as come quickly; such a batch is refused as a whole, and then each of its messages
 * is tried alone.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "copy.h"
#include "imap_quirk.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define BATCH_MESSAGES 400
#define BATCH_BYTES (4u << 20)
#define BATCH_DAWDLE_MS 2000
#define CHECKPOINT 200 /* messages, for servers that do not tell UIDs */
#define DOUBTS 2       /* failures of the server itself in one folder; more of them are refusals like others */

static void batch_free(struct batch *b)
{
	uidset_free(&b->uids);
	free(b);
}

/* --- what may be said about a message --- */

bool append_date_ok(const char *d)
{
	static const char shape[] = "dd-aaa-dddd dd:dd:dd sdddd";

	if (d == NULL || strlen(d) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++) {
		char c = d[i];
		bool ok = shape[i] == 'd'   ? (c >= '0' && c <= '9') || (i == 0 && c == ' ')
			  : shape[i] == 'a' ? (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
			  : shape[i] == 's' ? c == '+' || c == '-'
					    : c == shape[i];

		if (!ok)
			return false;
	}
	return true;
}

static bool flag_syntax_ok(const char *p, size_t n)
{
	size_t i = n > 0 && p[0] == '\\' ? 1 : 0;

	if (i == n)
		return false;
	for (; i < n; i++)
		if ((unsigned char)p[i] <= 0x20 || (unsigned char)p[i] >= 0x7f || strchr("(){%*\"\\]", p[i]) != NULL)
			return false;
	return true;
}

/* permanent: " \Seen kw " in lower case, or empty when the server has not said. */
static bool flag_allowed(const struct copy *cp, const char *p, size_t n)
{
	char low[256];

	if (!flag_syntax_ok(p, n) || n > sizeof(low) - 3)
		return false;
	if (p[0] != '\\' && cp->keywords_allowed)
		return true;
	if (cp->permanent.len == 0)
		return true;
	low[0] = ' ';
	memcpy(low + 1, p, n);
	low[n + 1] = ' ';
	low[n + 2] = '\0';
	str_lower(low);
	return strstr(cp->permanent.ptr, low) != NULL;
}

void append_flags(const struct copy *cp, const char *flags, bool keywords, struct buf *out)
{
	buf_addc(out, '(');
	while (*flags != '\0') {
		size_t n = strcspn(flags, " ");

		if (n > 0 && (keywords || flags[0] == '\\') && flag_allowed(cp, flags, n)) {
			if (out->ptr[out->len - 1] != '(')
				buf_addc(out, ' ');
			buf_add(out, flags, n);
		}
		flags += n;
		flags += *flags == ' ';
	}
	buf_addc(out, ')');
}

static void on_flags_data(void *arg, const struct imap_resp *r)
{
	struct copy *cp = arg;
	const char *open, *close;

	if (r->kind != IMAP_OK || strcmp(r->code, "PERMANENTFLAGS") != 0)
		return;
	open = strchr(r->code_args, '(');
	close = open != NULL ? strrchr(open, ')') : NULL;
	buf_reset(&cp->permanent);
	buf_addc(&cp->permanent, ' ');
	if (close != NULL)
		buf_add(&cp->permanent, open + 1, (size_t)(close - open - 1));
	buf_addc(&cp->permanent, ' ');
	str_lower(cp->permanent.ptr);
	cp->keywords_allowed = strstr(cp->permanent.ptr, " \\* ") != NULL;
}

static void on_flags_done(void *arg, const struct imap_result *res)
{
	struct copy *cp = arg;

	if (res->lost)
		return;
	cp->flags_known = true;
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_flow(&cp->pairs[i]);
	if (cp->planned && cp->unfinished == 0)
		copy_finish(cp);
}

/* Which flags last at the destination: only SELECT tells. It is left again without CLOSE, which would expunge. */
void append_ask_flags(struct copy *cp, struct imap_conn *dst)
{
	static const struct imap_handler h = {.untagged = on_flags_data, .done = on_flags_done};

	cp->keywords_allowed = true;
	imap_command(dst, &h, cp, "SELECT INBOX");
	if (imap_has(dst, "UNSELECT")) {
		imap_command(dst, NULL, NULL, "UNSELECT");
	} else {
		imap_command(dst, NULL, NULL, "EXAMINE INBOX");
		imap_command(dst, NULL, NULL, "CLOSE");
	}
}

/* --- answers --- */

/* Messages that are there: known for good once this is committed. */
static void settle(struct job *j, const struct uidset *uids, const struct uidset *dst, uint32_t uidvalidity)
{
	struct copy *cp = j->cp;
	const struct err *e = state_copied_add(cp->state, j->row.id, uids, dst);

	if (dst != NULL && dst->n > 0) {
		uint32_t top = dst->r[dst->n - 1].hi;

		if (top >= j->row.floor)
			j->row.floor = top + 1;
		j->row.dst_uidvalidity = uidvalidity;
	}
	if (e == NULL)
		e = state_folder_put(cp->state, j->src->raw, j->src->len, j->dst_raw, &j->row);
	copy_check(cp, e);
	copy_dirty(cp);
}

struct checkpoint {
	struct job *job;
	struct uidset uids;
	uint32_t uidnext;
};

static void on_checkpoint_data(void *arg, const struct imap_resp *r)
{
	struct checkpoint *c = arg;
	struct imap_status_item it;

	if (imap_resp_status(r, &it) && it.has_uidnext)
		c->uidnext = it.uidnext;
}

static void on_checkpoint(void *arg, const struct imap_result *res)
{
	struct checkpoint *c = arg;

	if (!res->lost && res->kind == IMAP_OK && c->uidnext > 0) {
		if (c->uidnext > c->job->row.floor)
			c->job->row.floor = c->uidnext;
		settle(c->job, &c->uids, NULL, 0);
	} else {
		uidset_add_set(&c->job->unsaved, &c->uids);
	}
	uidset_free(&c->uids);
	free(c);
}

/* Without UIDPLUS nobody tells where a copy went; UIDNEXT, asked behind the APPENDs, bounds it. */
static void checkpoint(struct pair *p, struct job *j)
{
	static const struct imap_handler h = {.untagged = on_checkpoint_data, .done = on_checkpoint};
	struct checkpoint *c;

	if (j->unsaved.n == 0 || p->dst == NULL || p->batch != NULL)
		return;
	c = xcalloc(1, sizeof(*c));
	c->job = j;
	c->uids = j->unsaved;
	j->unsaved = (struct uidset)UIDSET_INIT;
	imap_begin(p->dst, &h, c);
	imap_text(p->dst, "STATUS ");
	imap_mailbox(p->dst, j->dst_raw, strlen(j->dst_raw));
	imap_text(p->dst, " (UIDNEXT)");
	imap_end(p->dst);
}

static void accepted(struct batch *b, const struct imap_resp *r)
{
	struct job *j = b->job;
	struct uidset dst = UIDSET_INIT;
	uint32_t uidvalidity = 0;

	if (imap_resp_appenduid(r, &uidvalidity, &dst) && uidset_count(&dst) == b->n)
		settle(j, &b->uids, &dst, uidvalidity);
	else
		uidset_add_set(&j->unsaved, &b->uids);
	uidset_free(&dst);
	if (j->nrefused > j->kept)
		refuse_take_back(j, &b->uids);
	j->copied += b->n;
	j->copied_bytes += b->bytes;
	j->cp->copied += b->n;
	j->cp->copied_bytes += b->bytes;
	j->probing = false;
	if (j->bare.n > 0 && b->alone && uidset_has(&j->bare, b->uids.r[0].lo))
		copy_warn(j->cp, j, err_new(ERR_MESSAGE_REFUSED,
			"message %u: the destination refuses its keywords; it went without them", b->uids.r[0].lo));
	b->p->failures = 0;
	b->p->careful -= b->p->careful > 0;
}

static void not_accepted(struct batch *b, const struct imap_result *res)
{
	struct job *j = b->job;
	struct pair *p = b->p;

	if (res->err->id == ERR_QUOTA) {
		copy_fail(j->cp, res->err);
	} else if (res->err->id == ERR_THROTTLED) {
		pair_fail(p, res->err, "destination");
	} else if (strcmp(res->resp->code, "TRYCREATE") == 0) {
		if (!j->failed)
			copy_warn(j->cp, j, err_new(ERR_FOLDER_DENIED, "%s", res->err->msg));
		j->failed = true;
	} else if (quirk_server_failed(res->resp) && j->doubts < DOUBTS) {
		/* It may mend its folder now and find messages that it had stored and not answered for (Dovecot's
		 * sdbox after a crash: "u.1 already exists, rebuilding index"): look before anything goes there again. */
		j->doubts++;
		pair_fail(p, err_new(ERR_LINE_LOST, "%s: the server failed, what it holds is looked at again: %s", j->name,
				     res->err->msg), "destination");
	} else if (!b->alone) {
		uidset_add_set(&j->retry, &b->uids);
	} else if (b->keywords && res->err->id != ERR_MESSAGE_TOO_LARGE) {
		/* some servers say that they take any keyword and then refuse one: better without than not at all */
		log_info("%s: refused with its keywords, tried without: %s", j->name, res->err->msg);
		uidset_add_set(&j->bare, &b->uids);
		uidset_add_set(&j->retry, &b->uids);
	} else {
		for (size_t i = 0; i < b->uids.n; i++)
			refuse(j, b->uids.r[i].lo, res->err, false);
	}
}

static void on_append(void *arg, const struct imap_result *res)
{
	struct batch *b = arg;
	struct pair *p = b->p;
	struct job *j = b->job;
	bool open = p->batch == b; /* then append_close frees it, also when the pair fails below */

	b->answered = true;
	if (res->lost) { /* the pair starts over and forgets its batches with it */
		if (b->closed)
			batch_free(b);
		return;
	}
	p->batches--;
	j->batches--;
	if (res->kind == IMAP_OK)
		accepted(b, res->resp);
	else
		not_accepted(b, res);
	if (!open)
		batch_free(b);
	if (p->dead)
		return;
	if (p->draining) {
		pair_drained(p);
		return;
	}
	if (uidset_count(&j->unsaved) >= CHECKPOINT)
		checkpoint(p, j);
	pair_job_check(p, j);
	pair_work(p);
}

/* --- writing --- */

void append_close(struct pair *p)
{
	struct batch *b = p->batch;

	if (b == NULL)
		return;
	p->batch = NULL;
	loop_disarm(p->cp->loop, &p->dawdle);
	b->closed = true;
	if (p->dst != NULL)
		imap_end(p->dst);
	if (p->dst != NULL && p->cp->line[LINE_DST].slow)
		imap_compress(p->dst);
	if (b->answered)
		batch_free(b);
}

static bool fits(const struct pair *p, const struct message *m)
{
	const struct batch *b = p->batch;

	return b != NULL && !b->answered && !b->alone && !m->alone && !m->job->probing && b->job == m->job && b->n < BATCH_MESSAGES &&
	       b->bytes + m->size <= BATCH_BYTES && m->size > 0 &&
	       m->uid > b->uids.r[b->uids.n - 1].hi; /* rising: the i-th copied is the i-th UID of the answer */
}

static void new_batch(struct pair *p, const struct message *m)
{
	static const struct imap_handler h = {.done = on_append};
	struct batch *b = xcalloc(1, sizeof(*b));

	b->p = p;
	b->job = m->job;
	/* a message of no bytes ends a MULTIAPPEND for some servers: it goes alone */
	b->alone = m->alone || m->job->probing || m->size == 0 || !imap_has(p->dst, "MULTIAPPEND");
	p->batch = b;
	p->batches++;
	m->job->batches++;
	imap_begin(p->dst, &h, b);
	imap_text(p->dst, "APPEND ");
	imap_mailbox(p->dst, m->job->dst_raw, strlen(m->job->dst_raw));
	if (!b->alone)
		loop_arm(p->cp->loop, &p->dawdle, BATCH_DAWDLE_MS);
}

void append_begin(struct pair *p, struct message *m)
{
	struct buf flags = BUF_INIT;

	if (!fits(p, m)) {
		append_close(p);
		new_batch(p, m);
	}
	p->batch->n++;
	p->batch->bytes += m->size;
	uidset_add(&p->batch->uids, m->uid, m->uid);
	append_flags(p->cp, m->flags != NULL ? m->flags : "", !uidset_has(&m->job->bare, m->uid), &flags);
	for (const char *c = flags.ptr; *c != '\0' && !p->batch->keywords; c++)
		p->batch->keywords = (*c == '(' || *c == ' ') && c[1] != '\\' && c[1] != ')';
	if (append_date_ok(m->date))
		imap_text(p->dst, " %s \"%s\" ", flags.ptr, m->date);
	else
		imap_text(p->dst, " %s ", flags.ptr);
	imap_literal(p->dst, m->size);
	buf_free(&flags);
	m->begun = true;
}

void append_data(struct pair *p, struct message *m, const void *data, size_t n)
{
	(void)m;
	imap_bytes(p->dst, data, n);
}

void append_end(struct pair *p, struct message *m)
{
	(void)m;
	if (p->batch != NULL && (p->batch->alone || p->batch->answered || p->batch->n >= BATCH_MESSAGES ||
					p->batch->bytes >= BATCH_BYTES))
		append_close(p);
}
