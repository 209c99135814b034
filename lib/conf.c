#include "conf.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "model.h"
#include "str.h"

#include "banned.h"

#define FILE_MAX (256 * 1024)

enum { CONF_S = 1, CONF_W = 2 };

static const struct conf_row table[CONF_COUNT] = {
#define CONF_ROW(key, name_, type_, def_, min_, max_, choices_, flags_, en_, pt_)                            \
	[key] = {.name = name_,                                                                              \
	        .type = type_,                                                                               \
	        .def = def_,                                                                                 \
	        .min = min_,                                                                                 \
	        .max = max_,                                                                                 \
	        .choices = choices_,                                                                         \
	        .secret = ((flags_)&CONF_S) != 0,                                                            \
	        .worker = ((flags_)&CONF_W) != 0,                                                            \
	        .en = en_,                                                                                   \
	        .pt = pt_},
#include "conf_table.h"
#undef CONF_ROW
};

struct value {
	char *text;  /* never NULL */
	char **list; /* LIST: NULL-terminated */
	int64_t num;
	int line;         /* of the file that set it */
	const char *file; /* NULL: default */
};

struct conf {
	struct value v[CONF_COUNT];
	char *settings, *worker;
};

/* --- values
 * -------------------------------------------------------------------------------------------------------- */

static void wipe_list(char **list)
{
	if (list == NULL)
		return;
	for (char **p = list; *p != NULL; p++)
		free_secret(*p);
	free(list);
}

static char **split(const char *text)
{
	char *copy = xstrdup(text), *at = copy, *item, **list = xcalloc(1, sizeof(*list));
	size_t n = 0;

	while ((item = strsep(&at, ",")) != NULL) {
		item = str_trim(item);
		if (*item == '\0')
			continue;
		list = xreallocarray(list, n + 2, sizeof(*list));
		list[n++] = xstrdup(item);
		list[n] = NULL;
	}
	free_secret(copy);
	return list;
}

static bool parse_bool(const char *s, int64_t *out)
{
	static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {
	                                                                     "false", "no", "off", "0"};

	for (size_t i = 0; i < 4; i++) {
		if (str_ieq(s, yes[i]) || str_ieq(s, no[i])) {
			*out = str_ieq(s, yes[i]);
			return true;
		}
	}
	return false;
}

/* "0.99" to millionths, exactly; more than six decimals would have to be rounded and are refused. */
static bool parse_ratio(const char *s, int64_t *out)
{
	const char *dot = strchr(s, '.');
	char whole[4] = "", part[8] = "";
	int64_t w, p = 0;
	size_t n = dot != NULL ? (size_t)(dot - s) : strlen(s);

	if (n < 1 || n > 3 || *s == '-')
		return false;
	memcpy(whole, s, n);
	if (!str_i64(whole, 0, 1, &w))
		return false;
	if (dot != NULL) {
		n = strlen(dot + 1);
		if (n < 1 || n > 6 || dot[1] == '-')
			return false;
		memcpy(part, dot + 1, n);
		memset(part + n, '0', 6 - n);
		if (!str_i64(part, 0, 999999, &p))
			return false;
	}
	*out = w * 1000000 + p;
	return *out <= 1000000;
}

static bool parse_choice(const char *choices, const char *s, int64_t *out)
{
	size_t n = strlen(s);

	*out = 0;
	for (const char *c = choices; *c != '\0'; (*out)++) {
		size_t len = strcspn(c, "|");

		if (len == n && strncmp(c, s, n) == 0)
			return true;
		c += len + (c[len] == '|');
	}
	return false;
}

static bool parse_tls(const char *s, int64_t *out)
{
	enum tls_mode m;

	if (tls_mode_parse(s, &m)) {
		*out = m;
		return true;
	}
	if (!parse_bool(s, out))
		return false;
	*out = *out ? TLS_IMPLICIT : TLS_NONE;
	return true;
}

static bool parse_roles(char *const *list, int64_t *out)
{
	enum role r;

	*out = 0;
	for (; *list != NULL; list++) {
		if (!role_parse(*list, &r) || r == ROLE_WORKER)
			return false;
		*out |= INT64_C(1) << r;
	}
	return true;
}

