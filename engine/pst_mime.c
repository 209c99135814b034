#include "pst_mime.h"

#include <gmime/gmime.h>
#include <libpst/lzfu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mail_date.h"
#include "str.h"

#include "banned.h"

#define DEPTH_MAX 10

/* --- a stream that ends in a function --- */

typedef struct {
	GMimeStream parent;
	pst_mime_fn *fn;
	void *arg;
} FnStream;
typedef struct {
	GMimeStreamClass parent;
} FnStreamClass;

static GType fn_stream_get_type(void);
G_DEFINE_TYPE(FnStream, fn_stream, GMIME_TYPE_STREAM)

static ssize_t fn_write(GMimeStream *stream, const char *p, size_t n)
{
	FnStream *s = (FnStream *)stream;

	s->fn(s->arg, p, n);
	return (ssize_t)n;
}

static int fn_flush(GMimeStream *stream)
{
	(void)stream;
	return 0;
}

static void fn_stream_class_init(FnStreamClass *class)
{
	class->parent.write = fn_write;
	class->parent.flush = fn_flush;
}

static void fn_stream_init(FnStream *s)
{
	(void)s;
}

/* --- content that is written when it is wanted, never held --- */

struct writing {
	pst_file *pf;
	uint64_t id;
	int depth;
	unsigned parts; /* boundaries so far */
	struct pst_mime_end end;
};

typedef struct {
	GMimeDataWrapper parent;
	struct writing *w;
	pst_item_attach *attach;
	bool embedded;
} PstContent;
typedef struct {
	GMimeDataWrapperClass parent;
} PstContentClass;

static GType pst_content_get_type(void);
G_DEFINE_TYPE(PstContent, pst_content, GMIME_TYPE_DATA_WRAPPER)

static void write_item(struct writing *w, pst_item *item, GMimeStream *out);

static ssize_t to_stream(void *cookie, const char *p, size_t n)
{
	return g_mime_stream_write(cookie, p, n);
}

static void write_attachment(PstContent *c, GMimeStream *out)
{
	FILE *f = fopencookie(out, "w", (cookie_io_functions_t){.write = to_stream});
	size_t n;

	if (f == NULL)
		return;
	n = pst_attach_to_file(c->w->pf, c->attach, f);
	if (fclose(f) != 0 || (n == 0 && c->attach->data.data == NULL))
		c->w->end.lost = c->w->end.lost || n == 0;
}

static void write_embedded(PstContent *c, GMimeStream *out)
{
	pst_desc_tree d = {.desc = pst_getID(c->w->pf, c->attach->i_id)};
	pst_item *item = c->w->depth < DEPTH_MAX && d.desc != NULL ? pst_parse_item(c->w->pf, &d, c->attach->id2_head) : NULL;

	if (item == NULL || item->email == NULL) {
		static const char note[] = "Subject: (embedded item that cannot be read as a message)\n\n";

		if (item == NULL)
			c->w->end.lost = true;
		else
			c->w->end.no_mail++;
		g_mime_stream_write(out, note, strlen(note));
	} else {
		c->w->depth++;
		write_item(c->w, item, out);
		c->w->depth--;
	}
	if (item != NULL)
		pst_freeItem(item);
}

static ssize_t content_write(GMimeDataWrapper *wrapper, GMimeStream *out)
{
	PstContent *c = (PstContent *)wrapper;

	if (c->embedded)
		write_embedded(c, out);
	else
		write_attachment(c, out);
	return 0;
}

static void pst_content_class_init(PstContentClass *class)
{
	class->parent.write_to_stream = content_write;
}

static void pst_content_init(PstContent *c)
{
	(void)c;
}

void pst_mime_prepare(void)
{
	g_mime_init();
	g_type_ensure(fn_stream_get_type());
	g_type_ensure(pst_content_get_type());
}

/* --- parts --- */

static const char *utf8(pst_item *item, pst_string *s)
{
	if (s->str == NULL)
		return NULL;
	pst_convert_utf8(item, s);
	return s->str;
}

/* RFC 2045 5.1 */
static bool is_token(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] > '~' || strchr("()<>@,;:\\\"/[]?=", p[i]) != NULL)
			return false;
	return n > 0;
}

#define BOUNDARY_BEGIN "=_item-" /* of every boundary of ours; quoted-printable and base64 never have it (RFC 2045, 6.7) */

static bool may_part(const char *data, size_t n)
{
	return memmem(data, n, BOUNDARY_BEGIN, strlen(BOUNDARY_BEGIN)) != NULL;
}

