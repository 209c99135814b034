#include "map.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap_utf7.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

/* A folder path with '/' between levels; a '/' inside a level stands as the byte LEVEL_SLASH, which no
 * well-formed UTF-8 holds. Names that cannot be decoded keep their bytes. */
#define LEVEL_SLASH '\xff'

struct rule {
	char *src, *dst;
	bool tree; /* SRC and all below it: both written with a final slash and star */
};

struct entry {
	struct entry *next;
	char *raw; /* source, as on the wire */
	size_t len;
	char *dst;
};

struct role {
	struct role *next;
	char *role, *raw;
};

struct map {
	const struct opts *o;
	struct map_side src, dst;
	char *src_prefix, *dst_prefix;
	struct rule *rules;
	size_t nrules;
	struct entry *entries;
	struct role *roles;
};

char *map_display(const char *raw, size_t len, bool utf8)
{
	struct buf b = BUF_INIT;

	if ((utf8 && str_utf8(raw, len)) || !utf7_decode(&b, raw, len))
		buf_add(&b, raw, len);
	return buf_detach(&b);
}

static bool is_inbox(const char *p, size_t n)
{
	return n == 5 && strncasecmp(p, "INBOX", 5) == 0;
}

/* The wire name as a path: prefix gone, separator '/', decoded. */
static char *path_of(const struct map *m, const struct map_folder *f)
{
	size_t skip = strlen(m->src_prefix), len = f->len;
	const char *p = f->raw;
	struct buf b = BUF_INIT;
	char *s;

	if (is_inbox(p, len))
		return xstrdup("INBOX");
	if (skip > 0 && len > skip && memcmp(p, m->src_prefix, skip) == 0) {
		p += skip;
		len -= skip;
	}
	s = map_display(p, len, m->src.utf8);
	for (char *c = s; *c != '\0'; c++) {
		if (f->sep != '\0' && *c == f->sep)
			buf_addc(&b, '/');
		else
			buf_addc(&b, *c == '/' ? LEVEL_SLASH : *c);
	}
	free(s);
	return buf_detach(&b);
}

/* What the destination calls that path; a level may not hold the separator. */
static char *wire_of(const struct map *m, const char *path)
{
	struct buf text = BUF_INIT, out = BUF_INIT;

	if (is_inbox(path, strlen(path)))
		return xstrdup("INBOX");
	for (const char *c = path; *c != '\0'; c++) {
		char x = *c == LEVEL_SLASH ? '/' : *c;

		if (*c == '/')
			buf_addc(&text, m->dst.sep != '\0' ? m->dst.sep : '_');
		else
			buf_addc(&text, x == m->dst.sep && x != '\0' ? '_' : x);
	}
	buf_adds(&out, m->dst_prefix);
	if (m->dst.utf8 || !utf7_encode(&out, text.ptr, text.len))
		buf_add(&out, text.ptr, text.len);
	buf_free(&text);
	return buf_detach(&out);
}

/* What a person writes for a folder, as a path: '/' or the side's own separator between levels. */
static char *path_from_option(const char *s, size_t n, char sep)
{
	char *p = xstrndup(s, n);

	for (char *c = p; *c != '\0'; c++)
		if (sep != '\0' && *c == sep)
			*c = '/';
	return p;
}

static const struct err *add_rule(struct map *m, const char *text)
{
	const char *eq = strchr(text, '=');
	struct rule *r;
	size_t n;

	if (eq == NULL || eq == text || eq[1] == '\0')
		return err_new(ERR_USAGE, "--map %s: write SRC=DST", text);
	m->rules = xreallocarray(m->rules, m->nrules + 1, sizeof(*m->rules));
	r = &m->rules[m->nrules++];
	r->src = path_from_option(text, (size_t)(eq - text), m->src.sep);
	r->dst = path_from_option(eq + 1, strlen(eq + 1), m->dst.sep);
	r->tree = str_ends(r->src, "/*");
	if (!r->tree)
		return NULL;
	if (!str_ends(r->dst, "/*"))
		return err_new(ERR_USAGE, "--map %s: with SRC/* the other side ends in /* too", text);
	n = strlen(r->src);
	r->src[n - 2] = '\0';
	n = strlen(r->dst);
	r->dst[n - 2] = '\0';
	return NULL;
}

