#include "certificate.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canonical.h"
#include "json.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define FORMAT "desk-migration certificate"
#define FORM 1
#define PREFIX "desk-migration certificate 1\n"

static const char canonical_text[] =
        "RFC 8785. A section's hash is SHA-256 of its canonical form. The signature is over the line \"desk-migration "
        "certificate 1\", a line feed and the canonical form of the statement.";

/* --- keys --- */

const struct err *certificate_key_parse(const char *text, unsigned char key[CERTIFICATE_KEY])
{
	struct buf raw = BUF_INIT;
	size_t n = strlen(text);
	const struct err *e = NULL;

	if ((!str_unbase64(&raw, text, n, BASE64_URL) && !str_unbase64(&raw, text, n, BASE64_URL_NOPAD)) ||
	        raw.len != CERTIFICATE_KEY)
		e = err_new(ERR_KEY, "not a key of %d bytes in URL-safe base64", CERTIFICATE_KEY);
	else
		memcpy(key, raw.ptr, CERTIFICATE_KEY);
	buf_wipe(&raw);
	return e;
}

void certificate_key_text(const unsigned char key[CERTIFICATE_KEY], struct buf *out)
{
	str_base64(out, key, CERTIFICATE_KEY, BASE64_URL);
}

void certificate_public_of(const unsigned char seed[CERTIFICATE_KEY], unsigned char public[CERTIFICATE_KEY])
{
	unsigned char secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(public, secret, seed);
	sodium_memzero(secret, sizeof(secret));
}

/* --- making --- */

static const struct err *signed_bytes(const json_t *statement, struct buf *out)
{
	buf_adds(out, PREFIX);
	return canonical_write(out, statement);
}

static const struct err *hash_sections(const json_t *sections, json_t *hashes)
{
	const struct err *e = NULL;
	const char *name;
	json_t *section;
	char hex[65];

	json_object_foreach((json_t *)(uintptr_t)sections, name, section) {
		if ((e = canonical_sha256(section, hex)) != NULL)
			return err_wrap(e, "%s", name);
		json_object_set_new(hashes, name, json_string(hex));
	}
	return NULL;
}

static const struct err *sign(const json_t *statement, const unsigned char seed[CERTIFICATE_KEY], json_t **out)
{
	unsigned char public[CERTIFICATE_KEY], secret[crypto_sign_SECRETKEYBYTES], value[crypto_sign_BYTES];
	struct buf text = BUF_INIT, key = BUF_INIT, b64 = BUF_INIT;
	const struct err *e = signed_bytes(statement, &text);

	if (e == NULL) {
		crypto_sign_seed_keypair(public, secret, seed);
		crypto_sign_detached(value, NULL, (const unsigned char *)text.ptr, text.len, secret);
		sodium_memzero(secret, sizeof(secret));
		certificate_key_text(public, &key);
		str_base64(&b64, value, sizeof(value), BASE64_URL);
		*out = json_pack("{s:s, s:s, s:s}", "algorithm", "Ed25519", "public_key", key.ptr, "value", b64.ptr);
	}
	buf_free(&text);
	buf_free(&key);
	buf_free(&b64);
	return e;
}

const struct err *certificate_make(const json_t *facts, const unsigned char seed[CERTIFICATE_KEY], struct buf *out)
{
	json_t *sections = json_object_get(facts, "sections"), *statement, *hashes, *signature = NULL, *doc = NULL;
	const struct err *e;

	if (!json_is_object(sections) || !json_is_object(json_object_get(facts, "statement")))
		return err_new(ERR_INPUT, "facts without a statement or sections");
	statement = json_copy(json_object_get(facts, "statement"));
	hashes = json_object();
	json_object_set_new(statement, "sections", hashes);
	e = hash_sections(sections, hashes);
	if (e == NULL)
		e = sign(statement, seed, &signature);
	if (e == NULL) {
		doc = json_pack("{s:s, s:i, s:s, s:O, s:O, s:o}", "format", FORMAT, "version", FORM, "canonical",
		        canonical_text, "statement", statement, "sections", sections, "signature", signature);
		e = canonical_write(out, doc);
	}
	if (e == NULL)
		buf_addc(out, '\n');
	json_decref(doc);
	json_decref(statement);
	return e;
}

/* --- checking --- */

void certificate_check_free(struct certificate_check *c)
{
	for (size_t i = 0; i < c->n_faults; i++)
		free(c->faults[i].what);
	free(c->faults);
	json_decref(c->doc);
	memset(c, 0, sizeof(*c));
}

static void fault(struct certificate_check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct certificate_check *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	c->faults = xreallocarray(c->faults, c->n_faults + 1, sizeof(*c->faults));
	c->faults[c->n_faults++] = (struct certificate_fault){.what = buf_detach(&b)};
}

/* Nothing beside what is known: an addition would look as if it were signed. */
static void check_members(struct certificate_check *c, const json_t *obj, const char *where, const char *const *known)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)obj, name, v) {
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], name) != 0)
			i++;
		if (known[i] == NULL)
			fault(c, "%s%s: was added, it is not signed", where, name);
	}
}

