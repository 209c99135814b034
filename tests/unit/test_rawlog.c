#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "buf.h"
#include "fs.h"
#include "lines.h"
#include "mem.h"
#include "rawlog.h"

static void keeps_head_and_tail_of_a_flood(void **state)
{
	char *path = xasprintf("%s/log", (char *)*state), line[64];
	struct buf b = BUF_INIT;
	struct rawlog *r;
	struct stat st;
	size_t total = 0;

	assert_ok(rawlog_open(&r, path));
	for (int i = 0; i < 200000; i++) {
		int n = snprintf(line, sizeof(line), "line %d of the flood\n", i);

		rawlog_write(r, line, (size_t)n);
		total += (size_t)n;
	}
	assert_ok(rawlog_close(r));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < (off_t)(RAWLOG_HEAD + RAWLOG_TAIL + 200));
	assert_ok(fs_read(path, RAWLOG_HEAD + RAWLOG_TAIL + 200, &b));
	assert_non_null(strstr(b.ptr, "line 0 of"));
	assert_non_null(strstr(b.ptr, "line 199999 of"));
	snprintf(line, sizeof(line), "[... %zu bytes dropped", total - RAWLOG_HEAD - RAWLOG_TAIL);
	assert_non_null(strstr(b.ptr, line));
	buf_free(&b);
	free(path);
}

static void a_small_log_is_whole_and_goes_on(void **state)
{
	char *path = xasprintf("%s/small", (char *)*state);
	struct buf b = BUF_INIT;
	struct rawlog *r;

	assert_ok(rawlog_open(&r, path));
	rawlog_write(r, "one\n", 4);
	assert_ok(rawlog_close(r));
	assert_ok(rawlog_open(&r, path));
	rawlog_write(r, "two\n", 4);
	assert_ok(rawlog_close(r));
	assert_ok(fs_read(path, 100, &b));
	assert_string_equal(b.ptr, "one\ntwo\n");
	buf_free(&b);
	free(path);
}

static void says_that_the_disk_is_full(void **state)
{
	struct rawlog *r;

	(void)state;
	assert_ok(rawlog_open(&r, "/dev/full"));
	rawlog_write(r, "x", 1);
	assert_err(rawlog_close(r), ERR_DISK_LOW);
}

struct seen {
	struct buf all;
	int n;
};

static void on_line(void *arg, const char *line, size_t n)
{
	struct seen *s = arg;

	assert_int_equal(strlen(line), n);
	buf_addf(&s->all, "<%s>", line);
	s->n++;
}

static void cuts_lines_at_any_byte(void **state)
{
	static const char text[] = "one\r\n\ntwo\nthis line is far too long\nthree\nrest without end";

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		struct seen s = {BUF_INIT, 0};
		struct lines l;

		lines_init(&l, 10);
		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			lines_feed(&l, text + at, sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step, on_line, &s);
		assert_string_equal(s.all.ptr, "<one><><two><three>");
		assert_int_equal(l.too_long, 2 - (step > 0 && l.skipping ? 0 : 1));
		lines_free(&l);
		buf_free(&s.all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_head_and_tail_of_a_flood),
		cmocka_unit_test(a_small_log_is_whole_and_goes_on),
		cmocka_unit_test(says_that_the_disk_is_full),
		cmocka_unit_test(cuts_lines_at_any_byte),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
