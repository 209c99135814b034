/* The FastCGI reader at the other end of a socket that keeps what was sent apart: each piece is read by
 * itself. */
#include "unit.h"

#include <sys/socket.h>

#include "buf.h"
#include "fastcgi.h"
#include "mem.h"

enum { BEGIN = 1, ABORT = 2, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, GET_VALUES = 9 };
#define BEGUN "\0\1\0\0\0\0\0\0", 8 /* a responder's */

static void record_as(struct buf *b, unsigned version, unsigned type, unsigned id, const void *p, size_t n,
	unsigned padding)
{
	const unsigned char head[] = {(unsigned char)version, (unsigned char)type, (unsigned char)(id >> 8),
		(unsigned char)id, (unsigned char)(n >> 8), (unsigned char)n, (unsigned char)padding, 0};
	static const char nought[255];

	buf_add(b, head, sizeof(head));
	buf_add(b, p, n);
	buf_add(b, nought, padding);
}

static void record(struct buf *b, unsigned type, const void *p, size_t n)
{
	record_as(b, 1, type, 1, p, n, 0);
}

static void length(struct buf *b, size_t n, bool wide)
{
	const unsigned char four[] = {(unsigned char)(n >> 24 | 128), (unsigned char)(n >> 16),
		(unsigned char)(n >> 8), (unsigned char)n};

	if (wide)
		buf_add(b, four, 4);
	else
		buf_addc(b, (char)n);
}

static void param(struct buf *b, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	length(b, n, n > 127);
	length(b, v, v > 127);
	buf_adds(b, name);
	buf_adds(b, value);
}

/* A request in which everything occurs that may: padding, records of others, parameters over several records.
 */
static void request(struct buf *b, const char *body)
{
	struct buf params = BUF_INIT;
	size_t half = strlen(body) / 2;
	char wide[301];

	memset(wide, 'w', 300);
	wide[300] = '\0';
	param(&params, "REQUEST_METHOD", "PATCH");
	param(&params, "EMPTY", "");
	param(&params, "WIDE", wide);
	record_as(b, 1, GET_VALUES, 0, "\0\0", 2, 6);
	record_as(b, 1, BEGIN, 1, BEGUN, 3);
	record_as(b, 1, PARAMS, 1, params.ptr, 10, 6);
	record_as(b, 1, PARAMS, 7, "another's", 9, 7);
	record_as(b, 1, PARAMS, 1, params.ptr + 10, params.len - 10, 255);
	record(b, PARAMS, NULL, 0);
	record_as(b, 1, STDIN, 1, body, half, 1);
	record_as(b, 1, STDIN, 2, "another's", 9, 0);
	record_as(b, 1, STDIN, 1, body + half, strlen(body) - half, 0);
	record(b, STDIN, NULL, 0);
	buf_free(&params);
}

