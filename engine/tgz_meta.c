#include "tgz_meta.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "mail_head.h"
#include "source.h"
#include "str.h"

#include "banned.h"

void tgz_meta_init(struct tgz_meta *m)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->folder);
	buf_init(&m->words);
}

void tgz_meta_free(struct tgz_meta *m)
{
	buf_free(&m->folder);
	buf_free(&m->words);
}

/* Flag.java; "u" is unread. */
static uint32_t flags_of(const char *letters)
{
	static const struct {
		char c;
		uint32_t flag;
	} rows[] = {{'r', SOURCE_ANSWERED}, {'f', SOURCE_FLAGGED}, {'d', SOURCE_DRAFT}, {'x', SOURCE_DELETED},
		{'w', SOURCE_FORWARDED}, {'n', SOURCE_MDNSENT}};
	uint32_t flags = strchr(letters, 'u') == NULL ? SOURCE_SEEN : 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strchr(letters, rows[i].c) != NULL)
			flags |= rows[i].flag;
	return flags;
}

/* "urgent:client\:A" */
static void take_tags(struct buf *words, const char *s)
{
	struct buf one = BUF_INIT;

	for (;; s++) {
		if (*s == '\0' || *s == ':') {
			if (one.len > 0)
				mail_word_add(words, one.ptr, one.len);
			buf_reset(&one);
			if (*s == '\0')
				break;
			continue;
		}
		if (*s == '\\' && s[1] != '\0')
			s++;
		buf_addc(&one, *s);
	}
	buf_free(&one);
}

static void take_path(struct buf *out, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n > 0) {
			if (out->len > 0)
				buf_addc(out, '/');
			source_level(out, path, n);
		}
		path += n + (path[n] == '/');
	}
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

/* Base64 with "," for "/". */
static void take_digest(struct tgz_meta *m, const char *s)
{
	struct buf in = BUF_INIT, out = BUF_INIT;

	buf_adds(&in, s);
	for (size_t i = 0; i < in.len; i++)
		if (in.ptr[i] == ',')
			in.ptr[i] = '/';
	if (str_unbase64(&out, in.ptr, in.len, BASE64) && (out.len == 20 || out.len == 32)) {
		memcpy(m->digest, out.ptr, out.len);
		m->digest_size = (unsigned)out.len;
	}
	buf_free(&in);
	buf_free(&out);
}

/* The folder's default view in "d…2:vti5e…e": mail, conversations or none said. */
static bool is_for_mail(const char *metadata)
{
	const char *vt = strstr(metadata, "2:vti");
	long v = vt != NULL ? strtol(vt + 5, NULL, 10) : 0;

	return v == 0 || v == 4 || v == TGZ_MESSAGE || v == -1;
}

bool tgz_meta_parse(struct tgz_meta *m, const char *json, size_t n)
{
	json_t *o = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);
	bool ok = json_is_object(o) && json_is_integer(json_object_get(o, "type"));

	buf_reset(&m->folder);
	buf_reset(&m->words);
	m->digest_size = 0;
	if (ok) {
		m->type = (int)json_integer_value(json_object_get(o, "type"));
		m->date = json_integer_value(json_object_get(o, "date"));
		m->size = json_is_integer(json_object_get(o, "size")) ? json_integer_value(json_object_get(o, "size")) : -1;
		m->flags = flags_of(text(o, "FlagStr"));
		m->mail = is_for_mail(text(o, "metadata"));
		take_path(&m->folder, text(o, "Path"));
		take_tags(&m->words, text(o, "TagNames"));
		take_digest(m, text(o, "blob_digest"));
	}
	json_decref(o);
	return ok;
}
