#include "problem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "writer.h"

#include "banned.h"

void fields_add(struct field_errors *f, const char *pointer, enum err_id id, const char *fmt, ...)
{
	struct buf detail = BUF_INIT;
	va_list ap;

	if (f->n == PROBLEM_FIELDS) {
		f->more++;
		return;
	}
	va_start(ap, fmt);
	buf_addv(&detail, fmt, ap);
	va_end(ap);
	f->items = xreallocarray(f->items, f->n + 1, sizeof(*f->items));
	f->items[f->n].pointer = xstrdup(pointer);
	f->items[f->n].code = err_row(id)->code;
	f->items[f->n++].detail = buf_detach(&detail);
}

void fields_free(struct field_errors *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].pointer);
		free(f->items[i].detail);
	}
	free(f->items);
	memset(f, 0, sizeof(*f));
}

const struct err *fields_verdict(const struct field_errors *f)
{
	if (f->n == 0)
		return NULL;
	if (f->n == 1)
		return err_new(ERR_INPUT, "%s: %s", f->items[0].pointer, f->items[0].detail);
	return err_new(ERR_INPUT, "%s: %s (and %zu more)", f->items[0].pointer, f->items[0].detail,
		f->n - 1 + f->more);
}

void problem_write(struct response *res, const struct err *e, const struct field_errors *fields, enum lang lang,
	const char *keep)
{
	const struct err_row *row = err_row(e->id);
	struct writer w;

	response_clear(res);
	if (keep != NULL)
		buf_adds(&res->headers, keep);
	res->status = row->http;
	res->type = "application/problem+json";
	response_header(res, "Content-Language", "%s", lang == LANG_PT ? "pt" : "en");
	w_init(&w, &res->body);
	w_object(&w, NULL);
	w_str(&w, "type", "about:blank");
	w_str(&w, "title", lang == LANG_PT ? row->pt : row->en);
	w_i64(&w, "status", row->http);
	w_str(&w, "detail", e->msg);
	w_str(&w, "code", row->code);
	w_str(&w, "remedy", lang == LANG_PT ? row->remedy_pt : row->remedy_en);
	if (fields != NULL && fields->n > 0) {
		w_array(&w, "errors");
		for (size_t i = 0; i < fields->n; i++) {
			w_object(&w, NULL);
			w_str(&w, "pointer", fields->items[i].pointer);
			w_str(&w, "code", fields->items[i].code);
			w_str(&w, "detail", fields->items[i].detail);
			w_object_end(&w);
		}
		w_array_end(&w);
	}
	w_object_end(&w);
	buf_addc(&res->body, '\n');
}
