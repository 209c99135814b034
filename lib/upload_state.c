#include "upload_state.h"

#include <string.h>

#include "fs.h"
#include "str.h"

#include "banned.h"

#define STATE_MAX 512
#define HASH_WORDS 3

static bool parse(struct upload_state *s, char *text)
{
	char *length = text;
	int64_t n;

	for (int i = 0; i < HASH_WORDS && length != NULL; i++)
		length = strchr(i > 0 ? length + 1 : length, ' ');
	if (length != NULL)
		*length++ = '\0';
	if (!upload_hash_parse(&s->hash, text))
		return false;
	s->length = s->hash.length;
	if (length == NULL)
		return true;
	if (!str_i64(length, 0, INT64_MAX / 8, &n) || (uint64_t)n <= s->hash.length)
		return false;
	s->length = (uint64_t)n;
	return true;
}

void upload_state_read(const char *path, struct upload_state *s)
{
	struct buf text = BUF_INIT;

	if (fs_read(path, STATE_MAX, &text) != NULL || text.len == 0 || !parse(s, str_trim(text.ptr))) {
		s->length = 0;
		upload_hash_init(&s->hash);
	}
	buf_free(&text);
}

const struct err *upload_state_write(const char *path, const struct upload_state *s)
{
	struct buf text = BUF_INIT;
	const struct err *e;

	upload_hash_write(&s->hash, &text);
	if (s->hash.length < s->length)
		buf_addf(&text, " %llu", (unsigned long long)s->length);
	buf_addc(&text, '\n');
	e = fs_write(path, text.ptr, text.len, 0600);
	buf_free(&text);
	return e;
}