static GMimeObject *text_part(const char *subtype, const char *charset, const char *data, size_t n)
{
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	GMimeStream *mem = g_mime_stream_mem_new_with_buffer(data, n);
	GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(mem, GMIME_CONTENT_ENCODING_DEFAULT);

	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", charset);
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, may_part(data, n) ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
								 : g_mime_part_get_best_content_encoding(part, GMIME_ENCODING_CONSTRAINT_7BIT));
	g_object_unref(content);
	g_object_unref(mem);
	return GMIME_OBJECT(part);
}

static GMimeObject *body_text(pst_item *item)
{
	const char *s = utf8(item, &item->body);

	if (s == NULL && item->email->report_text.str != NULL)
		s = utf8(item, &item->email->report_text);
	return s != NULL ? text_part("plain", "utf-8", s, strlen(s)) : NULL;
}

static GMimeObject *body_html(pst_item *item)
{
	pst_string *s = &item->email->htmlbody;
	char room[64];
	const char *charset;

	if (s->str == NULL)
		return NULL;
	charset = s->is_utf8 ? "utf-8" : pst_default_charset(item, sizeof(room), room);
	return text_part("html", is_token(charset, strlen(charset)) ? charset : "us-ascii", s->str, strlen(s->str));
}

#define RTF_HEAD 16 /* MS-OXRTFCP 2.1.3.1: sizes, kind, check sum */

/* The RTF in it, to be freed; NULL: none. */
static char *unpack_rtf(const pst_binary *z, size_t *n)
{
	if (z->data == NULL || z->size <= RTF_HEAD || z->size > UINT32_MAX)
		return NULL;
	if (memcmp(z->data + 8, "MELA", 4) != 0)
		return pst_lzfu_decompress(z->data, (uint32_t)z->size, n);
	*n = z->size - RTF_HEAD; /* stored as it is, which libpst does not know */
	return g_memdup2(z->data + RTF_HEAD, *n);
}

