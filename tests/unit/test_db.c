#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "db.h"
#include "mem.h"

static struct db *open_in(void **state, bool create)
{
	char *path = xasprintf("%s/t.db", (char *)*state);
	struct db_options opt = {.create = create, .sync = DB_SYNC_FULL, .busy_ms = 50};
	struct db *db;

	assert_ok(db_open(&db, path, &opt));
	free(path);
	return db;
}

static void opens_private_files(void **state)
{
	char *path = xasprintf("%s/t.db", (char *)*state);
	struct db_options opt = {0};
	struct db *db = NULL;
	struct stat st;

	assert_err(db_open(&db, path, &opt), ERR_DB);
	assert_null(db);
	db = open_in(state, true);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	db_close(db);
	free(path);
}

static void binds_and_reads(void **state)
{
	struct db *db = open_in(state, true);
	struct stmt *st;
	bool row, found = true;
	size_t n;
	int64_t v = 9;

	assert_ok(db_exec(db, "CREATE TABLE t(i INTEGER, s TEXT, b BLOB, d REAL, n TEXT) STRICT"));
	assert_ok(db_run(db, "INSERT INTO t VALUES(?,?,?,?,?)", "isbdn", (int64_t)INT64_MIN, "olá", "a\0b", (size_t)3, 0.5));
	assert_ok(db_run(db, "INSERT INTO t VALUES(?,?,?,?,?)", "isbdn", (int64_t)1, NULL, NULL, (size_t)0, 1.5));
	assert_int_equal(db_last_id(db), 2);
	assert_int_equal(db_changes(db), 1);
	assert_ok(db_query(db, &st, "SELECT i, s, b, d, n FROM t ORDER BY rowid", ""));
	assert_ok(db_step(st, &row));
	assert_true(row);
	assert_int_equal(db_col_i64(st, 0), INT64_MIN);
	assert_string_equal(db_col_text(st, 1), "olá");
	assert_memory_equal(db_col_blob(st, 2, &n), "a\0b", 3);
	assert_int_equal(n, 3);
	assert_true(db_col_double(st, 3) > 0.4);
	assert_true(db_col_null(st, 4));
	assert_ok(db_step(st, &row));
	assert_true(row);
	assert_null(db_col_text(st, 1));
	assert_ok(db_step(st, &row));
	assert_false(row);
	assert_ok(db_i64(db, &v, &found, "SELECT i FROM t WHERE i=?", "i", (int64_t)77));
	assert_false(found);
	assert_int_equal(v, 9);
	assert_err(db_run(db, "INSERT INTO t VALUES(?,?,?,?,?)", "i", (int64_t)1), ERR_INTERNAL);
	db_close(db);
}

/* The same text asked for again while the first is being read: two statements, not one disturbed. */
static void nested_queries(void **state)
{
	struct db *db = open_in(state, true);
	struct stmt *a, *b;
	bool row;

	assert_ok(db_exec(db, "CREATE TABLE t(i INTEGER) STRICT; INSERT INTO t VALUES(1),(2)"));
	assert_ok(db_query(db, &a, "SELECT i FROM t ORDER BY i", ""));
	assert_ok(db_step(a, &row));
	assert_ok(db_query(db, &b, "SELECT i FROM t ORDER BY i", ""));
	assert_ptr_not_equal(a, b);
	assert_ok(db_step(b, &row));
	assert_int_equal(db_col_i64(b, 0), 1);
	assert_ok(db_step(a, &row));
	assert_int_equal(db_col_i64(a, 0), 2);
	db_done(a);
	db_done(b);
	db_close(db);
}

