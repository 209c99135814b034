#include "dns_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "mem.h"
#include "writer.h"

#include "banned.h"

static const struct {
	const char *kind, *host; /* host: where nobody says another */
	int64_t port;
	bool tls;
	const char *key; /* what the token is */
} kinds[] = {
	{"cloudflare", "api.cloudflare.com", 443, true, "token"},
	{"pfsense", NULL, 443, true, "api-key"},
	{"rfc2136", NULL, 53, false, NULL},
};

static bool kind_parse(const char *s, size_t *out)
{
	for (*out = 0; *out < sizeof(kinds) / sizeof(kinds[0]); (*out)++)
		if (strcmp(kinds[*out].kind, s) == 0)
			return true;
	return false;
}

static bool algorithm_parse(const char *s, const char **out)
{
	static const char *const known[] = {"hmac-sha256", "hmac-sha1"};

	for (size_t i = 0; i < 2; i++)
		if (strcmp(known[i], s) == 0) {
			*out = known[i];
			return true;
		}
	return false;
}

static void read_name(const struct js_at *at, const char *key, json_t *out)
{
	const char *s;
	char *name = NULL;

	if (!js_str(at, key, JS_OPTIONAL, 1, 253, &s))
		return;
	if (domain_normalise(s, &name) != NULL)
		js_problem(at, key, "not a domain name");
	else
		json_object_set_new(out, key, json_string(name));
	free(name);
}

static json_t *read_mx(const struct js_at *root)
{
	json_t *out = json_array();
	struct js_at list;

	if (!js_array(root, "mx", JS_OPTIONAL, 1, 20, &list))
		return out;
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct js_at item = js_item(&list, i);
		json_t *one = json_object();
		int64_t preference = 10;

		if (!json_is_object(item.v)) {
			js_problem(&item, NULL, "an object is expected");
			json_decref(one);
			continue;
		}
		js_int(&item, "preference", JS_OPTIONAL, 0, 65535, &preference);
		json_object_set_new(one, "preference", json_integer(preference));
		read_name(&item, "host", one);
		if (json_object_get(item.v, "host") == NULL)
			js_problem(&item, "host", "required");
		js_known(&item, (const char *const[]){"preference", "host", NULL});
		json_array_append_new(out, one);
	}
	return out;
}

static void read_texts(const struct js_at *at, const char *key, const char *allowed, json_t *out)
{
	json_t *kept = json_array();
	struct js_at list;
	const char *s;

	if (js_array(at, key, JS_OPTIONAL, 0, 16, &list))
		for (size_t i = 0; i < json_array_size(list.v); i++) {
			struct js_at item = js_item(&list, i);

			if (!js_str_item(&item, 1, 200, &s))
				continue;
			if (strspn(s, allowed) != strlen(s))
				js_problem(&item, NULL, "only the characters %s", allowed);
			else
				json_array_append_new(kept, json_string(s));
		}
	json_object_set_new(out, key, kept);
}

static json_t *read_provider(const struct js_at *root, const char **secret)
{
	json_t *out;
	const char *host, *key, *algorithm = "hmac-sha256";
	struct js_at at;
	int64_t port;
	size_t kind = 0;
	bool tls;

	if (!js_object(root, "provider", JS_OPTIONAL, &at))
		return json_null();
	out = json_object();
	if (js_word(&at, "kind", JS_REQUIRED, kind_parse, &kind))
		json_object_set_new(out, "kind", json_string(kinds[kind].kind));
	if (kind >= sizeof(kinds) / sizeof(kinds[0]))
		kind = 0;
	port = kinds[kind].port;
	tls = kinds[kind].tls;
	host = kinds[kind].host;
	js_str(&at, "host", host == NULL ? JS_REQUIRED : JS_OPTIONAL, 1, 253, &host);
	js_int(&at, "port", JS_OPTIONAL, 1, 65535, &port);
	js_bool(&at, "tls", JS_OPTIONAL, &tls);
	js_word(&at, "algorithm", JS_OPTIONAL, algorithm_parse, &algorithm);
	key = kinds[kind].key;
	js_str(&at, "key", key == NULL ? JS_REQUIRED : JS_OPTIONAL, 1, 200, &key);
	read_name(&at, "zone", out);
	json_object_set_new(out, "host", json_string(host != NULL ? host : ""));
	json_object_set_new(out, "port", json_integer(port));
	json_object_set_new(out, "tls", json_boolean(tls));
	json_object_set_new(out, "key", json_string(key != NULL ? key : ""));
	json_object_set_new(out, "algorithm", json_string(algorithm));
	if (js_str(&at, "name", JS_OPTIONAL, 1, 63, &host))
		json_object_set_new(out, "name", json_string(host));
	read_texts(&at, "ip", "0123456789abcdefABCDEF.:", out);
	js_str(&at, "secret", JS_OPTIONAL, 1, 4096, secret);
	js_known(&at, (const char *const[]){"kind", "host", "port", "tls", "algorithm", "key", "zone", "name", "ip",
				"secret", NULL});
	return out;
}

