/*
 * POST /webhooks/dns: somebody else's wizard has changed MX.
 *   X-Migration-Timestamp: seconds since 1970
 *   X-Migration-Signature: sha256=HEX of HMAC-SHA256(MIGRATION_WEBHOOK_SECRET, TIMESTAMP "." BODY)
 *   {"event":"dns.applied","id":"unique","domain":"a.example"}
 * The same id again is answered like the first time and changes nothing.
 */
#include "api.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "log.h"
#include "mem.h"
#include "store_audit.h"
#include "store_dns.h"
#include "store_watch.h"
#include "str.h"
#include "writer.h"

#include "banned.h"

static const struct actor webhook = {.who = "webhook", .role = ""};

static bool signature_fits(struct call *c, const char *stamp, const char *signature)
{
	const char *secret = conf_str(c->app->service->conf, CONF_WEBHOOK_SECRET);
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;
	struct buf given = BUF_INIT;
	bool ok;

	crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret, strlen(secret));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)stamp, strlen(stamp));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)".", 1);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)c->req.body.ptr, c->req.body.len);
	crypto_auth_hmacsha256_final(&st, mac);
	sodium_memzero(&st, sizeof(st));
	ok = str_starts(signature, "sha256=") &&
	     str_unhex(&given, signature + strlen("sha256="), strlen(signature + strlen("sha256="))) &&
	     given.len == sizeof(mac) && sodium_memcmp(given.ptr, mac, sizeof(mac)) == 0;
	buf_free(&given);
	return ok;
}

static const struct err *authenticate(struct call *c)
{
	const char *stamp = request_header(&c->req, "X_MIGRATION_TIMESTAMP");
	const char *signature = request_header(&c->req, "X_MIGRATION_SIGNATURE");
	int64_t at, window = conf_int(c->app->service->conf, CONF_WEBHOOK_SECONDS);

	if (!conf_set(c->app->service->conf, CONF_WEBHOOK_SECRET))
		return err_new(ERR_FORBIDDEN, "MIGRATION_WEBHOOK_SECRET is not set: no webhook is taken");
	if (stamp == NULL || signature == NULL)
		return err_new(ERR_AUTH_TOKEN, "X-Migration-Timestamp and X-Migration-Signature are required");
	if (!signature_fits(c, stamp, signature))
		return err_new(ERR_AUTH_TOKEN, "the signature is not of this body and time stamp");
	if (!str_i64(stamp, 0, INT64_C(1) << 40, &at))
		return err_new(ERR_AUTH_TOKEN, "the time stamp is no number of seconds");
	if (at < c->now_ms / 1000 - window || at > c->now_ms / 1000 + window)
		return err_new(ERR_AUTH_TOKEN, "the time stamp is %lld s from this clock, %lld are allowed: a replay, or a clock"
			" that is wrong", (long long)(at - c->now_ms / 1000), (long long)window);
	return NULL;
}

static bool event_parse(const char *s, int *out)
{
	*out = 0;
	return strcmp(s, "dns.applied") == 0;
}

/* The open job of the domain; two tenants may have one each: then nobody knows whose it is. */
static const struct err *job_of(struct call *c, const char *domain, int64_t *id)
{
	struct stmt *st;
	size_t n = 0;
	bool row;
	const struct err *e = db_query(store_db(c->app->store), &st,
		"SELECT job_id FROM job_domains WHERE domain = ?1 AND open = 1", "s", domain);

	while (e == NULL && (e = db_step(st, &row)) == NULL && row) {
		*id = db_col_i64(st, 0);
		n++;
	}
	if (e == NULL && n == 0)
		e = err_new(ERR_NOT_FOUND, "no open job has the domain %s", domain);
	if (e == NULL && n > 1)
		e = err_new(ERR_CONFLICT, "several open jobs have the domain %s", domain);
	return e;
}

static const struct err *take(struct call *c, const char *id, const char *domain, int64_t *job, bool *repeated)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct buf hex = BUF_INIT;
	char *detail;
	const struct err *e = job_of(c, domain, job);

	crypto_hash_sha256(hash, (const unsigned char *)c->req.body.ptr, c->req.body.len);
	str_hex(&hex, hash, sizeof(hash));
	if (e == NULL)
		e = dns_webhook_take(c->app->store, id, *job, hex.ptr, c->now_ms, repeated);
	buf_free(&hex);
	if (e != NULL || *repeated)
		return e;
	detail = xasprintf("{\"domain\":\"%s\"}", domain);
	e = watch_applied(c->app->store, *job, "webhook", -1, detail, &webhook, c->now_ms);
	free(detail);
	return e;
}

static const struct err *answer(struct call *c)
{
	const char *id = "", *name = "";
	bool repeated = false;
	char *domain = NULL;
	int64_t job = 0;
	struct js_at root;
	struct writer w;
	int event;
	const struct err *e = authenticate(c);

	if (e == NULL)
		e = call_json(c, &root);
	if (e != NULL)
		return e;
	js_word(&root, "event", JS_REQUIRED, event_parse, &event);
	js_str(&root, "id", JS_REQUIRED, 1, 200, &id);
	if (js_str(&root, "domain", JS_REQUIRED, 1, 253, &name) && domain_normalise(name, &domain) != NULL)
		js_problem(&root, "domain", "not a domain name");
	e = call_bad(c);
	if (e == NULL)
		e = store_begin(c->app->store);
	if (e == NULL)
		e = store_end(c->app->store, take(c, id, domain, &job, &repeated));
	free(domain);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_i64(&w, "job_id", job);
	w_bool(&w, "repeated", repeated);
	w_object_end(&w);
	return NULL;
}

const struct err *api_webhook_dns(struct call *c)
{
	const struct err *e = answer(c);

	if (e != NULL)
		log_warn("webhook refused: %s: %s", err_code(e), e->msg);
	return e;
}
