/* The audit trail: every row changed, removed, inserted or replaced is found. */
#include "store_unit.h"

#include <sqlite3.h>

#include "store_audit.h"

static void fill(struct fixture *f)
{
	assert_ok(store_begin(f->s));
	for (int i = 0; i < 10; i++)
		assert_ok(audit_add(f->s, &tester, "test.row", f->job, "subject", "{\"n\":1}"));
	assert_ok(store_end(f->s, NULL));
}

/* As somebody with the file would: without the triggers. */
static void tamper(struct fixture *f, const char *sql)
{
	char path[256], *error = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/migration.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "DROP TRIGGER audit_keep; DROP TRIGGER audit_stay", NULL, NULL, NULL);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(db);
}

static struct audit_check check(struct fixture *f)
{
	struct audit_check c;

	assert_ok(audit_verify(f->s, &c));
	return c;
}

static void unbroken(void **state)
{
	struct fixture *f = *state;
	struct audit_check c;

	fill(f);
	c = check(f);
	assert_true(c.ok);
	assert_int_equal(c.rows, 15); /* the job, four mailboxes, ten rows */
}

static void tampered(void **state)
{
	static const struct {
		const char *sql;
		int64_t bad;
		const char *word;
	} cases[] = {
	        {"UPDATE audit SET actor = 'somebody' WHERE id = 7", 7, "changed"},
	        {"UPDATE audit SET at = at + 1 WHERE id = 7", 7, "changed"},
	        {"UPDATE audit SET detail = '{\"n\":2}' WHERE id = 7", 7, "changed"},
	        {"UPDATE audit SET job_id = NULL WHERE id = 7", 7, "changed"},
	        {"UPDATE audit SET hash = 'x' WHERE id = 7", 7, "changed"},
	        {"DELETE FROM audit WHERE id = 7", 7, "missing"},
	        {"DELETE FROM audit WHERE id = 1", 1, "missing"},
	        {"DELETE FROM audit WHERE id BETWEEN 7 AND 9", 7, "7 to 9 are missing"},
	        {"DELETE FROM audit WHERE id >= 14", 14, "14 to 15 are missing at the end"},
	        {"DELETE FROM audit", 1, "missing"},
	        {"INSERT INTO audit (id, at, actor, action, previous, hash) SELECT 16, 1, 'x', 'x', hash, "
	         "'x' FROM audit WHERE id = 15",
	                16, "changed"},
	        {"UPDATE audit SET id = 99 WHERE id = 15", 15, "missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *st = NULL;
		struct audit_check c;
		struct fixture *f;

		assert_int_equal(store_setup(&st), 0);
		f = st;
		fill(f);
		tamper(f, cases[i].sql);
		c = check(f);
		if (c.ok || c.bad_id != cases[i].bad || strstr(c.what, cases[i].word) == NULL)
			fail_msg("%s: ok %d, row %lld, \"%s\"", cases[i].sql, c.ok, (long long)c.bad_id,
			        c.what);
		assert_int_equal(store_teardown(&st), 0);
	}
}

/* A row that carries a sound hash of its own, but not of the chain. */
static void replaced_with_a_sound_row(void **state)
{
	struct fixture *f = *state;
	struct audit_check c;

	fill(f);
	tamper(f, "UPDATE audit SET previous = (SELECT previous FROM audit WHERE id = 9), hash = (SELECT "
	          "hash FROM audit WHERE id = 9)"
	          " WHERE id = 8");
	c = check(f);
	assert_false(c.ok);
	assert_int_equal(c.bad_id, 8);
}

static void triggers_refuse(void **state)
{
	struct fixture *f = *state;

	assert_err(db_exec(store_db(f->s), "UPDATE audit SET actor = 'x'"), ERR_CONFLICT);
	assert_err(db_exec(store_db(f->s), "DELETE FROM audit"), ERR_CONFLICT);
	assert_err(
	        db_exec(store_db(f->s), "DELETE FROM approvals WHERE id = 1; DELETE FROM audit WHERE id = 1"),
	        ERR_CONFLICT);
}

static void pages(void **state)
{
	struct fixture *f = *state;
	struct audit_row *v;
	size_t n;

	fill(f);
	assert_ok(audit_list(f->s, 0, 0, 4, &v, &n));
	assert_int_equal(n, 4);
	assert_int_equal(v[0].id, 15);
	audit_rows_free(v, n);
	assert_ok(audit_list(f->s, f->job, 12, 100, &v, &n));
	assert_int_equal(n, 11);
	assert_int_equal(v[0].id, 11);
	audit_rows_free(v, n);
	assert_ok(audit_list(f->s, 999, 0, 100, &v, &n));
	assert_int_equal(n, 0);
	audit_rows_free(v, n);
}

/* What failed leaves no row and no gap. */
static void rolled_back(void **state)
{
	struct fixture *f = *state;
	struct job j = {.domains = (char *[]){xstrdup("a.example")}, .n_domains = 1};

	assert_err(job_insert(f->s, &j, &tester), ERR_CONFLICT);
	free(j.domains[0]);
	j.domains = NULL;
	j.n_domains = 0;
	job_free(&j);
	fill(f);
	assert_true(check(f).ok);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(unbroken), cmocka_unit_test(tampered),
	        T(replaced_with_a_sound_row), T(triggers_refuse), T(pages), T(rolled_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
