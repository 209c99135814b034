#include "ident.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "canon.h"
#include "log.h"
#include "mem.h"
#include "mime.h"
#include "rfc2047.h"
#include "str.h"

#include "banned.h"

enum { SHA = 32, FIELDS_MAX = 1000 };

struct ident_reader {
	unsigned want;
	const char *const *ignore;
	uint64_t size;
	EVP_MD_CTX *exact, *canonical; /* canonical is in use from the first difference on */
	bool differs;
	struct canon canon;
	/* decoded and header */
	struct mime *mime;
	EVP_MD_CTX *leaf, *leaves, *names;
	bool leaf_open;
	struct buf leaf_head;                        /* type and name of the open leaf */
	uint8_t (*fields)[IDENT_KEY_SIZE];           /* one digest a header field */
	size_t nfields;
	bool fresh; /* text[] is of the message before: the next feed clears it */
	struct buf text[IDENT_FIELDS];
};

const char *ident_rung_name(enum ident_rung r)
{
	static const char *const names[IDENT_RUNGS] = {"exact", "canonical", "decoded", "header"};

	return names[r];
}

/* --- SHA-256: with a valid context OpenSSL's fails for want of memory only -------------------------------- */

static void must(int ok)
{
	if (ok != 1) {
		log_error("SHA-256 is not available");
		abort();
	}
}

static EVP_MD_CTX *sha_new(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	must(c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1);
	return c;
}

static void sha_start(EVP_MD_CTX *c)
{
	must(EVP_DigestInit_ex(c, NULL, NULL));
}

static void sha_add(EVP_MD_CTX *c, const void *p, size_t n)
{
	must(EVP_DigestUpdate(c, p, n));
}

/* Text with its end, so that neighbours cannot trade bytes. */
static void sha_add_text(EVP_MD_CTX *c, const char *s)
{
	sha_add(c, s, strlen(s) + 1);
}

static void sha_end(EVP_MD_CTX *c, uint8_t out[SHA])
{
	must(EVP_DigestFinal_ex(c, out, NULL));
	sha_start(c);
}

/* --- exact and canonical: one hash while they are the same, two from where they part ---------------------- */

static void on_canon(void *arg, enum canon_op op, const void *p, size_t n)
{
	struct ident_reader *r = arg;

	if (op != CANON_KEEP && !r->differs) {
		must(EVP_MD_CTX_copy_ex(r->canonical, r->exact));
		r->differs = true;
	}
	if (op != CANON_INSERT)
		sha_add(r->exact, p, n);
	if (op != CANON_DROP && r->differs)
		sha_add(r->canonical, p, n);
}

/* --- decoded: header fields ------------------------------------------------------------------------------- */

/* Fields that say how a message is encoded or what stores and filters think of it, not what was written. */
static const char *const passing_fields[] = {
	"Content-*", "MIME-Version", "X-*", "ARC-*", "Authentication-Results", "Received-SPF", "Return-Path",
	"Delivered-To", "Thread-Index", "Thread-Topic", NULL,
};

/* Where tools differ in how they write the same thing. */
enum field_form { FORM_TEXT, FORM_ADDRESS, FORM_DATE, FORM_IDS };
static const struct {
	const char *name;
	enum field_form form;
	int text; /* enum ident_field, or -1 */
} known_fields[] = {
	{"message-id", FORM_IDS, IDENT_FIELD_MESSAGE_ID},
	{"date", FORM_DATE, IDENT_FIELD_DATE},
	{"from", FORM_ADDRESS, IDENT_FIELD_FROM},
	{"subject", FORM_TEXT, IDENT_FIELD_SUBJECT},
	{"sender", FORM_ADDRESS, -1},
	{"reply-to", FORM_ADDRESS, -1},
	{"to", FORM_ADDRESS, -1},
	{"cc", FORM_ADDRESS, -1},
	{"bcc", FORM_ADDRESS, -1},
	{"in-reply-to", FORM_IDS, -1},
	{"references", FORM_IDS, -1},
};

static bool is_passing(const char *name)
{
	for (const char *const *p = passing_fields; *p != NULL; p++) {
		size_t n = strlen(*p);

		if ((*p)[n - 1] == '*' ? strncasecmp(name, *p, n - 1) == 0 : str_ieq(name, *p))
			return true;
	}
	return false;
}

static void remove_bytes(struct buf *b, const char *set)
{
	size_t k = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->ptr[i] == '\0' || strchr(set, b->ptr[i]) == NULL)
			b->ptr[k++] = b->ptr[i];
	buf_truncate(b, k);
}

