/* Uploads on disk: what was kept is there with its hash, however it was written and whenever it was hashed; the rest never
 * is. */
#include "unit.h"

#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "buf.h"
#include "mem.h"
#include "str.h"
#include "upload_file.h"

#define SIZE (5u << 20) /* many blocks */

static char *bytes; /* SIZE of them */

static int setup(void **state)
{
	if (bytes == NULL) {
		bytes = xmalloc(SIZE);
		for (size_t i = 0; i < SIZE; i++)
			bytes[i] = (char)(i * 31 + i / 257);
	}
	return dir_setup(state);
}

static struct upload_file *take_up(const char *dir, const char *token)
{
	struct upload_file *f;

	assert_ok(upload_file_open(&f, dir, token, 0));
	return f;
}

static char *create(const char *dir)
{
	char *token = upload_token();

	assert_ok(upload_file_create(dir, token));
	return token;
}

/* In pieces whose sizes have nothing to do with blocks. */
static void write_some(struct upload_file *f, size_t from, size_t to)
{
	static const size_t sizes[] = {1, 32768, 65535, 262144, 300001, 7, 65536};

	for (size_t i = 0; from < to; i++) {
		size_t n = sizes[i % 7] < to - from ? sizes[i % 7] : to - from;

		assert_ok(upload_file_write(f, bytes + from, n));
		from += n;
	}
}

static void check_hash(struct upload_file *f, size_t n)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	struct buf hex = BUF_INIT;
	char *sha256;

	assert_ok(upload_file_hash(f, SIZE));
	assert_int_equal(upload_file_behind(f), 0);
	sha256 = upload_file_sha256(f);
	crypto_hash_sha256(digest, (const unsigned char *)bytes, n);
	str_hex(&hex, digest, sizeof(digest));
	assert_string_equal(sha256, hex.ptr);
	buf_free(&hex);
	free(sha256);
}

static void check(const char *dir, const char *token, struct upload_file *f, size_t n)
{
	char *path = xasprintf("%s/%s", dir, token);
	struct buf content = BUF_INIT;

	check_hash(f, n);
	assert_ok(fs_read(path, SIZE + 1, &content));
	assert_int_equal(content.len, n);
	if (n > 0)
		assert_memory_equal(content.ptr, bytes, n);
	assert_int_equal(upload_file_kept(f), n);
	assert_int_equal(upload_file_offset(dir, token), n);
	buf_free(&content);
	free(path);
}

static void whole(void **state)
{
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token);

	write_some(f, 0, SIZE);
	assert_int_equal(upload_file_length(f), SIZE);
	assert_ok(upload_file_keep(f));
	check(dir, token, f, SIZE);
	upload_file_close(f);
	assert_ok(upload_file_remove(dir, token));
	assert_ok(upload_file_remove(dir, token));
	free(token);
}

/* Kept at odd places, closed and taken up by another in between. */
static void in_parts(void **state)
{
	static const size_t parts[] = {1, 63, 64, 65537, 65537, 1000000, 1262144, 4000001, SIZE};
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token);
	size_t at = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		write_some(f, at, parts[i]);
		at = parts[i];
		if (i % 2)
			assert_ok(upload_file_flush(f));
		assert_ok(upload_file_keep(f));
		check(dir, token, f, at);
		if (i % 3 == 0) {
			upload_file_close(f);
			f = take_up(dir, token);
			check(dir, token, f, at);
		}
	}
	upload_file_close(f);
	free(token);
}

static void not_kept(void **state)
{
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token);

	write_some(f, 0, 100000);
	assert_ok(upload_file_keep(f));
	write_some(f, 0, SIZE); /* what does not belong there */
	assert_ok(upload_file_back(f));
	check(dir, token, f, 100000);
	write_some(f, 100000, 3000000);
	upload_file_close(f);
	f = take_up(dir, token);
	check(dir, token, f, 100000);
	write_some(f, 100000, SIZE);
	assert_ok(upload_file_keep(f));
	check(dir, token, f, SIZE);
	upload_file_close(f);
	free(token);
}

/* No room for all: an error, at the latest when it is to be kept, and the file is what was kept; with room it
 * goes on. */
static void no_room(void **state)
{
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token);
	struct rlimit before, less;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	less = before;
	less.rlim_cur = 1000000;
	signal(SIGXFSZ, SIG_IGN);
	write_some(f, 0, 70000);
	assert_ok(upload_file_keep(f));
	for (int round = 0; round < 3; round++) {
		const struct err *e = NULL;

		assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
		for (size_t at = 70000; e == NULL && at < SIZE; at += 65536)
			e = upload_file_write(f, bytes + at, SIZE - at < 65536 ? SIZE - at : 65536);
		if (e == NULL)
			e = upload_file_keep(f);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_err(e, ERR_IO);
		check(dir, token, f, 70000);
	}
	write_some(f, 70000, SIZE);
	assert_ok(upload_file_keep(f));
	check(dir, token, f, SIZE);
	upload_file_close(f);
	free(token);
}

