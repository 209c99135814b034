#include "unseal.h"

#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "mem.h"
#include "seal.h"
#include "str.h"

#include "banned.h"

#define SEALED_MAX 65536

struct pair {
	unsigned char pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	char id[SEAL_KEY_ID_SIZE];
};

struct keyring {
	struct pair *pairs; /* sodium_allocarray: locked, wiped when freed */
	size_t n;
};

static bool decode_key(const char *text, struct buf *raw)
{
	size_t n = strlen(text);

	return str_unbase64(raw, text, n, BASE64_URL) || str_unbase64(raw, text, n, BASE64_URL_NOPAD);
}

static const struct err *make_pair(struct pair *p, const char *text, size_t number)
{
	struct buf raw = BUF_INIT;
	const struct err *e = NULL;

	if (!decode_key(text, &raw) || raw.len != crypto_box_SEEDBYTES)
		e = err_new(ERR_KEY, "MIGRATION_CREDENTIALS_KEY: key %zu is not 32 bytes in URL-safe base64", number);
	else if (crypto_box_seed_keypair(p->pk, p->sk, (const unsigned char *)raw.ptr) != 0)
		e = err_new(ERR_KEY, "MIGRATION_CREDENTIALS_KEY: key %zu gives no key pair", number);
	else
		seal_key_id(p->pk, p->id);
	buf_wipe(&raw);
	return e;
}

const struct err *keyring_new(struct keyring **out, char *const *keys)
{
	struct keyring *k;
	const struct err *e = NULL;
	size_t n = 0;

	while (keys != NULL && keys[n] != NULL)
		n++;
	if (n == 0)
		return err_new(ERR_KEY, "MIGRATION_CREDENTIALS_KEY is not set: migrationctl key generate makes one");
	k = xcalloc(1, sizeof(*k));
	k->n = n;
	k->pairs = sodium_allocarray(n, sizeof(*k->pairs));
	if (k->pairs == NULL)
		e = err_errno("locked memory for %zu keys (see LimitMEMLOCK)", n);
	for (size_t i = 0; i < n && e == NULL; i++)
		e = make_pair(&k->pairs[i], keys[i], i + 1);
	if (e != NULL)
		keyring_free(k);
	else
		*out = k;
	return e;
}

void keyring_free(struct keyring *k)
{
	if (k == NULL)
		return;
	sodium_free(k->pairs);
	free(k);
}

const char *keyring_newest(const struct keyring *k)
{
	return k->pairs[0].id;
}

static bool open_box(const struct keyring *k, const char *key_id, const struct buf *box, unsigned char *plain)
{
	/* the named key first, then any other: an id in a row is a hint, not a proof */
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < k->n; i++)
			if ((strcmp(k->pairs[i].id, key_id) == 0) == named &&
				crypto_box_seal_open(plain, (const unsigned char *)box->ptr, box->len,
					k->pairs[i].pk, k->pairs[i].sk) == 0)
				return true;
	return false;
}

static const struct err *mismatch(const struct account_row *row, const char *field)
{
	return err_new(ERR_CRED_MISMATCH, "the %s's %s is not the one its secret was given for: enter the secret again",
		row->side, field);
}

/* Everything the seal says against everything the row says. */
static const struct err *compare(const json_t *doc, const struct account_row *row)
{
	static const char *const fields[] = {"side", "host", "tls", "user", "auth"};
	const char *want[] = {row->side, row->host, tls_mode_name(row->tls), row->user, auth_kind_name(row->auth)};
	json_t *v = json_object_get(doc, "v");

	if (!json_is_integer(v) || json_integer_value(v) != 1)
		return err_new(ERR_CRED_UNSEAL, "the %s's credential is of a version that this worker does not know",
			row->side);
	v = json_object_get(doc, "mailbox_id");
	if (!json_is_integer(v) || json_integer_value(v) != row->mailbox_id)
		return mismatch(row, "mailbox");
	v = json_object_get(doc, "port");
	if (!json_is_integer(v) || json_integer_value(v) != row->port)
		return mismatch(row, "port");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *have = json_string_value(json_object_get(doc, fields[i]));

		/* host names are compared as DNS does */
		if (have == NULL || !(i == 1 ? str_ieq(have, want[i]) : strcmp(have, want[i]) == 0))
			return mismatch(row, fields[i]);
	}
	/* A pin stands for the authorities' word: one that was not there when the secret was given would let whoever
	 * writes the database send the secret to a server of his own. */
	v = json_object_get(doc, "pin");
	if (row->pin != NULL && !(json_is_string(v) && str_ieq(json_string_value(v), row->pin)))
		return mismatch(row, "certificate fingerprint");
	return NULL;
}

static const struct err *fill(const json_t *doc, const struct account_row *row, struct account *out)
{
	json_t *secret = json_object_get(doc, "secret");

	if (!json_is_string(secret) || json_string_length(secret) == 0)
		return err_new(ERR_CRED_UNSEAL, "the %s's credential holds no secret", row->side);
	out->secret_len = json_string_length(secret);
	out->secret = sodium_malloc(out->secret_len + 1);
	if (out->secret == NULL)
		return err_errno("locked memory for a secret (see LimitMEMLOCK)");
	memcpy(out->secret, json_string_value(secret), out->secret_len + 1);
	out->host = xstrdup(json_string_value(json_object_get(doc, "host")));
	out->user = xstrdup(json_string_value(json_object_get(doc, "user")));
	out->port = row->port;
	out->tls = row->tls;
	out->auth = row->auth;
	return NULL;
}

const struct err *unseal(const struct keyring *k, const char *key_id, const char *sealed,
	const struct account_row *row, struct account *out)
{
	struct buf box = BUF_INIT;
	unsigned char *plain = NULL;
	json_t *doc = NULL, *secret;
	const struct err *e = NULL;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (strlen(sealed) > SEALED_MAX || !str_unbase64(&box, sealed, strlen(sealed), BASE64) ||
		box.len <= crypto_box_SEALBYTES) {
		e = err_new(ERR_CRED_UNSEAL, "the %s's credential is not a sealed box", row->side);
		goto done;
	}
	n = box.len - crypto_box_SEALBYTES;
	plain = sodium_malloc(n);
	if (plain == NULL) {
		e = err_errno("locked memory for a credential (see LimitMEMLOCK)");
		goto done;
	}
	if (!open_box(k, key_id, &box, plain)) {
		e = err_new(ERR_CRED_UNSEAL, "the %s's credential was sealed for key %s, which this worker does not have",
			row->side, key_id);
		goto done;
	}
	if (js_parse(&doc, (const char *)plain, n) != NULL) {
		/* the parser's words might quote the secret */
		e = err_new(ERR_CRED_UNSEAL, "the %s's credential holds no JSON document", row->side);
		goto done;
	}
	e = compare(doc, row);
	if (e == NULL)
		e = fill(doc, row, out);
	/* jansson's copy: its string is ours to overwrite while nobody else holds the document */
	secret = json_object_get(doc, "secret");
	if (json_is_string(secret))
		sodium_memzero((char *)(uintptr_t)json_string_value(secret), json_string_length(secret));
done:
	if (e != NULL)
		account_wipe(out);
	json_decref(doc);
	sodium_free(plain);
	buf_wipe(&box);
	return e;
}

void account_wipe(struct account *a)
{
	free(a->host);
	free(a->user);
	sodium_free(a->secret);
	memset(a, 0, sizeof(*a));
}
