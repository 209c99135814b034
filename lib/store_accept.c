/* Acceptances and DNS events: what people and name servers add to the evidence. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "store_evidence.h"

#include "banned.h"

static void acceptances_clear(void *item)
{
	struct acceptance *p = item;

	free(p->what);
	free(p->reason);
	free(p->by);
	free(p->role);
}

void acceptances_free(struct acceptance *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), acceptances_clear);
}

static void acceptances_fill(struct stmt *st, void *item)
{
	*(struct acceptance *)item = (struct acceptance){.id = db_col_i64(st, 0),
	        .job_id = db_col_i64(st, 1),
	        .mailbox_id = db_col_i64(st, 2),
	        .what = db_col_dup(st, 3),
	        .verification_id = db_col_i64(st, 4),
	        .count = db_col_i64(st, 5),
	        .reason = db_col_dup(st, 6),
	        .by = db_col_dup(st, 7),
	        .role = db_col_dup(st, 8),
	        .at = db_col_i64(st, 9)};
}

const struct err *acceptance_list(struct store *s, int64_t mailbox_id, struct acceptance **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, job_id, mailbox_id, what, COALESCE(verification_id, 0), count, reason, by_sub, "
	        "by_role, at"
	        " FROM acceptances WHERE mailbox_id = ?1 ORDER BY id",
	        "i", mailbox_id);

	return db_list(e, st, sizeof(**v), acceptances_fill, acceptances_clear, v, n);
}

static const char *const words[] = {
        "missing", "weak", "refusal", "excluded", "source.empty", "source.shrank", "mailbox.removed"};
enum { MISSING, WEAK, REFUSAL, EXCLUDED, EMPTY, SHRANK, REMOVED, WORD_COUNT };

/* The number that the word is about, as the evidence says it now; -1 when the matter does not stand. */
static int64_t number_of(int word, const struct verification *v, const struct pass_row *p)
{
	switch (word) {
	case MISSING:
		return v->unexplained;
	case WEAK:
		return v->found_weak;
	case REFUSAL:
		return p->refused;
	case EXCLUDED:
		return v->excluded;
	case EMPTY:
		return v->expected == 0 ? 0 : -1;
	case SHRANK:
		return v->expected + v->excluded;
	default:
		return -1;
	}
}

static const struct err *check_verified(
        struct store *s, int64_t mailbox_id, int word, int64_t count, int64_t *verification_id)
{
	struct verification v;
	struct pass_row p;
	int64_t now;
	const struct err *e = verification_last(s, mailbox_id, &v);

	if (e == NULL)
		e = pass_last(s, mailbox_id, &p);
	if (e != NULL)
		return e;
	if (v.id == 0 || !v.complete)
		return err_new(ERR_CONFLICT, "mailbox %lld has no complete verification: verify it first",
		        (long long)mailbox_id);
	now = number_of(word, &v, &p);
	if (now < 0)
		return err_new(
		        ERR_CONFLICT, "the source of mailbox %lld is not empty", (long long)mailbox_id);
	if (now != count)
		return err_new(ERR_CONFLICT, "%s: the number is %lld now, not %lld: look again", words[word],
		        (long long)now, (long long)count);
	*verification_id = v.id;
	return NULL;
}

static const struct err *check(struct store *s, int64_t mailbox_id, int word, int64_t count, int64_t *job_id,
        int64_t *verification_id)
{
	struct stmt *st;
	bool row = false, removed;
	const struct err *e = db_query(
	        store_db(s), &st, "SELECT job_id, removed FROM mailboxes WHERE id = ?1", "i", mailbox_id);

	*verification_id = 0;
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "mailbox %lld does not exist", (long long)mailbox_id);
	*job_id = db_col_i64(st, 0);
	removed = db_col_i64(st, 1) != 0;
	db_done(st);
	if (removed != (word == REMOVED))
		return err_new(ERR_CONFLICT,
		        removed ? "mailbox %lld was removed" : "mailbox %lld was not removed",
		        (long long)mailbox_id);
	return removed ? NULL : check_verified(s, mailbox_id, word, count, verification_id);
}

static const struct err *check_open(struct store *s, int64_t job_id)
{
	int64_t open = 0;
	const struct err *e = db_i64(store_db(s), &open, NULL, "SELECT status = 'open' FROM jobs WHERE id = ?1", "i", job_id);

	return e == NULL && !open ? err_new(ERR_CONFLICT, "job %lld is closed", (long long)job_id) : e;
}

const struct err *acceptance_add(struct store *s, int64_t mailbox_id, const char *what, int64_t count,
        const char *reason, const struct actor *by, struct acceptance *out)
{
	int64_t job_id = 0, verification_id = 0, now = clock_now_ms();
	const struct err *e;
	json_t *o;
	int word;

	memset(out, 0, sizeof(*out));
	for (word = 0; word < WORD_COUNT && strcmp(words[word], what) != 0; word++)
		;
	if (word == WORD_COUNT)
		return err_new(ERR_INPUT, "\"%s\" is nothing that can be accepted", what);
	if (*reason == '\0')
		return err_new(ERR_INPUT, "a reason is required");
	if ((e = store_begin(s)) != NULL)
		return e;
	e = check(s, mailbox_id, word, count, &job_id, &verification_id);
	if (e == NULL)
		e = check_open(s, job_id);
	if (e == NULL)
		e = db_run(store_db(s),
		        "INSERT INTO acceptances (job_id, mailbox_id, what, verification_id, count, reason, "
		        "by_sub, by_role, at)"
		        " VALUES (?1, ?2, ?3, NULLIF(?4, 0), ?5, ?6, ?7, ?8, ?9)",
		        "iisiisssi", job_id, mailbox_id, what, verification_id, count, reason, by->who,
		        by->role, now);
	if (e == NULL) {
		*out = (struct acceptance){.id = db_last_id(store_db(s)),
		        .job_id = job_id,
		        .mailbox_id = mailbox_id,
		        .verification_id = verification_id,
		        .count = count,
		        .at = now,
		        .what = xstrdup(what),
		        .reason = xstrdup(reason),
		        .by = xstrdup(by->who),
		        .role = xstrdup(by->role)};
		o = json_pack("{s:s, s:I, s:s}", "what", what, "count", (json_int_t)count, "reason", reason);
		e = audit_on(s, by, "evidence.accept", job_id, "mailbox", mailbox_id,
		        o != NULL ? js_text(o) : xstrdup("{}"));
		json_decref(o);
	}
	return store_end(s, e);
}

const struct err *dns_event_add(struct store *s, int64_t job_id, bool rolled_back, const char *how,
        bool was_ready, const char *detail, const struct actor *by)
{
	const char *what = rolled_back ? "rolled_back" : "applied";
	int64_t seq = 0;
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = store_next_seq(s, &seq);
	if (e == NULL)
		e = db_run(store_db(s),
		        "INSERT INTO dns_events (job_id, seq, what, how, was_ready, detail, at) VALUES (?1, "
		        "?2, ?3, ?4, ?5, ?6, ?7)",
		        "iissisi", job_id, seq, what, how, (int64_t)was_ready, detail, clock_now_ms());
	if (e == NULL)
		e = audit_add(s, by, rolled_back ? "dns.rolled_back" : "dns.applied", job_id, how, detail);
	return store_end(s, e);
}