static GMimeObject *body_rtf(pst_item *item)
{
	GMimePart *part;
	GMimeStream *mem;
	GMimeDataWrapper *content;
	size_t n = 0;
	char *rtf;

	rtf = unpack_rtf(&item->email->rtf_compressed, &n);
	if (rtf == NULL || n == 0) {
		free(rtf);
		return NULL;
	}
	part = g_mime_part_new_with_type("application", "rtf");
	mem = g_mime_stream_mem_new_with_buffer(rtf, n);
	content = g_mime_data_wrapper_new_with_stream(mem, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
	g_mime_part_set_filename(part, "rtf-body.rtf");
	g_object_unref(content);
	g_object_unref(mem);
	free(rtf);
	return GMIME_OBJECT(part);
}

static bool is_embedded(const pst_item_attach *a)
{
	if (a->data.data != NULL || a->method == PST_ATTACH_BY_VALUE) /* by value: a file, whatever it is called */
		return false;
	return a->method == PST_ATTACH_EMBEDDED || (a->mimetype.str != NULL && strcasecmp(a->mimetype.str, "message/rfc822") == 0);
}

/* The attachment's own type, unless it is one that says how bytes are to be read: those would have to be parsed. */
static GMimePart *typed_part(const pst_item_attach *a)
{
	const char *type = a->mimetype.str, *slash = type != NULL ? strchr(type, '/') : NULL;
	GMimePart *part;
	char *major;

	if (slash == NULL || !is_token(type, (size_t)(slash - type)) || !is_token(slash + 1, strlen(slash + 1)) ||
		strncasecmp(type, "multipart/", 10) == 0 || strncasecmp(type, "message/", 8) == 0)
		return g_mime_part_new_with_type("application", "octet-stream");
	major = strndup(type, (size_t)(slash - type));
	part = g_mime_part_new_with_type(major, slash + 1);
	free(major);
	return part;
}

/* GMime writes a name as it is: one with an end of line in it would end the header. */
static void set_name(GMimePart *part, const char *name)
{
	char *clean = g_strdup(name);

	for (char *p = clean; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '_';
	g_mime_part_set_filename(part, clean);
	g_free(clean);
}

static GMimeObject *attachment(struct writing *w, pst_item *item, pst_item_attach *a)
{
	PstContent *c = g_object_new(pst_content_get_type(), NULL);
	GMimeStream *none = g_mime_stream_mem_new();
	bool embedded = is_embedded(a);
	GMimePart *part = embedded ? g_mime_part_new_with_type("message", "rfc822") : typed_part(a);
	const char *name = utf8(item, a->filename2.str != NULL ? &a->filename2 : &a->filename1);

	g_mime_data_wrapper_set_stream(GMIME_DATA_WRAPPER(c), none); /* GMime wants one, though it is never read */
	g_object_unref(none);
	c->w = w;
	c->attach = a;
	c->embedded = embedded;
	g_mime_part_set_content(part, GMIME_DATA_WRAPPER(c));
	g_object_unref(c);
	/* Old headers of what is embedded may have 8 bits. Not the content's own encoding (the default one): then GMime takes the
	 * bytes from its stream, which has none, and asks nobody to write them. */
	g_mime_part_set_content_encoding(part, embedded ? GMIME_CONTENT_ENCODING_8BIT : GMIME_CONTENT_ENCODING_BASE64);
	g_mime_object_set_disposition(GMIME_OBJECT(part), "attachment");
	if (name != NULL && !embedded)
		set_name(part, name);
	if (a->content_id.str != NULL && !str_has_control(a->content_id.str, strlen(a->content_id.str)))
		g_mime_part_set_content_id(part, a->content_id.str);
	return GMIME_OBJECT(part);
}

static GMimeMultipart *multipart(struct writing *w, const char *subtype)
{
	GMimeMultipart *m = g_mime_multipart_new_with_subtype(subtype);
	char boundary[80];

	snprintf(boundary, sizeof(boundary), BOUNDARY_BEGIN "%llx-%d-%u", (unsigned long long)w->id, w->depth, w->parts++);
	g_mime_multipart_set_boundary(m, boundary);
	return m;
}

static void add_to(GMimeMultipart *m, GMimeObject *part)
{
	if (part == NULL)
		return;
	g_mime_multipart_add(m, part);
	g_object_unref(part);
}

static bool has_bytes(const pst_item_attach *a)
{
	return a->data.data != NULL || a->i_id != 0;
}

static GMimeObject *body_of(struct writing *w, pst_item *item)
{
	GMimeObject *text = body_text(item), *html = body_html(item), *rtf = html == NULL ? body_rtf(item) : NULL, *body;
	GMimeMultipart *m;
	bool mixed = rtf != NULL;

	if (text != NULL && html != NULL) {
		m = multipart(w, "alternative");
		add_to(m, text);
		add_to(m, html);
		body = GMIME_OBJECT(m);
	} else {
		body = text != NULL ? text : html;
	}
	for (pst_item_attach *a = item->attach; a != NULL; a = a->next)
		mixed = mixed || has_bytes(a);
	if (!mixed)
		return body != NULL ? body : text_part("plain", "utf-8", "", 0);
	m = multipart(w, "mixed");
	add_to(m, body);
	add_to(m, rtf);
	for (pst_item_attach *a = item->attach; a != NULL; a = a->next)
		if (has_bytes(a))
			add_to(m, attachment(w, item, a));
	return GMIME_OBJECT(m);
}

/* --- the header --- */

/* RFC 5322 2.2 */
static bool is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] > '~')
			return false;
	return n > 0;
}

/* What came over the wire, without what described a body that is no longer there. */
static bool keep_header(const char *p, struct buf *out)
{
	bool keep = false, any = false;
	size_t from = out->len;

	while (*p != '\0') {
		size_t n = strcspn(p, "\n"), text = n;
		const char *colon;

		if (text > 0 && p[text - 1] == '\r')
			text--;
		if (text == 0)
			break;
		colon = memchr(p, ':', text);
		if (*p != ' ' && *p != '\t') {
			keep = colon != NULL && is_name(p, (size_t)(colon - p)) &&
			       strncasecmp(p, "Content-", 8) != 0 && strncasecmp(p, "MIME-Version:", 13) != 0 &&
			       strncasecmp(p, "X-From_:", 8) != 0;
			any = any || (keep && (strncasecmp(p, "From:", 5) == 0 || strncasecmp(p, "Subject:", 8) == 0 ||
				strncasecmp(p, "Date:", 5) == 0 || strncasecmp(p, "Received:", 9) == 0 ||
				strncasecmp(p, "To:", 3) == 0 || strncasecmp(p, "Message-ID:", 11) == 0));
		}
		if (keep) {
			buf_add(out, p, text);
			buf_addc(out, '\n');
		}
		p += n + (p[n] == '\n');
	}
	if (!any)
		buf_truncate(out, from);
	return any;
}

