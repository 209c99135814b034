/* What the service says of itself: alive, ready, which version, its description, its settings. */
#include "api.h"

#include "openapi.h"
#include "writer.h"

#include "banned.h"

const struct err *api_health(struct call *c)
{
	buf_adds(&c->res.body, "{\"status\":\"ok\"}\n");
	return NULL;
}

const struct err *api_ready(struct call *c)
{
	bool database = app_refresh(c->app) == NULL, spool = c->app->queue != NULL;
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_str(&w, "status", database && spool ? "ready" : "not ready");
	w_object(&w, "checks");
	w_str(&w, "database", database ? "ok" : "failed");
	w_str(&w, "spool", spool ? "ok" : "failed");
	w_str(&w, "sealing_key", c->app->service->can_seal ? "ok" : "missing");
	w_object_end(&w);
	w_object_end(&w);
	c->res.status = database && spool ? 200 : 503;
	return NULL;
}

const struct err *api_version(struct call *c)
{
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_str(&w, "name", PACKAGE_NAME);
	w_str(&w, "version", PACKAGE_VERSION);
	w_i64(&w, "api", 1);
	w_object_end(&w);
	return NULL;
}

const struct err *api_openapi(struct call *c)
{
	buf_add(&c->res.body, openapi_json, openapi_json_len);
	call_etag_body(c, "");
	return NULL;
}

const struct err *api_settings(struct call *c)
{
	const struct conf *conf = c->app->service->conf;
	struct writer w;

	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (int i = 0; i < CONF_COUNT; i++) {
		const struct conf_row *row = conf_row((enum conf_key)i);

		/* what stands in worker.env is not for these eyes: only that there is such a setting */
		w_object(&w, NULL);
		w_str(&w, "name", row->name);
		w_str(&w, "value", row->worker ? NULL : conf_shown(conf, (enum conf_key)i));
		w_str(&w, "default", row->def);
		w_bool(&w, "secret", row->secret);
		w_bool(&w, "worker", row->worker);
		w_str(&w, "help", c->req.lang == LANG_PT ? row->pt : row->en);
		w_object_end(&w);
	}
	w_array_end(&w);
	w_object_end(&w);
	call_etag_body(c, "");
	return NULL;
}
