/* POST /retention: a worker asks which of the files in its spool belong to jobs that have been closed for
 * longer than MIGRATION_RETENTION_DAYS. */
#include "api.h"

#include <string.h>

#include "store_retention.h"
#include "writer.h"

#include "banned.h"

#define IDS_MAX 500

typedef const struct err *over_fn(struct store *s, int64_t id, int64_t before, bool *over);

/* The ids of the body's array `key` that are over. */
static const struct err *answer(
	struct call *c, struct writer *w, const struct js_at *root, const char *key, over_fn *fn)
{
	int64_t before = conf_retention_before(c->app->service->conf, c->now_ms);
	const json_t *list = json_object_get(root->v, key);
	const struct err *e = NULL;
	json_t *id;
	size_t i;

	w_array(w, key);
	json_array_foreach (list, i, id) {
		bool over = false;

		if (before != 0 && e == NULL)
			e = fn(c->app->store, json_integer_value(id), before, &over);
		if (over)
			w_i64(w, NULL, json_integer_value(id));
	}
	w_array_end(w);
	return e;
}

static void check(const struct js_at *root, const char *key)
{
	struct js_at list;
	json_t *id;
	size_t i;

	if (!js_array(root, key, JS_OPTIONAL, 0, IDS_MAX, &list))
		return;
	json_array_foreach (list.v, i, id)
		if (!json_is_integer(id) || json_integer_value(id) < 1) {
			js_problem(root, key, "numbers from 1 are expected");
			return;
		}
}

const struct err *api_retention(struct call *c)
{
	const char *worker = NULL;
	struct js_at root;
	const struct err *e;
	struct writer w;

	if ((e = call_json(c, &root)) != NULL)
		return e;
	js_str(&root, "worker", JS_REQUIRED, 1, 64, &worker);
	check(&root, "runs");
	check(&root, "mailboxes");
	js_known(&root, (const char *const[]){"worker", "runs", "mailboxes", NULL});
	if ((e = call_bad(c)) != NULL)
		return e;
	if ((e = call_worker(c, worker)) != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	e = answer(c, &w, &root, "runs", retention_over_run);
	if (e == NULL)
		e = answer(c, &w, &root, "mailboxes", retention_over_mailbox);
	w_object_end(&w);
	return e;
}