/* Our end of a line on which these bytes lie in pieces of `cut`, and then its end unless `open`. */
static int line(const struct buf *b, size_t cut, bool open, int *far)
{
	int pair[2], size = 8 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	if (setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (size_t at = 0; at < b->len; at += cut) {
		size_t n = b->len - at < cut ? b->len - at : cut;

		assert_int_equal(send(pair[1], b->ptr + at, n, MSG_DONTWAIT), n);
	}
	if (!open)
		shutdown(pair[1], SHUT_WR);
	*far = pair[1];
	return pair[0];
}

static const char *env_of(const struct fastcgi *f, const char *name)
{
	size_t n = strlen(name);

	for (char *const *p = fastcgi_env(f); *p != NULL; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

static const struct err *read_body(struct fastcgi *f, struct buf *out)
{
	const struct err *e;
	const char *p;
	size_t n;

	while ((e = fastcgi_body(f, 0, &p, &n)) == NULL && n > 0)
		buf_add(out, p, n);
	return e;
}

/* What begins a request and reads its body to the end says of these bytes; the answer is ended as well. */
static const struct err *all(struct fastcgi *f, const struct buf *b, size_t cut, struct buf *body)
{
	int far, fd = line(b, cut, false, &far);
	const struct err *e = fastcgi_begin(f, fd);

	if (e == NULL)
		e = read_body(f, body);
	fastcgi_end(f);
	close(far);
	return e;
}

static void in_pieces(void **state)
{
	static const char text[] = "the body of this request";
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT;

	(void)state;
	request(&b, text);
	for (size_t cut = 3; cut <= b.len; cut = cut < 20 ? cut + 1 : cut * 3) {
		struct buf body = BUF_INIT;
		int far, fd = line(&b, cut, false, &far);

		assert_ok(fastcgi_begin(f, fd));
		assert_string_equal(env_of(f, "REQUEST_METHOD"), "PATCH");
		assert_string_equal(env_of(f, "EMPTY"), "");
		assert_int_equal(strlen(env_of(f, "WIDE")), 300);
		assert_null(env_of(f, "another's"));
		assert_ok(read_body(f, &body));
		assert_int_equal(body.len, strlen(text));
		assert_memory_equal(body.ptr, text, body.len);
		fastcgi_end(f);
		close(far);
		buf_free(&body);
	}
	buf_free(&b);
	fastcgi_free(f);
}

/* One byte at a time, and cut off after each: the connection is lost, never a request that is taken for
 * whole. */
static void cut_off(void **state)
{
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT, params = BUF_INIT;

	(void)state;
	param(&params, "A", "1");
	record(&b, BEGIN, BEGUN);
	record(&b, PARAMS, params.ptr, params.len);
	record(&b, PARAMS, NULL, 0);
	record(&b, STDIN, "xyz", 3);
	record(&b, STDIN, NULL, 0);
	for (size_t n = 0; n <= b.len; n++) {
		struct buf part = BUF_INIT, body = BUF_INIT;

		buf_add(&part, b.ptr, n);
		if (n < b.len)
			assert_err(all(f, &part, 1, &body), ERR_LINE_LOST);
		else
			assert_ok(all(f, &part, 1, &body));
		buf_free(&part);
		buf_free(&body);
	}
	buf_free(&params);
	buf_free(&b);
	fastcgi_free(f);
}

static void lying_lengths(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{"\5", 1},                   /* a name's length, no value's */
		{"\5\1A", 3},                /* a name that is cut */
		{"\1\5A1", 4},               /* a value that is cut */
		{"\200\0\0", 3},             /* a wide length that is cut */
		{"\1\200\0\0", 4},           /* likewise the value's */
		{"\377\377\377\377\1A1", 7}, /* two gigabytes of name */
		{"\1\377\377\377\377A1", 7}, /* of value */
		{"\377\377\377\377\377\377\377\377", 8},
		{"\1\1A1\1", 5}, /* one that is whole, and the beginning of another */
	};
	struct fastcgi *f = fastcgi_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT, body = BUF_INIT;

		record(&b, BEGIN, BEGUN);
		record(&b, PARAMS, rows[i].bytes, rows[i].n);
		record(&b, PARAMS, NULL, 0);
		record(&b, STDIN, NULL, 0);
		assert_err(all(f, &b, b.len, &body), ERR_PROTOCOL);
		assert_err(all(f, &b, 1, &body), ERR_PROTOCOL);
		buf_free(&b);
	}
	fastcgi_free(f);
}

static void too_many_parameters(void **state)
{
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT, body = BUF_INIT;
	char *many = xcalloc(1, 65535);

	(void)state;
	record(&b, BEGIN, BEGUN);
	for (int i = 0; i < 5; i++)
		record(&b, PARAMS, many, 65535);
	assert_err(all(f, &b, 4096, &body), ERR_TOO_LARGE);
	free(many);
	buf_free(&b);
	fastcgi_free(f);
}

/* Every type of record, where parameters are expected and where the body is. */
static void types(void **state)
{
	struct fastcgi *f = fastcgi_new();

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		struct buf b = BUF_INIT, body = BUF_INIT;

		record(&b, BEGIN, BEGUN);
		record(&b, type, "\1\1A1\0\0\0\0", 8);
		record(&b, PARAMS, NULL, 0);
		record(&b, STDIN, NULL, 0);
		if (type == ABORT)
			assert_err(all(f, &b, b.len, &body), ERR_LINE_LOST);
		else /* a second beginning has another role, the parameters have names of no length behind the
			first */
			assert_int_equal(all(f, &b, b.len, &body) == NULL, type == PARAMS);
		buf_reset(&b);
		record(&b, BEGIN, BEGUN);
		record(&b, PARAMS, NULL, 0);
		record(&b, type, "abcdefgh", 8);
		record(&b, STDIN, NULL, 0);
		if (type == ABORT)
			assert_err(all(f, &b, b.len, &body), ERR_LINE_LOST);
		else if (type != STDIN)
			assert_err(all(f, &b, b.len, &body), ERR_PROTOCOL);
		else
			assert_ok(all(f, &b, b.len, &body));
		buf_free(&b);
		buf_free(&body);
	}
	fastcgi_free(f);
}

