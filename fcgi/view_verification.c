#include "view.h"

#include "banned.h"

static void folder(struct writer *w, const struct verification_folder *f)
{
	w_object(w, NULL);
	w_str(w, "folder", f->folder);
	w_str(w, "destination", f->destination);
	w_bool(w, "complete", f->complete);
	w_i64(w, "expected", f->expected);
	w_i64(w, "found", f->found);
	w_i64(w, "found_weak", f->found_weak);
	w_i64(w, "exact", f->exact);
	w_i64(w, "canonical", f->canonical);
	w_i64(w, "decoded", f->decoded);
	w_i64(w, "header", f->header);
	w_i64(w, "summary", f->summary);
	w_i64(w, "missing", f->missing);
	w_i64(w, "late", f->late);
	w_i64(w, "excluded", f->excluded);
	w_i64(w, "differing", f->differing);
	w_i64(w, "extra", f->extra);
	w_object_end(w);
}

const struct err *view_verification_folders(struct writer *w, struct call *c, int64_t id)
{
	struct verification_folder *v = NULL;
	const struct err *e;
	size_t n = 0;

	e = verification_folders(c->app->store, id, &v, &n);
	w_array(w, "folders");
	for (size_t i = 0; e == NULL && i < n; i++)
		folder(w, &v[i]);
	w_array_end(w);
	verification_folders_free(v, n);
	return e;
}

void view_verification_counts(struct writer *w, const struct verification *v)
{
	w_i64(w, "id", v->id);
	w_i64(w, "run_id", v->run_id);
	w_bool(w, "complete", v->complete);
	w_bool(w, "deep", v->deep);
	w_i64(w, "expected", v->expected);
	w_i64(w, "found", v->found);
	w_i64(w, "found_weak", v->found_weak);
	w_i64(w, "missing", v->missing);
	w_i64(w, "unexplained", v->unexplained);
	w_i64(w, "late", v->late);
	w_i64(w, "excluded", v->excluded);
	w_i64(w, "differing", v->differing);
	w_i64(w, "extra", v->extra);
	w_bool(w, "current", v->current);
	w_time(w, "at", v->at);
}

const struct err *view_verification(
	struct writer *w, const char *key, struct call *c, const struct verification *v, bool folders)
{
	const struct err *e = NULL;

	if (v->id == 0) {
		w_null(w, key);
		return NULL;
	}
	w_object(w, key);
	view_verification_counts(w, v);
	w_ratio(w, "ratio", v->found, v->expected);
	if (folders)
		e = view_verification_folders(w, c, v->id);
	w_object_end(w);
	return e;
}
