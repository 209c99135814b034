/* Any bytes as an mbox: messages lie inside the file, one behind the other, and their sizes are those of the bytes
 * that reading them gives, however the bytes are cut. The input's first byte chooses the cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mail_labels.h"
#include "mbox_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	const char *p;
	size_t n;
	uint64_t end, sum, count;
};

static size_t peek(void *arg, uint64_t at, void *p, size_t n)
{
	struct file *f = arg;

	if (at >= f->n)
		return 0;
	n = n < f->n - at ? n : (size_t)(f->n - at);
	memcpy(p, f->p + at, n);
	return n;
}

static void on_message(void *arg, const struct mbox_message *m)
{
	struct file *f = arg;
	struct mbox_unquote u = {0};
	struct buf out = BUF_INIT, folder = BUF_INIT, words = BUF_INIT;
	uint64_t size;
	uint32_t flags;
	bool gone;

	if (m->at < f->end || m->raw > f->n || m->at > f->n - m->raw)
		abort();
	f->end = m->at + m->raw;
	if (m->verbatim) {
		buf_add(&out, f->p + m->at, m->raw);
	} else {
		mbox_unquote(&u, f->p + m->at, m->raw, &out);
		mbox_unquote_end(&u, &out);
	}
	size = out.len;
	for (size_t i = 0; i < out.len; i++)
		size += out.ptr[i] == '\n' && (i == 0 || out.ptr[i - 1] != '\r');
	if (size != m->size)
		abort();
	mail_head_flags(m->head, &gone);
	mail_labels(m->head->v[MAIL_LABELS].ptr, m->head->v[MAIL_LABELS].len, &folder, &flags, &words);
	f->sum = f->sum * 31 + m->at + m->size * 7 + (uint64_t)m->date;
	f->count++;
	buf_free(&out);
	buf_free(&folder);
	buf_free(&words);
}

static void scan(struct file *f, size_t piece)
{
	struct mbox_scan *s = mbox_scan_new(on_message, peek, f);
	uint64_t before;

	for (size_t at = 0; at < f->n; at += piece)
		mbox_scan_feed(s, f->p + at, f->n - at < piece ? f->n - at : piece);
	mbox_scan_end(s, &before);
	mbox_scan_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file whole, cut;

	if (size < 2)
		return 0;
	whole = cut = (struct file){.p = (const char *)data + 1, .n = size - 1};
	scan(&whole, size);
	scan(&cut, (size_t)data[0] % 100 + 1);
	if (whole.sum != cut.sum || whole.count != cut.count)
		abort();
	return 0;
}
