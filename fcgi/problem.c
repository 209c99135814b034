#include "problem.h"

#include "log.h"
#include "writer.h"

#include "banned.h"

static void write_fields(struct writer *w, const struct js_problems *fields)
{
	w_array(w, "errors");
	for (size_t i = 0; i < fields->n; i++) {
		w_object(w, NULL);
		w_str(w, "pointer", fields->v[i].pointer);
		w_str(w, "code", fields->v[i].code);
		w_str(w, "detail", fields->v[i].detail);
		w_object_end(w);
	}
	w_array_end(w);
	if (fields->dropped > 0)
		w_i64(w, "errors_dropped", (int64_t)fields->dropped);
}

void problem_write(struct response *res, const struct err *e, const struct js_problems *fields,
	enum lang lang, const char *extra)
{
	const struct err_row *row = err_row(e->id);
	struct writer w;

	response_clear(res);
	res->status = row->http;
	res->type = "application/problem+json";
	response_header(res, "Content-Language", "%s", lang == LANG_PT ? "pt" : "en");
	if (row->http == 500)
		log_error("%s: %s", row->code, e->msg);
	w_init(&w, &res->body);
	w_object(&w, NULL);
	w_str(&w, "type", "about:blank");
	w_str(&w, "title", lang == LANG_PT ? row->pt : row->en);
	w_i64(&w, "status", row->http);
	w_str(&w, "detail", row->http == 500 ? "the service's log says more" : e->msg);
	w_str(&w, "code", row->code);
	w_str(&w, "remedy", lang == LANG_PT ? row->remedy_pt : row->remedy_en);
	if (fields != NULL && fields->n > 0)
		write_fields(&w, fields);
	if (extra != NULL) {
		buf_addc(&res->body, ',');
		buf_adds(&res->body, extra);
	}
	w_object_end(&w);
	buf_addc(&res->body, '\n');
}
