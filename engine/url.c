#include "url.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

struct scheme_row {
	const char *name;
	enum url_kind kind;
	enum url_tls tls;
	uint16_t port;
};

static const struct scheme_row schemes[] = {
	{"imaps://", URL_IMAP, URL_TLS_IMPLICIT, 993}, {"imap://", URL_IMAP, URL_TLS_STARTTLS, 143},
	{"mbox:", URL_MBOX, URL_TLS_NONE, 0},          {"maildir:", URL_MAILDIR, URL_TLS_NONE, 0},
	{"zip:", URL_ZIP, URL_TLS_NONE, 0},            {"tgz:", URL_TGZ, URL_TLS_NONE, 0},
	{"pst:", URL_PST, URL_TLS_NONE, 0},
};

const char *url_kind_name(enum url_kind kind)
{
	static const char *const names[] = {[URL_IMAP] = "imap", [URL_MBOX] = "mbox", [URL_MAILDIR] = "maildir",
		[URL_ZIP] = "zip", [URL_TGZ] = "tgz", [URL_PST] = "pst"};

	return names[kind];
}

/* The n bytes at s, percent-decoded; NULL when broken, empty, or with a NUL inside. */
static char *decoded(const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	if (!str_unpercent(&b, s, n) || b.len == 0 || memchr(b.ptr, '\0', b.len) != NULL) {
		buf_free(&b);
		return NULL;
	}
	return buf_detach(&b);
}

static char *label_of(const struct endpoint *ep)
{
	char *s = ep->kind == URL_IMAP ? xasprintf("%s@%s:%u", ep->user, ep->host, ep->port) : xstrdup(ep->path);

	for (char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return s;
}

static const struct err *parse_authority(struct endpoint *ep, const char *url, const char *s)
{
	size_t n = strcspn(s, "/?#");
	const char *at = NULL, *host, *colon = NULL, *end = s + n;
	int64_t port;

	for (const char *p = s; p < end; p++)
		if (*p == '@')
			at = p;
	if (at == NULL || at == s)
		return err_new(ERR_USAGE, "%s: no user: write imaps://user@host ('@' in the user as %%40)", url);
	if (memchr(s, ':', (size_t)(at - s)) != NULL)
		return err_new(ERR_USAGE, "%s URL: no password in a URL: use --%s-secret (':' in the user as %%3A)",
			ep->side, strcmp(ep->side, "source") == 0 ? "from" : "to");
	if (s[n] == '/' && s[n + 1] != '\0')
		return err_new(ERR_USAGE, "%s: nothing may follow host and port", url);
	host = at + 1;
	if (*host == '[') {
		const char *close = memchr(host, ']', (size_t)(end - host));

		if (close == NULL || (close + 1 < end && close[1] != ':'))
			return err_new(ERR_USAGE, "%s: \"[\" without \"]\" in the host", url);
		colon = close + 1 < end ? close + 1 : NULL;
		ep->host = xstrndup(host + 1, (size_t)(close - host - 1));
	} else {
		colon = memchr(host, ':', (size_t)(end - host));
		ep->host = decoded(host, (size_t)((colon != NULL ? colon : end) - host));
	}
	ep->user = decoded(s, (size_t)(at - s));
	if (ep->host == NULL || ep->host[0] == '\0' || ep->user == NULL)
		return err_new(ERR_USAGE, "%s: host or user is empty or badly encoded", url);
	if (colon != NULL) {
		char *digits = xstrndup(colon + 1, (size_t)(end - colon - 1));
		bool ok = str_i64(digits, 1, 65535, &port);

		free(digits);
		if (!ok)
			return err_new(ERR_USAGE, "%s: the port must be a number from 1 to 65535", url);
		ep->port = (uint16_t)port;
	}
	return NULL;
}

const struct err *endpoint_parse(struct endpoint *ep, const char *side, const char *url)
{
	const struct scheme_row *row = NULL;
	const struct err *e = NULL;

	ep->side = side;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_istarts(url, schemes[i].name))
			row = &schemes[i];
	if (row == NULL)
		return err_new(ERR_USAGE, "%s: not a URL of a kind we know (imaps://user@host)", url);
	ep->kind = row->kind;
	ep->tls = row->tls;
	ep->port = row->port;
	url += strlen(row->name);
	if (row->kind == URL_IMAP)
		e = parse_authority(ep, url, url);
	else if ((ep->path = decoded(url, strlen(url))) == NULL)
		e = err_new(ERR_USAGE, "%s: the path is empty or badly encoded", url);
	if (e == NULL)
		ep->label = label_of(ep);
	return e;
}

const struct err *endpoint_set_auth(struct endpoint *ep, const char *spec)
{
	static const struct {
		const char *name;
		enum url_auth auth;
	} rows[] = {{"password", AUTH_PASSWORD}, {"xoauth2", AUTH_XOAUTH2}, {"oauthbearer", AUTH_OAUTHBEARER}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(spec, rows[i].name) == 0) {
			ep->auth = rows[i].auth;
			return NULL;
		}
	}
	if (str_starts(spec, "plain:") && spec[6] != '\0') {
		ep->auth = AUTH_PLAIN_AUTHZID;
		free(ep->authzid);
		ep->authzid = decoded(spec + 6, strlen(spec + 6));
		if (ep->authzid != NULL)
			return NULL;
	}
	return err_new(ERR_USAGE, "%s: not a kind of log-in (password, xoauth2, oauthbearer, plain:AUTHZID)", spec);
}

void endpoint_wipe(struct endpoint *ep)
{
	buf_wipe(&ep->secret);
	free(ep->host);
	free(ep->user);
	free(ep->path);
	free(ep->authzid);
	free(ep->label);
	memset(ep, 0, sizeof(*ep));
	buf_init(&ep->secret);
}
