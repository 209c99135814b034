#include "idempotency.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "mem.h"
#include "str.h"
#include "store_user.h"

#include "banned.h"

static void hash_part(crypto_generichash_state *h, const void *p, size_t n)
{
	uint64_t len = n;

	crypto_generichash_update(h, (const unsigned char *)&len, sizeof(len));
	crypto_generichash_update(h, p, n);
}

/* Takes passwords out, wherever they stand: a hash of a request that holds one would help to guess it. */
static void blank(json_t *v)
{
	static const char *const names[] = {"secret", "password", "source_password", "dest_password"};
	const char *key;
	json_t *item;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_del(v, names[i]);
	json_object_foreach(v, key, item) blank(item);
	json_array_foreach(v, i, item) blank(item);
}

/* The document without its passwords; the bytes as they are when they are no document (then the request
 * fails). */
static void hash_body(crypto_generichash_state *h, const struct call *c)
{
	const struct buf *body = &c->req.body;
	json_t *v = NULL;
	struct buf text = BUF_INIT;
	const struct err *e;

	e = request_is_type(&c->req, "text/csv") ? csv_parse(body->ptr, body->len, &v)
						 : js_parse(&v, body->ptr, body->len);
	if (e != NULL) {
		hash_part(h, body->ptr, body->len);
		return;
	}
	blank(v);
	js_write(&text, v);
	hash_part(h, text.ptr, text.len);
	buf_free(&text);
	json_decref(v);
}

/* Method, path and query, body: what makes it the same request. */
static char *request_hash(const struct call *c)
{
	const char *uri = request_param(&c->req, "REQUEST_URI");
	const char *method = method_name(c->req.method);
	unsigned char digest[32];
	crypto_generichash_state h;
	struct buf hex = BUF_INIT;

	crypto_generichash_init(&h, NULL, 0, sizeof(digest));
	hash_part(&h, method, strlen(method));
	hash_part(&h, uri, strlen(uri));
	hash_body(&h, c);
	crypto_generichash_final(&h, digest, sizeof(digest));
	str_hex(&hex, digest, sizeof(digest));
	return buf_detach(&hex);
}

static const struct err *replay(struct call *c, const struct idempotent *was, const char *hash)
{
	if (strcmp(was->request, hash) != 0) {
		call_problem(c, "header:Idempotency-Key", "this key was used for another request");
		return call_bad(c);
	}
	c->res.status = (int)was->status;
	buf_adds(&c->res.body, was->body);
	if (was->location != NULL)
		response_header(&c->res, "Location", "%s", was->location);
	response_header(&c->res, "Idempotency-Replayed", "true");
	return NULL;
}

/* The Location that the handler has set, a copy; NULL for none. */
static char *location_of(const struct response *res)
{
	const char *s = strstr(res->headers.ptr, "Location: ");

	if (s == NULL)
		return NULL;
	s += strlen("Location: ");
	return xstrndup(s, strcspn(s, "\r"));
}

/* Whose keys these are. Workers on one spool share theirs: a file that one adopted, and died before it could remove, is
 * adopted by the next under the same key. */
static const char *owner(const struct call *c)
{
	return c->who.role == ROLE_WORKER ? "workers" : c->who_text;
}

static const struct err *first_time(struct call *c, const char *key, char *hash)
{
	struct idempotent now = {.request = hash};
	const struct err *e = c->route->handler(c);

	if (e != NULL)
		return e;
	now.status = c->res.status;
	now.body = c->res.body.ptr;
	now.location = location_of(&c->res);
	e = idempotency_put(c->app->store, owner(c), key, &now, c->now_ms);
	free(now.location);
	return e;
}

const struct err *idempotency_run(struct call *c)
{
	const char *key = request_header(&c->req, "IDEMPOTENCY_KEY");
	struct idempotent was = {0};
	const struct err *e;
	bool found = false;
	char *hash;

	if (key == NULL)
		return c->route->handler(c);
	if ((e = store_begin(c->app->store)) != NULL)
		return e;
	hash = request_hash(c);
	e = idempotency_get(c->app->store, owner(c), key, &was, &found);
	if (e == NULL)
		e = found ? replay(c, &was, hash) : first_time(c, key, hash);
	e = store_end(c->app->store, e);
	idempotent_free(&was);
	free(hash);
	return e;
}
