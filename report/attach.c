#include "attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

#define ENTRY 20 /* bytes of a line of the table */

struct trailer {
	long long size, root, info, start; /* objects; numbers of two of them; where the table begins */
};

static const char *last(const struct buf *pdf, const char *word)
{
	const char *at = pdf->ptr, *found = NULL;

	while ((at = memmem(at, pdf->len - (size_t)(at - pdf->ptr), word, strlen(word))) != NULL)
		found = at++;
	return found;
}

static bool number_after(const char *at, const char *key, long long *out)
{
	const char *p = strstr(at, key);
	char *end;

	if (p == NULL)
		return false;
	p += strlen(key);
	*out = strtoll(p, &end, 10);
	return end != p && *out >= 0;
}

static const struct err *read_trailer(const struct buf *pdf, struct trailer *t)
{
	const char *end = last(pdf, "startxref"), *dict = last(pdf, "trailer");

	if (end == NULL || dict == NULL || !number_after(end, "startxref", &t->start) ||
		!number_after(dict, "/Size", &t->size) || !number_after(dict, "/Root", &t->root) ||
		!number_after(dict, "/Info", &t->info) || (size_t)t->start >= pdf->len || t->root >= t->size)
		return err_new(ERR_INTERNAL, "the document has no trailer as expected");
	return NULL;
}

/* The text between "N 0 obj" and "endobj" of the catalog; the caller's. */
static const struct err *read_catalog(const struct buf *pdf, const struct trailer *t, char **out)
{
	const char *table = pdf->ptr + t->start, *entries, *at, *end;
	char head[32];
	long long offset;

	snprintf(head, sizeof(head), "xref\n0 %lld\n", t->size);
	entries = table + strlen(head);
	if (strncmp(table, head, strlen(head)) != 0 || entries + ENTRY * t->size > pdf->ptr + pdf->len)
		return err_new(ERR_INTERNAL, "the document has no table as expected");
	offset = strtoll(entries + ENTRY * t->root, NULL, 10);
	snprintf(head, sizeof(head), "%lld 0 obj", t->root);
	if (offset <= 0 || (size_t)offset >= pdf->len || strncmp(pdf->ptr + offset, head, strlen(head)) != 0)
		return err_new(ERR_INTERNAL, "the document's catalog is not where it should be");
	at = pdf->ptr + offset + strlen(head);
	end = strstr(at, "endobj");
	if (end == NULL)
		return err_new(ERR_INTERNAL, "the document's catalog has no end");
	*out = xstrndup(at, (size_t)(end - at));
	return NULL;
}

/* The catalog once more, with what is new before its last ">>". */
static const struct err *write_catalog(struct buf *pdf, const char *catalog, const struct trailer *t, const char *name)
{
	size_t close = strlen(catalog);

	while (close >= 2 && strncmp(catalog + close - 2, ">>", 2) != 0)
		close--;
	if (close < 2 || strstr(catalog, "/Names") != NULL)
		return err_new(ERR_INTERNAL, "the document's catalog has another form than expected");
	buf_addf(pdf, "%lld 0 obj", t->root);
	buf_add(pdf, catalog, close - 2);
	buf_addf(pdf, "   /Names << /EmbeddedFiles << /Names [(%s) %lld 0 R] >> >>\n   /AF [%lld 0 R]\n>>\nendobj\n", name,
		t->size + 1, t->size + 1);
	return NULL;
}

static void write_file(
	struct buf *pdf, const struct trailer *t, const char *name, const char *type, const char *about, const struct buf *file,
	size_t *spec)
{
	buf_addf(pdf, "%lld 0 obj\n<< /Type /EmbeddedFile /Subtype /%s /Length %zu /Params << /Size %zu >> >>\nstream\n",
		t->size, type, file->len, file->len);
	buf_add(pdf, file->ptr, file->len);
	buf_adds(pdf, "\nendstream\nendobj\n");
	*spec = pdf->len;
	buf_addf(pdf,
		"%lld 0 obj\n<< /Type /Filespec /F (%s) /UF (%s) /Desc (%s) /AFRelationship /Data /EF << /F %lld 0 R >> >>\nendobj\n",
		t->size + 1, name, name, about, t->size);
}

const struct err *attach(struct buf *pdf, const char *name, const char *type, const char *about, const struct buf *file)
{
	struct trailer t;
	char *catalog = NULL;
	const struct err *e = read_trailer(pdf, &t);
	size_t root, data, spec, table;

	if (e == NULL)
		e = read_catalog(pdf, &t, &catalog);
	if (e != NULL)
		return e;
	root = pdf->len;
	e = write_catalog(pdf, catalog, &t, name);
	free(catalog);
	if (e != NULL)
		return e;
	data = pdf->len;
	write_file(pdf, &t, name, type, about, file, &spec);
	table = pdf->len;
	buf_addf(pdf, "xref\n%lld 1\n%010zu 00000 n \n%lld 2\n%010zu 00000 n \n%010zu 00000 n \n", t.root, root, t.size, data,
		spec);
	buf_addf(pdf, "trailer\n<< /Size %lld /Root %lld 0 R /Info %lld 0 R /Prev %lld >>\nstartxref\n%zu\n%%%%EOF\n",
		t.size + 2, t.root, t.info, t.start, table);
	return NULL;
}
