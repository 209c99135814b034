#include "opts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "network.h"
#include "str.h"
#include "tls.h"

#include "banned.h"

#define SECRET_MAX 65536

#define FOR_COPY 1u
#define FOR_VERIFY 2u
#define FOR_CHECK 4u
#define FOR_ALL (FOR_COPY | FOR_VERIFY | FOR_CHECK)

struct raw {
	const char *from, *to, *from_secret, *to_secret, *from_auth, *to_auth;
	const char *from_pin, *to_pin, *ca_file;
};

enum how { FLAG, TEXT, LIST, NUMBER, SECONDS, COUNT, SIZE, DATE, CAP, CHOICE };

struct option_row {
	const char *name; /* without "--" */
	enum how how;
	unsigned commands;
	bool raw; /* offset is in struct raw */
	size_t offset;
	const char *arg, *help;
};

#define O(field) false, offsetof(struct opts, field)
#define R(field) true, offsetof(struct raw, field)

static const struct option_row rows[] = {
	{"from", TEXT, FOR_ALL, R(from), "URL", "the source: imaps://user@host[:port]"},
	{"to", TEXT, FOR_ALL, R(to), "URL", "the destination"},
	{"from-secret", TEXT, FOR_ALL, R(from_secret), "FILE|fd:N", "the source's password or token"},
	{"to-secret", TEXT, FOR_ALL, R(to_secret), "FILE|fd:N", "the destination's"},
	{"from-auth", TEXT, FOR_ALL, R(from_auth), "HOW", "password, xoauth2, oauthbearer or plain:AUTHZID"},
	{"to-auth", TEXT, FOR_ALL, R(to_auth), "HOW", "the same for the destination"},
	{"ca-file", TEXT, FOR_ALL, R(ca_file), "FILE", "trust these authorities instead of the system's"},
	{"from-tls-fingerprint", TEXT, FOR_ALL, R(from_pin), "HEX", "trust only this certificate (SHA-256)"},
	{"to-tls-fingerprint", TEXT, FOR_ALL, R(to_pin), "HEX", "the same for the destination"},
	{"allow-plaintext", FLAG, FOR_ALL, O(allow_plaintext), NULL, "imap:// without TLS: loopback and tests only"},
	{"deny-network", LIST, FOR_ALL, O(deny_network), "NET", "never connect to an address of this network (CIDR)"},
	{"state", TEXT, FOR_COPY | FOR_VERIFY, O(state), "FILE", "what is copied already, one file a mailbox pair"},
	{"events", TEXT, FOR_ALL, O(events), "FILE|fd:N", "JSON Lines, see migration-events(7)"},
	{"quarantine", TEXT, FOR_COPY, O(quarantine), "DIR", "keep messages that the destination refuses"},
	{"map", LIST, FOR_COPY | FOR_VERIFY, O(map), "SRC=DST", "another name at the destination"},
	{"automap", FLAG, FOR_COPY | FOR_VERIFY, O(automap), NULL, "special folders by their role (\\Sent, \\Trash …)"},
	{"include", LIST, FOR_COPY | FOR_VERIFY, O(include), "PATTERN", "only folders that match"},
	{"exclude", LIST, FOR_COPY | FOR_VERIFY, O(exclude), "PATTERN", "no folders that match"},
	{"since", DATE, FOR_COPY | FOR_VERIFY, O(since), "YYYY-MM-DD", "only messages received on that day or later"},
	{"before", DATE, FOR_COPY | FOR_VERIFY, O(before), "YYYY-MM-DD", "only messages received before that day"},
	{"max-size", SIZE, FOR_COPY | FOR_VERIFY, O(max_size), "N[k|M|G]", "no messages over this size"},
	{"max-connections", NUMBER, FOR_ALL, O(max_connections), "N", "to each server (default: 2, more when it is far)"},
	{"patience", SECONDS, FOR_ALL, O(patience), "SECONDS", "how long a failing server is tried again (default: 300)"},
	{"max-rate", SIZE, FOR_COPY, O(max_rate), "N[k|M|G]", "bytes a second"},
	{"max-messages-rate", COUNT, FOR_COPY, O(max_messages_rate), "N", "messages a second"},
	{"compress", CHOICE, FOR_COPY, O(compress), "auto|always|never", "COMPRESS=DEFLATE: when the line is slow (default)"},
	{"flags-sync", FLAG, FOR_COPY, O(flags_sync), NULL, "carry later changes of flags over"},
	{"only", TEXT, FOR_COPY, O(only), "FILE", "copy only the messages that the file lists"},
	{"rescan", FLAG, FOR_COPY, O(rescan), NULL, "believe both servers, not the state file"},
	{"delete-extra", FLAG, FOR_COPY, O(delete_extra), NULL, "delete copies of what the source no longer has"},
	{"i-understand-deletion", FLAG, FOR_COPY, O(understood), NULL, "without it nothing is ever deleted"},
	{"delete-max", CAP, FOR_COPY, O(delete_max), "N|N%", "delete nothing when it would be more"},
	{"dry-run", FLAG, FOR_COPY, O(dry_run), NULL, "print the plan, change nothing"},
	{"baseline", TEXT, FOR_VERIFY, O(baseline), "FILE", "what the last pass had seen, from its `pass` event"},
	{"ledger", TEXT, FOR_VERIFY, O(ledger), "FILE", "write down where every message of the source went"},
	{"deep", FLAG, FOR_VERIFY, O(deep), NULL, "compare every byte"},
	{"no-write-probe", FLAG, FOR_CHECK, O(no_write_probe), NULL, "do not try to write at the destination"},
	{"language", TEXT, FOR_CHECK, O(language), "pt|en", "of the words for people (default: as LANG says)"},
	{"no-progress", FLAG, FOR_ALL, O(no_progress), NULL, "no progress bar"},
	{"verbose", FLAG, FOR_ALL, O(verbose), NULL, "say more on standard error"},
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static const struct {
	const char *name;
	unsigned bit;
} commands[] = {{"copy", FOR_COPY}, {"verify", FOR_VERIFY}, {"check", FOR_CHECK}};

static const struct option_row *find(const char *name, size_t n)
{
	for (size_t i = 0; i < NROWS; i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
	return NULL;
}

static bool parse_size(const char *s, uint64_t *out)
{
	static const char units[] = "kMGT";
	char *digits = xstrdup(s);
	size_t n = strlen(digits);
	const char *unit = n > 0 ? strchr(units, digits[n - 1]) : NULL;
	unsigned shift = 0;
	int64_t v;
	bool ok;

	if (unit != NULL && *unit != '\0') {
		shift = 10 * (unsigned)(unit - units + 1);
		digits[n - 1] = '\0';
	}
	ok = str_i64(digits, 1, INT64_MAX >> shift, &v);
	free(digits);
	if (ok)
		*out = (uint64_t)v << shift;
	return ok;
}

static bool parse_cap(const char *s, struct cap *out)
{
	char *digits = xstrdup(s);
	size_t n = strlen(digits);
	bool percent = n > 0 && digits[n - 1] == '%', ok;
	int64_t v = 0;

	if (percent)
		digits[n - 1] = '\0';
	ok = str_i64(digits, 1, percent ? 100 : UINT32_MAX, &v);
	free(digits);
	*out = (struct cap){(uint64_t)v, percent};
	return ok;
}

static bool valid_date(const char *s)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, m, d, used = 0;

	return strlen(s) == 10 && sscanf(s, "%4d-%2d-%2d%n", &y, &m, &d, &used) == 3 && used == 10 && m >= 1 &&
	       m <= 12 && d >= 1 && d <= days[m - 1];
}

/* Which of "a|b|c" it is, counted from 0. */
static bool choose(const char *words, const char *value, unsigned *out)
{
	size_t n = strlen(value);

	for (unsigned i = 0;; i++) {
		size_t k = strcspn(words, "|");

		if (k == n && memcmp(words, value, n) == 0) {
			*out = i;
			return true;
		}
		if (words[k] == '\0')
			return false;
		words += k + 1;
	}
}

static const struct err *set(const struct option_row *row, char *base, char *value)
{
	void *at = base + row->offset;
	int64_t v;

	switch (row->how) {
	case FLAG:
		*(bool *)at = true;
		return NULL;
	case TEXT:
		*(const char **)at = value;
		return NULL;
	case LIST: {
		struct strlist *l = at;

		l->s = xreallocarray(l->s, l->n + 1, sizeof(char *));
		l->s[l->n++] = value;
		return NULL;
	}
	case NUMBER:
		if (!str_i64(value, 1, 64, &v))
			return err_new(ERR_USAGE, "--%s %s: a number from 1 to 64", row->name, value);
		*(unsigned *)at = (unsigned)v;
		return NULL;
	case SECONDS:
		if (!str_i64(value, 0, 7 * 86400, &v))
			return err_new(ERR_USAGE, "--%s %s: a number of seconds, at most a week", row->name, value);
		*(unsigned *)at = (unsigned)v;
		return NULL;
	case COUNT:
		if (!str_i64(value, 1, 1000000, &v))
			return err_new(ERR_USAGE, "--%s %s: a number from 1 to 1000000", row->name, value);
		*(unsigned *)at = (unsigned)v;
		return NULL;
	case CHOICE:
		if (!choose(row->arg, value, at))
			return err_new(ERR_USAGE, "--%s %s: one of %s", row->name, value, row->arg);
		return NULL;
	case SIZE:
		if (!parse_size(value, at))
			return err_new(ERR_USAGE, "--%s %s: a number of bytes, with k, M or G behind it if you like",
				row->name, value);
		return NULL;
	case CAP:
		if (!parse_cap(value, at))
			return err_new(ERR_USAGE, "--%s %s: a number of messages, or 1%% to 100%%", row->name, value);
		return NULL;
	case DATE:
		if (!valid_date(value))
			return err_new(ERR_USAGE, "--%s %s: a day as 2024-01-31", row->name, value);
		*(const char **)at = value;
		return NULL;
	}
	return NULL;
}

static const struct err *parse_args(struct opts *o, struct raw *raw, unsigned command, int argc, char **argv)
{
	const struct err *e = NULL;

	for (int i = 0; i < argc && e == NULL; i++) {
		char *name = argv[i], *eq;
		const struct option_row *row;
		char *value = NULL;

		if (!str_starts(name, "--"))
			return err_new(ERR_USAGE, "%s: not an option; see mailmover --help", name);
		name += 2;
		eq = strchr(name, '=');
		row = find(name, eq != NULL ? (size_t)(eq - name) : strlen(name));
		if (row == NULL)
			return err_new(ERR_USAGE, "--%s: no such option; see mailmover --help", name);
		if ((row->commands & command) == 0)
			return err_new(ERR_USAGE, "--%s: not an option of %s", row->name, o->command);
		if (row->how == FLAG && eq != NULL)
			return err_new(ERR_USAGE, "--%s takes no value", row->name);
		if (row->how != FLAG) {
			value = eq != NULL ? eq + 1 : i + 1 < argc ? argv[++i] : NULL;
			if (value == NULL)
				return err_new(ERR_USAGE, "--%s needs %s", row->name, row->arg);
		}
		e = set(row, row->raw ? (char *)raw : (char *)o, value);
	}
	return e;
}

/* SRC=DST, or SRC/…=DST/… with a star on both sides: said before anybody is asked for anything. */
static const struct err *check_map(const char *text)
{
	const char *eq = strchr(text, '=');

	if (eq == NULL || eq == text || eq[1] == '\0')
		return err_new(ERR_USAGE, "--map %s: write SRC=DST", text);
	if (eq >= text + 2 && memcmp(eq - 2, "/*", 2) == 0 && !str_ends(text, "*"))
		return err_new(ERR_USAGE, "--map %s: a subtree is written SRC/*=DST/*", text);
	return NULL;
}

/* As asked for, else as the terminal speaks. */
static const struct err *set_language(struct opts *o)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	if (o->language != NULL && strcmp(o->language, "pt") != 0 && strcmp(o->language, "en") != 0)
		return err_new(ERR_USAGE, "--language %s: pt or en", o->language);
	for (size_t i = 0; i < 3 && o->language == NULL; i++) {
		const char *v = getenv(names[i]);

		if (v != NULL && v[0] != '\0')
			o->language = str_starts(v, "pt") ? "pt" : "en";
	}
	return NULL;
}