/* NULL when the text is a value of the row, else what is wrong with it; fills in num and list. */
static char *parse_value(const struct conf_row *row, struct value *v)
{
	const char *s = v->text;

	if (str_has_control(s, strlen(s)) || !str_utf8(s, strlen(s)))
		return xstrdup("must be UTF-8 without control characters");
	switch (row->type) {
	case CONF_TEXT:
		return NULL;
	case CONF_PATH:
		return *s == '\0' || *s == '/' ? NULL : xstrdup("must be an absolute path");
	case CONF_INT:
		return str_i64(s, row->min, row->max, &v->num)
		               ? NULL
		               : xasprintf("must be a whole number from %lld to %lld", (long long)row->min,
		                         (long long)row->max);
	case CONF_BOOL:
		return parse_bool(s, &v->num) ? NULL : xstrdup("must be true or false");
	case CONF_RATIO:
		return parse_ratio(s, &v->num)
		               ? NULL
		               : xstrdup("must be from 0 to 1, with a point and at most 6 decimals");
	case CONF_TLS:
		return parse_tls(s, &v->num) ? NULL : xstrdup("must be tls, starttls or none");
	case CONF_LIST:
		v->list = split(s);
		return NULL;
	case CONF_ROLES:
		v->list = split(s);
		return parse_roles(v->list, &v->num) ? NULL
		                                     : xstrdup("must be a comma list of super_admin, "
		                                               "ops_lead, technician, gate_reader");
	case CONF_CHOICE:
		return parse_choice(row->choices, s, &v->num) ? NULL
		                                              : xasprintf("must be one of %s", row->choices);
	case CONF_URL:
		return *s == '\0' || str_istarts(s, "http://") || str_istarts(s, "https://")
		               ? NULL
		               : xstrdup("must start with http:// or https://");
	}
	return xstrdup("has no type");
}

static void drop_value(struct value *v)
{
	free_secret(v->text);
	wipe_list(v->list);
	memset(v, 0, sizeof(*v));
}

/* The default again, or a new value: takes text. Returns what is wrong with it (free), and then keeps the
 * default. */
static char *set_value(struct conf *c, enum conf_key k, char *text, const char *file, int line)
{
	struct value v = {.text = text, .file = file, .line = line};
	char *wrong = parse_value(&table[k], &v);

	if (wrong != NULL) {
		drop_value(&v);
		return wrong;
	}
	drop_value(&c->v[k]);
	c->v[k] = v;
	return NULL;
}

static void set_default(struct conf *c, enum conf_key k)
{
	const struct conf_row *row = &table[k];
	char *wrong = NULL;

	if (row->def != NULL)
		wrong = set_value(c, k, xstrdup(row->def), NULL, 0);
	else
		c->v[k] = (struct value){.text = xstrdup(""),
		        .list = row->type == CONF_LIST || row->type == CONF_ROLES ? split("") : NULL};
	if (wrong != NULL)
		abort(); /* the table contradicts itself: the unit test sees it first */
}

/* --- files
 * ---------------------------------------------------------------------------------------------------------
 */

