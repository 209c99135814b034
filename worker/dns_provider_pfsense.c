/*
 * pfSense's REST API v2: host overrides of its resolver, for split DNS. Ids are places in a list and shift when
 * somebody else deletes or reorders: an override is found by host and domain just before it is changed, and the answer
 * is looked at before anything is applied.
 */
#include "dns_provider.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dns_http.h"
#include "mem.h"
#include "str.h"

#include <time.h>

#include "banned.h"

#define PAGE 100
#define OVERRIDES_MAX 10000
#define POLL_MS 200
#define SETTLE_MS 5000 /* applying takes so long at most before it counts as not begun */

static const struct err *judge(const struct dns_http *h)
{
	const char *words = dns_text(h->answer, "message");

	if (h->status == 429)
		return err_new(ERR_THROTTLED, "pfSense asks to slow down");
	if (h->answer == NULL)
		return err_new(ERR_PROTOCOL, "pfSense answered %ld without JSON", h->status);
	if (h->status == 401 || h->status == 403)
		return err_new(ERR_AUTH_REJECTED, "pfSense refuses the key: %s", words);
	if (h->status != 200 || json_integer_value(json_object_get(h->answer, "code")) != 200)
		return err_new(ERR_DNS_REFUSED, "pfSense: %s (%s, HTTP %ld)", words, dns_text(h->answer, "response_id"),
			h->status);
	return NULL;
}

static const struct err *call(const struct dns_change *c, const char *method, const char *path, const json_t *body,
	json_t **data)
{
	char *url = xasprintf("%s://%s:%d/api/v2/services/dns_resolver%s", c->tls ? "https" : "http", c->host, c->port, path);
	char *header = xasprintf("X-API-Key: %s", c->secret);
	struct dns_http h = {
		.method = method, .url = url, .header = header, .body = body, .ca_file = c->ca_file, .deadline = c->deadline};
	const struct err *e = dns_http(&h);

	if (e == NULL)
		e = judge(&h);
	if (e == NULL && data != NULL)
		*data = json_incref(json_object_get(h.answer, "data"));
	json_decref(h.answer);
	free_secret(header);
	free(url);
	return e;
}

static const char *domain_of(const struct dns_change *c)
{
	const char *zone = dns_text(c->provider, "zone");

	return *zone != '\0' ? zone : c->domain;
}

static bool is_wanted(const struct dns_change *c, const json_t *o)
{
	return str_ieq(dns_text(o, "host"), dns_text(c->provider, "name")) && str_ieq(dns_text(o, "domain"), domain_of(c));
}

/* All pages, in the order that gives the ids their meaning. */
static const struct err *list(const struct dns_change *c, json_t **all)
{
	const struct err *e = NULL;
	size_t got;

	*all = json_array();
	do {
		char *path = xasprintf("/host_overrides?limit=%d&offset=%zu", PAGE, json_array_size(*all));
		json_t *data = NULL;

		e = call(c, "GET", path, NULL, &data);
		got = json_array_size(data);
		if (e == NULL && (!json_is_array(data) || json_array_size(*all) > OVERRIDES_MAX))
			e = err_new(ERR_PROTOCOL, "pfSense: the answer holds no list of overrides");
		if (e == NULL)
			json_array_extend(*all, data);
		json_decref(data);
		free(path);
	} while (e == NULL && got == PAGE);
	return e;
}

static const struct err *find(const struct dns_change *c, json_t **found)
{
	json_t *all, *v;
	size_t i;
	const struct err *e = list(c, &all);

	*found = NULL;
	json_array_foreach(all, i, v)
		if (e == NULL && is_wanted(c, v)) {
			if (*found != NULL)
				e = err_new(ERR_CONFLICT, "pfSense has two overrides of that name: remove one");
			else
				*found = json_incref(v);
		}
	json_decref(all);
	return e;
}

static json_t *to_set(const json_t *override)
{
	json_t *set = dns_set_new(0), *v;
	size_t i;

	json_array_foreach(json_object_get(override, "ip"), i, v)
		if (json_is_string(v))
			dns_set_add(set, json_string_value(v));
	return set;
}

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000L};

	nanosleep(&t, NULL);
}

