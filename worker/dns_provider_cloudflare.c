/* Cloudflare's API v4: records have ids; a batch (deletes, then posts) is done whole or not at all. */
#include "dns_provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dns_http.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define PAGES_MAX 100
#define TTL_LEAST 60 /* 1 is automatic */

/* Its envelope: {success, errors:[{code,message}], result}. HTTP's status alone proves nothing. */
static const struct err *judge(const struct dns_http *h)
{
	const json_t *first = json_array_get(json_object_get(h->answer, "errors"), 0);
	int64_t code = json_integer_value(json_object_get(first, "code"));
	const char *words = dns_text(first, "message");

	if (h->status == 429)
		return err_new(ERR_THROTTLED, "Cloudflare asks to slow down (1200 requests in five minutes)");
	if (h->status >= 200 && h->status < 300 && json_is_true(json_object_get(h->answer, "success")))
		return NULL;
	if (h->answer == NULL)
		return err_new(ERR_PROTOCOL, "Cloudflare answered %ld without JSON", h->status);
	if (h->status == 401 || h->status == 403 || code == 10000 || code == 9109 || code == 6003)
		return err_new(ERR_AUTH_REJECTED, "Cloudflare refuses the token: %s (%lld)", words, (long long)code);
	if (code == 81044)
		return err_new(ERR_DNS_CHANGED, "Cloudflare: a record is not there any more: %s", words);
	return err_new(ERR_DNS_REFUSED, "Cloudflare: %s (%lld, HTTP %ld)", words, (long long)code, h->status);
}

static const struct err *call(const struct dns_change *c, const char *method, const char *path, const json_t *body,
	json_t **answer)
{
	char *url = xasprintf("%s://%s:%d/client/v4%s", c->tls ? "https" : "http", c->host, c->port, path);
	char *header = xasprintf("Authorization: Bearer %s", c->secret);
	struct dns_http h = {
		.method = method, .url = url, .header = header, .body = body, .ca_file = c->ca_file, .deadline = c->deadline};
	const struct err *e = dns_http(&h);

	if (e == NULL)
		e = judge(&h);
	if (e == NULL)
		*answer = h.answer;
	else
		json_decref(h.answer);
	free_secret(header);
	free(url);
	return e;
}

static bool is_id(const char *s)
{
	return strlen(s) == 32 && strspn(s, "0123456789abcdef") == 32;
}

static const struct err *find_zone(const struct dns_change *c, char zone[33])
{
	const char *name = dns_text(c->provider, "zone"), *id;
	struct buf path = BUF_INIT;
	json_t *answer = NULL;
	const struct err *e;

	buf_adds(&path, "/zones?name=");
	str_percent(&path, *name != '\0' ? name : c->domain, strlen(*name != '\0' ? name : c->domain));
	e = call(c, "GET", path.ptr, NULL, &answer);
	id = dns_text(json_array_get(json_object_get(answer, "result"), 0), "id");
	if (e == NULL && !is_id(id))
		e = err_new(ERR_NOT_FOUND, "Cloudflare: the token sees no zone %s", *name != '\0' ? name : c->domain);
	if (e == NULL)
		snprintf(zone, 33, "%s", id);
	json_decref(answer);
	buf_free(&path);
	return e;
}

/* All pages: a list cut short would leave records behind. */
static const struct err *list(const struct dns_change *c, const char *zone, json_t **records)
{
	const struct err *e = NULL;
	int64_t pages = 1;

	*records = json_array();
	for (int64_t page = 1; e == NULL && page <= pages; page++) {
		char *path = xasprintf("/zones/%s/dns_records?type=MX&name=%s&per_page=100&page=%lld", zone, c->domain,
			(long long)page);
		json_t *answer = NULL, *info;

		e = call(c, "GET", path, NULL, &answer);
		info = json_object_get(answer, "result_info");
		if (e == NULL && page == 1)
			pages = json_integer_value(json_object_get(info, "total_pages"));
		if (e == NULL && pages > PAGES_MAX)
			e = err_new(ERR_PROTOCOL, "Cloudflare: %lld pages of MX records", (long long)pages);
		if (e == NULL && json_array_extend(*records, json_object_get(answer, "result")) != 0)
			e = err_new(ERR_PROTOCOL, "Cloudflare: the answer holds no list of records");
		json_decref(answer);
		free(path);
	}
	if (e != NULL) {
		json_decref(*records);
		*records = NULL;
	}
	return e;
}

static json_t *to_set(const json_t *records)
{
	json_t *set = dns_set_new(-1), *v;
	size_t i;

	json_array_foreach(records, i, v) {
		char *text = xasprintf("%lld %s", (long long)json_integer_value(json_object_get(v, "priority")),
			dns_text(v, "content"));

		dns_set_add(set, text);
		free(text);
		json_object_set(set, "ttl", json_object_get(v, "ttl"));
	}
	return set;
}

static const struct err *read_set(const struct dns_change *c, json_t **set)
{
	json_t *records = NULL;
	char zone[33];
	const struct err *e = find_zone(c, zone);

	if (e == NULL)
		e = list(c, zone, &records);
	if (e == NULL)
		*set = to_set(records);
	json_decref(records);
	return e;
}

static json_t *batch(const struct dns_change *c, const json_t *records, const json_t *now)
{
	json_t *deletes = json_array(), *posts = json_array(), *v;
	int64_t ttl = json_integer_value(json_object_get(now, "ttl"));
	size_t i;

	if (ttl != 1 && ttl < TTL_LEAST)
		ttl = TTL_LEAST;
	json_array_foreach(records, i, v)
		json_array_append_new(deletes, json_pack("{s:s}", "id", dns_text(v, "id")));
	json_array_foreach(json_object_get(now, "records"), i, v) {
		const char *text = json_string_value(v), *space = strchr(text, ' ');

		json_array_append_new(posts,
			json_pack("{s:s, s:s, s:s, s:I, s:I}", "type", "MX", "name", c->domain, "content",
				space != NULL ? space + 1 : text, "priority", (json_int_t)strtoll(text, NULL, 10), "ttl",
				(json_int_t)ttl));
	}
	return json_pack("{s:o, s:o}", "deletes", deletes, "posts", posts);
}

static const struct err *replace(const struct dns_change *c, const json_t *old, const json_t *now)
{
	json_t *records = NULL, *present, *body, *answer = NULL;
	char zone[33], *path;
	const struct err *e = find_zone(c, zone);

	if (e == NULL)
		e = list(c, zone, &records);
	if (e != NULL)
		return e;
	present = to_set(records);
	if (!dns_set_same(present, old)) {
		e = err_new(ERR_DNS_CHANGED, "somebody else has changed the MX records meanwhile");
	} else {
		path = xasprintf("/zones/%s/dns_records/batch", zone);
		body = batch(c, records, now);
		e = call(c, "POST", path, body, &answer);
		json_decref(answer);
		json_decref(body);
		free(path);
	}
	json_decref(present);
	json_decref(records);
	return e;
}

const struct dns_provider dns_provider_cloudflare = {"cloudflare", read_set, replace};
