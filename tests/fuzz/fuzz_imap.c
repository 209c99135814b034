/* The IMAP response reader on any bytes: no crash, bounded memory, and the same responses however the bytes are
 * cut. The input's first byte chooses the cut. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "imap_reader.h"
#include "imap_resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a reading gave, as text: compared between two cuts. */
struct trace {
	struct buf out;
	uint64_t body;
};

static void body_begin(void *arg, const struct imap_fetch *f, const char *section, uint64_t size)
{
	struct trace *t = arg;

	t->body = 0;
	buf_addf(&t->out, "body %s %llu uid %u\n", section, (unsigned long long)size, f->uid);
}

static void body_data(void *arg, const void *p, size_t n)
{
	struct trace *t = arg;

	for (size_t i = 0; i < n; i++)
		t->body = t->body * 31 + ((const uint8_t *)p)[i];
}

static void body_end(void *arg)
{
	struct trace *t = arg;

	buf_addf(&t->out, "end %llu\n", (unsigned long long)t->body);
}

static void note(struct trace *t, const struct imap_resp *r)
{
	struct imap_list_item list;
	struct imap_status_item status;
	struct uidset uids = UIDSET_INIT;
	uint32_t validity;
	uint64_t n;

	buf_addf(&t->out, "%d %s %s %s %llu values %zu uids %zu fetch %u %llu\n", (int)r->kind, r->word, r->code, r->text,
		(unsigned long long)r->number, r->nv, r->uids.n, r->fetch.uid, (unsigned long long)r->fetch.size);
	for (size_t i = 0; i < r->nv; i++)
		buf_addf(&t->out, "  %d %zu %zu\n", (int)r->v[i].type, r->v[i].n, r->v[i].span);
	if (imap_resp_list(r, &list))
		buf_addf(&t->out, "list %zu %d\n", list.len, list.noselect);
	if (imap_resp_status(r, &status))
		buf_addf(&t->out, "status %zu %llu\n", status.len, (unsigned long long)status.messages);
	if (imap_resp_code_number(r, "UIDNEXT", &n))
		buf_addf(&t->out, "uidnext %llu\n", (unsigned long long)n);
	if (imap_resp_appenduid(r, &validity, &uids))
		buf_addf(&t->out, "appenduid %u %zu\n", validity, uids.n);
	uidset_free(&uids);
}

static void read_in_pieces(struct trace *t, const uint8_t *p, size_t n, size_t piece)
{
	static const struct imap_body_ops ops = {body_begin, body_data, body_end};
	struct imap_reader *r = imap_reader_new();
	const struct imap_resp *resp;
	const struct err *e = NULL;
	bool done, pause = false;
	size_t at = 0, have = 0, used;

	buf_init(&t->out);
	while (e == NULL && (have < n || at < have)) {
		if (have < n)
			have = n - have < piece ? n : have + piece;
		do {
			e = imap_reader_feed(r, (const char *)p + at, have - at, &used, &done, &resp, &ops, t, &pause);
			at += used;
			if (e == NULL && done)
				note(t, resp);
		} while (e == NULL && (done || used > 0) && at < have);
		if (have == n)
			break;
	}
	if (e != NULL)
		buf_adds(&t->out, "error\n");
	imap_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace whole, cut;

	if (size == 0)
		return 0;
	read_in_pieces(&whole, data + 1, size - 1, size);
	read_in_pieces(&cut, data + 1, size - 1, (size_t)data[0] % 100 + 1);
	if (whole.out.len != cut.out.len || memcmp(whole.out.ptr, cut.out.ptr, cut.out.len) != 0) {
		fprintf(stderr, "at once:\n%s\nin pieces:\n%s\n", whole.out.ptr, cut.out.ptr);
		abort();
	}
	buf_free(&whole.out);
	buf_free(&cut.out);
	return 0;
}
