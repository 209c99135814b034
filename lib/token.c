/* Verification of tokens. libjwt checks the signature and nothing else; every claim is checked here. */
#include "token.h"

#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "str.h"
#include "token_key.h"

#include "banned.h"

struct issuer {
	char *iss, *aud;
	enum token_alg alg;
	unsigned roles;
	unsigned char *key;
	size_t key_len;
	bool worker; /* short tokens only */
};

struct issuers {
	struct issuer **v;
	size_t n;
};

static const struct {
	const char *name;
	jwt_alg_t jwt;
} algs[TOKEN_ALG_COUNT] = {{"HS256", JWT_ALG_HS256}, {"RS256", JWT_ALG_RS256}, {"ES256", JWT_ALG_ES256}};

/* --- issuers
 * ------------------------------------------------------------------------------------------------------- */

const struct err *issuer_new(struct issuer **out, const char *iss, enum token_alg alg, const void *key,
        size_t key_len, const char *aud, unsigned roles)
{
	const struct err *e = token_key_check(alg, key, key_len, false);
	struct issuer *i;

	*out = NULL;
	if (e != NULL)
		return err_wrap(e, "issuer %s", iss);
	if (*iss == '\0' || *aud == '\0')
		return err_new(ERR_CONFIG, "issuer \"%s\": iss and aud must not be empty", iss);
	i = xcalloc(1, sizeof(*i));
	i->iss = xstrdup(iss);
	i->aud = xstrdup(aud);
	i->alg = alg;
	i->roles = roles;
	i->key = xmalloc(key_len + 1); /* libjwt reads a PEM by its length, OpenSSL's messages by NUL */
	memcpy(i->key, key, key_len);
	i->key[key_len] = '\0';
	i->key_len = key_len;
	*out = i;
	return NULL;
}

void issuer_free(struct issuer *i)
{
	if (i == NULL)
		return;
	sodium_memzero(i->key, i->key_len);
	free(i->key);
	free(i->iss);
	free(i->aud);
	free(i);
}

const struct err *issuer_worker(
        struct issuer **out, const char *name, const char *public_pem, const char *aud)
{
	char *iss = xasprintf("worker:%s", name);
	const struct err *e =
	        issuer_new(out, iss, TOKEN_ES256, public_pem, strlen(public_pem), aud, 1u << ROLE_WORKER);

	if (e == NULL)
		(*out)->worker = true;
	free(iss);
	return e;
}

const struct err *issuers_add(struct issuers *t, struct issuer *i)
{
	const struct err *e = NULL;

	if (str_starts(i->iss, "worker:") || strcmp(i->iss, "local") == 0)
		e = err_new(ERR_CONFIG, "issuer %s: the name is reserved", i->iss);
	else if (i->roles & (1u << ROLE_WORKER))
		e = err_new(ERR_CONFIG, "issuer %s: the role worker is only for workers' own keys", i->iss);
	for (size_t k = 0; e == NULL && k < t->n; k++)
		if (strcmp(t->v[k]->iss, i->iss) == 0)
			e = err_new(ERR_CONFIG, "issuer %s: named twice", i->iss);
	if (e != NULL) {
		issuer_free(i);
		return e;
	}
	t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = i;
	return NULL;
}

struct issuers *issuers_new(void)
{
	return xcalloc(1, sizeof(struct issuers));
}

void issuers_free(struct issuers *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		issuer_free(t->v[i]);
	free(t->v);
	free(t);
}

/* --- tokens
 * -------------------------------------------------------------------------------------------------------- */

struct parts {
	json_t *header, *payload;
};

static void parts_free(struct parts *p)
{
	json_decref(p->header);
	json_decref(p->payload);
}

static const struct err *bad(const char *why)
{
	return err_new(ERR_AUTH_TOKEN, "token: %s", why);
}

static const struct err *decode_part(const char *s, size_t n, json_t **out)
{
	struct buf b = BUF_INIT;
	const struct err *e = NULL;

	if (n == 0 || !str_unbase64(&b, s, n, BASE64_URL_NOPAD))
		e = bad("not base64url");
	else if (js_parse(out, b.ptr, b.len) != NULL || !json_is_object(*out))
		e = bad("not a JSON object");
	buf_free(&b);
	return e;
}

/* Header and payload of a well-formed token, nothing proven. */
static const struct err *take_apart(const char *token, size_t n, struct parts *p)
{
	const char *dot1 = memchr(token, '.', n), *dot2;
	struct buf signature = BUF_INIT;
	const struct err *e;
	size_t rest;

	memset(p, 0, sizeof(*p));
	if (n > TOKEN_MAX)
		return bad("too long");
	dot2 = dot1 != NULL ? memchr(dot1 + 1, '.', n - (size_t)(dot1 + 1 - token)) : NULL;
	if (dot2 == NULL)
		return bad("not three parts");
	rest = n - (size_t)(dot2 + 1 - token);
	if (!str_unbase64(&signature, dot2 + 1, rest, BASE64_URL_NOPAD) || signature.len == 0)
		e = bad("no signature");
	else if ((e = decode_part(token, (size_t)(dot1 - token), &p->header)) == NULL)
		e = decode_part(dot1 + 1, (size_t)(dot2 - dot1 - 1), &p->payload);
	buf_free(&signature);
	if (e != NULL) {
		parts_free(p);
		memset(p, 0, sizeof(*p));
	}
	return e;
}

