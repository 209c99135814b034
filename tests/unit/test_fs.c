#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "buf.h"
#include "mem.h"

static char *in(void **state, const char *name)
{
	return xasprintf("%s/%s", (char *)*state, name);
}

static void replaces_whole_files(void **state)
{
	char *path = in(state, "a"), *missing = in(state, "none/a");
	struct buf b = BUF_INIT;
	struct stat st;

	assert_ok(fs_write(path, "one", 3, 0640));
	assert_ok(fs_write(path, "second", 6, 0600));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(fs_read(path, 6, &b));
	assert_string_equal(b.ptr, "second");
	buf_reset(&b);
	assert_err(fs_read(path, 5, &b), ERR_TOO_LARGE);
	assert_err(fs_write(missing, "x", 1, 0600), ERR_NOT_FOUND);
	assert_err(fs_read(missing, 5, &b), ERR_NOT_FOUND);
	buf_free(&b);
	free(path);
	free(missing);
}

static void creates_once(void **state)
{
	char *path = in(state, "once");
	struct buf b = BUF_INIT;
	bool created;

	assert_ok(fs_create(*state, path, "first", 5, 0640, &created));
	assert_true(created);
	assert_ok(fs_create(*state, path, "again", 5, 0640, &created));
	assert_false(created);
	assert_ok(fs_read(path, 100, &b));
	assert_string_equal(b.ptr, "first");
	buf_free(&b);
	free(path);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	char *path = in(state, "kept");
	struct buf b = BUF_INIT;
	size_t n = 1 << 20;
	char *big = xcalloc(1, n);

	/* /dev/full answers ENOSPC to every write */
	assert_ok(fs_write(path, "kept", 4, 0600));
	int fd = open("/dev/full", O_WRONLY);
	assert_true(fd >= 0);
	assert_err(fs_write_all(fd, big, n), ERR_DISK_LOW);
	close(fd);
	assert_ok(fs_read(path, 100, &b));
	assert_string_equal(b.ptr, "kept");
	buf_free(&b);
	free(big);
	free(path);
}

static void removes_trees_but_not_what_links_name(void **state)
{
	char *tree = in(state, "tree"), *deep = in(state, "tree/a/b/c"), *out = in(state, "outside"),
	     *link = in(state, "tree/a/link"), *file = in(state, "outside/file");

	assert_ok(fs_mkdir_p(deep, 0700));
	assert_ok(fs_mkdir_p(deep, 0700));
	assert_ok(fs_mkdir_p(out, 0700));
	assert_ok(fs_write(file, "x", 1, 0600));
	assert_int_equal(symlink(out, link), 0);
	assert_ok(fs_remove_tree(tree));
	assert_int_equal(access(tree, F_OK), -1);
	assert_int_equal(access(file, F_OK), 0);
	assert_ok(fs_remove_tree(tree));
	free(tree);
	free(deep);
	free(out);
	free(link);
	free(file);
}

static void secrets_lose_one_newline(void **state)
{
	char *path = in(state, "secret"), spec[32];
	struct buf b = BUF_INIT;
	int p[2];

	assert_ok(fs_write(path, "s3cret\n\n", 8, 0600));
	assert_ok(fs_read_secret(path, 100, &b));
	assert_string_equal(b.ptr, "s3cret\n");
	buf_reset(&b);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "by fd\r\n", 7), 7);
	close(p[1]);
	snprintf(spec, sizeof(spec), "fd:%d", p[0]);
	assert_ok(fs_read_secret(spec, 100, &b));
	assert_string_equal(b.ptr, "by fd");
	assert_err(fs_read_secret("fd:x", 100, &b), ERR_USAGE);
	buf_wipe(&b);
	free(path);
}

static void names(void **state)
{
	(void)state;
	assert_true(fs_safe_name("log"));
	assert_true(fs_safe_name("..x"));
	assert_false(fs_safe_name(""));
	assert_false(fs_safe_name("."));
	assert_false(fs_safe_name(".."));
	assert_false(fs_safe_name("a/b"));
	assert_false(fs_safe_name("a\nb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replaces_whole_files, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(creates_once, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_file, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(removes_trees_but_not_what_links_name, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(secrets_lose_one_newline, dir_setup, dir_teardown),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
