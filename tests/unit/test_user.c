/* Local accounts, sessions and remembered answers. */
#include "store_unit.h"

#include "store_user.h"

static int64_t add(struct fixture *f, const char *name, enum role role)
{
	struct user u = {.name = xstrdup(name), .role = role};
	int64_t id;

	assert_ok(user_insert(f->s, &u, "correct horse battery", &tester));
	id = u.id;
	user_free(&u);
	return id;
}

static void accounts(void **state)
{
	struct fixture *f = *state;
	struct user u = {.name = xstrdup("with space"), .role = ROLE_TECHNICIAN}, *v;
	int64_t id = add(f, "Ana.Lopes@x", ROLE_SUPER_ADMIN);
	size_t n;

	assert_err(user_insert(f->s, &u, "correct horse battery", &tester), ERR_INPUT);
	free(u.name);
	u.name = xstrdup("ANA.lopes@x");
	assert_err(user_insert(f->s, &u, "correct horse battery", &tester), ERR_CONFLICT);
	assert_err(user_insert(f->s, &u, "short", &tester), ERR_INPUT);
	u.role = ROLE_WORKER;
	assert_err(user_insert(f->s, &u, "correct horse battery", &tester), ERR_INPUT);
	user_free(&u);
	assert_ok(user_find(f->s, "ana.LOPES@x", &u));
	assert_int_equal(u.id, id);
	u.role = ROLE_TECHNICIAN;
	assert_err(user_update(f->s, &u, NULL, &tester), ERR_CONFLICT); /* the last super_admin */
	assert_err(user_delete(f->s, id, &tester), ERR_CONFLICT);
	add(f, "second", ROLE_SUPER_ADMIN);
	assert_ok(user_update(f->s, &u, NULL, &tester));
	u.version--;
	assert_err(user_update(f->s, &u, NULL, &tester), ERR_PRECONDITION);
	user_free(&u);
	assert_ok(user_delete(f->s, id, &tester));
	assert_ok(user_list(f->s, 0, 10, NULL, &v, &n));
	assert_int_equal(n, 1);
	users_free(v, n);
}

static void log_in(void **state)
{
	struct fixture *f = *state;
	int64_t now = 1000, count = 0;
	struct user u;

	add(f, "ana", ROLE_TECHNICIAN);
	assert_ok(user_login(f->s, "Ana", "correct horse battery", now, &u));
	user_free(&u);
	assert_err(user_login(f->s, "nobody", "correct horse battery", now, &u), ERR_AUTH_LOGIN);
	for (int i = 0; i < USER_FAILURES_MAX; i++)
		assert_err(user_login(f->s, "ana", "wrong", now, &u), ERR_AUTH_LOGIN);
	assert_err(user_login(f->s, "ana", "correct horse battery", now, &u), ERR_RATE_LIMITED);
	assert_ok(user_login(f->s, "ana", "correct horse battery", now + USER_LOCK_MS, &u));
	u.disabled = true;
	assert_ok(user_update(f->s, &u, NULL, &tester));
	user_free(&u);
	assert_err(user_login(f->s, "ana", "correct horse battery", now + USER_LOCK_MS, &u), ERR_AUTH_LOGIN);
	assert_ok(db_i64(store_db(f->s), &count, NULL,
	        "SELECT count(*) FROM users WHERE password_hash LIKE '%correct%' OR password_hash NOT LIKE "
	        "'$argon2id$%'",
	        ""));
	assert_int_equal(count, 0);
}

static void sessions(void **state)
{
	struct fixture *f = *state;
	int64_t id = add(f, "ana", ROLE_OPS_LEAD), hour = 3600 * 1000, now = 1000, count = 0;
	char token[SESSION_TOKEN_SIZE], second[SESSION_TOKEN_SIZE];
	struct principal p;
	struct user u;

	assert_ok(session_create(f->s, id, 12, now, token));
	assert_ok(session_create(f->s, id, 12, now, second));
	assert_int_equal(strlen(token), SESSION_TOKEN_SIZE - 1);
	assert_string_not_equal(token, second);
	assert_ok(session_find(f->s, token, now, &p));
	assert_int_equal(p.role, ROLE_OPS_LEAD);
	assert_true(p.local);
	assert_int_equal(p.user_id, id);
	assert_string_equal(p.iss, "local");
	principal_free(&p);
	assert_ok(db_i64(
	        store_db(f->s), &count, NULL, "SELECT count(*) FROM sessions WHERE hash = ?1", "s", token));
	assert_int_equal(count, 0);
	assert_err(session_find(f->s, token, now + 12 * hour, &p), ERR_AUTH_REQUIRED);
	assert_err(session_find(f->s, "", now, &p), ERR_AUTH_REQUIRED);
	second[3] = second[3] == 'A' ? 'B' : 'A';
	assert_err(session_find(f->s, second, now, &p), ERR_AUTH_REQUIRED);
	assert_ok(session_delete(f->s, token));
	assert_ok(session_delete(f->s, token));
	assert_err(session_find(f->s, token, now, &p), ERR_AUTH_REQUIRED);
	assert_ok(session_create(f->s, id, 12, now, token));
	assert_ok(user_get(f->s, id, &u));
	assert_ok(user_update(f->s, &u, "another password", &tester)); /* ends them */
	user_free(&u);
	assert_err(session_find(f->s, token, now, &p), ERR_AUTH_REQUIRED);
	assert_ok(session_create(f->s, id, 12, now, token));
	assert_ok(sessions_prune(f->s, now + 12 * hour));
	assert_ok(db_i64(store_db(f->s), &count, NULL, "SELECT count(*) FROM sessions", ""));
	assert_int_equal(count, 0);
}

static void remembered_answers(void **state)
{
	struct fixture *f = *state;
	struct idempotent in = {.request = (char *)(uintptr_t) "hash",
	                          .status = 201,
	                          .body = (char *)(uintptr_t) "{}"},
	                  out;
	bool found;

	assert_ok(idempotency_get(f->s, "desk|ana", "k", &out, &found));
	assert_false(found);
	assert_ok(idempotency_put(f->s, "desk|ana", "k", &in, 1000));
	assert_err(idempotency_put(f->s, "desk|ana", "k", &in, 1000), ERR_CONFLICT);
	assert_ok(idempotency_put(f->s, "desk|bea", "k", &in, 1000));
	assert_ok(idempotency_get(f->s, "desk|ana", "k", &out, &found));
	assert_true(found);
	assert_int_equal(out.status, 201);
	assert_null(out.location);
	idempotent_free(&out);
	assert_ok(idempotency_prune(f->s, 1001));
	assert_ok(idempotency_get(f->s, "desk|ana", "k", &out, &found));
	assert_false(found);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(accounts), T(log_in), T(sessions), T(remembered_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
