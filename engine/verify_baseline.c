/* {"folders":[{"folder":"INBOX","uidvalidity":1,"uidnext":5}]}: what a pass event said, or a file of that form. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "mem.h"
#include "verify.h"

#include "banned.h"

enum { FILE_MAX = 256 << 20 };

struct row {
	char *folder;
	uint32_t uidvalidity, uidnext;
	bool seen;
};

struct baseline {
	struct row *row;
	size_t n;
};

static int by_folder(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->folder, ((const struct row *)b)->folder);
}

static const struct err *read_row(struct row *out, const json_t *o, size_t i, const char *path)
{
	const char *folder = json_string_value(json_object_get(o, "folder"));
	const json_t *validity = json_object_get(o, "uidvalidity"), *next = json_object_get(o, "uidnext");
	json_int_t v = json_integer_value(validity), n = json_integer_value(next);

	if (folder == NULL)
		return err_new(ERR_INPUT, "%s: /folders/%zu/folder: a name is missing", path, i);
	if (!json_is_integer(validity) || v < 0 || v > UINT32_MAX)
		return err_new(ERR_INPUT, "%s: /folders/%zu/uidvalidity: a number up to 4294967295 is needed", path, i);
	if (!json_is_integer(next) || n < 0 || n > UINT32_MAX)
		return err_new(ERR_INPUT, "%s: /folders/%zu/uidnext: a number up to 4294967295 is needed", path, i);
	*out = (struct row){.folder = xstrdup(folder), .uidvalidity = (uint32_t)v, .uidnext = (uint32_t)n};
	return NULL;
}

const struct err *baseline_read(struct baseline **out, const char *path)
{
	struct baseline *b = xcalloc(1, sizeof(*b));
	struct buf text = BUF_INIT;
	const struct err *e;
	json_error_t je;
	json_t *doc = NULL, *rows;

	e = fs_read(path, FILE_MAX, &text);
	if (e != NULL)
		goto done;
	doc = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	if (doc == NULL) {
		e = err_new(ERR_JSON, "%s, line %d: %s", path, je.line, je.text);
		goto done;
	}
	rows = json_object_get(doc, "folders");
	if (!json_is_array(rows)) {
		e = err_new(ERR_INPUT, "%s: /folders: an array is needed", path);
		goto done;
	}
	b->row = xcalloc(json_array_size(rows), sizeof(*b->row));
	for (; b->n < json_array_size(rows); b->n++) {
		e = read_row(&b->row[b->n], json_array_get(rows, b->n), b->n, path);
		if (e != NULL)
			goto done;
	}
	if (b->n > 1)
		qsort(b->row, b->n, sizeof(*b->row), by_folder);
	for (size_t i = 1; i < b->n; i++)
		if (strcmp(b->row[i - 1].folder, b->row[i].folder) == 0)
			e = err_new(ERR_INPUT, "%s: folder \"%s\" stands there twice", path, b->row[i].folder);
done:
	json_decref(doc);
	buf_free(&text);
	if (e != NULL)
		baseline_free(b);
	else
		*out = b;
	return e;
}

void baseline_free(struct baseline *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		free(b->row[i].folder);
	free(b->row);
	free(b);
}

bool baseline_find(struct baseline *b, const char *folder, uint32_t *uidvalidity, uint32_t *uidnext)
{
	struct row key = {.folder = (char *)(uintptr_t)folder}, *r;

	r = b->n > 0 ? bsearch(&key, b->row, b->n, sizeof(key), by_folder) : NULL;
	if (r == NULL)
		return false;
	r->seen = true;
	*uidvalidity = r->uidvalidity;
	*uidnext = r->uidnext;
	return true;
}

const char *baseline_unseen(const struct baseline *b, size_t *at)
{
	while (*at < b->n) {
		const struct row *r = &b->row[(*at)++];

		if (!r->seen)
			return r->folder;
	}
	return NULL;
}
