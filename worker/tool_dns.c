/* migration-dns: dns_read (what name servers say) and dns_apply (a change at the provider). Its request goes through a
 * pipe: the provider's token stands in no argument, environment or file. */
#include "tool.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "buf.h"
#include "fs.h"
#include "json.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define API_PATH "/api/v1/migration"
#define APPLY_MS 60000
#define APPLY_MORE_MS 10000 /* for each domain beyond the first */

/* The addresses of lines "nameserver ADDRESS". */
static void system_resolvers(json_t *out)
{
	struct buf text = BUF_INIT;
	char *line, *rest;

	if (fs_read(RESOLV_CONF, 65536, &text) != NULL) {
		buf_free(&text);
		return;
	}
	for (line = strtok_r(text.ptr, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		if (str_starts(line, "nameserver"))
			json_array_append_new(out, json_string(str_trim(line + strlen("nameserver"))));
	buf_free(&text);
}

static json_t *list(const struct conf *c, enum conf_key key)
{
	json_t *out = json_array();
	char *const *v = conf_list(c, key);

	for (; v != NULL && *v != NULL; v++)
		json_array_append_new(out, json_string(*v));
	return out;
}

static json_t *resolvers(const struct conf *c)
{
	json_t *out = list(c, CONF_DNS_RESOLVERS);

	if (json_array_size(out) == 0)
		system_resolvers(out);
	return out;
}

static void copy(json_t *to, const json_t *from, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		if (json_object_get(from, *keys) != NULL)
			json_object_set(to, *keys, json_object_get(from, *keys));
}

static json_t *read_request(const struct tool_job *job)
{
	json_t *req = json_pack("{s:s, s:o, s:I, s:I, s:I}", "action", "read", "resolvers", resolvers(job->conf), "port",
		(json_int_t)conf_int(job->conf, CONF_DNS_PORT), "smtp_port", (json_int_t)conf_int(job->conf, CONF_SMTP_PORT),
		"deadline_ms", (json_int_t)conf_int(job->conf, CONF_DNS_SECONDS) * 1000);

	copy(req, job->claim->options, (const char *const[]){"domains", "selectors", "mx", "autodiscover", NULL});
	json_object_set_new(req, "ispdb", json_string(conf_str(job->conf, CONF_ISPDB_URL)));
	json_object_set_new(req, "allowed", list(job->conf, CONF_AUTOCONFIG_NETWORKS));
	json_object_set_new(req, "denied", list(job->conf, CONF_DENY_NETWORKS));
	json_object_set_new(req, "ca_file", json_string(conf_str(job->conf, CONF_TLS_CA_FILE)));
	return req;
}

static bool plaintext_allowed(const struct conf *c, const char *host)
{
	char *const *list = conf_list(c, CONF_ALLOW_PLAINTEXT_HOSTS);

	for (; list != NULL && *list != NULL; list++)
		if (str_ieq(*list, host))
			return true;
	return false;
}

/* "rfc2136 hmac-sha256:name": the kind that the token was sealed for, and the key's name. */
static const struct err *apply_request(const struct tool_job *job, json_t **out)
{
	const struct account *a = job->provider;
	const json_t *provider = json_object_get(job->claim->options, "provider");
	const char *kind = json_string_value(json_object_get(provider, "kind")), *space;
	const char *permit = json_string_value(json_object_get(job->claim->doc, "permit"));
	size_t n = json_array_size(json_object_get(job->claim->options, "domains"));
	char *url;

	if (a == NULL || a->secret == NULL || kind == NULL || permit == NULL)
		return err_new(ERR_CRED_MISSING, "the DNS provider has no token: enter it first");
	space = strchr(a->user, ' ');
	if (space == NULL || strncmp(a->user, kind, strlen(kind)) != 0 || a->user[strlen(kind)] != ' ')
		return err_new(ERR_CRED_MISMATCH, "the token was given for another DNS provider: enter it again");
	if (strcmp(kind, "rfc2136") != 0 && a->tls == TLS_NONE && !plaintext_allowed(job->conf, a->host))
		return err_new(ERR_TLS_REQUIRED, "%s: no TLS is allowed only for the hosts in MIGRATION_ALLOW_PLAINTEXT_HOSTS",
			a->host);
	url = xasprintf("%s" API_PATH "/runs/%lld/permit", conf_str(job->conf, CONF_API_URL),
		(long long)job->claim->run_id);
	*out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:s, s:s, s:s, s:I}", "action", "apply", "permit_url", url,
		"permit", permit, "api_ca_file", conf_str(job->conf, CONF_API_CA_FILE), "host", a->host, "port",
		(json_int_t)a->port, "tls", a->tls != TLS_NONE, "key", space + 1, "secret", a->secret, "ca_file",
		conf_str(job->conf, CONF_TLS_CA_FILE), "deadline_ms",
		(json_int_t)(APPLY_MS + (n > 1 ? (n - 1) * APPLY_MORE_MS : 0)));
	free(url);
	if (*out == NULL)
		return err_new(ERR_CRED_UNSEAL, "the token is no text");
	copy(*out, job->claim->options, (const char *const[]){"domains", "provider", NULL});
	return NULL;
}

/* jansson's copies of the token are ours to overwrite. */
static void forget(json_t *req)
{
	json_t *secret = json_object_get(req, "secret");

	if (json_is_string(secret))
		sodium_memzero((char *)(uintptr_t)json_string_value(secret), json_string_length(secret));
	json_decref(req);
}

static const struct err *prepare(const struct tool_job *job, struct spawn **out)
{
	struct buf text = BUF_INIT;
	json_t *req = NULL;
	struct spawn *s;
	const struct err *e = NULL;

	if (job->claim->kind == RUN_DNS_READ)
		req = read_request(job);
	else
		e = apply_request(job, &req);
	if (e != NULL)
		return e;
	js_write(&text, req);
	forget(req);
	s = spawn_new(conf_str(job->conf, CONF_DNS_BIN));
	e = spawn_secret(s, "--request", text.ptr, text.len);
	buf_wipe(&text);
	if (e == NULL)
		e = spawn_events(s, "--events");
	if (e != NULL)
		spawn_free(s);
	else
		*out = s;
	return e;
}

static void finish(const struct tool_job *job, const struct findings *f, int status, struct outcome *out)
{
	const json_t *done = findings_done(f);
	const char *code = json_string_value(json_object_get(done, "code"));
	const char *message = json_string_value(json_object_get(done, "message"));
	const char *word = json_string_value(json_object_get(done, "status"));

	(void)job;
	if (!WIFEXITED(status) || word == NULL || !run_status_parse(word, &out->status) ||
		(out->status == RUN_SUCCEEDED) != (WEXITSTATUS(status) == 0)) {
		outcome_fail(out, err_new(ERR_TOOL_FAILED, "migration-dns ended with %d and no last word: see the log", status));
		return;
	}
	if (out->status == RUN_SUCCEEDED)
		code = "";
	snprintf(out->code, sizeof(out->code), "%s",
		code != NULL && (*code == '\0' || err_row_by_code(code) != NULL) ? code : err_row(ERR_TOOL_FAILED)->code);
	snprintf(out->message, sizeof(out->message), "%s", message != NULL ? message : "");
}

const struct tool tool_dns = {
	.name = "migration-dns",
	.engine = ENGINE_NATIVE,
	.sources = 1u << SOURCE_IMAP,
	.kinds = 1u << RUN_DNS_READ | 1u << RUN_DNS_APPLY,
	.memory = 1ull << 30,
	.prepare = prepare,
	.finish = finish,
};