/* What only makes sense together. */
static const struct err *check_together(const struct opts *o)
{
	const struct err *e = NULL;

	for (size_t i = 0; i < o->map.n && e == NULL; i++)
		e = check_map(o->map.s[i]);
	for (size_t i = 0; i < o->deny_network.n && e == NULL; i++)
		if (!network_is(o->deny_network.s[i]))
			e = err_new(ERR_USAGE, "--deny-network %s: a network (10.0.0.0/8) or an address is needed", o->deny_network.s[i]);
	if (e != NULL)
		return e;
	if (!o->delete_extra && (o->understood || o->delete_max.n > 0))
		return err_new(ERR_USAGE, "--%s goes with --delete-extra only", o->understood ? "i-understand-deletion" : "delete-max");
	if (!o->delete_extra)
		return NULL;
	if (!o->understood)
		return err_new(ERR_USAGE, "--delete-extra deletes mail at the destination: add --i-understand-deletion if you mean it");
	if (o->delete_max.n == 0)
		return err_new(ERR_USAGE, "--delete-extra needs --delete-max N or N%%: more than that is never deleted");
	if (o->only != NULL)
		return err_new(ERR_USAGE, "--delete-extra and --only do not go together");
	if (o->state == NULL)
		return err_new(ERR_USAGE, "--delete-extra needs --state: only what the state file knows as copied is deleted");
	return NULL;
}

