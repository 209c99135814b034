/* OpenSSL's older interface: its context is plain data, and it is as fast (SHA instructions) as the newer one, whose
 * context can neither be written down nor taken up. */
#define OPENSSL_API_COMPAT 0x10100000L
#include "upload_hash.h"

#include <openssl/sha.h>
#include <string.h>

#include "str.h"

#include "banned.h"

static void load(const struct upload_hash *s, SHA256_CTX *c)
{
	SHA256_Init(c);
	memcpy(c->h, s->h, sizeof(s->h));
	c->Nl = (SHA_LONG)(s->length << 3);
	c->Nh = (SHA_LONG)(s->length >> 29);
	c->num = (unsigned)(s->length % 64);
	memcpy(c->data, s->rest, c->num);
}

static void save(struct upload_hash *s, const SHA256_CTX *c)
{
	memcpy(s->h, c->h, sizeof(s->h));
	memcpy(s->rest, c->data, c->num);
}

void upload_hash_init(struct upload_hash *s)
{
	SHA256_CTX c;

	memset(s, 0, sizeof(*s));
	SHA256_Init(&c);
	save(s, &c);
}

void upload_hash_feed(struct upload_hash *s, const void *p, size_t n)
{
	SHA256_CTX c;

	load(s, &c);
	SHA256_Update(&c, p, n);
	s->length += n;
	save(s, &c);
}

void upload_hash_hex(const struct upload_hash *s, struct buf *out)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX c;

	load(s, &c);
	SHA256_Final(digest, &c);
	str_hex(out, digest, sizeof(digest));
}

void upload_hash_write(const struct upload_hash *s, struct buf *out)
{
	size_t n = (size_t)(s->length % 64);

	buf_addf(out, "%llu ", (unsigned long long)s->length);
	for (int i = 0; i < 8; i++)
		buf_addf(out, "%08x", s->h[i]);
	buf_adds(out, n > 0 ? " " : " -");
	str_hex(out, s->rest, n);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const char *s, unsigned char *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int hi = digit(s[2 * i]), lo = hi < 0 ? -1 : digit(s[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

bool upload_hash_parse(struct upload_hash *s, const char *text)
{
	size_t n = strspn(text, "0123456789"), rest;
	unsigned char h[32];
	char number[24];
	int64_t length;

	memset(s, 0, sizeof(*s));
	if (n == 0 || n >= sizeof(number) || text[n] != ' ')
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	if (!str_i64(number, 0, INT64_MAX / 8, &length))
		return false;
	text += n + 1;
	if (strlen(text) < 66 || text[64] != ' ' || !unhex(text, h, sizeof(h)))
		return false;
	for (int i = 0; i < 8; i++)
		s->h[i] = (uint32_t)h[4 * i] << 24 | (uint32_t)h[4 * i + 1] << 16 | (uint32_t)h[4 * i + 2] << 8 | h[4 * i + 3];
	text += 65;
	s->length = (uint64_t)length;
	rest = (size_t)(length % 64);
	if (rest == 0)
		return strcmp(text, "-") == 0;
	return strlen(text) == 2 * rest && unhex(text, s->rest, rest);
}
