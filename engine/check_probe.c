/* The write probe of the preflight: can we create, append, read back unchanged, delete? */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "check.h"
#include "flagset.h"
#include "ident.h"
#include "imap_date.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define PROBE_NAME "desk-migration-probe-"
#define PROBE_RANDOM 8 /* bytes */
#define PROBE_FLAGS "\\Seen \\Flagged $Forwarded"
#define PROBE_DATE " 2-Jan-2001 03:04:05 +0100"

struct probe {
	struct check *ck;
	struct check_side *side;
	char *folder;
	struct buf message;
	struct ident sent, came;
	struct ident_reader *reader;
	bool created, has_body;
	char *flags;
	int64_t date;
	struct err why; /* with failed: the first thing refused */
	bool failed;
};

static void on_done(void *arg, const struct imap_result *res)
{
	struct probe *p = arg;

	if (res->kind == IMAP_OK || p->failed)
		return;
	p->failed = true;
	p->why = res->err != NULL ? *res->err : *err_new(ERR_SERVER_NO, "the server refused it");
}

static void body_begin(void *arg, const struct imap_fetch *f, const char *section, uint64_t size)
{
	(void)f;
	(void)section;
	(void)size;
	ident_reader_reset(((struct probe *)arg)->reader);
}

static void body_data(void *arg, const void *p, size_t n)
{
	ident_reader_feed(((struct probe *)arg)->reader, p, n);
}

static void body_end(void *arg)
{
	struct probe *p = arg;

	ident_reader_end(p->reader, &p->came);
	p->has_body = true;
}

static void on_fetch(void *arg, const struct imap_resp *r)
{
	struct probe *p = arg;

	if (r->kind != IMAP_FETCH)
		return;
	if (r->fetch.has_flags) {
		free(p->flags);
		p->flags = xstrdup(r->fetch.flags);
	}
	if (r->fetch.has_date)
		imap_date_parse(r->fetch.date, &p->date);
}

static void folder_command(struct probe *p, const char *verb, const char *folder)
{
	static const struct imap_handler h = {.done = on_done};

	imap_begin(p->side->conn, &h, p);
	imap_text(p->side->conn, "%s ", verb);
	imap_mailbox(p->side->conn, folder, strlen(folder));
	imap_end(p->side->conn);
}

/* One command after the other: each needs the one before. */
static const struct err *step(struct probe *p)
{
	const struct err *e = check_wait(p->ck, p->side);

	return e != NULL ? e : p->failed ? &p->why : NULL;
}

static void make_message(struct probe *p)
{
	unsigned char random[PROBE_RANDOM];
	struct buf id = BUF_INIT;

	randombytes_buf(random, sizeof(random));
	str_hex(&id, random, sizeof(random));
	p->folder = xasprintf("%s%s%s", p->side->survey.side.prefix, PROBE_NAME, id.ptr);
	buf_addf(&p->message,
		"From: Desk Migration <probe@localhost>\r\nTo: probe@localhost\r\n"
		"Subject: =?utf-8?Q?Teste_de_migra=C3=A7=C3=A3o?= (write probe)\r\n"
		"Date: Tue, 2 Jan 2001 03:04:05 +0100\r\nMessage-Id: <%s@probe.localhost>\r\n"
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
		"Esta mensagem \xc3\xa9 um teste e pode ser apagada.\r\nThis message is a test and may be deleted. \r\n"
		".\r\nFrom here on nothing matters.\r\n", id.ptr);
	buf_free(&id);
	ident_reader_feed(p->reader, p->message.ptr, p->message.len);
	ident_reader_end(p->reader, &p->sent);
}

static const struct err *write_and_read(struct probe *p)
{
	static const struct imap_handler append = {.done = on_done};
	static const struct imap_handler fetch = {.untagged = on_fetch, .body = {body_begin, body_data, body_end},
		.done = on_done};
	struct imap_conn *c = p->side->conn;
	const struct err *e;

	folder_command(p, "CREATE", p->folder);
	if ((e = step(p)) != NULL)
		return err_wrap(e->id == ERR_SERVER_NO ? err_new(ERR_FOLDER_DENIED, "%s", e->msg) : e, "CREATE");
	p->created = true;
	imap_begin(c, &append, p);
	imap_text(c, "APPEND ");
	imap_mailbox(c, p->folder, strlen(p->folder));
	imap_text(c, " (%s) \"%s\" ", PROBE_FLAGS, PROBE_DATE);
	imap_literal(c, p->message.len);
	imap_bytes(c, p->message.ptr, p->message.len);
	imap_end(c);
	if ((e = step(p)) != NULL)
		return err_wrap(e, "APPEND");
	folder_command(p, "EXAMINE", p->folder);
	if ((e = step(p)) != NULL)
		return err_wrap(e, "EXAMINE");
	imap_command(c, &fetch, p, "FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])");
	if ((e = step(p)) != NULL)
		return err_wrap(e, "FETCH");
	if (!p->has_body)
		return err_new(ERR_MESSAGE_REFUSED, "the probe message was accepted and is not there");
	return NULL;
}

