/*
 * migration-report: makes a job's certificate, report and table from its facts.
 *
 *   migration-report --facts FILE --out DIR --signing-key FILE|fd:N [--events fd:N] [--language pt|en]
 *
 * Reads one file, writes three, talks to nobody: the worker confines it to its run's folder. The key comes through a
 * pipe. Exit status: 0, or sysexits; the last event says why (migration-events.7).
 */
#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "certificate.h"
#include "document.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define FACTS_MAX (256u << 20)

struct options {
	const char *facts, *out, *key;
	int events;
	bool pt;
};

static bool parse_fd(const char *s, int *fd)
{
	int64_t n;

	if (strncmp(s, "fd:", 3) != 0 || !str_i64(s + 3, 0, 1 << 20, &n))
		return false;
	*fd = (int)n;
	return true;
}

static int usage(void)
{
	fputs("usage: migration-report --facts FILE --out DIR --signing-key FILE|fd:N [--events fd:N] [--language pt|en]\n",
		stderr);
	return 64;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"facts", required_argument, NULL, 'f'}, {"out", required_argument, NULL, 'o'},
		{"signing-key", required_argument, NULL, 'k'}, {"events", required_argument, NULL, 'e'},
		{"language", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'f')
			o->facts = optarg;
		else if (c == 'o')
			o->out = optarg;
		else if (c == 'k')
			o->key = optarg;
		else if (c == 'l')
			o->pt = strcmp(optarg, "pt") == 0;
		else if (c != 'e' || !parse_fd(optarg, &o->events))
			return false;
	}
	return optind == argc && o->facts != NULL && o->out != NULL && o->key != NULL;
}

static const struct err *read_key(const char *from, unsigned char seed[CERTIFICATE_KEY])
{
	char text[128];
	const struct err *e;
	int fd;

	if (parse_fd(from, &fd)) {
		ssize_t n = read(fd, text, sizeof(text) - 1);

		close(fd);
		if (n < 0)
			return err_errno("read the signing key");
		text[n] = '\0';
	} else {
		struct buf b = BUF_INIT;

		if ((e = fs_read(from, sizeof(text) - 1, &b)) != NULL)
			return e;
		memcpy(text, b.ptr, b.len + 1);
		buf_wipe(&b);
	}
	e = certificate_key_parse(str_trim(text), seed);
	sodium_memzero(text, sizeof(text));
	return err_wrap(e, "MIGRATION_SIGNING_KEY");
}

static const struct err *read_facts(const char *path, json_t **facts)
{
	struct buf text = BUF_INIT;
	const struct err *e = fs_read(path, FACTS_MAX, &text);

	if (e == NULL)
		e = js_parse(facts, text.ptr, text.len);
	buf_free(&text);
	return err_wrap(e, "%s", path);
}

static const struct err *put(const char *dir, const char *name, const struct buf *b)
{
	char *path = xasprintf("%s/%s", dir, name);
	const struct err *e = fs_write(path, b->ptr, b->len, 0600);

	free(path);
	return e;
}

static const struct err *write_report(
	const struct options *o, const json_t *facts, const struct buf *certificate, const char *key)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];
	struct document d = {.statement = json_object_get(facts, "statement"), .sections = json_object_get(facts, "sections"),
		.sha256 = hex, .key = key};
	struct buf pdf = BUF_INIT, csv = BUF_INIT;
	const struct err *e;

	crypto_hash_sha256(hash, (const unsigned char *)certificate->ptr, certificate->len);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	e = document_write(&d, &pdf);
	if (e == NULL)
		e = attach(&pdf, "certificate.json", "application#2Fjson", "The signed certificate of this migration", certificate);
	if (e == NULL)
		e = put(o->out, "report.pdf", &pdf);
	if (e == NULL) {
		document_csv(&d, &csv);
		e = put(o->out, "report.csv", &csv);
	}
	buf_free(&pdf);
	buf_free(&csv);
	return e;
}

static const struct err *make(const struct options *o)
{
	unsigned char seed[CERTIFICATE_KEY], public[CERTIFICATE_KEY];
	struct buf certificate = BUF_INIT, key = BUF_INIT;
	json_t *facts = NULL;
	const struct err *e = read_key(o->key, seed);

	if (e == NULL)
		e = read_facts(o->facts, &facts);
	if (e == NULL)
		e = certificate_make(facts, seed, &certificate);
	if (e == NULL) {
		certificate_public_of(seed, public);
		certificate_key_text(public, &key);
		e = put(o->out, "certificate.json", &certificate);
	}
	sodium_memzero(seed, sizeof(seed));
	if (e == NULL)
		e = write_report(o, facts, &certificate, key.ptr);
	json_decref(facts);
	buf_free(&certificate);
	buf_free(&key);
	return e;
}

/* The last word, for the worker. */
static void say_end(int fd, const struct err *e)
{
	json_t *event = json_pack("{s:i, s:s, s:s, s:s?, s:s}", "v", 1, "t", "done", "status", e == NULL ? "succeeded" : "failed",
		"code", e == NULL ? NULL : err_code(e), "message", e == NULL ? "" : e->msg);
	char *text = js_text(event);
	struct buf line = BUF_INIT;

	buf_addf(&line, "%s\n", text);
	if (fd >= 0 && fs_write_all(fd, line.ptr, line.len) != NULL)
		fputs("migration-report: the last event was not written\n", stderr);
	buf_free(&line);
	free(text);
	json_decref(event);
}

int main(int argc, char **argv)
{
	struct options o = {.events = -1};
	const struct err *e;

	log_open("migration-report", LOG_WARN_);
	if (!parse_options(argc, argv, &o))
		return usage();
	if (sodium_init() < 0)
		return 70;
	words_choose(o.pt);
	e = make(&o);
	sheet_forget_fonts();
	if (e != NULL)
		fprintf(stderr, "migration-report: %s\n", e->msg);
	say_end(o.events, e);
	return e != NULL ? err_exit(e) : 0;
}