static const struct err *set_side(struct opts *o, struct endpoint *ep, const char *side, const char *url, const char *auth,
	const char *secret, const char *pin, const char *ca_file)
{
	const struct err *e = endpoint_parse(ep, side, url);
	const char *dir = strcmp(side, "source") == 0 ? "from" : "to";

	if (e == NULL && auth != NULL)
		e = endpoint_set_auth(ep, auth);
	if (e != NULL || ep->kind != URL_IMAP)
		return e;
	if (ep->tls == URL_TLS_STARTTLS && o->allow_plaintext)
		ep->tls = URL_TLS_NONE;
	if (pin != NULL && !tls_fingerprint_valid(pin))
		return err_new(ERR_USAGE, "--%s-tls-fingerprint: 64 hexadecimal digits (SHA-256) are needed", dir);
	ep->fingerprint = pin;
	ep->ca_file = ca_file;
	if (secret == NULL)
		return err_new(ERR_CRED_MISSING, "no password or token for the %s: --%s-secret FILE or fd:N", side, dir);
	e = fs_read_secret(secret, SECRET_MAX, &ep->secret);
	if (e != NULL)
		return err_wrap(e, "--%s-secret", dir);
	if (ep->secret.len == 0)
		return err_new(ERR_CRED_MISSING, "--%s-secret %s: it is empty", dir, secret);
	if (memchr(ep->secret.ptr, '\0', ep->secret.len) != NULL)
		return err_new(ERR_CRED_MISSING, "--%s-secret %s: it holds a NUL byte, which no log-in can carry", dir, secret);
	return NULL;
}