/* EXAMINE of nothing: some servers do not delete the selected folder. Tried again on a new connection when the
 * line broke after CREATE. */
static const struct err *remove_folder(struct probe *p, const char *folder)
{
	const struct err *e;

	p->failed = false;
	if (p->side->lost) {
		check_disconnect(p->side);
		e = check_connect(p->ck, p->side);
		if (e != NULL || p->side->lost)
			return err_new(ERR_LINE_LOST, "the folder %s stayed behind: delete it", folder);
	}
	if (imap_has(p->side->conn, "UNSELECT"))
		imap_command(p->side->conn, NULL, NULL, "UNSELECT");
	else
		folder_command(p, "EXAMINE", "INBOX");
	folder_command(p, "DELETE", folder);
	e = step(p);
	return e != NULL ? err_wrap(e, "the folder %s stayed behind: DELETE", folder) : NULL;
}

static uint8_t rung_of(const struct probe *p)
{
	for (uint8_t r = 0; r < IDENT_RUNGS; r++)
		if (p->sent.have & p->came.have & 1u << r &&
			memcmp(&p->sent.key[r], &p->came.key[r], IDENT_KEY_SIZE) == 0)
			return r;
	return IDENT_RUNGS;
}

static void tell(struct probe *p)
{
	static const char *const texts[IDENT_RUNGS + 1] = {
		[IDENT_EXACT] = "a message comes back byte for byte",
		[IDENT_CANONICAL] = "the server adds header fields or changes line ends; messages are known all the same",
		[IDENT_DECODED] = "the server encodes messages anew; their content is known all the same",
		[IDENT_HEADER] = "the server changes the content of messages: only their headers can be recognised",
		[IDENT_RUNGS] = "the server changes messages so much that they cannot be recognised"};
	struct flagsets *sets = flagsets_new();
	uint8_t rung = rung_of(p);
	int64_t want = 0;
	unsigned diff = flagset_compare(sets, flagset_of(sets, PROBE_FLAGS), flagset_of(sets, p->flags != NULL ? p->flags : ""));
	json_t *o;

	imap_date_parse(PROBE_DATE, &want);
	o = json_pack("{ss sb sb sb}", "rung", rung < IDENT_RUNGS ? ident_rung_name((enum ident_rung)rung) : "none",
		"keeps_date", p->date == want, "keeps_flags", (diff & FLAGSET_SYSTEM) == 0, "keeps_keywords",
		(diff & FLAGSET_KEYWORDS) == 0);
	p->ck->probed = true;
	p->ck->rung = rung;
	p->ck->date_lost = p->date != want;
	p->ck->flags_lost = (diff & FLAGSET_SYSTEM) != 0;
	p->ck->keywords_lost = (diff & FLAGSET_KEYWORDS) != 0;
	check_event(p->ck, p->side, "write", NULL, o, texts[rung]);
	flagsets_free(sets);
}

static bool is_probe(const struct survey *s, const struct survey_folder *f)
{
	size_t prefix = strlen(s->side.prefix);

	return f->len == prefix + strlen(PROBE_NAME) + 2 * PROBE_RANDOM && memcmp(f->raw, s->side.prefix, prefix) == 0 &&
		memcmp(f->raw + prefix, PROBE_NAME, strlen(PROBE_NAME)) == 0 &&
		strspn(f->raw + prefix + strlen(PROBE_NAME), "0123456789abcdef") == 2 * PROBE_RANDOM;
}

void check_write(struct check *ck, struct check_side *s)
{
	struct probe p = {.ck = ck, .side = s, .message = BUF_INIT};
	const struct err *e, *left = NULL;

	ck->probing = true;
	s->stage = "write";
	p.reader = ident_reader_new(IDENT_WANT_ALL, NULL);
	for (size_t i = 0; i < s->survey.n && !s->lost; i++)
		if (is_probe(&s->survey, &s->survey.f[i]))
			remove_folder(&p, s->survey.f[i].raw);
	p.failed = false;
	make_message(&p);
	e = s->lost ? &s->why : write_and_read(&p);
	if (e != NULL)
		e = err_new(e->id, "%s", e->msg);
	if (p.created)
		left = remove_folder(&p, p.folder);
	if (e != NULL || left != NULL)
		check_event(ck, s, "write", e != NULL ? e : left, NULL, "");
	else
		tell(&p);
	ck->probing = false;
	ident_reader_free(p.reader);
	buf_free(&p.message);
	free(p.folder);
	free(p.flags);
}