static void mistake(struct buf *out, const char *file, int line, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
static void mistake(struct buf *out, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	buf_addf(out, line > 0 ? "%s:%d: " : "%s: ", file, line);
	va_start(ap, fmt);
	buf_addv(out, fmt, ap);
	va_end(ap);
	buf_addc(out, '\n');
}

/* A value as it stands after '=': quotes taken off. NULL when a quote is not closed or something follows it.
 */
static char *unquote(const char *s)
{
	struct buf b = BUF_INIT;
	char q = *s;
	const char *p;

	if (q != '"' && q != '\'')
		return xstrdup(s);
	for (p = s + 1; *p != '\0' && *p != q; p++) {
		if (q == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_addc(&b, *p);
	}
	if (*p == q && p[1] == '\0')
		return buf_detach(&b);
	buf_wipe(&b);
	return NULL;
}

static void read_line(struct conf *c, char *text, const char *file, int line, bool worker, struct buf *bad)
{
	char *key = str_trim(text), *eq, *value, *wrong;
	enum conf_key k;

	if (*key == '\0' || *key == '#')
		return;
	eq = strchr(key, '=');
	if (eq == NULL) {
		mistake(bad, file, line, "not KEY=VALUE");
		return;
	}
	*eq = '\0';
	key = str_trim(key);
	if (!conf_find(key, &k)) {
		mistake(bad, file, line, "%.64s is not a setting; see migration.env(5)", key);
		return;
	}
	if (table[k].worker && !worker) {
		mistake(bad, file, line,
		        "%s belongs into worker.env only: other programs must not be able to read it", key);
		return;
	}
	if (c->v[k].file == file) {
		mistake(bad, file, line, "%s was set on line %d already", key, c->v[k].line);
		return;
	}
	value = unquote(str_trim(eq + 1));
	if (value == NULL) {
		mistake(bad, file, line, "%s: a quote is not closed", key);
		return;
	}
	wrong = set_value(c, k, value, file, line);
	if (wrong != NULL)
		mistake(bad, file, line, "%s %s", key, wrong);
	free(wrong);
}

static void read_file(struct conf *c, const char *path, bool worker, bool optional, struct buf *bad)
{
	struct buf text = BUF_INIT;
	const struct err *e = fs_read_secret(path, FILE_MAX, &text);
	char *at = text.ptr, *one;
	int line = 0;

	if (e != NULL) {
		if (!optional || (e->id != ERR_NOT_FOUND && e->id != ERR_PERMISSION))
			mistake(bad, path, 0, "%s", e->msg);
	} else if (strlen(text.ptr) != text.len) {
		mistake(bad, path, 0, "contains NUL");
	} else {
		while ((one = strsep(&at, "\n")) != NULL)
			read_line(c, one, path, ++line, worker, bad);
	}
	buf_wipe(&text);
}

/* --- defaults that follow from elsewhere
 * ------------------------------------------------------------------------------- */

static void derive(struct conf *c)
{
	char host[256] = "";

	if (*c->v[CONF_SPOOL_PATH].text == '\0')
		free(set_value(c, CONF_SPOOL_PATH, conf_data_path(c, "spool"), NULL, 0));
	if (*c->v[CONF_WORKER_NAME].text == '\0' && gethostname(host, sizeof(host) - 1) == 0)
		free(set_value(c, CONF_WORKER_NAME, xstrdup(host), NULL, 0));
}

const struct err *conf_load(struct conf **out, const struct conf_source *src, struct buf *mistakes)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	struct buf bad = BUF_INIT;
	const struct err *e = NULL;

	c->settings = xstrdup(src->settings != NULL ? src->settings : "");
	c->worker = xstrdup(src->worker != NULL ? src->worker : "");
	for (int k = 0; k < CONF_COUNT; k++)
		set_default(c, (enum conf_key)k);
	if (src->settings != NULL)
		read_file(c, c->settings, false, src->settings_optional, &bad);
	if (src->worker != NULL)
		read_file(c, c->worker, true, src->worker_optional, &bad);
	derive(c);
	if (bad.len > 0)
		e = err_new(ERR_CONFIG, "%.*s", (int)strcspn(bad.ptr, "\n"), bad.ptr);
	if (mistakes != NULL)
		buf_add(mistakes, bad.ptr, bad.len);
	buf_free(&bad);
	*out = c;
	return e;
}

void conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (int k = 0; k < CONF_COUNT; k++)
		drop_value(&c->v[k]);
	free(c->settings);
	free(c->worker);
	free(c);
}

/* --- reading
 * ------------------------------------------------------------------------------------------------------- */

const struct conf_row *conf_row(enum conf_key k)
{
	return &table[k];
}

bool conf_find(const char *name, enum conf_key *k)
{
	for (int i = 0; i < CONF_COUNT; i++)
		if (strcmp(table[i].name, name) == 0) {
			*k = (enum conf_key)i;
			return true;
		}
	return false;
}

bool conf_set(const struct conf *c, enum conf_key k)
{
	return c->v[k].file != NULL;
}

const char *conf_str(const struct conf *c, enum conf_key k)
{
	return c->v[k].text;
}

int64_t conf_int(const struct conf *c, enum conf_key k)
{
	return c->v[k].num;
}

bool conf_bool(const struct conf *c, enum conf_key k)
{
	return c->v[k].num != 0;
}

char *const *conf_list(const struct conf *c, enum conf_key k)
{
	return c->v[k].list;
}

const char *conf_shown(const struct conf *c, enum conf_key k)
{
	return table[k].secret && *c->v[k].text != '\0' ? "********" : c->v[k].text;
}

const char *conf_settings_path(const struct conf *c)
{
	return c->settings;
}

const char *conf_worker_path(const struct conf *c)
{
	return c->worker;
}

int64_t conf_retention_before(const struct conf *c, int64_t now_ms)
{
	int64_t days = conf_int(c, CONF_RETENTION_DAYS);

	return days == 0 ? 0 : now_ms - days * INT64_C(86400000);
}

char *conf_data_path(const struct conf *c, const char *name)
{
	return xasprintf("%s/%s", c->v[CONF_DATA_PATH].text, name);
}