static void check_form(struct certificate_check *c)
{
	const char *format = json_string_value(json_object_get(c->doc, "format"));
	const char *canonical = json_string_value(json_object_get(c->doc, "canonical"));
	const json_t *version = json_object_get(c->doc, "version");

	if (format == NULL || strcmp(format, FORMAT) != 0)
		fault(c, "format: is not \"%s\"", FORMAT);
	if (!json_is_integer(version) || json_integer_value(version) != FORM)
		fault(c, "version: is not %d, which this program knows", FORM);
	if (canonical == NULL || strcmp(canonical, canonical_text) != 0)
		fault(c, "canonical: is not what version %d says", FORM);
	check_members(c, c->doc, "",
	        (const char *const[]){"format", "version", "canonical", "statement", "sections", "signature", NULL});
}

static void check_sections(struct certificate_check *c)
{
	const json_t *sections = json_object_get(c->doc, "sections");
	const json_t *hashes = json_object_get(json_object_get(c->doc, "statement"), "sections");
	const char *name, *said;
	json_t *v;
	char hex[65];

	if (!json_is_object(sections) || !json_is_object(hashes)) {
		fault(c, "%s: is missing", json_is_object(sections) ? "statement/sections" : "sections");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)sections, name, v) {
		said = json_string_value(json_object_get(hashes, name));
		if (said == NULL)
			fault(c, "%s: was added, the statement does not name it", name);
		else if (canonical_sha256(v, hex) != NULL || strcmp(hex, said) != 0)
			fault(c, "%s: changed since it was signed", name);
	}
	json_object_foreach((json_t *)(uintptr_t)hashes, name, v)
		if (json_object_get(sections, name) == NULL)
			fault(c, "%s: was removed", name);
}

static void check_signer(struct certificate_check *c, const json_t *sig, unsigned char key[CERTIFICATE_KEY],
        const unsigned char (*keys)[CERTIFICATE_KEY], size_t n_keys, bool *usable)
{
	const char *algorithm = json_string_value(json_object_get(sig, "algorithm"));
	const char *text = json_string_value(json_object_get(sig, "public_key"));
	bool known = false;

	*usable = false;
	if (algorithm == NULL || strcmp(algorithm, "Ed25519") != 0)
		fault(c, "signature/algorithm: is not Ed25519");
	if (text == NULL || certificate_key_parse(text, key) != NULL) {
		fault(c, "signature/public_key: is not a key");
		return;
	}
	snprintf(c->signer, sizeof(c->signer), "%s", text);
	for (size_t i = 0; i < n_keys; i++)
		known = known || sodium_memcmp(keys[i], key, CERTIFICATE_KEY) == 0;
	if (!known)
		fault(c, "signature/public_key: it was signed with another key than yours");
	*usable = true;
}

static void check_signature(
        struct certificate_check *c, const unsigned char (*keys)[CERTIFICATE_KEY], size_t n_keys)
{
	const json_t *sig = json_object_get(c->doc, "signature"), *statement = json_object_get(c->doc, "statement");
	const char *value = json_string_value(json_object_get(sig, "value"));
	unsigned char key[CERTIFICATE_KEY];
	struct buf raw = BUF_INIT, text = BUF_INIT;
	bool usable;

	if (!json_is_object(sig) || !json_is_object(statement)) {
		fault(c, "%s: is missing", json_is_object(sig) ? "statement" : "signature");
		return;
	}
	check_members(c, sig, "signature/", (const char *const[]){"algorithm", "public_key", "value", NULL});
	check_signer(c, sig, key, keys, n_keys, &usable);
	if (value == NULL || !str_unbase64(&raw, value, strlen(value), BASE64_URL) || raw.len != crypto_sign_BYTES)
		fault(c, "signature/value: is not a signature");
	else if (usable &&
	         (signed_bytes(statement, &text) != NULL ||
	                 crypto_sign_verify_detached((const unsigned char *)raw.ptr,
	                         (const unsigned char *)text.ptr, text.len, key) != 0))
		fault(c, "statement: the signature is not of it: one of them was changed");
	buf_free(&raw);
	buf_free(&text);
}

void certificate_check(const char *text, size_t len, const unsigned char (*keys)[CERTIFICATE_KEY], size_t n_keys,
        struct certificate_check *out)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	const struct err *e;

	memset(out, 0, sizeof(*out));
	crypto_hash_sha256(hash, (const unsigned char *)text, len);
	sodium_bin2hex(out->sha256, sizeof(out->sha256), hash, sizeof(hash));
	e = js_parse(&out->doc, text, len);
	if (e != NULL || !json_is_object(out->doc)) {
		fault(out, "the file is not a certificate: %s", e != NULL ? e->msg : "no object");
		return;
	}
	check_form(out);
	check_sections(out);
	check_signature(out, keys, n_keys);
}
