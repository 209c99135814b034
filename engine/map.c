#include "map.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap_utf7.h"
#include "map_text.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

/* A folder path with '/' between levels; a '/' inside a level stands as the byte LEVEL_SLASH, which no
 * well-formed UTF-8 holds. Names that cannot be decoded keep their bytes. */
#define LEVEL_SLASH '\xff'

#define DOUBTFUL_LENGTH 150 /* on the wire; file systems end at 255 a level or, for Maildir++, for all */

struct rule {
	char *src, *dst;
	bool tree; /* SRC and all below it: both written with a final slash and star */
};

struct entry {
	struct entry *next;
	char *raw; /* source, as on the wire */
	size_t len;
	char *path;
	char *dst;
};

struct role {
	struct role *next;
	char *role, *raw;
	size_t len;
	unsigned rank; /* 0: the server says so; else the place of its name in map_text.c */
};

struct map {
	const struct opts *o;
	struct map_side src, dst;
	char *src_prefix, *dst_prefix;
	struct rule *rules;
	size_t nrules;
	struct entry *entries;
	struct role *roles, *src_roles;
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
static char *path_on(const struct map_side *side, const struct map_folder *f)
{
	size_t skip = strlen(side->prefix), len = f->len;
	const char *p = f->raw;
	struct buf b = BUF_INIT;
	char *s;

	if (is_inbox(p, len))
		return xstrdup("INBOX");
	if (skip > 0 && len > skip && memcmp(p, side->prefix, skip) == 0) {
		p += skip;
		len -= skip;
	}
	s = map_display(p, len, side->utf8);
	for (char *c = s; *c != '\0'; c++) {
		if (f->sep != '\0' && *c == f->sep)
			buf_addc(&b, '/');
		else
			buf_addc(&b, *c == '/' ? LEVEL_SLASH : *c);
	}
	free(s);
	return buf_detach(&b);
}

static char *path_of(const struct map *m, const struct map_folder *f)
{
	return path_on(&m->src, f);
}

/* What the destination calls that path; a level may not hold the separator. */
static char *wire_of(const struct map *m, const char *path)
{
	struct buf text = BUF_INIT, name = BUF_INIT, out = BUF_INIT;

	if (is_inbox(path, strlen(path)))
		return xstrdup("INBOX");
	for (const char *c = path; *c != '\0'; c++) {
		char x = *c == LEVEL_SLASH ? '/' : *c;

		/* a level without a name: a server that takes it calls it otherwise later */
		if (*c == '/' && (c == path || c[-1] == '/'))
			buf_addc(&text, '_');
		if (*c == '/')
			buf_addc(&text, m->dst.sep != '\0' ? m->dst.sep : '_');
		else
			buf_addc(&text, x == m->dst.sep && x != '\0' ? '_' : x);
	}
	if (str_ends(path, "/"))
		buf_addc(&text, '_');
	str_to_utf8(&name, text.ptr, text.len); /* what is none, and no server should have, is Latin-1 in most old ones */
	buf_adds(&out, m->dst_prefix);
	if (m->dst.utf8 || !utf7_encode(&out, name.ptr, name.len))
		buf_add(&out, name.ptr, name.len);
	buf_free(&text);
	buf_free(&name);
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
	m->src.prefix = m->src_prefix;
	m->dst.prefix = m->dst_prefix;
	for (size_t i = 0; i < o->map.n && e == NULL; i++)
		e = add_rule(m, o->map.s[i]);
	if (e != NULL) {
		map_free(m);
		m = NULL;
	}
	*out = m;
	return e;
}

static void free_roles(struct role *r)
{
	while (r != NULL) {
		struct role *next = r->next;

		free(r->role);
		free(r->raw);
		free(r);
		r = next;
	}
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
		free(m->entries->path);
		free(m->entries->dst);
		free(m->entries);
		m->entries = next;
	}
	free_roles(m->roles);
	free_roles(m->src_roles);
	free(m->src_prefix);
	free(m->dst_prefix);
	free(m);
}

