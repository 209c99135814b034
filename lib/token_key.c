#include "token_key.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "banned.h"

#define HS256_MIN 32
#define RSA_MIN 2048

static bool looks_like_pem(const void *key, size_t n)
{
	static const char mark[] = "-----BEGIN";

	return n >= sizeof(mark) - 1 && memmem(key, n, mark, sizeof(mark) - 1) != NULL;
}

static const struct err *check_secret(const void *key, size_t n)
{
	if (n == 0)
		return err_new(ERR_KEY, "HS256: the key is empty");
	if (looks_like_pem(key, n))
		return err_new(ERR_KEY, "HS256: the key is a PEM: a public key is no secret");
	if (n < HS256_MIN)
		return err_new(ERR_KEY, "HS256: the key has %zu bytes, at least %d are needed", n, HS256_MIN);
	return NULL;
}

static const struct err *check_pkey(enum token_alg alg, EVP_PKEY *k)
{
	char group[64] = "";
	size_t len = 0;

	if (alg == TOKEN_RS256) {
		if (EVP_PKEY_get_base_id(k) != EVP_PKEY_RSA)
			return err_new(ERR_KEY, "RS256: not an RSA key");
		if (EVP_PKEY_get_bits(k) < RSA_MIN)
			return err_new(ERR_KEY, "RS256: the key has %d bits, at least %d are needed",
			        EVP_PKEY_get_bits(k), RSA_MIN);
		return NULL;
	}
	if (EVP_PKEY_get_base_id(k) != EVP_PKEY_EC ||
	        EVP_PKEY_get_group_name(k, group, sizeof(group), &len) != 1 ||
	        strcmp(group, "prime256v1") != 0)
		return err_new(ERR_KEY, "ES256: not an EC key on the curve P-256");
	return NULL;
}

const struct err *token_key_check(enum token_alg alg, const void *key, size_t key_len, bool private_key)
{
	const struct err *e;
	EVP_PKEY *k;
	BIO *bio;

	if (alg == TOKEN_HS256)
		return check_secret(key, key_len);
	if (key_len == 0 || key_len > 64 * 1024)
		return err_new(ERR_KEY, "the key is %s", key_len == 0 ? "empty" : "too long");
	bio = BIO_new_mem_buf(key, (int)key_len);
	k = private_key ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "")
	                : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (k == NULL) {
		ERR_clear_error();
		return err_new(ERR_KEY, "not a %s key in PEM form", private_key ? "private" : "public");
	}
	e = check_pkey(alg, k);
	EVP_PKEY_free(k);
	return e;
}