const struct err *map_new(struct map **out, const struct opts *o, const struct map_side *src, const struct map_side *dst)
{
	struct map *m = xcalloc(1, sizeof(*m));
	const struct err *e = NULL;

	m->o = o;
	m->src = *src;
	m->dst = *dst;
	m->src_prefix = xstrdup(src->prefix != NULL ? src->prefix : "");
	m->dst_prefix = xstrdup(dst->prefix != NULL ? dst->prefix : "");
	for (size_t i = 0; i < o->map.n && e == NULL; i++)
		e = add_rule(m, o->map.s[i]);
	if (e != NULL) {
		map_free(m);
		m = NULL;
	}
	*out = m;
	return e;
}

void map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->nrules; i++) {
		free(m->rules[i].src);
		free(m->rules[i].dst);
	}
	free(m->rules);
	while (m->entries != NULL) {
		struct entry *next = m->entries->next;

		free(m->entries->raw);
		free(m->entries->dst);
		free(m->entries);
		m->entries = next;
	}
	while (m->roles != NULL) {
		struct role *next = m->roles->next;

		free(m->roles->role);
		free(m->roles->raw);
		free(m->roles);
		m->roles = next;
	}
	free(m->src_prefix);
	free(m->dst_prefix);
	free(m);
}

void map_add_dest(struct map *m, const struct map_folder *f)
{
	struct role *r;

	if (f->role == NULL)
		return;
	r = xcalloc(1, sizeof(*r));
	r->role = xstrdup(f->role);
	r->raw = xstrndup(f->raw, f->len);
	r->next = m->roles;
	m->roles = r;
}

static bool matches(const struct strlist *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (fnmatch(l->s[i], path, 0) == 0 || str_ieq(l->s[i], path))
			return true;
	return false;
}

bool map_selected(struct map *m, const struct map_folder *f)
{
	char *path = path_of(m, f);
	bool yes = (m->o->include.n == 0 || matches(&m->o->include, path)) && !matches(&m->o->exclude, path);

	free(path);
	return yes;
}

/* NULL: no rule speaks of this path. */
static char *by_rule(const struct map *m, const char *path)
{
	for (size_t i = 0; i < m->nrules; i++) {
		const struct rule *r = &m->rules[i];
		size_t n = strlen(r->src);

		if (strcmp(r->src, path) == 0)
			return wire_of(m, r->dst);
		if (r->tree && strncmp(r->src, path, n) == 0 && path[n] == '/') {
			char *whole = xasprintf("%s%s", r->dst, path + n), *dst = wire_of(m, whole);

			free(whole);
			return dst;
		}
	}
	return NULL;
}

static char *by_role(const struct map *m, const struct map_folder *f)
{
	if (!m->o->automap || f->role == NULL)
		return NULL;
	for (const struct role *r = m->roles; r != NULL; r = r->next)
		if (strcmp(r->role, f->role) == 0)
			return xstrdup(r->raw);
	return NULL;
}

/* Another source folder already goes there? */
static bool taken(const struct map *m, const char *dst)
{
	for (const struct entry *e = m->entries; e != NULL; e = e->next)
		if (strcmp(e->dst, dst) == 0 && !is_inbox(dst, strlen(dst)))
			return true;
	return false;
}

/* "Name", then "Name~2", "Name~3" … until it is free. */
static char *unique(const struct map *m, char *dst)
{
	char *base = dst;

	for (unsigned i = 2; taken(m, dst); i++) {
		if (dst != base)
			free(dst);
		dst = xasprintf("%s~%u", base, i);
	}
	if (dst != base)
		free(base);
	return dst;
}

const char *map_name(struct map *m, const struct map_folder *f)
{
	struct entry *e;
	char *path, *dst;

	for (e = m->entries; e != NULL; e = e->next)
		if (e->len == f->len && memcmp(e->raw, f->raw, f->len) == 0)
			return e->dst;
	path = path_of(m, f);
	dst = is_inbox(path, strlen(path)) ? xstrdup("INBOX") : by_rule(m, path);
	if (dst == NULL)
		dst = by_role(m, f);
	if (dst == NULL) /* what was asked for may merge folders; what follows from a poor name may not */
		dst = unique(m, wire_of(m, path));
	free(path);
	e = xcalloc(1, sizeof(*e));
	e->raw = xstrndup(f->raw, f->len);
	e->len = f->len;
	e->dst = dst;
	e->next = m->entries;
	m->entries = e;
	return e->dst;
}