const struct err *dns_plan_read(struct call *c, char **document, const char **secret)
{
	int64_t ttl = 300, low = 300, previous = 0;
	struct js_at root;
	const struct err *e;
	json_t *out;

	*document = NULL;
	*secret = NULL;
	if ((e = call_json(c, &root)) != NULL)
		return e;
	out = json_object();
	json_object_set_new(out, "mx", read_mx(&root));
	js_int(&root, "ttl", JS_OPTIONAL, 1, 604800, &ttl);
	js_int(&root, "low_ttl", JS_OPTIONAL, 1, 86400, &low);
	js_int(&root, "previous_ttl", JS_OPTIONAL, 0, 604800, &previous);
	json_object_set_new(out, "ttl", json_integer(ttl));
	json_object_set_new(out, "low_ttl", json_integer(low));
	json_object_set_new(out, "previous_ttl", json_integer(previous));
	read_texts(&root, "selectors", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", out);
	json_object_set_new(out, "provider", read_provider(&root, secret));
	js_known(&root, (const char *const[]){"mx", "ttl", "low_ttl", "previous_ttl", "selectors", "provider", NULL});
	*document = js_text(out);
	json_decref(out);
	return call_bad(c);
}

struct dns_place dns_place_of(const json_t *plan, const struct conf *conf)
{
	const json_t *p = json_object_get(plan, "provider");
	const char *kind = json_string_value(json_object_get(p, "kind"));
	const char *key = json_string_value(json_object_get(p, "key"));
	const char *algorithm = json_string_value(json_object_get(p, "algorithm"));
	struct dns_place out = {0};

	(void)conf;
	if (kind == NULL || key == NULL)
		return out;
	out.host = json_string_value(json_object_get(p, "host"));
	out.port = json_integer_value(json_object_get(p, "port"));
	out.tls = json_is_true(json_object_get(p, "tls")) ? TLS_IMPLICIT : TLS_NONE;
	if (strcmp(kind, "rfc2136") == 0)
		snprintf(out.user, sizeof(out.user), "%s %s:%s", kind, algorithm != NULL ? algorithm : "", key);
	else
		snprintf(out.user, sizeof(out.user), "%s %s", kind, key);
	return out;
}

json_t *dns_wanted(const json_t *plan)
{
	const json_t *p = json_object_get(plan, "provider");
	const char *kind = json_string_value(json_object_get(p, "kind"));
	json_t *records = json_array(), *v;
	size_t i;

	if (kind != NULL && strcmp(kind, "pfsense") == 0) {
		json_array_extend(records, json_object_get(p, "ip"));
	} else {
		json_array_foreach(json_object_get(plan, "mx"), i, v) {
			char *text = xasprintf("%lld %s", (long long)json_integer_value(json_object_get(v, "preference")),
				json_string_value(json_object_get(v, "host")));

			json_array_append_new(records, json_string(text));
			free(text);
		}
	}
	return json_pack("{s:O, s:o}", "ttl", json_object_get(plan, "ttl"), "records", records);
}

const struct err *dns_claim(struct writer *w, struct call *c, const struct run *r, const char *nonce)
{
	struct dns_plan plan = {0};
	const struct err *e = dns_plan_get(c->app->store, r->job_id, &plan);
	json_t *options;
	struct dns_place place;

	if (e != NULL)
		return e;
	/* the place is that of the order, the seal that of now: a plan that changed since does not fit */
	options = js_column(r->options);
	place = dns_place_of(options, c->app->service->conf);
	w_object(w, "provider");
	w_str(w, "host", place.host);
	w_i64(w, "port", place.port);
	w_str(w, "tls", tls_mode_name(place.tls));
	w_str(w, "user", place.user);
	w_str(w, "auth", auth_kind_name(AUTH_PASSWORD));
	w_object_end(w);
	w_array(w, "credentials");
	if (*plan.sealed != '\0') {
		w_object(w, NULL);
		w_i64(w, "id", r->job_id);
		w_str(w, "side", "dns");
		w_str(w, "key_id", plan.key_id);
		w_str(w, "sealed", plan.sealed);
		w_i64(w, "version", plan.version);
		w_object_end(w);
	}
	w_array_end(w);
	w_str(w, "permit", nonce);
	json_decref(options);
	dns_plan_free(&plan);
	return NULL;
}