static const char *text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v) || json_string_length(v) != strlen(json_string_value(v)))
		return NULL;
	return json_string_value(v);
}

static const struct err *check_header(const json_t *h, const struct issuer *i)
{
	const char *alg = text_of(h, "alg"), *typ = text_of(h, "typ");

	if (alg == NULL || strcmp(alg, algs[i->alg].name) != 0)
		return bad("not signed with the issuer's algorithm");
	if (json_object_get(h, "typ") != NULL && (typ == NULL || !str_ieq(typ, "JWT")))
		return bad("typ is not JWT");
	if (json_object_get(h, "crit") != NULL)
		return bad("crit is not understood");
	return NULL;
}

/* HMAC is asked on the path that is polled: done here, it costs a tenth of what libjwt takes to parse it all again. */
static const struct err *check_hs256(const char *token, size_t n, const struct issuer *i)
{
	const char *dot = memrchr(token, '.', n);
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state h;
	struct buf given = BUF_INIT;
	bool ok;

	crypto_auth_hmacsha256_init(&h, i->key, i->key_len);
	crypto_auth_hmacsha256_update(&h, (const unsigned char *)token, (size_t)(dot - token));
	crypto_auth_hmacsha256_final(&h, mac);
	ok = str_unbase64(&given, dot + 1, n - (size_t)(dot + 1 - token), BASE64_URL_NOPAD) && given.len == sizeof(mac) &&
		sodium_memcmp(given.ptr, mac, sizeof(mac)) == 0;
	sodium_memzero(&h, sizeof(h));
	buf_free(&given);
	return ok ? NULL : bad("the signature is wrong");
}

/* `token` has been taken apart: it has its dots. */
static const struct err *check_signature(const char *token, size_t n, const struct issuer *i)
{
	jwt_t *jwt = NULL;
	char *copy;
	bool ok;
	int rc;

	if (i->alg == TOKEN_HS256)
		return check_hs256(token, n, i);
	copy = xstrndup(token, n);
	rc = jwt_decode(&jwt, copy, i->key, (int)i->key_len);
	ok = rc == 0 && jwt_get_alg(jwt) == algs[i->alg].jwt;
	if (rc == 0)
		jwt_free(jwt);
	free(copy);
	return ok ? NULL : bad("the signature is wrong");
}

/* NumericDate; a fraction is cut. False when the claim is there and no number. */
static bool date_of(const json_t *p, const char *key, bool *there, int64_t *out)
{
	const json_t *v = json_object_get(p, key);

	*there = v != NULL;
	if (json_is_integer(v))
		*out = json_integer_value(v);
	else if (json_is_real(v) && json_real_value(v) > -1e15 && json_real_value(v) < 1e15)
		*out = (int64_t)json_real_value(v);
	else
		return v == NULL;
	return *out >= 0 && *out < (INT64_C(1) << 53);
}

static const struct err *check_times(const json_t *p, const struct issuer *i, int64_t now)
{
	int64_t exp = 0, nbf = 0, iat = 0;
	bool has_exp, has_nbf, has_iat;

	if (!date_of(p, "exp", &has_exp, &exp) || !date_of(p, "nbf", &has_nbf, &nbf) ||
	        !date_of(p, "iat", &has_iat, &iat))
		return bad("exp, nbf and iat must be numbers");
	if (!has_exp)
		return bad("exp is required");
	if (exp + TOKEN_LEEWAY_S <= now)
		return bad("expired");
	if (has_nbf && nbf - TOKEN_LEEWAY_S > now)
		return bad("not valid yet");
	if (has_iat && iat - TOKEN_LEEWAY_S > now)
		return bad("issued in the future");
	if (i->worker && (!has_iat || exp - iat > TOKEN_WORKER_MAX_S))
		return bad("a worker's token lives at most 60 seconds");
	return NULL;
}

static bool has_audience(const json_t *p, const char *aud)
{
	const json_t *v = json_object_get(p, "aud");
	const char *s = text_of(p, "aud");

	if (s != NULL)
		return strcmp(s, aud) == 0;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (json_is_string(json_array_get(v, i)) &&
		        strcmp(json_string_value(json_array_get(v, i)), aud) == 0)
			return true;
	return false;
}

static bool is_clean(const char *s, size_t max)
{
	return *s != '\0' && strlen(s) <= max && !str_has_control(s, strlen(s));
}

