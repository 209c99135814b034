#include "recopy.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_evidence.h"
#include "store_job.h"
#include "view.h"

#include "banned.h"

#define OPTIONS_MAX 49152 /* bytes: a run file holds 64 KiB */

static int by_folder(const void *pa, const void *pb)
{
	const struct recopy_message *a = pa, *b = pb;
	int c = strcmp(a->folder, b->folder);

	return c != 0 ? c : (a->uid > b->uid) - (a->uid < b->uid);
}

/* "4,9:12" of v[0..n), which are of one folder and rise. */
static void write_uids(struct buf *out, const struct recopy_message *v, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = i + 1;

		while (k < n && v[k].uid <= v[k - 1].uid + 1)
			k++;
		buf_addf(out, "%s%lld", i > 0 ? "," : "", (long long)v[i].uid);
		if (v[k - 1].uid > v[i].uid)
			buf_addf(out, ":%lld", (long long)v[k - 1].uid);
		i = k;
	}
}

static int64_t uidvalidity_of(const struct pass_folder *folders, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(folders[i].folder, name) == 0)
			return folders[i].uidvalidity;
	return 0;
}

static json_t *only_of(const struct recopy_message *v, size_t n, const struct pass_folder *folders, size_t n_folders)
{
	json_t *list = json_array();
	struct buf uids = BUF_INIT;

	for (size_t i = 0; i < n;) {
		size_t k = i + 1;

		while (k < n && strcmp(v[k].folder, v[i].folder) == 0)
			k++;
		buf_reset(&uids);
		write_uids(&uids, v + i, k - i);
		json_array_append_new(list,
			json_pack("{s:s, s:I, s:s}", "folder", v[i].folder, "uidvalidity",
				(json_int_t)uidvalidity_of(folders, n_folders, v[i].folder), "uids", uids.ptr));
		i = k;
	}
	buf_free(&uids);
	return json_pack("{s:o}", "folders", list);
}

static const struct err *options_of(struct call *c, const struct mailbox *m, struct recopy_message *v, size_t n,
	char **text)
{
	struct pass_folder *folders = NULL;
	size_t n_folders = 0;
	int64_t pass_id;
	struct job j = {0};
	json_t *o, *refusals = json_array();
	const struct err *e = job_get(c->app->store, m->job_id, NULL, &j);

	if (e == NULL)
		e = pass_baseline(c->app->store, m->id, &pass_id, &folders, &n_folders);
	if (e == NULL) {
		o = js_column(j.options);
		json_object_set_new(o, "only", only_of(v, n, folders, n_folders));
		for (size_t i = 0; i < n; i++)
			if (v[i].refusal != 0)
				json_array_append_new(refusals, json_integer(v[i].refusal));
		json_object_set(o, "refusals", refusals);
		*text = js_text(o);
		json_decref(o);
		if (strlen(*text) > OPTIONS_MAX)
			e = err_new(ERR_TOO_LARGE, "%zu messages are too many for one run", n);
	}
	json_decref(refusals);
	pass_folders_free(folders, n_folders);
	job_free(&j);
	return e;
}

const struct err *recopy_start(struct call *c, const struct mailbox *m, const struct recopy_message *v, size_t n,
	bool queue)
{
	struct recopy_message *sorted = xcalloc(n + 1, sizeof(*sorted));
	struct run_request q = {.job_id = m->job_id, .mailbox_id = m->id, .kind = RUN_RECOPY, .engine = ENGINE_NATIVE};
	struct run *run = NULL;
	char *options = NULL;
	const struct err *e;

	if (n > 0) {
		memcpy(sorted, v, n * sizeof(*v));
		qsort(sorted, n, sizeof(*sorted), by_folder);
	}
	e = n > 0 ? options_of(c, m, sorted, n, &options) : err_new(ERR_CONFLICT, "there is no message to be copied");
	q.options = options;
	if (e == NULL)
		e = run_enqueue(c->app->store, &q, 1, queue, &c->by, &run, NULL);
	free(options);
	free(sorted);
	if (e != NULL)
		return e;
	return view_run_accepted(c, run);
}
