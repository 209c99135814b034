#include "only.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "mem.h"

#include "banned.h"

enum { FILE_MAX = 16 << 20 };

struct row {
	char *folder;
	uint32_t uidvalidity;
	struct uidset uids;
	bool seen;
};

struct only {
	struct row *row;
	size_t n;
};

static const struct err *read_row(struct row *r, const json_t *o, size_t i, const char *path)
{
	const char *folder = json_string_value(json_object_get(o, "folder"));
	const char *uids = json_string_value(json_object_get(o, "uids"));
	const json_t *validity = json_object_get(o, "uidvalidity");
	json_int_t v = json_integer_value(validity);

	if (folder == NULL)
		return err_new(ERR_INPUT, "%s: /folders/%zu/folder: a name is missing", path, i);
	if (validity != NULL && (!json_is_integer(validity) || v < 0 || v > UINT32_MAX))
		return err_new(ERR_INPUT, "%s: /folders/%zu/uidvalidity: a number up to 4294967295 is needed", path, i);
	if (uids == NULL || !uidset_parse(&r->uids, uids, strlen(uids)) || r->uids.n == 0)
		return err_new(ERR_INPUT, "%s: /folders/%zu/uids: UIDs as 4,9:12 are needed", path, i);
	r->folder = xstrdup(folder);
	r->uidvalidity = (uint32_t)v;
	return NULL;
}

const struct err *only_read(struct only **out, const char *path)
{
	struct only *o = xcalloc(1, sizeof(*o));
	struct buf text = BUF_INIT;
	json_t *doc = NULL, *rows = NULL;
	json_error_t je;
	const struct err *e = fs_read(path, FILE_MAX, &text);

	*out = NULL;
	if (e == NULL && (doc = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &je)) == NULL)
		e = err_new(ERR_JSON, "%s, line %d: %s", path, je.line, je.text);
	rows = json_object_get(doc, "folders");
	if (e == NULL && json_array_size(rows) == 0)
		e = err_new(ERR_INPUT, "%s: /folders: a list of folders with their messages is needed", path);
	o->row = xcalloc(json_array_size(rows) + 1, sizeof(*o->row));
	for (size_t i = 0; e == NULL && i < json_array_size(rows); i++)
		e = read_row(&o->row[o->n++], json_array_get(rows, i), i, path);
	json_decref(doc);
	buf_free(&text);
	if (e != NULL)
		only_free(o);
	else
		*out = o;
	return e;
}

void only_free(struct only *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->n; i++) {
		free(o->row[i].folder);
		uidset_free(&o->row[i].uids);
	}
	free(o->row);
	free(o);
}

bool only_find(struct only *o, const char *folder, uint32_t *uidvalidity, struct uidset *uids)
{
	bool found = false;

	*uidvalidity = 0;
	for (size_t i = 0; i < o->n; i++) {
		struct row *r = &o->row[i];

		if (strcmp(r->folder, folder) != 0)
			continue;
		r->seen = found = true;
		if (r->uidvalidity != 0)
			*uidvalidity = r->uidvalidity;
		uidset_add_set(uids, &r->uids);
	}
	return found;
}

const char *only_unseen(const struct only *o, size_t *at)
{
	while (*at < o->n) {
		const struct row *r = &o->row[(*at)++];

		if (!r->seen)
			return r->folder;
	}
	return NULL;
}
