#include "tus.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

static const struct err *take_pair(json_t *out, const char *p, size_t n)
{
	const char *space = memchr(p, ' ', n);
	size_t key = space != NULL ? (size_t)(space - p) : n;
	struct buf value = BUF_INIT;
	const struct err *e = NULL;
	char *name;

	if (key == 0)
		return err_new(ERR_INPUT, "Upload-Metadata: a key is missing");
	if (space != NULL && n > key + 1 && !str_unbase64(&value, space + 1, n - key - 1, BASE64))
		e = err_new(ERR_INPUT, "Upload-Metadata: %.*s is not base64", (int)(key < 60 ? key : 60), p);
	name = xasprintf("%.*s", (int)key, p);
	if (e == NULL && json_object_get(out, name) != NULL)
		e = err_new(ERR_INPUT, "Upload-Metadata: %.60s stands there twice", name);
	/* bytes that are no text are kept as nothing: they are for show only */
	if (e == NULL)
		json_object_set_new(out, name,
			value.len > 0 && str_utf8(value.ptr, value.len) && memchr(value.ptr, '\0', value.len) == NULL
				? json_stringn(value.ptr, value.len)
				: json_string(""));
	free(name);
	buf_free(&value);
	return e;
}

const struct err *tus_metadata(const char *header, json_t **out)
{
	const struct err *e = NULL;

	*out = json_object();
	while (header != NULL && *header != '\0' && e == NULL) {
		size_t n = strcspn(header, ","), lead = strspn(header, " "), end = n;

		while (end > lead && header[end - 1] == ' ')
			end--;
		e = take_pair(*out, header + (lead < end ? lead : end), end > lead ? end - lead : 0);
		header += n + (header[n] == ',');
	}
	if (e != NULL) {
		json_decref(*out);
		*out = NULL;
	}
	return e;
}

char *tus_name(const json_t *metadata)
{
	const char *s = json_string_value(json_object_get(metadata, "filename")), *p;
	char *name, *to;

	if (s == NULL || *s == '\0')
		s = json_string_value(json_object_get(metadata, "name"));
	if (s == NULL)
		s = "";
	for (p = s; *p != '\0'; p++) /* some browsers send the whole path */
		if (*p == '/' || *p == '\\')
			s = p + 1;
	name = to = xstrdup(s);
	for (p = name; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x20 && *p != 0x7f)
			*to++ = *p;
	if (to - name > TUS_NAME_MAX)
		to = name + TUS_NAME_MAX;
	while (to > name && ((unsigned char)*to & 0xc0) == 0x80) /* not in the middle of a character */
		to--;
	*to = '\0';
	if (*name == '\0') {
		free(name);
		name = xstrdup("upload");
	}
	return name;
}

struct tus_sum {
	EVP_MD_CTX *ctx;
	struct buf want;
};

const struct err *tus_sum_new(struct tus_sum **out, const char *header)
{
	static const char *const known[] = {"sha1", "sha256", "sha512", "md5"};
	size_t n = header != NULL ? strcspn(header, " ") : 0;
	const EVP_MD *md = NULL;
	struct tus_sum *s;

	*out = NULL;
	if (header == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == n && strncmp(header, known[i], n) == 0)
			md = EVP_get_digestbyname(known[i]);
	if (md == NULL)
		return err_new(ERR_INPUT, "Upload-Checksum: one of " TUS_CHECKSUMS " is expected");
	s = xcalloc(1, sizeof(*s));
	header += n + strspn(header + n, " ");
	if (!str_unbase64(&s->want, header, strlen(header), BASE64) || s->want.len != (size_t)EVP_MD_get_size(md)) {
		tus_sum_free(s);
		return err_new(ERR_INPUT, "Upload-Checksum: the sum is not base64 of %d bytes", EVP_MD_get_size(md));
	}
	s->ctx = EVP_MD_CTX_new();
	if (s->ctx == NULL || EVP_DigestInit_ex(s->ctx, md, NULL) != 1) {
		tus_sum_free(s);
		return err_new(ERR_INTERNAL, "the checksum cannot be computed");
	}
	*out = s;
	return NULL;
}

void tus_sum_feed(struct tus_sum *s, const void *p, size_t n)
{
	if (s != NULL)
		EVP_DigestUpdate(s->ctx, p, n);
}

bool tus_sum_fits(struct tus_sum *s)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return s == NULL || (EVP_DigestFinal_ex(s->ctx, digest, &n) == 1 && n == s->want.len &&
				    memcmp(digest, s->want.ptr, n) == 0);
}

void tus_sum_free(struct tus_sum *s)
{
	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->ctx);
	buf_free(&s->want);
	free(s);
}
