#include "heartbeat.h"

#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "run.h"
#include "supervisor.h"

#include "banned.h"

struct heartbeat {
	struct supervisor *sup;
	struct http_call *call;
	json_t *sent; /* the items of the call under way */
	int64_t last; /* monotonic */
	bool away;
};

static void apply(struct heartbeat *h, const json_t *answers)
{
	json_t *answer, *item;
	size_t i, k;

	json_array_foreach(answers, i, answer) {
		int64_t id = json_integer_value(json_object_get(answer, "id")), attempt = 0;
		struct run *r = h->sup->runs;

		json_array_foreach(h->sent, k, item)
			if (json_integer_value(json_object_get(item, "id")) == id)
				attempt = json_integer_value(json_object_get(item, "attempt"));
		while (r != NULL && run_id(r) != id)
			r = run_next(r);
		if (r != NULL)
			run_beaten(r, attempt, answer);
	}
}

static void answered(void *arg, const struct api_answer *a)
{
	struct heartbeat *h = arg;

	h->call = NULL;
	if (a->e != NULL) {
		if (!h->away)
			log_warn("the API does not take reports: %s; what runs goes on", a->e->msg);
		h->away = true;
	} else {
		if (h->away) {
			log_info("the API is back");
			supervisor_api_back(h->sup);
		}
		h->away = false;
		apply(h, json_object_get(a->doc, "runs"));
	}
	json_decref(h->sent);
	h->sent = NULL;
}

static void beat(struct heartbeat *h)
{
	json_t *body;

	h->sent = json_array();
	for (struct run *r = h->sup->runs; r != NULL; r = run_next(r)) {
		json_t *item = run_beat(r);

		if (item != NULL)
			json_array_append_new(h->sent, item);
	}
	h->last = clock_mono_ms();
	if (json_array_size(h->sent) == 0) {
		json_decref(h->sent);
		h->sent = NULL;
		return;
	}
	body = json_pack("{s:s, s:O}", "worker", api_worker(h->sup->api), "runs", h->sent);
	h->call = api_send(h->sup->api, "PATCH", "/runs", body, NULL, answered, h);
	json_decref(body);
}

void heartbeat_tick(struct heartbeat *h)
{
	bool due = clock_mono_ms() - h->last >= conf_int(h->sup->conf, CONF_HEARTBEAT_SECONDS) * 1000;

	if (h->call != NULL)
		return;
	for (struct run *r = h->sup->runs; r != NULL && !due; r = run_next(r))
		due = run_changed(r);
	if (due)
		beat(h);
}

struct heartbeat *heartbeat_new(struct supervisor *s)
{
	struct heartbeat *h = xcalloc(1, sizeof(*h));

	h->sup = s;
	return h;
}

void heartbeat_free(struct heartbeat *h)
{
	if (h == NULL)
		return;
	api_cancel(h->call);
	json_decref(h->sent);
	free(h);
}