const struct err *opts_parse(struct opts *o, int argc, char **argv)
{
	const struct err *e;
	struct raw raw = {0};
	unsigned command = 0;

	memset(o, 0, sizeof(*o));
	buf_init(&o->from.secret);
	buf_init(&o->to.secret);
	o->patience = 300;
	if (argc < 2)
		return err_new(ERR_USAGE, "what is to be done? mailmover copy, verify or check; see mailmover --help");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			o->command = commands[i].name;
			command = commands[i].bit;
		}
	}
	if (command == 0)
		return err_new(ERR_USAGE, "%s: no such command; see mailmover --help", argv[1]);
	e = parse_args(o, &raw, command, argc - 2, argv + 2);
	if (e != NULL)
		return e;
	if ((e = check_together(o)) != NULL || (e = set_language(o)) != NULL)
		return e;
	if (raw.from == NULL)
		return err_new(ERR_USAGE, "--from URL is missing");
	if (raw.to == NULL && command != FOR_CHECK)
		return err_new(ERR_USAGE, "--to URL is missing");
	e = set_side(o, &o->from, "source", raw.from, raw.from_auth, raw.from_secret, raw.from_pin, raw.ca_file);
	if (e == NULL && raw.to != NULL) {
		o->has_to = true;
		e = set_side(o, &o->to, "destination", raw.to, raw.to_auth, raw.to_secret, raw.to_pin, raw.ca_file);
	}
	return e;
}

void opts_wipe(struct opts *o)
{
	endpoint_wipe(&o->from);
	endpoint_wipe(&o->to);
	free(o->map.s);
	free(o->include.s);
	free(o->exclude.s);
	free(o->deny_network.s);
	memset(o, 0, sizeof(*o));
	buf_init(&o->from.secret);
	buf_init(&o->to.secret);
}

bool opts_usage(const char *command)
{
	unsigned wanted = command == NULL ? FOR_ALL : 0;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (command != NULL && strcmp(commands[i].name, command) == 0)
			wanted = commands[i].bit;
	if (wanted == 0)
		return false;
	if (command == NULL)
		printf("mailmover copy|verify|check --from URL --to URL [OPTION]...\n"
		       "mailmover COMMAND --help\n"
		       "mailmover imapsync-args -- IMAPSYNC-OPTION...\n\n");
	else
		printf("mailmover %s --from URL %s [OPTION]...\n\n", command, wanted == FOR_CHECK ? "[--to URL]" : "--to URL");
	for (size_t i = 0; i < NROWS; i++) {
		char left[64];

		if (!(rows[i].commands & wanted))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg != NULL ? " " : "",
			rows[i].arg != NULL ? rows[i].arg : "");
		printf("  %-34s %s\n", left, rows[i].help);
	}
	printf("\nURLs: imaps://user@host[:port], imap://user@host[:port] (STARTTLS); as a source also mbox:, maildir:, zip:,\n"
		"tgz: and pst:PATH. See mailmover(1).\n");
	return true;
}
