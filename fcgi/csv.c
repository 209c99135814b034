#include "csv.h"

#include <string.h>

#include "buf.h"
#include "str.h"

#include "banned.h"

struct csv {
	const char *p, *end;
	char sep;
	long line;
	struct buf cell;
};

/* One cell into c->cell; *last tells that the row ended with it. False: an open quote. */
static bool cell(struct csv *c, bool *last)
{
	bool quoted = false;

	buf_reset(&c->cell);
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t') && *c->p != c->sep)
		c->p++;
	if (c->p < c->end && *c->p == '"') {
		quoted = true;
		c->p++;
	}
	for (;; c->p++) {
		if (c->p == c->end) {
			*last = true;
			return !quoted;
		}
		if (quoted && *c->p == '"') {
			if (c->p + 1 < c->end && c->p[1] == '"') {
				c->p++;
			} else {
				quoted = false;
				continue;
			}
		} else if (!quoted && (*c->p == c->sep || *c->p == '\n' || *c->p == '\r')) {
			break;
		}
		if (*c->p == '\n')
			c->line++;
		buf_addc(&c->cell, *c->p);
	}
	*last = *c->p != c->sep;
	if (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n')
		c->p++;
	if (*last)
		c->line++;
	c->p++;
	return true;
}

static char separator(const char *p, const char *end)
{
	size_t comma = 0, semicolon = 0;

	for (; p < end && *p != '\n'; p++) {
		comma += *p == ',';
		semicolon += *p == ';';
	}
	return semicolon > comma ? ';' : ',';
}

static const struct err *header(struct csv *c, char names[][64], int *n)
{
	bool last = false;

	for (*n = 0; !last; (*n)++) {
		const char *name;

		if (!cell(c, &last) || *n == CSV_COLUMNS)
			return err_new(
				ERR_JSON, "line 1: an open quote, or more than %d columns", CSV_COLUMNS);
		name = str_trim(c->cell.ptr);
		if (strlen(name) >= 64 || *name == '\0')
			return err_new(
				ERR_JSON, "line 1: column %d has no name, or one that is too long", *n + 1);
		memcpy(names[*n], name, strlen(name) + 1);
		str_lower(names[*n]);
		for (int i = 0; i < *n; i++)
			if (strcmp(names[i], names[*n]) == 0)
				return err_new(ERR_JSON, "line 1: the column %s stands there twice", name);
	}
	return NULL;
}

static const struct err *row(struct csv *c, char names[][64], int n, json_t *rows)
{
	json_t *o = json_object();
	long line = c->line;
	bool last = false;

	for (int i = 0; !last; i++) {
		if (!cell(c, &last)) {
			json_decref(o);
			return err_new(
				ERR_JSON, "line %ld: a quote that is opened there is never closed", line);
		}
		if (c->cell.len == 0)
			continue;
		if (i >= n || memchr(c->cell.ptr, '\0', c->cell.len) != NULL) {
			json_decref(o);
			return err_new(ERR_JSON,
				"line %ld: more columns than the first line names, or a NUL byte", line);
		}
		json_object_set_new(o, names[i], json_stringn(c->cell.ptr, c->cell.len));
	}
	if (json_object_size(o) == 0) { /* an empty line */
		json_decref(o);
		return NULL;
	}
	if (json_array_size(rows) == CSV_ROWS) {
		json_decref(o);
		return err_new(ERR_TOO_LARGE, "more than %d rows", CSV_ROWS);
	}
	json_object_set_new(o, "line", json_integer(line));
	json_array_append_new(rows, o);
	return NULL;
}

const struct err *csv_parse(const char *p, size_t n, json_t **rows)
{
	struct csv c = {.p = p, .end = p + n, .line = 1, .cell = BUF_INIT};
	char names[CSV_COLUMNS][64];
	const struct err *e;
	int columns;

	*rows = NULL;
	if (!str_utf8(p, n))
		return err_new(ERR_JSON, "the text is not UTF-8");
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		c.p += 3;
	c.sep = separator(c.p, c.end);
	if (c.p == c.end)
		return err_new(ERR_JSON, "the first line must name the columns");
	*rows = json_array();
	e = header(&c, names, &columns);
	while (e == NULL && c.p < c.end)
		e = row(&c, names, columns, *rows);
	buf_wipe(&c.cell);
	if (e != NULL) {
		json_decref(*rows);
		*rows = NULL;
	}
	return e;
}
