/* What the service says of itself: alive, ready, which version, its description. */
#include "api.h"

#include "writer.h"

#include "banned.h"

const struct err *api_health(struct call *c)
{
	buf_adds(&c->res.body, "{\"status\":\"ok\"}\n");
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
