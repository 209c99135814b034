#include "store_history.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

/* --- passes --- */

static void pass_clear(void *item)
{
	struct history_pass *p = item;

	free(p->by);
	free(p->worker);
}

void history_passes_free(struct history_pass *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), pass_clear);
}

static void pass_fill(struct stmt *st, void *item)
{
	struct history_pass *p = item;

	p->pass = (struct pass_row){.id = db_col_i64(st, 0),
	        .run_id = db_col_i64(st, 1),
	        .mailbox_id = db_col_i64(st, 2),
	        .messages = db_col_i64(st, 6),
	        .copied = db_col_i64(st, 7),
	        .present = db_col_i64(st, 8),
	        .refused = db_col_i64(st, 9),
	        .bytes = db_col_i64(st, 10),
	        .at = db_col_i64(st, 11)};
	run_kind_parse(db_col_text(st, 3), &p->pass.kind);
	if (!db_col_null(st, 4))
		pass_parse(db_col_text(st, 4), &p->pass.pass);
	run_status_parse(db_col_text(st, 5), &p->pass.status);
	p->by = db_col_dup(st, 12);
	p->worker = db_col_dup(st, 13);
}

const struct err *history_passes(struct store *s, int64_t mailbox_id, struct history_pass **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT p.id, p.run_id, p.mailbox_id, p.kind, p.pass, p.status, p.messages, p.copied, p.present, p.refused,"
	        " p.bytes, p.at, r.created_by, r.worker FROM mailboxes m JOIN passes p ON p.mailbox_id = m.id"
	        " AND p.run_id > m.pair_after JOIN runs r ON r.id = p.run_id WHERE m.id = ?1 ORDER BY p.id",
	        "i", mailbox_id);

	return db_list(e, st, sizeof(**v), pass_fill, pass_clear, v, n);
}

/* --- decisions --- */

static void decision_clear(void *item)
{
	struct history_decision *d = item;

	free(d->kind);
	free(d->facts);
	free(d->reason);
	free(d->by);
	free(d->name);
	free(d->role);
}

void history_decisions_free(struct history_decision *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), decision_clear);
}

static void decision_fill(struct stmt *st, void *item)
{
	*(struct history_decision *)item = (struct history_decision){.id = db_col_i64(st, 0),
	        .kind = db_col_dup(st, 1),
	        .facts = db_col_dup(st, 2),
	        .mailboxes = db_col_i64(st, 3),
	        .reason = db_col_dup(st, 4),
	        .by = db_col_dup(st, 5),
	        .name = db_col_dup(st, 6),
	        .role = db_col_dup(st, 7),
	        .at = db_col_i64(st, 8),
	        .expires_at = db_col_i64(st, 9)};
}

const struct err *history_decisions(struct store *s, int64_t job_id, struct history_decision **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, kind, facts, mailboxes, reason, by_sub, by_name, by_role, at, COALESCE(expires_at, 0)"
	        " FROM approvals WHERE job_id = ?1 ORDER BY id",
	        "i", job_id);

	return db_list(e, st, sizeof(**v), decision_fill, decision_clear, v, n);
}

/* --- removals --- */

void history_removal_free(struct history_removal *r)
{
	free(r->reason);
	free(r->by);
	memset(r, 0, sizeof(*r));
}

const struct err *history_removal(struct store *s, int64_t mailbox_id, struct history_removal *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT reason, by_sub, at FROM removals WHERE mailbox_id = ?1", "i", mailbox_id);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*out = (struct history_removal){
	        .reason = db_col_dup(st, 0), .by = db_col_dup(st, 1), .at = db_col_i64(st, 2)};
	db_done(st);
	return NULL;
}
