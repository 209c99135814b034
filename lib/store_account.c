#include "store_account.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "store_facts.h"

#include "banned.h"

void account_list_free(struct account_list *l)
{
	free(l->how);
	free(l->by);
	memset(l, 0, sizeof(*l));
}

const struct err *account_list_last(struct store *s, int64_t job_id, struct account_list *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, accounts, at, how, by_sub FROM account_lists WHERE job_id = ?1 ORDER BY id DESC LIMIT 1", "i",
	        job_id);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*out = (struct account_list){.id = db_col_i64(st, 0),
	        .accounts = db_col_i64(st, 1),
	        .at = db_col_i64(st, 2),
	        .how = db_col_dup(st, 3),
	        .by = db_col_dup(st, 4)};
	db_done(st);
	return NULL;
}

static const struct err *check_open(struct store *s, int64_t job_id)
{
	int64_t open = 0;
	bool found;
	const struct err *e = db_i64(
	        store_db(s), &open, &found, "SELECT status = 'open' FROM jobs WHERE id = ?1", "i", job_id);

	if (e == NULL && !found)
		e = err_new(ERR_NOT_FOUND, "job %lld does not exist", (long long)job_id);
	else if (e == NULL && !open)
		e = err_new(ERR_CONFLICT, "job %lld is closed", (long long)job_id);
	return e;
}

const struct err *account_list_put(struct store *s, int64_t job_id, const char *how, char *const *accounts, size_t n,
        const struct actor *by)
{
	const struct err *e = store_begin(s);
	int64_t id;

	if (e != NULL)
		return e;
	e = check_open(s, job_id);
	if (e == NULL)
		e = db_run(store_db(s),
		        "INSERT INTO account_lists (job_id, how, accounts, by_sub, at) VALUES (?1, ?2, ?3, ?4, ?5)", "isisi",
		        job_id, how, (int64_t)n, by->who, clock_now_ms());
	id = db_last_id(store_db(s));
	for (size_t i = 0; e == NULL && i < n; i++)
		e = db_run(store_db(s),
		        "INSERT INTO account_list_items (list_id, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "is", id,
		        accounts[i]);
	if (e == NULL)
		e = audit_on(s, by, "accounts.list", job_id, "account_list", id,
		        xasprintf("{\"how\":\"%s\",\"accounts\":%zu}", how, n));
	return store_end(s, e);
}

static bool is_without_mailbox(const struct gate_job *j, const char *account)
{
	for (size_t i = 0; i < j->n_accounts; i++)
		if (strcmp(j->accounts[i].name, account) == 0)
			return true;
	return false;
}

static const struct err *accept_one(
        struct store *s, int64_t job_id, const char *account, const char *reason, const struct actor *by)
{
	json_t *detail = json_pack("{s:s, s:s}", "account", account, "reason", reason);
	char *text = detail != NULL ? js_text(detail) : xstrdup("{}");
	const struct err *e = db_run(store_db(s),
	        "INSERT INTO account_acceptances (job_id, account, reason, by_sub, by_role, at)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	        "issssi", job_id, account, reason, by->who, by->role, clock_now_ms());

	if (e == NULL)
		e = audit_add(s, by, "accounts.accept", job_id, NULL, text);
	json_decref(detail);
	free(text);
	return e;
}

const struct err *account_accept(struct store *s, int64_t job_id, char *const *accounts, size_t n, const char *reason,
        const struct actor *by)
{
	struct gate_job facts = {0};
	const struct err *e = store_begin(s);

	if (e != NULL)
		return e;
	e = check_open(s, job_id);
	if (e == NULL)
		e = facts_load(s, job_id, &facts);
	for (size_t i = 0; e == NULL && i < n; i++) {
		if (!is_without_mailbox(&facts, accounts[i]))
			e = err_new(ERR_CONFLICT, "%s is not among the accounts without a mailbox", accounts[i]);
		else
			e = accept_one(s, job_id, accounts[i], reason, by);
	}
	gate_job_free(&facts);
	return store_end(s, e);
}