static const struct err *check_claims(
        const json_t *p, const struct issuer *i, int64_t now, struct principal *out)
{
	const char *iss = text_of(p, "iss"), *sub = text_of(p, "sub"), *name = text_of(p, "name"),
	           *org = text_of(p, "org");
	const char *role = text_of(p, "role");
	enum role r = ROLE_NONE;
	const struct err *e;

	if (iss == NULL || strcmp(iss, i->iss) != 0)
		return bad("of another issuer");
	if (!has_audience(p, i->aud))
		return bad("for another audience");
	if ((e = check_times(p, i, now)) != NULL)
		return e;
	if (sub == NULL || !is_clean(sub, 255))
		return bad("sub is required");
	if ((name != NULL && *name != '\0' && !is_clean(name, 255)) ||
	        (org != NULL && *org != '\0' && !is_clean(org, 255)))
		return bad("name or org is not valid");
	if (i->worker && strcmp(i->iss + strlen("worker:"), sub) != 0)
		return bad("a worker speaks for itself only");
	if (role == NULL || !role_parse(role, &r) || (i->roles & (1u << r)) == 0)
		return err_new(ERR_FORBIDDEN, "token: the issuer may not grant this role");
	*out = (struct principal){.role = r,
	        .iss = xstrdup(iss),
	        .sub = xstrdup(sub),
	        .name = xstrdup(name != NULL && *name != '\0' ? name : sub),
	        .org = xstrdup(org != NULL ? org : ""),
	        .expires = json_integer_value(json_object_get(p, "exp"))};
	return NULL;
}

static const struct err *verify_parts(const struct parts *parts, const struct issuer *i, const char *token,
        size_t n, int64_t now_s, struct principal *out)
{
	const struct err *e = check_header(parts->header, i);

	if (e == NULL)
		e = check_signature(token, n, i);
	if (e == NULL)
		e = check_claims(parts->payload, i, now_s, out);
	return e;
}

const struct err *token_verify_issuer(
        const struct issuer *i, const char *token, size_t n, int64_t now_s, struct principal *out)
{
	struct parts parts;
	const struct err *e = take_apart(token, n, &parts);

	if (e != NULL)
		return e;
	e = verify_parts(&parts, i, token, n, now_s, out);
	parts_free(&parts);
	return e;
}

const struct err *token_verify(
        const struct issuers *t, const char *token, size_t n, int64_t now_s, struct principal *out)
{
	struct parts parts;
	const struct err *e = take_apart(token, n, &parts);
	const struct issuer *i = NULL;
	const char *iss;

	if (e != NULL)
		return e;
	iss = text_of(parts.payload, "iss");
	for (size_t k = 0; iss != NULL && i == NULL && k < t->n; k++)
		if (strcmp(t->v[k]->iss, iss) == 0)
			i = t->v[k];
	e = i != NULL ? verify_parts(&parts, i, token, n, now_s, out)
	              : bad("of an issuer that is not known here");
	parts_free(&parts);
	return e;
}

/* Whether the payload may hold an issuer of that form: most tokens are people's, and need not be parsed for it. */
static bool mentions_worker(const char *token, size_t n)
{
	const char *from = memchr(token, '.', n), *to = memrchr(token, '.', n);
	struct buf payload = BUF_INIT;
	bool yes;

	if (from == to || n > TOKEN_MAX)
		return false;
	yes = str_unbase64(&payload, from + 1, (size_t)(to - from - 1), BASE64_URL_NOPAD) &&
		memmem(payload.ptr, payload.len, "\"worker:", strlen("\"worker:")) != NULL;
	buf_free(&payload);
	return yes;
}

bool token_worker_name(const char *token, size_t n, char *name, size_t size)
{
	struct parts parts;
	const char *iss;
	bool ok;

	if (!mentions_worker(token, n))
		return false;
	if (take_apart(token, n, &parts) != NULL)
		return false;
	iss = text_of(parts.payload, "iss");
	ok = iss != NULL && str_starts(iss, "worker:") && is_clean(iss, 255) && strlen(iss + 7) < size;
	if (ok)
		memcpy(name, iss + 7, strlen(iss + 7) + 1);
	parts_free(&parts);
	return ok;
}

/* --- issuing
 * ------------------------------------------------------------------------------------------------------- */

const struct err *token_issue(
        const struct token_claims *c, enum token_alg alg, const void *key, size_t key_len, char **token)
{
	const struct err *e = token_key_check(alg, key, key_len, true);
	json_t *o;
	jwt_t *jwt = NULL;
	char *text, *signed_text = NULL;
	int rc;

	*token = NULL;
	if (e != NULL)
		return e;
	o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s*, s:s*}", "iss", c->iss, "sub", c->sub, "aud",
	        c->aud, "role", role_name(c->role), "iat", (json_int_t)c->iat, "exp", (json_int_t)c->exp,
	        "name", c->name, "org", c->org);
	if (o == NULL)
		return err_new(ERR_INPUT, "a claim is not UTF-8");
	text = js_text(o);
	json_decref(o);
	rc = jwt_new(&jwt);
	if (rc == 0)
		rc = jwt_add_grants_json(jwt, text);
	if (rc == 0)
		rc = jwt_set_alg(jwt, algs[alg].jwt, key, (int)key_len);
	if (rc == 0)
		signed_text = jwt_encode_str(jwt);
	jwt_free(jwt);
	free(text);
	if (signed_text == NULL)
		return err_new(ERR_KEY, "the token could not be signed");
	*token = xstrdup(signed_text);
	sodium_memzero(signed_text, strlen(signed_text));
	free(signed_text);
	return NULL;
}
