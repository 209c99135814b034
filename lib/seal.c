#include "seal.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

void seal_key_id(const unsigned char pk[SEAL_KEY_SIZE], char id[SEAL_KEY_ID_SIZE])
{
	unsigned char h[32];
	char hex[65];

	crypto_generichash(h, sizeof(h), pk, SEAL_KEY_SIZE, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), h, sizeof(h));
	memcpy(id, hex, SEAL_KEY_ID_SIZE - 1);
	id[SEAL_KEY_ID_SIZE - 1] = '\0';
}

const struct err *seal_key_parse(struct seal_key *out, const char *text)
{
	static const unsigned char one[SEAL_KEY_SIZE] = {1};
	unsigned char product[SEAL_KEY_SIZE];
	struct buf b = BUF_INIT;
	const struct err *e = NULL;
	size_t n = strlen(text);

	if (!str_unbase64(&b, text, n, BASE64_URL) && !str_unbase64(&b, text, n, BASE64_URL_NOPAD))
		e = err_new(ERR_KEY, "public key: not URL-safe base64");
	else if (b.len != SEAL_KEY_SIZE)
		e = err_new(ERR_KEY, "public key: %zu bytes, must be %d", b.len, SEAL_KEY_SIZE);
	/* X25519 with a point of low order gives zero for every secret: what is sealed to it anyone opens. */
	else if (crypto_scalarmult(product, one, (const unsigned char *)b.ptr) != 0)
		e = err_new(ERR_KEY, "public key: a point of low order");
	if (e == NULL) {
		memcpy(out->pk, b.ptr, SEAL_KEY_SIZE);
		seal_key_id(out->pk, out->id);
	}
	buf_free(&b);
	return e;
}

/* Written by hand: jansson would leave copies of the secret in freed memory. */
static void add_text(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, ",\"%s\":\"", key);
	for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_addf(b, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			buf_addf(b, "\\u%04x", *p);
		else
			buf_addc(b, (char)*p);
	}
	buf_addc(b, '"');
}

static void plain(struct buf *b, const struct seal_doc *doc)
{
	/* room for everything at once: a buffer that grows would leave pieces behind */
	buf_reserve(b,
	        512 + (doc->pin != NULL ? 6 * strlen(doc->pin) : 0) + strlen(doc->host) + strlen(doc->side) + 6 * (strlen(doc->user) + strlen(doc->secret)));
	buf_addf(b, "{\"v\":1,\"mailbox_id\":%lld", (long long)doc->mailbox_id);
	add_text(b, "side", doc->side);
	add_text(b, "host", doc->host);
	buf_addf(b, ",\"port\":%lld", (long long)doc->port);
	add_text(b, "tls", tls_mode_name(doc->tls));
	add_text(b, "user", doc->user);
	add_text(b, "auth", auth_kind_name(doc->auth));
	add_text(b, "secret", doc->secret);
	if (doc->pin != NULL)
		add_text(b, "pin", doc->pin);
	buf_addc(b, '}');
}

const struct err *seal_document(const struct seal_key *key, const struct seal_doc *doc, char **sealed)
{
	struct buf b = BUF_INIT, c = BUF_INIT, text = BUF_INIT;
	const struct err *e = NULL;

	*sealed = NULL;
	if (sodium_init() < 0)
		return err_new(ERR_INTERNAL, "libsodium does not start");
	if (!str_utf8(doc->user, strlen(doc->user)) || !str_utf8(doc->secret, strlen(doc->secret)))
		return err_new(ERR_INPUT, "user and secret must be UTF-8");
	plain(&b, doc);
	buf_reserve(&c, b.len + crypto_box_SEALBYTES);
	if (crypto_box_seal((unsigned char *)c.ptr, (const unsigned char *)b.ptr, b.len, key->pk) != 0)
		e = err_new(ERR_KEY, "key %s does not seal", key->id);
	else
		str_base64(&text, c.ptr, b.len + crypto_box_SEALBYTES, BASE64);
	buf_wipe(&b);
	buf_free(&c);
	if (e == NULL)
		*sealed = buf_detach(&text);
	buf_free(&text);
	return e;
}