/* Waits until no change is left to be applied, at most `ms`. */
static const struct err *settled(const struct dns_change *c, int64_t ms, bool *done)
{
	int64_t end = clock_mono_ms() + ms;
	const struct err *e;

	if (end > c->deadline)
		end = c->deadline;
	do {
		json_t *data = NULL;

		e = call(c, "GET", "/apply", NULL, &data);
		*done = json_is_true(json_object_get(data, "applied"));
		json_decref(data);
		if (e != NULL || *done)
			return e;
		pause_ms(POLL_MS);
	} while (clock_mono_ms() < end);
	return NULL;
}

static const struct err *read_set(const struct dns_change *c, json_t **set)
{
	json_t *found;
	bool done = true;
	const struct err *e = find(c, &found);

	if (e == NULL)
		e = settled(c, SETTLE_MS, &done);
	if (e == NULL) {
		*set = to_set(found);
		if (!done)
			json_object_set_new(*set, "pending", json_true());
	}
	json_decref(found);
	return e;
}

/* Staged changes become real; asynchronous there, so that its end is asked for. */
static const struct err *apply(const struct dns_change *c)
{
	bool done = false;
	const struct err *e = call(c, "POST", "/apply", NULL, NULL);

	if (e == NULL)
		e = settled(c, INT32_MAX, &done);
	if (e == NULL && !done)
		e = err_new(ERR_TIMEOUT, "pfSense does not finish applying");
	return e;
}

static const struct err *patch(const struct dns_change *c, const json_t *id, const json_t *ip, json_t **changed)
{
	json_t *body = json_pack("{s:O, s:O, s:b}", "id", id, "ip", ip, "apply", 0);
	const struct err *e = call(c, "PATCH", "/host_override", body, changed);

	json_decref(body);
	return e;
}

/* The ids shifted between look and change: the other override gets its own addresses back. */
static const struct err *undo(const struct dns_change *c, const json_t *before, const json_t *hit)
{
	json_t *v, *again = NULL;
	const struct err *e = NULL;
	size_t i;

	json_array_foreach(before, i, v)
		if (strcmp(dns_text(v, "host"), dns_text(hit, "host")) == 0 &&
			strcmp(dns_text(v, "domain"), dns_text(hit, "domain")) == 0) {
			e = patch(c, json_object_get(hit, "id"), json_object_get(v, "ip"), &again);
			json_decref(again);
			break;
		}
	return e != NULL ? err_wrap(e, "the overrides shifted while they were changed, and %s.%s could not be put back",
				   dns_text(hit, "host"), dns_text(hit, "domain"))
			 : err_new(ERR_DNS_CHANGED, "the overrides shifted while they were changed: nothing was applied");
}

static const struct err *change(const struct dns_change *c, const json_t *found, const json_t *now, const json_t *before)
{
	const json_t *ip = json_object_get(now, "records");
	json_t *hit = NULL, *body;
	const struct err *e;

	if (found == NULL) {
		body = json_pack("{s:s, s:s, s:O, s:s, s:b}", "host", dns_text(c->provider, "name"), "domain", domain_of(c),
			"ip", ip, "descr", "desk-migration", "apply", 0);
		e = call(c, "POST", "/host_override", body, &hit);
		json_decref(body);
	} else if (json_array_size(ip) == 0) {
		char *path = xasprintf("/host_override?id=%lld", (long long)json_integer_value(json_object_get(found, "id")));

		e = call(c, "DELETE", path, NULL, &hit);
		free(path);
	} else {
		e = patch(c, json_object_get(found, "id"), ip, &hit);
	}
	if (e == NULL && !is_wanted(c, hit))
		e = undo(c, before, hit);
	json_decref(hit);
	return e;
}

static const struct err *replace(const struct dns_change *c, const json_t *old, const json_t *now)
{
	json_t *found = NULL, *present, *all = NULL, *v;
	const struct err *e = list(c, &all);
	size_t i;

	json_array_foreach(all, i, v)
		if (is_wanted(c, v))
			found = v;
	present = to_set(found);
	if (e == NULL && !dns_set_same(present, old))
		e = err_new(ERR_DNS_CHANGED, "somebody else has changed the override meanwhile");
	if (e == NULL)
		e = change(c, found, now, all);
	if (e == NULL)
		e = apply(c);
	json_decref(present);
	json_decref(all);
	return e;
}

const struct dns_provider dns_provider_pfsense = {"pfsense", read_set, replace};
