/* Any texts and bytes as an item that libpst has read, and as the blocks of its properties: the message is the same
 * each time, its header is one, and its attachments come out of it to the byte. */
#include <gmime/gmime.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "pst_heap.h"
#include "pst_mime.h"

#define ATTACHMENTS_MAX 4

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p;
	size_t n;
};

static unsigned take(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* A length (one byte; from 128 on two), then so many bytes, in memory of their own. NULL: the length is nought. */
static char *take_bytes(struct input *in, size_t *n)
{
	char *out;

	*n = take(in);
	if (*n >= 128)
		*n = (*n - 128) << 8 | take(in);
	*n = *n < in->n ? *n : in->n;
	if (*n == 0)
		return NULL;
	out = malloc(*n);
	memcpy(out, in->p, *n);
	in->p += *n;
	in->n -= *n;
	return out;
}

static void take_binary(struct input *in, pst_binary *b)
{
	size_t n; /* b is packed */

	b->data = take_bytes(in, &n);
	b->size = n;
}

static void take_text(struct input *in, pst_string *s)
{
	size_t n;
	char *p = take_bytes(in, &n);

	if (p == NULL)
		return;
	s->str = strndup(p, n);
	s->is_utf8 = (int)(n & 1);
	free(p);
}

static void take_attachments(struct input *in, pst_item *item)
{
	pst_item_attach *last = NULL;

	for (unsigned i = take(in) % (ATTACHMENTS_MAX + 1); i > 0; i--) {
		pst_item_attach *a = calloc(1, sizeof(*a));

		a->method = take(in) & 7;
		take_text(in, &a->filename1);
		take_text(in, &a->filename2);
		take_text(in, &a->mimetype);
		take_text(in, &a->content_id);
		take_binary(in, &a->data);
		a->i_id = take(in) & 1; /* there is no such block */
		if (last != NULL)
			last->next = a;
		else
			item->attach = a;
		last = a;
	}
}

static pst_item *take_item(struct input *in, pst_file *pf)
{
	pst_item *item = calloc(1, sizeof(*item));
	pst_item_email *m = item->email = calloc(1, sizeof(*m));
	pst_string *texts[] = {&item->subject, &item->body, &item->body_charset, &m->header, &m->htmlbody, &m->report_text,
		&m->outlook_sender_name, &m->sender_address, &m->sentto_address, &m->cc_address, &m->bcc_address,
		&m->messageid, &m->in_reply_to};

	item->pf = pf;
	item->type = PST_TYPE_NOTE;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		take_text(in, texts[i]);
	take_binary(in, &m->rtf_compressed);
	if (m->rtf_compressed.size > 6) /* the size that it claims to have is taken from the heap at once */
		m->rtf_compressed.data[6] = 0;
	if (m->rtf_compressed.size > 7)
		m->rtf_compressed.data[7] = 0;
	take_attachments(in, item);
	return item;
}

static void add(void *arg, const void *p, size_t n)
{
	buf_add(arg, p, n);
}

/* Each line of the header is a field or goes on with one, and there is an end to it. */
static void check_header(const struct buf *b)
{
	for (const char *p = b->ptr, *lf; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		const char *colon = memchr(p, ':', (size_t)(lf - p));

		if (lf == p)
			return;
		if (*p != ' ' && *p != '\t' && (colon == NULL || colon == p))
			abort();
		for (const char *c = p; *p != ' ' && *p != '\t' && c < colon; c++)
			if (*c <= ' ' || *c > '~')
				abort();
	}
	abort();
}

struct parts {
	GMimeObject *part[2 * ATTACHMENTS_MAX + 4];
	size_t n;
};

static void collect(GMimeObject *parent, GMimeObject *part, gpointer arg)
{
	struct parts *x = arg;
	const char *how = g_mime_object_get_disposition(part) != NULL ? g_mime_object_get_disposition(part) : "";

	(void)parent;
	if (strcmp(how, "attachment") == 0 && x->n < sizeof(x->part) / sizeof(x->part[0]))
		x->part[x->n++] = part;
}

static void compare(const pst_item_attach *a, GMimeObject *part)
{
	GMimeStream *mem;
	GByteArray *got;

	if (a->data.data == NULL)
		return;
	if (!GMIME_IS_PART(part))
		abort();
	mem = g_mime_stream_mem_new();
	g_mime_data_wrapper_write_to_stream(g_mime_part_get_content((GMimePart *)part), mem);
	got = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(mem));
	if (got->len != a->data.size || memcmp(got->data, a->data.data, got->len) != 0)
		abort();
	g_object_unref(mem);
}

static void check_attachments(const pst_item *item, const struct buf *b)
{
	GMimeStream *mem = g_mime_stream_mem_new_with_buffer(b->ptr, b->len);
	GMimeParser *parser = g_mime_parser_new_with_stream(mem);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	struct parts found = {.n = 0};
	size_t wanted = 0, at;

	for (const pst_item_attach *a = item->attach; a != NULL; a = a->next)
		wanted += a->data.data != NULL || a->i_id != 0;
	if (message == NULL)
		abort();
	g_mime_message_foreach(message, collect, &found);
	if (found.n < wanted) /* RTF may stand before them */
		abort();
	at = found.n - wanted;
	for (const pst_item_attach *a = item->attach; a != NULL; a = a->next)
		if (a->data.data != NULL || a->i_id != 0)
			compare(a, found.part[at++]);
	g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(mem);
}

static bool block(void *arg, unsigned n, const unsigned char **p, size_t *size)
{
	struct input *b = arg;

	*p = b[n & 3].p;
	*size = b[n & 3].n;
	return n < 4 && *p != NULL;
}

static void read_numbers(struct input *in)
{
	struct input b[4];
	struct pst_heap h = {block, b, take(in) & 1};
	uint32_t v;

	for (int i = 0; i < 4; i++)
		b[i].p = (const uint8_t *)take_bytes(in, &b[i].n);
	for (uint16_t id = 0x1080; id < 0x1092; id++)
		pst_heap_number(&h, id, &v);
	for (int i = 0; i < 4; i++)
		free((void *)(uintptr_t)b[i].p);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	pst_mime_prepare();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static pst_file none;
	struct input in = {data, size};
	struct buf one = BUF_INIT, two = BUF_INIT;
	pst_item *item;
	bool whole;

	read_numbers(&in);
	item = take_item(&in, &none);
	whole = pst_mime_write(&none, item, 0x200024, add, &one);
	if (pst_mime_write(&none, item, 0x200024, add, &two) != whole || one.len != two.len ||
		memcmp(one.ptr, two.ptr, one.len) != 0)
		abort();
	if (one.len > 0)
		check_header(&one);
	check_attachments(item, &one);
	pst_freeItem(item);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
