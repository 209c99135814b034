#include "endpoint_input.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define USER_MAX 320
#define SECRET_MAX 8192

static int64_t default_port(enum tls_mode tls)
{
	return tls == TLS_IMPLICIT ? 993 : 143;
}

static bool is_label(const char *s, size_t n)
{
	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") >= n;
}

/* Labels of letters, digits, '-' and '_': one is enough ("localhost", "mail"). */
static bool is_host_name(const char *s)
{
	if (strlen(s) > 253)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");

		if (!is_label(s, n))
			return false;
		if (s[n] == '\0')
			return true;
		s += n + 1;
	}
}

/* Lower case, IDN as A-labels, IPv6 without brackets. NULL when it is no host. */
static char *host_normalise(const char *in)
{
	unsigned char addr[16];
	char *s = xstrdup(in), *out = NULL;
	size_t n = strlen(s);

	str_lower(s);
	if (n > 2 && s[0] == '[' && s[n - 1] == ']') {
		memmove(s, s + 1, n - 2);
		s[n - 2] = '\0';
	}
	if (inet_pton(AF_INET, s, addr) == 1 || inet_pton(AF_INET6, s, addr) == 1 || is_host_name(s))
		return s;
	if (domain_normalise(s, &out) != NULL)
		out = NULL;
	free(s);
	return out;
}

static bool plaintext_allowed(const struct conf *conf, const char *host)
{
	char *const *allowed = conf_list(conf, CONF_ALLOW_PLAINTEXT_HOSTS);

	for (; *allowed != NULL; allowed++)
		if (str_ieq(*allowed, host))
			return true;
	return false;
}

static void check_tls(const struct js_at *at, const struct conf *conf, enum tls_mode tls, const char *host)
{
	if (tls == TLS_NONE && *host != '\0' && !plaintext_allowed(conf, host))
		js_problem(
			at, "tls", "no TLS is allowed only for the hosts in MIGRATION_ALLOW_PLAINTEXT_HOSTS");
}

/* Replaces *host when there is a good one. */
static void read_host(const struct js_at *at, char **host)
{
	const char *s;
	char *good;

	if (!js_str(at, "host", JS_OPTIONAL, 1, 253, &s))
		return;
	good = host_normalise(s);
	if (good == NULL) {
		js_problem(at, "host", "neither a host name nor an IP address");
		return;
	}
	free(*host);
	*host = good;
}

static void from_object(struct endpoint_defaults *d, const char *json)
{
	json_t *o = js_column(json);
	const char *s;
	int64_t port = json_integer_value(json_object_get(o, "port"));

	if ((s = json_string_value(json_object_get(o, "kind"))) != NULL)
		source_kind_parse(s, &d->kind);
	if ((s = json_string_value(json_object_get(o, "host"))) != NULL) {
		snprintf(d->host, sizeof(d->host), "%s", s);
		d->port = 0;
		d->tls = TLS_IMPLICIT;
	}
	if ((s = json_string_value(json_object_get(o, "tls"))) != NULL)
		tls_mode_parse(s, &d->tls);
	if (port > 0)
		d->port = port;
	json_decref(o);
}

void endpoint_defaults(
	struct endpoint_defaults *d, enum side side, const struct job *j, const struct conf *conf)
{
	memset(d, 0, sizeof(*d));
	if (side == SIDE_DESTINATION) {
		snprintf(d->host, sizeof(d->host), "%s", conf_str(conf, CONF_DEST_IMAP_HOST));
		str_lower(d->host);
		d->port = conf_int(conf, CONF_DEST_IMAP_PORT);
		d->tls = (enum tls_mode)conf_int(conf, CONF_DEST_IMAP_SSL);
		from_object(d, j->destination);
		return;
	}
	from_object(d, j->source);
}

static void known(const struct js_at *at, enum side side, bool account)
{
	static const char *const sets[2][2][10] = {
		{{"kind", "host", "port", "tls", NULL},
			{"kind", "host", "port", "tls", "user", "auth", "secret", "upload_id", NULL}},
		{{"host", "port", "tls", NULL}, {"host", "port", "tls", "user", "auth", "secret", NULL}},
	};

	js_known(at, sets[side][account]);
}

char *endpoint_job_json(const struct js_at *at, enum side side, const struct conf *conf)
{
	json_t *out = json_object();
	enum source_kind kind;
	enum tls_mode tls = TLS_IMPLICIT;
	int64_t port;
	char *host = NULL, *text;

	if (side == SIDE_SOURCE && js_word(at, "kind", JS_OPTIONAL, source_kind_parse, &kind))
		json_object_set_new(out, "kind", json_string(source_kind_name(kind)));
	read_host(at, &host);
	if (host != NULL)
		json_object_set_new(out, "host", json_string(host));
	if (js_int(at, "port", JS_OPTIONAL, 1, 65535, &port))
		json_object_set_new(out, "port", json_integer(port));
	if (js_word(at, "tls", JS_OPTIONAL, tls_mode_parse, &tls))
		json_object_set_new(out, "tls", json_string(tls_mode_name(tls)));
	check_tls(at, conf, tls, host != NULL ? host : "");
	known(at, side, false);
	text = js_text(out);
	json_decref(out);
	free(host);
	return text;
}