/* The hash stays behind over several openings, in steps of any size, and may have gone beyond what is then dropped. */
static void hash_behind(void **state)
{
	static const size_t steps[] = {1, 63, 65536, 262144, 262145, 1000003};
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token);

	write_some(f, 0, 3000000);
	assert_ok(upload_file_keep(f));
	assert_int_equal(upload_file_behind(f), 3000000);
	assert_null(upload_file_sha256(f));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint64_t behind = upload_file_behind(f);

		assert_ok(upload_file_hash(f, steps[i]));
		assert_int_equal(upload_file_behind(f), behind - steps[i]);
		assert_null(upload_file_sha256(f));
		if (i % 2)
			assert_ok(upload_file_keep(f));
		upload_file_close(f);
		assert_int_equal(upload_file_offset(dir, token), 3000000);
		f = take_up(dir, token);
		assert_int_equal(upload_file_kept(f), 3000000);
		assert_int_equal(upload_file_behind(f), i % 2 ? behind - steps[i] : behind); /* kept, or for nothing */
		if (i % 2 == 0) {
			assert_ok(upload_file_hash(f, steps[i]));
			assert_ok(upload_file_keep(f));
		}
	}
	write_some(f, 0, 1000000); /* what does not belong there */
	assert_ok(upload_file_flush(f));
	assert_ok(upload_file_hash(f, SIZE));
	assert_int_equal(upload_file_behind(f), 0);
	assert_null(upload_file_sha256(f)); /* of more than what is safe: nobody's business */
	assert_ok(upload_file_back(f));
	check(dir, token, f, 3000000);
	write_some(f, 3000000, SIZE);
	assert_ok(upload_file_keep(f));
	check(dir, token, f, SIZE);
	upload_file_close(f);
	free(token);
}

/* Bytes that were safe and are gone are an error, and no hash. */
static void hash_of_lost_bytes(void **state)
{
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token);

	write_some(f, 0, 1000000);
	assert_ok(upload_file_keep(f));
	assert_int_equal(ftruncate(upload_file_fd(f), 700000), 0);
	assert_err(upload_file_hash(f, SIZE), ERR_IO);
	assert_null(upload_file_sha256(f));
	assert_int_equal(upload_file_behind(f), 1000000);
	upload_file_close(f);
	assert_err(upload_file_open(&f, dir, token, 0), ERR_IO);
	free(token);
}

/* A state that is not one: nothing was ever acknowledged. */
static void bad_states(void **state)
{
	static const char hash[] = "64 6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19 -";
	static const struct {
		const char *before, *after;
		uint64_t offset;
	} lines[] = {{"", "", 64}, {"", " 65", 65}, {"", " 9000000000000", 9000000000000}, {"", " 64", 0}, {"", " 63", 0}, {"", " -1", 0},
		{"", " x", 0}, {"", " 65 66", 0}, {"", "  65", 0}, {"", " 99999999999999999999", 0}, {"1", " 65", 0}, {"65 ", "", 0}};
	char *dir = *state, *token = create(dir), *path = xasprintf("%s/%s.state", dir, token);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *text = xasprintf("%s%s%s\n", lines[i].before, hash, lines[i].after);

		assert_ok(fs_write(path, text, strlen(text), 0600));
		assert_int_equal(upload_file_offset(dir, token), lines[i].offset);
		free(text);
	}
	assert_ok(fs_write(path, "", 0, 0600));
	assert_int_equal(upload_file_offset(dir, token), 0);
	free(path);
	free(token);
}

static void one_at_a_time(void **state)
{
	char *dir = *state, *token = create(dir);
	struct upload_file *f = take_up(dir, token), *other;

	assert_err(upload_file_open(&other, dir, token, 0), ERR_UPLOAD_LOCKED);
	assert_false(upload_file_wanted(f));
	upload_file_close(f);
	assert_err(upload_file_open(&f, dir, "0123456789abcdef0123456789abcdef", 0), ERR_NOT_FOUND);
	assert_err(upload_file_open(&f, dir, "../../etc/passwd", 0), ERR_NOT_FOUND);
	assert_int_equal(upload_file_offset(dir, "0123456789abcdef0123456789abcdef"), 0);
	free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(in_parts, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(not_kept, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(no_room, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(hash_behind, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(hash_of_lost_bytes, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(bad_states, setup, dir_teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, dir_teardown),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(bytes);
	return failed;
}
