/*
 * migration-dns --request fd:N --events fd:N: what the worker starts for dns_read and dns_apply runs. One JSON document
 * in (it may hold a provider's token: hence no file and no argument), one event "done" out (migration-events.7).
 * Everything it may wait for is the network; the worker ends it at the deadline.
 */
#include <curl/curl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "dns_apply.h"
#include "dns_read.h"
#include "dns_settings.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "str.h"

#include "banned.h"

#define REQUEST_MAX 65536
#define TRY_MS 2000

static int say_done(int fd, const struct err *e, const char *key, json_t *dns)
{
	char at[CLOCK_TEXT_SIZE];
	json_t *done = json_pack("{s:i, s:s, s:s, s:s, s:s?, s:s?, s:o}", "v", 1, "t", "done", "at",
		clock_text(clock_now_ms(), at), "status", e == NULL ? "succeeded" : "failed", "code",
		e != NULL ? err_code(e) : NULL, "message", e != NULL ? e->msg : NULL, key, dns);
	struct buf line = BUF_INIT;

	if (done == NULL)
		return 70;
	js_write(&line, done);
	buf_addc(&line, '\n');
	if (fs_write_all(fd, line.ptr, line.len) != NULL)
		e = err_new(ERR_IO, "the worker does not listen");
	buf_free(&line);
	json_decref(done);
	return err_exit(e);
}

static int number(const json_t *o, const char *key, int def)
{
	json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) < 10000000
		       ? (int)json_integer_value(v)
		       : def;
}

/* Mail exchangers as the servers of a reading name them, the preferred first. */
static json_t *exchangers(const json_t *reading)
{
	json_t *out = json_array(), *server, *v;
	int64_t preference, before[64];
	size_t i, k, n = 0, at;

	json_array_foreach(json_object_get(reading, "servers"), i, server)
		json_array_foreach(json_object_get(json_object_get(server, "mx"), "values"), k, v) {
			const char *text = json_string_value(v), *space = text != NULL ? strchr(text, ' ') : NULL;
			char number[8];

			if (space == NULL || n == 64 ||
				snprintf(number, sizeof(number), "%.*s", (int)(space - text), text) >= (int)sizeof(number) ||
				!str_i64(number, 0, 65535, &preference))
				continue;
			for (at = n++; at > 0 && before[at - 1] > preference; at--)
				before[at] = before[at - 1];
			before[at] = preference;
			json_array_insert_new(out, at, json_string(space + 1));
		}
	return out;
}

/* Where the domain's mail is, as its owner publishes it, beside what the name servers said. */
static void add_settings(const json_t *req, const char *domain, const struct dns_reading *how, json_t *reading)
{
	struct dns_settings settings = {.resolvers = how->resolvers,
		.allowed = json_object_get(req, "allowed"),
		.denied = json_object_get(req, "denied"),
		.ispdb = dns_text(req, "ispdb"),
		.ca_file = dns_text(req, "ca_file"),
		.port = how->port,
		.timeout_ms = how->timeout_ms,
		.deadline = how->deadline};
	json_t *mx = exchangers(reading);

	json_object_set_new(reading, "mail", dns_settings(domain, mx, &settings));
	json_decref(mx);
}

static int read_all(const json_t *req, int events)
{
	int64_t deadline = clock_mono_ms() + number(req, "deadline_ms", 30000);
	struct dns_reading how = {.resolvers = json_object_get(req, "resolvers"),
		.selectors = json_object_get(req, "selectors"),
		.mx = json_object_get(req, "mx"),
		.port = number(req, "port", 53),
		.smtp_port = number(req, "smtp_port", 25),
		.timeout_ms = TRY_MS,
		.deadline = deadline};
	json_t *domains = json_array(), *reading, *v;
	size_t i;

	json_array_foreach(json_object_get(req, "domains"), i, v)
		if (json_is_string(v)) {
			reading = dns_read(json_string_value(v), &how);
			if (json_is_true(json_object_get(req, "autodiscover")))
				add_settings(req, json_string_value(v), &how, reading);
			json_array_append_new(domains, reading);
		}
	return say_done(events, NULL, "dns", json_pack("{s:o}", "domains", domains));
}

static int apply(const json_t *req, int events)
{
	const json_t *p = json_object_get(req, "provider");
	struct dns_order o = {.kind = dns_text(p, "kind"),
		.domains = json_object_get(req, "domains"),
		.permit_url = dns_text(req, "permit_url"),
		.permit = dns_text(req, "permit"),
		.api_ca_file = dns_text(req, "api_ca_file"),
		.change = {.provider = p,
			.host = dns_text(req, "host"),
			.port = number(req, "port", 0),
			.tls = json_is_true(json_object_get(req, "tls")),
			.key = dns_text(req, "key"),
			.secret = dns_text(req, "secret"),
			.ca_file = dns_text(req, "ca_file"),
			.deadline = clock_mono_ms() + number(req, "deadline_ms", 60000)}};
	json_t *doc = NULL;
	const struct err *e;

	/* told to stop half-way it would leave a set that nobody wants: it ends by itself, at its deadline at the latest */
	signal(SIGTERM, SIG_IGN);
	e = dns_apply(&o, &doc);

	return say_done(events, e, "dns", doc);
}

static bool descriptor(const char *text, int *fd)
{
	int64_t n;

	if (!str_starts(text, "fd:") || !str_i64(text + 3, 3, 1023, &n))
		return false;
	*fd = (int)n;
	return true;
}

int main(int argc, char **argv)
{
	struct buf text = BUF_INIT;
	const char *request = NULL;
	const struct err *e;
	json_t *req = NULL;
	int events = -1, status;

	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], "--request") == 0)
			request = argv[i + 1];
		else if (strcmp(argv[i], "--events") != 0 || !descriptor(argv[i + 1], &events))
			events = -1;
	if (request == NULL || events < 0) {
		fprintf(stderr, "usage: migration-dns --request fd:N --events fd:N (started by migration-worker)\n");
		return 64;
	}
	if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 70;
	e = fs_read_secret(request, REQUEST_MAX, &text);
	if (e == NULL)
		e = js_parse(&req, text.ptr, text.len);
	buf_wipe(&text);
	if (e != NULL)
		status = say_done(events, e, "dns", json_object());
	else
		status = strcmp(dns_text(req, "action"), "read") == 0 ? read_all(req, events) : apply(req, events);
	json_decref(req);
	curl_global_cleanup();
	return status;
}
