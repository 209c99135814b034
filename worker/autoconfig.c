#include "autoconfig.h"

#include <ctype.h>
#include <expat.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define SERVERS_MAX 8
#define DEPTH_MAX 32
#define TEXT_MAX 512
#define EMAILDOMAIN "%EMAILDOMAIN%"

enum field { F_HOST, F_PORT, F_TLS, F_USER, FIELDS };
static const char *const fields[FIELDS] = {"hostname", "port", "socketType", "username"};

struct reading {
	XML_Parser parser;
	json_t *found;
	int depth, server; /* depth of the <incomingServer> that is read, 0: none */
	int field;         /* the one whose text comes, -1: none */
	struct buf text[FIELDS];
};

bool autoconfig_is_host(const char *s)
{
	size_t label = 0, n = strlen(s);
	bool dot = false, letter = false;

	if (n == 0 || n > 253 || s[0] == '.' || s[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '.') {
			if (label == 0)
				return false;
			dot = true;
			label = 0;
			continue;
		}
		if ((!isalnum(c) && c != '-') || c > 0x7f || ++label > 63)
			return false;
		letter |= isalpha(c) != 0;
	}
	return dot && letter;
}

static void open_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = arg;

	if (++r->depth > DEPTH_MAX) {
		XML_StopParser(r->parser, XML_FALSE);
		return;
	}
	r->field = -1;
	if (r->server != 0) {
		for (int i = 0; i < FIELDS; i++)
			if (r->depth == r->server + 1 && strcmp(name, fields[i]) == 0 && r->text[i].len == 0)
				r->field = i;
		return;
	}
	if (strcmp(name, "incomingServer") != 0)
		return;
	for (; *attributes != NULL; attributes += 2)
		if (strcmp(attributes[0], "type") == 0 && strcmp(attributes[1], "imap") == 0)
			r->server = r->depth;
}

static void take_text(void *arg, const XML_Char *s, int n)
{
	struct reading *r = arg;

	if (r->field >= 0 && r->text[r->field].len + (size_t)n <= TEXT_MAX)
		buf_add(&r->text[r->field], s, (size_t)n);
}

static char *trimmed(const struct buf *b)
{
	char *copy = xstrdup(b->len > 0 ? b->ptr : ""), *out = xstrdup(str_trim(copy));

	free(copy);
	return out;
}

static void close_server(struct reading *r)
{
	char *value[FIELDS];
	const char *tls = NULL, *user;
	int64_t port;

	for (int i = 0; i < FIELDS; i++) {
		value[i] = trimmed(&r->text[i]);
		buf_reset(&r->text[i]);
	}
	str_lower(value[F_HOST]);
	if (str_ieq(value[F_TLS], "SSL") || str_ieq(value[F_TLS], "TLS"))
		tls = "tls";
	else if (str_ieq(value[F_TLS], "STARTTLS"))
		tls = "starttls";
	user = strcmp(value[F_USER], "%EMAILADDRESS%") == 0     ? "address"
	       : strcmp(value[F_USER], "%EMAILLOCALPART%") == 0 ? "local"
								: "other";
	if (tls != NULL && autoconfig_is_host(value[F_HOST]) && str_i64(value[F_PORT], 1, 65535, &port) &&
		json_array_size(r->found) < SERVERS_MAX)
		json_array_append_new(r->found, json_pack("{s:s, s:I, s:s, s:s}", "host", value[F_HOST],
							"port", (json_int_t)port, "tls", tls, "user", user));
	for (int i = 0; i < FIELDS; i++)
		free(value[i]);
}

static void close_element(void *arg, const XML_Char *name)
{
	struct reading *r = arg;

	(void)name;
	r->field = -1;
	if (r->server != 0 && r->depth == r->server) {
		r->server = 0;
		close_server(r);
	}
	r->depth--;
}

static void refuse_doctype(
	void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	struct reading *r = arg;

	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	XML_StopParser(r->parser, XML_FALSE);
}

/* The text with the one placeholder that a host name may hold filled in. */
static void fill_domain(struct buf *out, const char *text, size_t n, const char *domain)
{
	const char *end = text + n, *at;

	while ((at = memmem(text, (size_t)(end - text), EMAILDOMAIN, strlen(EMAILDOMAIN))) != NULL) {
		buf_add(out, text, (size_t)(at - text));
		buf_adds(out, domain);
		text = at + strlen(EMAILDOMAIN);
	}
	buf_add(out, text, (size_t)(end - text));
}

size_t autoconfig_parse(const char *text, size_t n, const char *domain, json_t *out)
{
	struct reading r = {.found = json_array(), .field = -1};
	struct buf filled = BUF_INIT;
	size_t count = 0;

	for (int i = 0; i < FIELDS; i++)
		buf_init(&r.text[i]);
	fill_domain(&filled, text, n, domain);
	r.parser = XML_ParserCreate(NULL);
	if (r.parser == NULL)
		abort();
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, open_element, close_element);
	XML_SetCharacterDataHandler(r.parser, take_text);
	XML_SetStartDoctypeDeclHandler(r.parser, refuse_doctype);
	if (filled.len <= INT32_MAX && XML_Parse(r.parser, filled.ptr, (int)filled.len, 1) == XML_STATUS_OK) {
		count = json_array_size(r.found);
		json_array_extend(out, r.found);
	}
	XML_ParserFree(r.parser);
	json_decref(r.found);
	for (int i = 0; i < FIELDS; i++)
		buf_free(&r.text[i]);
	buf_free(&filled);
	return count;
}