static void add_field(struct buf *out, const char *name, char *value)
{
	if (value != NULL && *value != '\0') {
		buf_addf(out, "%s: ", name);
		for (const char *p = value; *p != '\0'; p++) /* never a second field */
			buf_addc(out, *p == '\r' || *p == '\n' ? ' ' : *p);
		buf_addc(out, '\n');
	}
	g_free(value);
}

/* "Ana; bob@b.example": names that Outlook shows; one that is no address becomes an empty group of that name. */
static void add_people(struct buf *out, const char *field, const char *list)
{
	struct buf all = BUF_INIT;

	while (list != NULL && *list != '\0') {
		size_t n = strcspn(list, ";");
		char *one = g_strndup(list, n), *name = g_strstrip(one);
		InternetAddress *a;
		char *text;

		if (*name != '\0') {
			a = strchr(name, '@') != NULL && strpbrk(name, " \t<>") == NULL ? internet_address_mailbox_new(NULL, name)
											   : internet_address_group_new(name);
			text = internet_address_to_string(a, NULL, TRUE);
			buf_addf(&all, "%s%s", all.len > 0 ? ", " : "", text);
			g_free(text);
			g_object_unref(a);
		}
		g_free(one);
		list += n + (list[n] == ';');
	}
	add_field(out, field, g_strdup(all.ptr));
	buf_free(&all);
}

static void add_sender(struct buf *out, pst_item *item)
{
	pst_item_email *m = item->email;
	const char *name = utf8(item, m->outlook_sender_name.str != NULL ? &m->outlook_sender_name : &m->outlook_sender_name2);
	const char *address = utf8(item, m->sender_address.str != NULL ? &m->sender_address : &m->sender2_address);
	InternetAddress *a;

	if (address == NULL || strchr(address, '@') == NULL) { /* of an Exchange directory: no address of the Internet */
		add_people(out, "From", name != NULL ? name : address);
		return;
	}
	a = internet_address_mailbox_new(name, address);
	add_field(out, "From", internet_address_to_string(a, NULL, TRUE));
	g_object_unref(a);
}

static void make_header(pst_item *item, struct buf *out)
{
	pst_item_email *m = item->email;
	const FILETIME *when = m->sent_date != NULL ? m->sent_date : m->arrival_date;
	int64_t date = pst_mime_time(when);
	const char *s;

	add_sender(out, item);
	add_people(out, "To", utf8(item, &m->sentto_address));
	add_people(out, "Cc", utf8(item, &m->cc_address));
	add_people(out, "Bcc", utf8(item, &m->bcc_address));
	if ((s = utf8(item, &item->subject)) != NULL)
		add_field(out, "Subject", g_mime_utils_header_encode_text(NULL, s, NULL));
	if (date != INT64_MIN) {
		GDateTime *t = g_date_time_new_from_unix_utc(date);

		if (t != NULL) {
			add_field(out, "Date", g_mime_utils_header_format_date(t));
			g_date_time_unref(t);
		}
	}
	if ((s = utf8(item, &m->messageid)) != NULL)
		add_field(out, "Message-ID", g_strdup(s));
	if ((s = utf8(item, &m->in_reply_to)) != NULL)
		add_field(out, "In-Reply-To", g_strdup(s));
}

static void write_item(struct writing *w, pst_item *item, GMimeStream *out)
{
	const char *original = utf8(item, &item->email->header);
	struct buf head = BUF_INIT;
	GMimeObject *body;

	if (original == NULL || !keep_header(original, &head))
		make_header(item, &head);
	buf_adds(&head, "MIME-Version: 1.0\n");
	g_mime_stream_write(out, head.ptr, head.len);
	buf_free(&head);
	body = body_of(w, item);
	g_mime_object_write_to_stream(body, NULL, out);
	g_object_unref(body);
}

struct pst_mime_end pst_mime_write(pst_file *pf, pst_item *item, uint64_t id, pst_mime_fn *fn, void *arg)
{
	FnStream *out = g_object_new(fn_stream_get_type(), NULL);
	struct writing w = {.pf = pf, .id = id};

	g_mime_stream_construct(GMIME_STREAM(out), 0, -1);
	out->fn = fn;
	out->arg = arg;
	write_item(&w, item, GMIME_STREAM(out));
	g_object_unref(out);
	return w.end;
}

int64_t pst_mime_time(const FILETIME *t)
{
	uint64_t v;

	if (t == NULL)
		return INT64_MIN;
	v = (uint64_t)t->dwHighDateTime << 32 | t->dwLowDateTime;
	if (v < 116444736000000000u || v > 2650467744000000000u)
		return INT64_MIN;
	return (int64_t)((v - 116444736000000000u) / 10000000u);
}
