#include "api.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "http.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "token.h"

#include "banned.h"

#define PREFIX "/api/v1/migration"
#define TOKEN_USED_MS 40000 /* of its 60 seconds: the rest is for the way and for clocks that differ */

struct api {
	struct http *http;
	char *base, *name, *issuer, *audience;
	struct buf key; /* PEM */
	char *authorization;
	int64_t issued; /* monotonic; 0: no token yet */
};

struct call {
	api_fn *fn;
	void *arg;
};

static char *worker_name(const struct conf *c)
{
	char host[256];

	if (*conf_str(c, CONF_WORKER_NAME) != '\0')
		return xstrdup(conf_str(c, CONF_WORKER_NAME));
	if (gethostname(host, sizeof(host)) != 0 || host[0] == '\0')
		return xstrdup("worker");
	host[sizeof(host) - 1] = '\0';
	return xstrdup(host);
}

/* A token of this moment; the old one is used as long as it will do. */
static const struct err *authorize(struct api *a)
{
	const struct err *e;
	int64_t now = clock_now_ms() / 1000, mono = clock_mono_ms();
	struct token_claims claims = {.iss = a->issuer, .sub = a->name, .aud = a->audience, .role = ROLE_WORKER,
		.iat = now, .exp = now + TOKEN_WORKER_MAX_S};
	char *token;

	if (a->authorization != NULL && mono - a->issued < TOKEN_USED_MS)
		return NULL;
	e = token_issue(&claims, TOKEN_ES256, a->key.ptr, a->key.len, &token);
	if (e != NULL)
		return err_wrap(e, "MIGRATION_WORKER_KEY_FILE");
	free_secret(a->authorization);
	a->authorization = xasprintf("Authorization: Bearer %s", token);
	free_secret(token);
	a->issued = mono;
	return NULL;
}

const struct err *api_new(struct api **out, struct loop *l, const struct conf *c)
{
	struct api *a = xcalloc(1, sizeof(*a));
	const char *base = conf_str(c, CONF_API_URL);
	size_t n = strlen(base);
	const struct err *e;

	while (n > 0 && base[n - 1] == '/')
		n--;
	a->base = xstrndup(base, n);
	a->name = worker_name(c);
	a->issuer = xasprintf("worker:%s", a->name);
	a->audience = xstrdup(conf_str(c, CONF_JWT_AUDIENCE));
	buf_init(&a->key);
	e = err_wrap(fs_read_secret(conf_str(c, CONF_WORKER_KEY_FILE), 65536, &a->key), "MIGRATION_WORKER_KEY_FILE");
	if (e == NULL)
		e = authorize(a);
	if (e == NULL)
		e = http_new(&a->http, l, conf_str(c, CONF_API_CA_FILE));
	if (e != NULL)
		api_free(a);
	else
		*out = a;
	return e;
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	http_free(a->http);
	free(a->base);
	free(a->name);
	free(a->issuer);
	free(a->audience);
	free_secret(a->authorization);
	buf_wipe(&a->key);
	free(a);
}

const char *api_worker(const struct api *a)
{
	return a->name;
}

static const struct err *problem(const struct api_answer *a)
{
	const struct err_row *row = err_row_by_code(a->code);
	const char *detail = json_string_value(json_object_get(a->doc, "detail"));

	return err_new(row != NULL ? row->id : ERR_UNAVAILABLE, "the API answered %ld%s%s", a->status,
		detail != NULL ? ": " : "", detail != NULL ? detail : "");
}

static void answered(void *arg, const struct http_answer *h)
{
	struct call *c = arg;
	struct api_answer a = {.e = h->e, .status = h->status, .code = ""};

	if (h->e == NULL && h->body->len > 0 && js_parse(&a.doc, h->body->ptr, h->body->len) != NULL)
		a.doc = NULL;
	if (h->e == NULL && (a.status < 200 || a.status > 299)) {
		const char *code = json_string_value(json_object_get(a.doc, "code"));

		a.code = code != NULL ? code : "";
		a.e = problem(&a);
	}
	a.away = h->e != NULL || a.status >= 500 || a.status == 429 || a.status == 401 || a.status == 403 ||
		 a.status < 200;
	if (a.status == 401 || a.status == 403)
		log_error("the API does not accept this worker: %s (is its public key registered, is the clock right?)",
			a.e->msg);
	c->fn(c->arg, &a);
	json_decref(a.doc);
}

static struct http_call *send_raw(struct api *a, const char *method, const char *path, const char *const *more,
	const void *p, size_t n, api_fn *fn, void *arg)
{
	const char *headers[16] = {"User-Agent: migration-worker/" PACKAGE_VERSION, NULL};
	char *url = xasprintf("%s" PREFIX "%s", a->base, path);
	struct call *c = xcalloc(1, sizeof(*c));
	const struct err *e = authorize(a);
	struct http_call *call;
	size_t k = 1;

	/* it worked at start with the same key: log it, the API's 401 leads to another try */
	if (e != NULL)
		log_error("%s", e->msg);
	if (a->authorization != NULL)
		headers[k++] = a->authorization;
	for (; more != NULL && *more != NULL && k < 15; more++)
		headers[k++] = *more;
	headers[k] = NULL;
	*c = (struct call){.fn = fn, .arg = arg};
	call = http_send(a->http, method, url, headers, p, n, answered, c, true);
	free(url);
	return call;
}

struct http_call *api_send(struct api *a, const char *method, const char *path, const json_t *body, const char *key,
	api_fn *fn, void *arg)
{
	struct buf text = BUF_INIT;
	char *idempotency = key != NULL ? xasprintf("Idempotency-Key: %s", key) : NULL;
	const char *headers[] = {"Content-Type: application/json", idempotency, NULL};
	struct http_call *c;

	if (body != NULL)
		js_write(&text, body);
	c = send_raw(a, method, path, headers, text.ptr, text.len, fn, arg);
	buf_free(&text);
	free(idempotency);
	return c;
}

struct http_call *api_put(struct api *a, const char *path, const char *const *headers, const void *p, size_t n,
	api_fn *fn, void *arg)
{
	return send_raw(a, "PUT", path, headers, p, n, fn, arg);
}

void api_cancel(struct http_call *c)
{
	if (c != NULL)
		http_cancel(c);
}
