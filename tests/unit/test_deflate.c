/* DEFLATE streams: cut anywhere, flushed each time, damaged. */
#include "unit.h"

#include "deflate.h"
#include "mem.h"

/* Decodes n bytes that come in pieces of `piece`, into places of `room` bytes. */
static void decode(struct deflate *z, const char *p, size_t n, size_t piece, size_t room, struct buf *out)
{
	while (n > 0) {
		size_t k = n < piece ? n : piece, got;
		const char *in = p;

		p += k;
		n -= k;
		do {
			char *at = xmalloc(room);

			assert_ok(deflate_take(z, &in, &k, at, room, &got));
			buf_add(out, at, got);
			free(at);
		} while (got > 0);
		assert_int_equal(k, 0);
	}
}

static void round_trip(void **state)
{
	static const size_t sizes[][2] = {{1, 1}, {1, 70000}, {7, 3}, {4096, 100}, {1 << 20, 1 << 20}};
	struct buf text = BUF_INIT, packed = BUF_INIT, back = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		buf_addf(&text, "* %u FETCH (UID %u FLAGS (\\Seen))\r\n", i, i * 7919 % 65536);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct deflate *z = deflate_new(), *other = deflate_new();

		buf_reset(&packed);
		buf_reset(&back);
		deflate_add(z, "A1 NOOP\r\n", 9, &packed);
		decode(other, packed.ptr, packed.len, sizes[i][0], sizes[i][1], &back);
		assert_string_equal(back.ptr, "A1 NOOP\r\n"); /* nothing is held back */
		buf_reset(&packed);
		buf_reset(&back);
		deflate_add(z, text.ptr, text.len, &packed);
		assert_true(packed.len < text.len / 3);
		decode(other, packed.ptr, packed.len, sizes[i][0], sizes[i][1], &back);
		assert_int_equal(back.len, text.len);
		assert_memory_equal(back.ptr, text.ptr, text.len);
		deflate_free(z);
		deflate_free(other);
	}
	buf_free(&text);
	buf_free(&packed);
	buf_free(&back);
}

static void damaged(void **state)
{
	struct deflate *z = deflate_new();
	char out[100];
	const char *in = "* OK this is not compressed\r\n";
	size_t n = strlen(in), got;

	(void)state;
	assert_err(deflate_take(z, &in, &n, out, sizeof(out), &got), ERR_PROTOCOL);
	deflate_free(z);
	deflate_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(damaged)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