static void set_text(char **p, const char *s)
{
	free(*p);
	*p = xstrdup(s);
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->host != NULL && b->host != NULL && a->user != NULL && b->user != NULL &&
	       strcmp(a->host, b->host) == 0 && a->port == b->port && a->tls == b->tls &&
	       strcmp(a->user, b->user) == 0;
}

/* A file has no server; an account needs one. */
static void read_server(const struct js_at *at, const struct endpoint_defaults *d, const struct conf *conf,
	bool keep, struct endpoint *p)
{
	bool own_host, own_tls;
	char *host = NULL;

	read_host(at, &host);
	own_host = host != NULL;
	if (!own_host && !keep)
		host = xstrdup(d->host);
	if (host != NULL) {
		free(p->host);
		p->host = host;
	}
	if (*p->host == '\0')
		js_problem(at, "host", "required: neither here, nor in the job, nor in the settings");
	own_tls = js_word(at, "tls", JS_OPTIONAL, tls_mode_parse, &p->tls);
	if (!own_tls && !keep)
		p->tls = own_host ? TLS_IMPLICIT : d->tls;
	if (js_int(at, "port", JS_OPTIONAL, 1, 65535, &p->port))
		;
	else if (!keep)
		p->port = own_host || own_tls || d->port == 0 ? default_port(p->tls) : d->port;
	else if (own_host || own_tls)
		p->port = default_port(p->tls);
	check_tls(at, conf, p->tls, p->host);
}

/* An archive that is asked for over ssh: "user@host", the mailbox's own. */
static void read_ssh(const struct js_at *at, struct endpoint *p)
{
	static const char *const names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *s, *sign;
	char *good = NULL;

	if (!js_str(at, "host", JS_OPTIONAL, 1, 320, &s))
		return;
	sign = strrchr(s, '@');
	if (sign != NULL && sign > s && *s != '-' && strspn(s, names) == (size_t)(sign - s))
		good = host_normalise(sign + 1);
	if (good == NULL) {
		js_problem(at, "host", "user@host is expected, for ssh");
		return;
	}
	free(p->host);
	p->host = xasprintf("%.*s@%s", (int)(sign - s), s, good);
	free(good);
	if (!js_int(at, "port", JS_OPTIONAL, 1, 65535, &p->port))
		p->port = 22;
}

bool endpoint_read(const struct js_at *at, enum side side, const struct endpoint_defaults *d,
	const struct conf *conf, bool keep, enum source_kind *kind, int64_t *upload, struct endpoint *p,
	const char **secret)
{
	struct endpoint was = {.port = p->port, .tls = p->tls};
	const char *s;
	bool changed, account = true, ssh = false;

	was.host = p->host != NULL ? xstrdup(p->host) : NULL;
	was.user = p->user != NULL ? xstrdup(p->user) : NULL;
	if (p->host == NULL)
		p->host = xstrdup("");
	if (p->user == NULL)
		p->user = xstrdup("");
	*secret = NULL;
	if (side == SIDE_SOURCE) {
		if (!js_word(at, "kind", JS_OPTIONAL, source_kind_parse, kind) && !keep)
			*kind = d->kind;
		account = *kind == SOURCE_IMAP;
		ssh = *kind == SOURCE_TGZ && json_object_get(at->v, "host") != NULL;
		if (ssh)
			read_ssh(at, p);
		js_int(at, "upload_id",
			account || ssh         ? JS_OPTIONAL
			: keep && *upload != 0 ? JS_OPTIONAL
					       : JS_REQUIRED,
			1, INT64_MAX, upload);
	}
	if (account)
		read_server(at, d, conf, keep, p);
	if (js_str(at, "user", (account || ssh) && !keep ? JS_REQUIRED : JS_OPTIONAL, 1, USER_MAX, &s))
		set_text(&p->user, s);
	if (!js_word(at, "auth", JS_OPTIONAL, auth_kind_parse, &p->auth) && !keep)
		p->auth = AUTH_PASSWORD;
	js_str(at, "secret", JS_OPTIONAL, 1, SECRET_MAX, secret);
	known(at, side, true);
	changed = !same_place(&was, p);
	free(was.host);
	free(was.user);
	return changed;
}