static void malformed(void **state)
{
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT, body = BUF_INIT;

	(void)state;
	record_as(&b, 2, BEGIN, 1, BEGUN, 0);
	assert_err(all(f, &b, b.len, &body), ERR_PROTOCOL); /* version */
	buf_reset(&b);
	record(&b, BEGIN, "\0\1\0", 3);
	assert_err(all(f, &b, b.len, &body), ERR_PROTOCOL); /* cut */
	buf_reset(&b);
	record(&b, BEGIN, "\0\2\0\0\0\0\0\0", 8);
	assert_err(all(f, &b, b.len, &body), ERR_PROTOCOL); /* an authorizer */
	buf_reset(&b);
	record_as(&b, 1, BEGIN, 0, BEGUN, 0);
	assert_err(all(f, &b, b.len, &body), ERR_LINE_LOST); /* nobody's */
	buf_reset(&b);
	buf_adds(&b, "GET / HTTP/1.1\r\n\r\n");
	assert_err(all(f, &b, b.len, &body), ERR_PROTOCOL);
	buf_free(&b);
	fastcgi_free(f);
}

/* A silent line is told apart from a lost one, and goes on. */
static void silence(void **state)
{
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT;
	const char *p;
	size_t n;
	int far, fd;

	(void)state;
	record(&b, BEGIN, BEGUN);
	record(&b, PARAMS, NULL, 0);
	record(&b, STDIN, "abc", 3);
	fd = line(&b, b.len, true, &far);
	assert_ok(fastcgi_begin(f, fd));
	assert_ok(fastcgi_body(f, 0, &p, &n));
	assert_int_equal(n, 3);
	for (int i = 0; i < 3; i++)
		assert_err(fastcgi_body(f, 0, &p, &n), ERR_TIMEOUT);
	buf_reset(&b);
	record(&b, STDIN, "de", 2);
	record(&b, STDIN, NULL, 0);
	assert_int_equal(send(far, b.ptr, b.len, 0), b.len);
	assert_ok(fastcgi_body(f, 0, &p, &n));
	assert_memory_equal(p, "de", 2);
	assert_ok(fastcgi_body(f, 0, &p, &n));
	assert_int_equal(n, 0);
	assert_ok(fastcgi_body(f, 0, &p, &n)); /* its end stays its end */
	assert_int_equal(n, 0);
	fastcgi_end(f);
	close(far);
	buf_free(&b);
	fastcgi_free(f);
}

/* The answer's records, put together by another reader. */
static void read_answer(int far, struct buf *text, unsigned *last)
{
	struct buf in = BUF_INIT;
	ssize_t n;

	do {
		buf_reserve(&in, 65536);
		n = recv(far, in.ptr + in.len, 65536, MSG_DONTWAIT);
		in.len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	for (size_t at = 0; at < in.len;) {
		const unsigned char *h = (const unsigned char *)in.ptr + at;
		size_t content = (size_t)h[4] << 8 | h[5];

		assert_true(at + 8 + content + h[6] <= in.len);
		assert_int_equal(h[0], 1);
		assert_int_equal(h[2] << 8 | h[3], 1);
		*last = h[1];
		if (h[1] == STDOUT)
			buf_add(text, h + 8, content);
		at += 8 + content + h[6];
	}
	buf_free(&in);
}

static void answers(void **state)
{
	static const size_t sizes[] = {0, 1, 32743, 32744, 32745, 32760, 32767, 32768, 32769, 100000};
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT;
	char *text = xcalloc(1, 100000);

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		text[i] = (char)(i * 7 + i / 251);
	request(&b, "body");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf got = BUF_INIT;
		unsigned last = 0;
		int far, fd = line(&b, b.len, false, &far);

		assert_ok(fastcgi_begin(f, fd));
		assert_ok(fastcgi_write(f, text, sizes[i]));
		fastcgi_end(f); /* the body was not read: what is left of it is */
		read_answer(far, &got, &last);
		assert_int_equal(last, END);
		assert_int_equal(got.len, sizes[i]);
		if (got.len > 0)
			assert_memory_equal(got.ptr, text, got.len);
		buf_free(&got);
		close(far);
	}
	free(text);
	buf_free(&b);
	fastcgi_free(f);
}

/* Nobody takes the answer: said once, and harmless after that. */
static void nobody_listens(void **state)
{
	struct fastcgi *f = fastcgi_new();
	struct buf b = BUF_INIT;
	char *text = xcalloc(1, 70000);
	int far, fd;

	(void)state;
	request(&b, "body");
	fd = line(&b, b.len, false, &far);
	assert_ok(fastcgi_begin(f, fd));
	close(far);
	assert_err(fastcgi_write(f, text, 70000), ERR_LINE_LOST);
	assert_err(fastcgi_write(f, text, 70000), ERR_LINE_LOST);
	fastcgi_end(f);
	free(text);
	buf_free(&b);
	fastcgi_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(lying_lengths),
		cmocka_unit_test(too_many_parameters),
		cmocka_unit_test(types),
		cmocka_unit_test(malformed),
		cmocka_unit_test(silence),
		cmocka_unit_test(answers),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