static void normalise(struct buf *v, enum field_form form)
{
	const char *paren;

	switch (form) {
	case FORM_TEXT:
		break;
	case FORM_ADDRESS:
		remove_bytes(v, "\"\\");
		break;
	case FORM_DATE: /* "Mon, 1 Jan 2024 10:00:00 +0000 (UTC)" */
		paren = strchr(v->ptr, '(');
		if (paren != NULL)
			buf_truncate(v, (size_t)(paren - v->ptr));
		while (v->len > 0 && v->ptr[v->len - 1] == ' ')
			buf_truncate(v, v->len - 1);
		break;
	case FORM_IDS:
		remove_bytes(v, " ");
		break;
	}
}

/* What is kept for a person: UTF-8, no control characters, cut at a character. */
static void keep_text(struct buf *out, const struct buf *v)
{
	size_t n = v->len < IDENT_TEXT_MAX ? v->len : IDENT_TEXT_MAX;

	buf_reset(out);
	if (n < v->len)
		while (n > 0 && ((unsigned char)v->ptr[n] & 0xc0) == 0x80)
			n--;
	buf_add(out, v->ptr, n);
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->ptr[i] < ' ' || out->ptr[i] == 0x7f)
			out->ptr[i] = ' ';
}

static void on_field(void *arg, unsigned message, const char *name, size_t nname, const char *body, size_t n)
{
	struct ident_reader *r = arg;
	enum field_form form = FORM_TEXT;
	struct buf v = BUF_INIT;
	char *lower = xstrndup(name, nname);
	uint8_t digest[SHA];
	int text = -1;

	str_lower(lower);
	if (canon_drops(name, nname, r->ignore) || is_passing(lower))
		goto done;
	for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++)
		if (strcmp(lower, known_fields[i].name) == 0) {
			form = known_fields[i].form;
			text = known_fields[i].text;
		}
	rfc2047_decode(&v, body, n, MIME_FIELD_MAX);
	if (message == 0 && text >= 0 && r->text[text].len == 0)
		keep_text(&r->text[text], &v);
	normalise(&v, form);
	sha_add(r->leaf, &message, sizeof(message));
	sha_add_text(r->leaf, lower);
	sha_add(r->leaf, v.ptr, v.len);
	sha_end(r->leaf, digest);
	if (r->nfields < FIELDS_MAX)
		memcpy(r->fields[r->nfields++], digest, IDENT_KEY_SIZE);
	else
		sha_add(r->leaves, digest, sizeof(digest));
done:
	free(lower);
	buf_free(&v);
}

/* --- decoded: parts --------------------------------------------------------------------------------------- */

static void leaf_open(struct ident_reader *r)
{
	if (!r->leaf_open)
		sha_add(r->leaf, r->leaf_head.ptr, r->leaf_head.len);
	r->leaf_open = true;
}

static void on_leaf_begin(void *arg, const char *type, const char *filename)
{
	struct ident_reader *r = arg;

	buf_reset(&r->leaf_head);
	buf_add(&r->leaf_head, type, strlen(type) + 1);
	buf_add(&r->leaf_head, filename, strlen(filename) + 1);
	r->leaf_open = false;
	if (filename[0] != '\0') {
		sha_add_text(r->names, filename);
		leaf_open(r);
	}
}

static void on_leaf_data(void *arg, const void *p, size_t n)
{
	struct ident_reader *r = arg;

	if (n == 0)
		return;
	leaf_open(r);
	sha_add(r->leaf, p, n);
}

/* A leaf with neither name nor content says nothing: some tools add or drop them. */
static void on_leaf_end(void *arg)
{
	struct ident_reader *r = arg;
	uint8_t digest[SHA];

	if (!r->leaf_open)
		return;
	sha_end(r->leaf, digest);
	sha_add(r->leaves, digest, sizeof(digest));
	r->leaf_open = false;
}

static const struct mime_sink sink = {on_field, on_leaf_begin, on_leaf_data, on_leaf_end};

/* --- the reader ------------------------------------------------------------------------------------------- */

struct ident_reader *ident_reader_new(unsigned want, const char *const *ignore)
{
	struct ident_reader *r = xcalloc(1, sizeof(*r));

	r->want = want | IDENT_WANT_EXACT;
	r->ignore = ignore;
	r->exact = sha_new();
	r->canonical = sha_new();
	canon_init(&r->canon, ignore, on_canon, r);
	for (int i = 0; i < IDENT_FIELDS; i++)
		buf_init(&r->text[i]);
	buf_init(&r->leaf_head);
	if (want & IDENT_WANT_DECODED) {
		r->mime = mime_new(&sink, r);
		r->leaf = sha_new();
		r->leaves = sha_new();
		r->names = sha_new();
		r->fields = xcalloc(FIELDS_MAX, sizeof(*r->fields));
	}
	return r;
}

void ident_reader_free(struct ident_reader *r)
{
	if (r == NULL)
		return;
	EVP_MD_CTX_free(r->exact);
	EVP_MD_CTX_free(r->canonical);
	EVP_MD_CTX_free(r->leaf);
	EVP_MD_CTX_free(r->leaves);
	EVP_MD_CTX_free(r->names);
	mime_free(r->mime);
	for (int i = 0; i < IDENT_FIELDS; i++)
		buf_free(&r->text[i]);
	buf_free(&r->leaf_head);
	free(r->fields);
	free(r);
}