static void errors_have_their_kind(void **state)
{
	struct db *db = open_in(state, true), *other;

	assert_ok(db_exec(db, "CREATE TABLE t(i INTEGER UNIQUE) STRICT; INSERT INTO t VALUES(1)"));
	assert_err(db_run(db, "INSERT INTO t VALUES(1)", ""), ERR_CONFLICT);
	assert_err(db_run(db, "SELECT nonsense FROM t", ""), ERR_DB);
	other = open_in(state, false);
	assert_ok(db_begin(db));
	assert_err(db_begin(other), ERR_DB_BUSY);
	assert_ok(db_run(db, "INSERT INTO t VALUES(2)", ""));
	assert_int_equal(db_end(db, err_new(ERR_INPUT, "no"))->id, ERR_INPUT);
	assert_ok(db_begin(other));
	assert_ok(db_run(other, "INSERT INTO t VALUES(2)", "")); /* the first was rolled back */
	assert_ok(db_end(other, NULL));
	db_rollback(other);
	db_close(db);
	db_close(other);
}

static void data_version_moves_with_others(void **state)
{
	struct db *db = open_in(state, true), *other = open_in(state, false);
	int64_t before, after;

	assert_ok(db_data_version(db, &before));
	assert_ok(db_exec(db, "CREATE TABLE t(i INTEGER) STRICT"));
	assert_ok(db_data_version(db, &after));
	assert_int_equal(before, after);
	assert_ok(db_exec(other, "INSERT INTO t VALUES(1)"));
	assert_ok(db_data_version(db, &after));
	assert_int_not_equal(before, after);
	db_close(db);
	db_close(other);
}

/* Several processes that make the same database at the same moment: SQLite answers "locked" at once, without
 * the busy handler, to all but one that switch it to WAL (sqlite.org/wal.html, "Sometimes queries return
 * SQLITE_BUSY"), as it does while the last one to close removes the log. */
static void opened_by_many_at_once(void **state)
{
	enum { PROCESSES = 6, ROUNDS = 25 };
	char *path = xasprintf("%s/t.db", (char *)*state);
	struct db_options opt = {.create = true, .sync = DB_SYNC_OFF};

	for (int round = 0; round < ROUNDS; round++) {
		pid_t child[PROCESSES];
		int go[2], status;
		char c;

		assert_int_equal(pipe(go), 0);
		for (int i = 0; i < PROCESSES; i++) {
			child[i] = fork();
			assert_true(child[i] >= 0);
			if (child[i] == 0) {
				struct db *db = NULL;
				bool good;

				close(go[1]);
				(void)!read(go[0], &c, 1); /* until all are there */
				good = db_open(&db, path, &opt) == NULL &&
				        db_exec(db, "CREATE TABLE IF NOT EXISTS t(i INTEGER) STRICT") == NULL;
				db_close(db);
				_exit(good ? 0 : 1);
			}
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(child[i], &status, 0), child[i]);
			assert_int_equal(status, 0);
		}
		assert_int_equal(unlink(path), 0);
	}
	free(path);
}

static void migrations_run_once_and_whole(void **state)
{
	static const char *const one[] = {"CREATE TABLE a(i INTEGER) STRICT"};
	static const char *const broken[] = {"CREATE TABLE a(i INTEGER) STRICT",
		"CREATE TABLE b(i INTEGER) STRICT; INSERT INTO nowhere VALUES(1)"};
	static const char *const two[] = {"CREATE TABLE a(i INTEGER) STRICT", "CREATE TABLE b(i INTEGER) STRICT"};
	struct db *db = open_in(state, true);
	int64_t v = -1;

	assert_ok(db_migrate(db, one, 1));
	assert_ok(db_migrate(db, one, 1));
	assert_err(db_migrate(db, broken, 2), ERR_DB);
	assert_ok(db_user_version(db, &v));
	assert_int_equal(v, 1);
	assert_ok(db_migrate(db, two, 2)); /* nothing of the broken one stayed */
	assert_ok(db_user_version(db, &v));
	assert_int_equal(v, 2);
	assert_err(db_migrate(db, one, 1), ERR_DB_VERSION);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens_private_files, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(binds_and_reads, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(nested_queries, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(errors_have_their_kind, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(data_version_moves_with_others, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(migrations_run_once_and_whole, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(opened_by_many_at_once, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
