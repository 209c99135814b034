/* The state file: what it knows survives, another mailbox's or a broken one is set aside, two cannot have it. */
#include "unit.h"

#include <sys/wait.h>

#include "mem.h"
#include "state.h"

static struct state *opened(const char *path, const char *from, bool want_rebuilt)
{
	const struct err *rebuilt;
	struct state *s;

	assert_ok(state_open(&s, path, from, "b@dst", &rebuilt));
	assert_int_equal(rebuilt != NULL, want_rebuilt);
	return s;
}

static char *file_in(void **state)
{
	return xasprintf("%s/state", (char *)*state);
}

static void fill(struct state *s, struct state_folder *f)
{
	struct uidset src = UIDSET_INIT, dst = UIDSET_INIT;

	assert_ok(state_folder_get(s, "A", 1, "B", f));
	assert_int_equal(f->id, 0);
	assert_int_equal(f->floor, 1);
	f->src_uidvalidity = 7;
	f->active = true;
	assert_ok(state_folder_put(s, "A", 1, "B", f));
	uidset_add(&src, 1, 3);
	uidset_add(&src, 8, 9);
	uidset_add(&dst, 100, 101);
	uidset_add(&dst, 200, 202);
	assert_ok(state_copied_add(s, f->id, &src, &dst));
	assert_ok(state_pending_add(s, f->id, 5, STATE_REFUSED, "message.refused", "no"));
	assert_ok(state_commit(s));
	uidset_free(&src);
	uidset_free(&dst);
}

struct runs {
	char text[200];
};

static void on_run(void *arg, uint32_t src, uint32_t n, uint32_t dst)
{
	struct runs *r = arg;
	size_t at = strlen(r->text);

	snprintf(r->text + at, sizeof(r->text) - at, "%u+%u=%u ", src, n, dst);
}

static void survives(void **state)
{
	char *path = file_in(state);
	struct state *s = opened(path, "a@src", false);
	struct state_folder f, g;
	struct uidset got = UIDSET_INIT;
	struct runs runs = {""};

	fill(s, &f);
	state_close(s);
	s = opened(path, "a@src", false);
	assert_ok(state_folder_get(s, "A", 1, "B", &g));
	assert_int_equal(g.id, f.id);
	assert_int_equal(g.src_uidvalidity, 7);
	assert_true(g.active);
	assert_ok(state_copied(s, g.id, 2, &got));
	assert_true(uidset_has(&got, 3) && uidset_has(&got, 8) && uidset_has(&got, 9) && !uidset_has(&got, 4));
	assert_ok(state_copied_runs(s, g.id, on_run, &runs));
	assert_string_equal(runs.text, "1+2=100 3+1=200 8+2=201 ");
	uidset_clear(&got);
	assert_ok(state_pending(s, g.id, &got));
	assert_int_equal(uidset_count(&got), 1);
	assert_ok(state_folder_reset(s, &g));
	uidset_clear(&got);
	assert_ok(state_copied(s, g.id, 0, &got));
	assert_int_equal(got.n, 0);
	uidset_free(&got);
	state_close(s);
	free(path);
}

/* What is dropped leaves what surrounds it, with its UIDs. */
static void dropped(void **state)
{
	char *path = file_in(state);
	struct state *s = opened(path, "a@src", false);
	struct state_folder f;
	struct uidset src = UIDSET_INIT, dst = UIDSET_INIT;
	struct runs runs = {""};

	fill(s, &f);
	uidset_add(&src, 20, 29);
	uidset_add(&dst, 300, 309);
	assert_ok(state_copied_add(s, f.id, &src, &dst));
	uidset_clear(&src);
	uidset_add(&src, 2, 3);
	uidset_add(&src, 9, 21);
	uidset_add(&src, 25, 25);
	uidset_add(&src, 29, 40);
	assert_ok(state_copied_drop(s, f.id, &src));
	assert_ok(state_copied_runs(s, f.id, on_run, &runs));
	assert_string_equal(runs.text, "1+1=100 8+1=201 22+3=302 26+3=306 ");
	uidset_free(&src);
	uidset_free(&dst);
	state_close(s);
	free(path);
}

/* Looking makes no file, believes no file of others, and keeps what is written to itself. */
static void peeked(void **state)
{
	char *path = file_in(state), *old = xasprintf("%s.old", path);
	const struct err *rebuilt;
	struct state_folder f;
	struct state *s;

	assert_ok(state_peek(&s, path, "a@src", "b@dst", &rebuilt));
	fill(s, &f);
	state_close(s);
	assert_int_not_equal(access(path, F_OK), 0);
	state_close(opened(path, "a@src", false));
	assert_ok(state_peek(&s, path, "a@src", "b@dst", &rebuilt));
	assert_null(rebuilt);
	fill(s, &f);
	state_close(s);
	assert_ok(state_peek(&s, path, "other@src", "b@dst", &rebuilt));
	assert_non_null(rebuilt);
	state_close(s);
	assert_int_not_equal(access(old, F_OK), 0);
	s = opened(path, "a@src", false);
	assert_ok(state_folder_get(s, "A", 1, "B", &f));
	assert_int_equal(f.id, 0);
	state_close(s);
	free(path);
	free(old);
}

static void of_another(void **state)
{
	char *path = file_in(state), *old = xasprintf("%s.old", path);
	struct state *s = opened(path, "a@src", false);
	struct state_folder f;

	fill(s, &f);
	state_close(s);
	s = opened(path, "other@src", true);
	assert_ok(state_folder_get(s, "A", 1, "B", &f));
	assert_int_equal(f.id, 0);
	state_close(s);
	assert_int_equal(access(old, F_OK), 0);
	free(path);
	free(old);
}

static void damaged(void **state)
{
	char *path = file_in(state);
	char junk[8192];
	struct state *s;

	memset(junk, 'x', sizeof(junk));
	assert_ok(fs_write(path, junk, sizeof(junk), 0600));
	s = opened(path, "a@src", true);
	state_close(s);
	s = opened(path, "a@src", false);
	state_close(s);
	free(path);
}

static void busy(void **state)
{
	char *path = file_in(state);
	struct state *s = opened(path, "a@src", false), *t;
	const struct err *rebuilt;

	assert_err(state_open(&t, path, "a@src", "b@dst", &rebuilt), ERR_STATE_BUSY);
	assert_null(t);
	state_close(s);
	s = opened(path, "a@src", false);
	state_close(s);
	free(path);
}

/* A killed process leaves no transaction half done and no lock. */
static void killed(void **state)
{
	char *path = file_in(state);
	struct state_folder f;
	struct state *s;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const struct err *rebuilt;

		if (state_open(&s, path, "a@src", "b@dst", &rebuilt) != NULL)
			_exit(1);
		memset(&f, 0, sizeof(f));
		state_folder_put(s, "kept", 4, "B", &f);
		state_commit(s);
		memset(&f, 0, sizeof(f));
		state_folder_put(s, "lost", 4, "B", &f);
		_exit(0); /* without a commit */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	s = opened(path, "a@src", false);
	assert_true(state_age_ms(s) < 60000);
	assert_ok(state_folder_get(s, "kept", 4, "B", &f));
	assert_int_not_equal(f.id, 0);
	assert_ok(state_folder_get(s, "lost", 4, "B", &f));
	assert_int_equal(f.id, 0);
	state_close(s);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(dropped, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(peeked, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(of_another, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(damaged, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(busy, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(killed, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