static void add_role(struct role **list, const struct map_folder *f, const char *role, unsigned rank)
{
	struct role *r;

	if (role == NULL)
		return;
	r = xcalloc(1, sizeof(*r));
	r->role = xstrdup(role);
	r->raw = xstrndup(f->raw, f->len);
	r->len = f->len;
	r->rank = rank;
	r->next = *list;
	*list = r;
}

/* What a server says of its folders, and what their names say where it does not. */
static void add_side(struct role **list, const struct map_side *side, const struct map_folder *f)
{
	const char *role = f->role;
	unsigned rank = 0;
	char *path;

	if (role == NULL) {
		path = path_on(side, f);
		role = map_role_of_name(path, &rank);
		free(path);
	}
	add_role(list, f, role, rank);
}

void map_add_dest(struct map *m, const struct map_folder *f)
{
	if (m->o->automap)
		add_side(&m->roles, &m->dst, f);
}

void map_add_source(struct map *m, const struct map_folder *f)
{
	if (m->o->automap)
		add_side(&m->src_roles, &m->src, f);
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

/* The best folder of a role: the server's word goes before a name. NULL: none. */
static const struct role *best(const struct role *list, const char *role)
{
	const struct role *found = NULL;

	for (const struct role *r = list; r != NULL; r = r->next)
		if (strcmp(r->role, role) == 0 && (found == NULL || r->rank <= found->rank))
			found = r;
	return found;
}

static char *by_role(const struct map *m, const struct map_folder *f)
{
	const char *role = f->role;
	const struct role *there;

	if (!m->o->automap)
		return NULL;
	for (const struct role *r = m->src_roles; r != NULL && role == NULL; r = r->next)
		if (r->len == f->len && memcmp(r->raw, f->raw, f->len) == 0 && best(m->src_roles, r->role) == r)
			role = r->role;
	there = role != NULL ? best(m->roles, role) : NULL;
	return there != NULL ? xstrdup(there->raw) : NULL;
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
	e = xcalloc(1, sizeof(*e));
	e->path = path;
	e->raw = xstrndup(f->raw, f->len);
	e->len = f->len;
	e->dst = dst;
	e->next = m->entries;
	m->entries = e;
	return e->dst;
}

/* --- substitutes --- */

bool map_doubtful(struct map *m, const struct map_folder *f)
{
	char *path = path_of(m, f), *plain = map_plain_name(path, 1), *wire = wire_of(m, path);
	bool yes = !is_inbox(f->raw, f->len) && (strcmp(path, plain) != 0 || strlen(wire) > DOUBTFUL_LENGTH);

	free(path);
	free(wire);
	free(plain);
	return yes;
}

/* Would another source folder share this path, by its own name or by a substitute of the same kind? */
static bool shared(const struct map *m, const struct map_folder *f, const char *plain, const char *wire, unsigned level)
{
	bool yes = false;

	for (const struct entry *e = m->entries; e != NULL && !yes; e = e->next) {
		char *other;

		if (e->len == f->len && memcmp(e->raw, f->raw, f->len) == 0)
			continue;
		other = map_plain_name(e->path, level);
		yes = strcmp(e->dst, wire) == 0 || strcmp(other, plain) == 0;
		free(other);
	}
	return yes;
}

char *map_substitute(struct map *m, const struct map_folder *f, unsigned level)
{
	char *path, *plain, *wire;

	if (level == 0 || level > MAP_SUBSTITUTES)
		return NULL;
	path = path_of(m, f);
	plain = map_plain_name(path, level);
	wire = wire_of(m, plain);
	if (shared(m, f, plain, wire, level)) {
		char *own = xasprintf("%s~%06llx", plain, (unsigned long long)map_name_hash(path) & 0xffffff);

		free(wire);
		wire = wire_of(m, own);
		free(own);
	}
	free(path);
	free(plain);
	return wire;
}

void map_replace(struct map *m, const struct map_folder *f, const char *dst)
{
	map_name(m, f);
	for (struct entry *e = m->entries; e != NULL; e = e->next)
		if (e->len == f->len && memcmp(e->raw, f->raw, f->len) == 0) {
			char *copy = xstrdup(dst);

			free(e->dst);
			e->dst = copy;
		}
}
