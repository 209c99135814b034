/* What a web server hands over, as any bytes: no crash, no wait, bounded memory, and the same request however
 * the bytes are cut. The input's first byte chooses the cut; 255: the rest are parameters already, a line
 * each. What comes out of either goes through all that reads headers of uploads and ranges. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "fastcgi.h"
#include "mem.h"
#include "range.h"
#include "request.h"
#include "tus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES 100 /* that a socket holds without a reader */
#define INPUT_MAX 65536

static void note_uploads(const struct request *r, struct buf *out)
{
	struct tus_sum *sum = NULL;
	json_t *metadata = NULL;
	off_t from, length;

	if (tus_metadata(request_header(r, "UPLOAD_METADATA"), &metadata) == NULL) {
		char *name = tus_name(metadata);

		if (strlen(name) > TUS_NAME_MAX || *name == '\0' || strchr(name, '/') != NULL)
			abort();
		buf_addf(out, "name %s\n", name);
		free(name);
	}
	json_decref(metadata);
	if (tus_sum_new(&sum, request_header(r, "UPLOAD_CHECKSUM")) == NULL && sum != NULL) {
		tus_sum_feed(sum, "x", 1);
		buf_addf(out, "sum %d\n", tus_sum_fits(sum));
	}
	tus_sum_free(sum);
	for (off_t size_of = 0; size_of < 3; size_of++) {
		if (range_parse(request_header(r, "RANGE"), size_of, &from, &length) == RANGE_PART &&
			(from < 0 || length < 1 || from + length > size_of))
			abort();
		buf_addf(out, "range %lld %lld\n", (long long)from, (long long)length);
	}
}

static void note_request(char *const *env, struct buf *out)
{
	struct request r;
	const struct err *e = request_parse(&r, env);
	struct buf cookie = BUF_INIT;

	buf_addf(out, "request %s %d %lld\n", e != NULL ? err_code(e) : "", r.n_segments,
		(long long)r.content_length);
	for (int i = 0; i < r.n_segments; i++)
		buf_addf(out, "segment %s\n", r.segments[i]);
	for (int i = 0; i < r.n_queries; i++)
		buf_addf(out, "query %s=%s\n", r.queries[i].name, r.queries[i].value);
	request_cookie(&r, "desk_migration", &cookie);
	buf_addf(out, "cookie %zu bearer %d type %d\n", cookie.len, request_bearer(&r) != NULL,
		request_is_type(&r, "application/json"));
	note_uploads(&r, out);
	buf_free(&cookie);
	request_free(&r);
}

static void read_in_pieces(struct fastcgi *f, const uint8_t *p, size_t n, size_t cut, struct buf *out)
{
	const struct err *e;
	uint64_t sum = 0;
	const char *body;
	int pair[2];
	size_t have;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		abort();
	for (size_t at = 0; at < n; at += cut)
		if (send(pair[1], p + at, n - at < cut ? n - at : cut, MSG_DONTWAIT) < 0)
			abort();
	shutdown(pair[1], SHUT_WR);
	e = fastcgi_begin(f, pair[0]);
	if (e == NULL) {
		for (char *const *v = fastcgi_env(f); *v != NULL; v++)
			buf_addf(out, "%s\n", *v);
		note_request(fastcgi_env(f), out);
		while ((e = fastcgi_body(f, 0, &body, &have)) == NULL && have > 0)
			for (size_t i = 0; i < have; i++)
				sum = sum * 31 + (unsigned char)body[i];
		fastcgi_write(f, "Status: 200 OK\r\n\r\n", 18);
	}
	buf_addf(out, "end %s %llu\n", e != NULL ? err_code(e) : "", (unsigned long long)sum);
	fastcgi_end(f);
	close(pair[1]);
}

static void read_lines(const uint8_t *p, size_t n)
{
	char *text = xstrndup((const char *)p, n), *env[65] = {NULL}, *rest = NULL;
	struct buf out = BUF_INIT;
	size_t k = 0;

	for (char *s = strtok_r(text, "\n", &rest); s != NULL && k < 64; s = strtok_r(NULL, "\n", &rest))
		if (strchr(s, '=') != NULL)
			env[k++] = s;
	note_request(env, &out);
	buf_free(&out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fastcgi *f; /* one for all, as in the service */
	struct buf whole = BUF_INIT, cut = BUF_INIT;
	size_t least;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	if (data[0] == 255) {
		read_lines(data + 1, size - 1);
		return 0;
	}
	if (f == NULL)
		f = fastcgi_new();
	least = (size - 1) / PIECES + 1;
	read_in_pieces(f, data + 1, size - 1, size, &whole);
	read_in_pieces(f, data + 1, size - 1, least > data[0] ? least : (size_t)data[0] + 1, &cut);
	if (whole.len != cut.len || memcmp(whole.ptr, cut.ptr, cut.len) != 0) {
		fprintf(stderr, "at once:\n%s\nin pieces:\n%s\n", whole.ptr, cut.ptr);
		abort();
	}
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