static void clear_text(struct ident_reader *r)
{
	for (int i = 0; i < IDENT_FIELDS; i++)
		buf_reset(&r->text[i]);
	r->fresh = false;
}

void ident_reader_reset(struct ident_reader *r)
{
	r->size = 0;
	r->differs = false;
	sha_start(r->exact);
	canon_init(&r->canon, r->ignore, on_canon, r);
	clear_text(r);
	if (r->mime == NULL)
		return;
	mime_reset(r->mime);
	sha_start(r->leaf);
	sha_start(r->leaves);
	sha_start(r->names);
	r->nfields = 0;
	r->leaf_open = false;
}

void ident_reader_feed(struct ident_reader *r, const void *p, size_t n)
{
	if (r->fresh)
		clear_text(r);
	r->size += n;
	if (r->want & IDENT_WANT_CANONICAL)
		canon_feed(&r->canon, p, n);
	else
		sha_add(r->exact, p, n);
	if (r->mime != NULL)
		mime_feed(r->mime, p, n);
}

static void set_key(struct ident *out, enum ident_rung rung, const uint8_t digest[SHA])
{
	memcpy(out->key[rung].b, digest, IDENT_KEY_SIZE);
	out->have |= 1u << rung;
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, IDENT_KEY_SIZE);
}

static void decoded_key(struct ident_reader *r, struct ident *out)
{
	uint8_t digest[SHA];

	if (r->nfields > 0)
		qsort(r->fields, r->nfields, sizeof(*r->fields), by_digest);
	sha_add_text(r->leaf, "decoded 1");
	sha_add(r->leaf, &r->nfields, sizeof(r->nfields));
	sha_add(r->leaf, r->fields, r->nfields * sizeof(*r->fields));
	sha_end(r->leaves, digest);
	sha_add(r->leaf, digest, sizeof(digest));
	sha_end(r->leaf, digest);
	set_key(out, IDENT_DECODED, digest);
	r->nfields = 0;
}

static void header_key(struct ident_reader *r, struct ident *out)
{
	struct buf v = BUF_INIT;
	uint8_t digest[SHA], names[SHA];
	bool any = false;

	sha_end(r->names, names);
	buf_adds(&v, r->text[IDENT_FIELD_MESSAGE_ID].ptr);
	normalise(&v, FORM_IDS);
	if (v.len > 2) { /* more than "<>" */
		sha_add_text(r->leaf, "id");
		sha_add_text(r->leaf, v.ptr);
		any = true;
	} else {
		static const enum field_form forms[IDENT_FIELDS] = {
			[IDENT_FIELD_DATE] = FORM_DATE, [IDENT_FIELD_FROM] = FORM_ADDRESS};

		sha_add_text(r->leaf, "fields");
		for (int i = IDENT_FIELD_DATE; i < IDENT_FIELDS; i++) {
			buf_reset(&v);
			buf_adds(&v, r->text[i].ptr);
			normalise(&v, forms[i]);
			any = any || v.len > 0;
			sha_add_text(r->leaf, v.ptr);
		}
		sha_add(r->leaf, names, sizeof(names));
	}
	sha_end(r->leaf, digest);
	if (any)
		set_key(out, IDENT_HEADER, digest);
	buf_free(&v);
}

void ident_reader_end(struct ident_reader *r, struct ident *out)
{
	uint8_t digest[SHA];

	*out = (struct ident){.size = r->size};
	if (r->want & IDENT_WANT_CANONICAL)
		canon_end(&r->canon);
	sha_end(r->exact, out->sha256);
	set_key(out, IDENT_EXACT, out->sha256);
	if (r->want & IDENT_WANT_CANONICAL) {
		out->canonical_same = !r->differs;
		memcpy(digest, out->sha256, SHA);
		if (r->differs)
			sha_end(r->canonical, digest);
		set_key(out, IDENT_CANONICAL, digest);
	}
	if (r->mime != NULL) {
		mime_end(r->mime);
		decoded_key(r, out);
		header_key(r, out);
	}
	r->size = 0;
	r->differs = false;
	r->fresh = true;
	canon_init(&r->canon, r->ignore, on_canon, r);
}

const char *ident_reader_field(const struct ident_reader *r, enum ident_field f)
{
	return r->text[f].ptr;
}

void ident_summary_key(const struct ident *header, uint64_t size, struct ident_key *out)
{
	uint8_t in[SHA + sizeof(size)], digest[SHA];

	memcpy(in, header->sha256, SHA);
	memcpy(in + SHA, &size, sizeof(size));
	must(EVP_Digest(in, sizeof(in), digest, NULL, EVP_sha256(), NULL));
	memcpy(out->b, digest, IDENT_KEY_SIZE);
}
