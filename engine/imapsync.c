#include "imapsync.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "map.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

enum action {
	SIDE_HOST, SIDE_PORT, SIDE_USER, SIDE_SECRET, SIDE_SECRET_NONE, SIDE_FILE, SIDE_ADMIN, SIDE_MECH, SIDE_TOKEN, SIDE_SSL,
	SIDE_TLS, SIDE_GMAIL, SIDE_OFFICE, OURS_FLAG, OURS_VALUE, CHECK, DRY_AUTOMAP, FOLDER, FOLDER_TREE, REGEX, MAP, MAX_SIZE,
	MAX_AGE, MIN_AGE, SEARCH, DUPLICATES, DATES, FLAGS_SYNC, ACLS, DELETE, REPORT, MESSAGES_RATE,
	DROP, /* not needed, the text says why */
	NONE  /* no counterpart, the text says what to do instead */
};

struct row {
	const char *name; /* "host#" is host1 and host2 */
	bool value;
	enum action action;
	const char *text;
};

#define FLAG(name, action, text) {name, false, action, text},
#define VALUE(name, action, text) {name, true, action, text},
static const struct row rows[] = {
#include "imapsync_table.h"
};
#undef FLAG
#undef VALUE

enum switch_state { UNSAID, OFF, ON };

struct side {
	const char *host, *port, *user, *admin, *file;
	bool secret, token, xoauth;
	enum switch_state ssl, tls;
};

struct translation {
	struct side side[2];
	struct buf options;
	bool check, automap_dry, no_flags, lost; /* lost: something has no counterpart */
	int64_t min_age, max_age;                /* days; -1: not said */
};

/* One option as it was written. */
struct word {
	const struct row *row;
	int side; /* 0, 1; -1: of no side, or of both */
	bool no;
	const char *value; /* NULL for flags */
};

/* --- what is printed ---------------------------------------------------------------------------------------- */

static void remark(const struct word *w, const char *text)
{
	size_t n = strcspn(w->row->name, "#");

	printf("# --%s%.*s", w->no ? "no" : "", (int)n, w->row->name);
	if (w->side >= 0 && w->row->name[n] == '#')
		printf("%d", w->side + 1);
	printf(": %s\n", text);
}

static void lost(struct translation *t, const struct word *w, const char *text)
{
	remark(w, "no counterpart:");
	printf("#     %s\n", text);
	t->lost = true;
}

static void add_quoted(struct buf *out, const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";

	if (*s != '\0' && strspn(s, safe) == strlen(s)) {
		buf_adds(out, s);
		return;
	}
	buf_addc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '\'');
}

static void add(struct translation *t, const char *option, const char *value)
{
	buf_addf(&t->options, " \\\n    %s", option);
	if (value == NULL)
		return;
	buf_addc(&t->options, ' ');
	add_quoted(&t->options, value);
}

/* --- folders ------------------------------------------------------------------------------------------------ */

/* imapsync's names are those of the wire: modified UTF-7. */
static char *folder_name(const char *s)
{
	return map_display(s, strlen(s), false);
}

static void add_glob_char(struct buf *b, char c)
{
	if (strchr("*?[\\", c) != NULL)
		buf_addc(b, '\\');
	buf_addc(b, c);
}

static void add_folder(struct translation *t, const char *value, bool tree)
{
	char *name = folder_name(value);
	struct buf b = BUF_INIT;

	for (const char *c = name; *c != '\0'; c++)
		add_glob_char(&b, *c);
	add(t, "--include", b.ptr);
	if (tree) {
		buf_adds(&b, "/*");
		add(t, "--include", b.ptr);
	}
	buf_free(&b);
	free(name);
}

/* One alternative of a regular expression as a shell pattern; false when it is more than a pattern can say. */
static bool glob_of(const char *p, size_t n, struct buf *out)
{
	bool start = n > 0 && p[0] == '^', end = n > 0 && p[n - 1] == '$' && (n < 2 || p[n - 2] != '\\');
	size_t stop = n - end;

	if (!start)
		buf_addc(out, '*');
	for (size_t i = start; i < stop; i++) {
		if (p[i] == '\\' && i + 1 < stop && strchr(".^$*+?()[]{}|\\/ &~\"-", p[i + 1]) != NULL)
			add_glob_char(out, p[++i]);
		else if (p[i] == '.' && i + 1 < stop && p[i + 1] == '*' && ++i)
			buf_addc(out, '*');
		else if (p[i] == '.')
			buf_addc(out, '?');
		else if (strchr("\\*+?()[]{}^$", p[i]) != NULL)
			return false;
		else
			add_glob_char(out, p[i]);
	}
	if (!end)
		buf_addc(out, '*');
	return true;
}

static void add_regex(struct translation *t, const struct word *w)
{
	struct buf globs[16];
	size_t n = 0;
	bool ok = true;
	const char *p = w->value;

	for (; ok && n < 16; p++) {
		size_t len = strcspn(p, "|");

		buf_init(&globs[n]);
		ok = (len == 0 || p[len] == '\0' || p[len - 1] != '\\') && glob_of(p, len, &globs[n]);
		n++;
		p += len;
		if (*p == '\0')
			break;
	}
	if (!ok || *p != '\0')
		lost(t, w, "this regular expression is more than a shell pattern can say: write patterns, with / between levels");
	else
		for (size_t i = 0; i < n; i++)
			add(t, w->row->text, globs[i].ptr);
	for (size_t i = 0; i < n; i++)
		buf_free(&globs[i]);
}

static void add_map(struct translation *t, const struct word *w)
{
	char *pair;

	if (strchr(w->value, '=') == NULL) {
		lost(t, w, "write SRC=DST");
		return;
	}
	pair = folder_name(w->value);
	add(t, "--map", pair);
	free(pair);
}

/* --- messages ----------------------------------------------------------------------------------------------- */

static void add_day(struct translation *t, const char *option, int64_t days_ago)
{
	time_t at = time(NULL) - (time_t)days_ago * 86400;
	struct tm tm;
	char day[16];

	gmtime_r(&at, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	add(t, option, day);
}

static void take_age(struct translation *t, const struct word *w, int64_t *out)
{
	int64_t v;

	if (!str_i64(w->value, 0, 100000, &v))
		lost(t, w, "a whole number of days is needed");
	else
		*out = v;
}

static void add_ages(struct translation *t)
{
	if (t->min_age >= 0 && t->max_age >= 0 && t->min_age > t->max_age) {
		printf("# --minage over --maxage (the old and the new, not what is between): no counterpart\n");
		t->lost = true;
		return;
	}
	if (t->max_age >= 0)
		add_day(t, "--since", t->max_age);
	if (t->min_age >= 0)
		add_day(t, "--before", t->min_age);
}

/* imapsync skips what is as large as N; we skip what is larger. */
static void add_size(struct translation *t, const struct word *w)
{
	char text[24];
	int64_t v;

	if (!str_i64(w->value, 2, INT64_MAX, &v)) {
		lost(t, w, "a number of bytes is needed");
		return;
	}
	snprintf(text, sizeof(text), "%" PRId64, v - 1);
	add(t, "--max-size", text);
}

/* imapsync takes fractions; we take whole messages. */
static void add_messages_rate(struct translation *t, const struct word *w)
{
	char *whole = xstrndup(w->value, strcspn(w->value, "."));
	int64_t v;

	if (str_i64(whole, 1, INT32_MAX, &v))
		add(t, "--max-messages-rate", whole);
	else
		lost(t, w, "at least one message a second; with --max-rate it can be slower");
	free(whole);
}

/* "SINCE 1-Feb-2020": the day as we write it. */
static bool search_day(const char *s, char day[11])
{
	static const char months[] = "jan feb mar apr may jun jul aug sep oct nov dec";
	char name[4] = "";
	const char *at;
	int d, y, used = 0;

	if (sscanf(s, "%2d-%3[A-Za-z]-%4d%n", &d, name, &y, &used) != 3 || s[used] != '\0')
		return false;
	str_lower(name);
	at = strstr(months, name);
	if (at == NULL || strlen(name) != 3 || d < 1 || d > 31 || y < 1900)
		return false;
	snprintf(day, 11, "%04d-%02d-%02d", y % 10000, (int)(at - months) / 4 + 1, d % 100);
	return true;
}

static void add_search(struct translation *t, const struct word *w)
{
	static const struct {
		const char *key, *option;
	} keys[] = {{"SINCE ", "--since"}, {"BEFORE ", "--before"}};
	char day[11];

	for (size_t i = 0; i < 2; i++)
		if (strncasecmp(w->value, keys[i].key, strlen(keys[i].key)) == 0 &&
			search_day(w->value + strlen(keys[i].key), day)) {
			add(t, keys[i].option, day);
			return;
		}
	lost(t, w, "messages are chosen by --since, --before and --max-size only");
}

/* --- one option --------------------------------------------------------------------------------------------- */

static void deletion(struct translation *t, const struct word *w)
{
	if (w->no)
		return;
	if (w->side == 0)
		lost(t, w, "the source is never changed");
	else
		lost(t, w, "decide for yourself: --delete-extra --i-understand-deletion --delete-max N% deletes copies of what the "
			"source no longer has, and never mail that mailmover has not brought");
}

static void preset(struct translation *t, const struct word *w, const char *host, const char *exclude)
{
	struct side *s = &t->side[w->side];

	if (s->host == NULL)
		s->host = host;
	s->ssl = ON;
	if (w->side == 0 && exclude != NULL)
		add(t, "--exclude", exclude);
	remark(w, "the server's own ways are known: no further options are needed");
}

static void mechanism(struct translation *t, const struct word *w)
{
	struct side *s = &t->side[w->side];

	if (str_ieq(w->value, "XOAUTH2"))
		s->xoauth = true;
	else if (!str_ieq(w->value, "PLAIN") && !str_ieq(w->value, "LOGIN"))
		lost(t, w, "passwords go by PLAIN or LOGIN over TLS, tokens by XOAUTH2 or OAUTHBEARER");
}

/* True: it was about one of the sides. */
static bool translate_side(struct translation *t, const struct word *w)
{
	struct side *s = w->side >= 0 ? &t->side[w->side] : NULL;

	switch (w->row->action) {
	case SIDE_HOST: s->host = w->value; break;
	case SIDE_PORT: s->port = w->value; break;
	case SIDE_USER: s->user = w->value; break;
	case SIDE_ADMIN: s->admin = w->value; break;
	case SIDE_FILE: s->file = w->value; break;
	case SIDE_SECRET: s->secret = true; break;
	case SIDE_SECRET_NONE: lost(t, w, w->row->text); break;
	case SIDE_TOKEN:
		s->token = s->xoauth = true;
		if (access(w->value, F_OK) == 0) /* a file that holds it */
			s->file = w->value;
		break;
	case SIDE_MECH: mechanism(t, w); break;
	case SIDE_SSL: s->ssl = w->no ? OFF : ON; break;
	case SIDE_TLS: s->tls = w->no ? OFF : ON; break;
	case SIDE_GMAIL: preset(t, w, "imap.gmail.com", "\\[Gmail]/All Mail"); break;
	case SIDE_OFFICE: preset(t, w, "outlook.office365.com", NULL); break;
	default: return false;
	}
	return true;
}

/* Flags whose --noNAME is what differs from us. */
static void translate_default(struct translation *t, const struct word *w, bool lost_when)
{
	if (w->no == lost_when)
		lost(t, w, w->row->text);
	else
		remark(w, w->row->text);
}

static void translate(struct translation *t, const struct word *w)
{
	if (translate_side(t, w))
		return;
	switch (w->row->action) {
	case OURS_FLAG:
		if (!w->no && strstr(t->options.ptr, w->row->text) == NULL)
			add(t, w->row->text, NULL);
		break;
	case OURS_VALUE: add(t, w->row->text, w->value); break;
	case CHECK: t->check = t->check || !w->no; break;
	case DRY_AUTOMAP:
		add(t, "--automap", NULL);
		add(t, "--dry-run", NULL);
		break;
	case FOLDER: add_folder(t, w->value, false); break;
	case FOLDER_TREE: add_folder(t, w->value, true); break;
	case REGEX: add_regex(t, w); break;
	case MAP: add_map(t, w); break;
	case MAX_SIZE: add_size(t, w); break;
	case MAX_AGE: take_age(t, w, &t->max_age); break;
	case MIN_AGE: take_age(t, w, &t->min_age); break;
	case SEARCH: add_search(t, w); break;
	case FLAGS_SYNC: t->no_flags = w->no; break;
	case DUPLICATES:
	case DATES: translate_default(t, w, true); break;
	case ACLS:
	case REPORT: translate_default(t, w, false); break;
	case DELETE: deletion(t, w); break;
	case MESSAGES_RATE: add_messages_rate(t, w); break;
	case NONE:
		if (w->no)
			remark(w, "it is so anyway");
		else
			lost(t, w, w->row->text);
		break;
	default: remark(w, w->row->text); break;
	}
}

/* --- the command line --------------------------------------------------------------------------------------- */

static bool same_name(const char *pattern, const char *name, size_t n, int *side)
{
	size_t len = strlen(pattern);

	*side = -1;
	if (pattern[len - 1] != '#')
		return len == n && memcmp(pattern, name, n) == 0;
	if (len != n || memcmp(pattern, name, n - 1) != 0 || (name[n - 1] != '1' && name[n - 1] != '2'))
		return false;
	*side = name[n - 1] - '1';
	return true;
}

static bool find_exact(struct word *w, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (same_name(rows[i].name, name, n, &w->side)) {
			w->row = &rows[i];
			return true;
		}
	return false;
}

static bool find(struct word *w, const char *name, size_t n)
{
	w->no = false;
	if (find_exact(w, name, n))
		return true;
	w->no = n > 2 && memcmp(name, "no", 2) == 0;
	return w->no && find_exact(w, name + 2, n - 2) && !w->row->value;
}

static bool is_secret(enum action a)
{
	return a == SIDE_SECRET || a == SIDE_SECRET_NONE || a == SIDE_TOKEN;
}

/* One option with its value; moves *i to its last word. False: imapsync has no such option. */
static bool read_word(int argc, char **argv, int *i, struct word *w)
{
	char *name = argv[*i] + strspn(argv[*i], "-"), *eq = strchr(name, '=');
	size_t n = eq != NULL ? (size_t)(eq - name) : strlen(name);

	if (argv[*i][0] != '-' || n == 0 || !find(w, name, n)) {
		fprintf(stderr, "mailmover: %.*s: imapsync has no such option\n", (int)(n < 40 && argv[*i][0] == '-' ? n : 0), name);
		return false;
	}
	w->value = NULL;
	if (!w->row->value)
		return true;
	if (eq == NULL && *i + 1 >= argc) {
		fprintf(stderr, "mailmover: --%.*s needs a value\n", (int)n, name);
		return false;
	}
	w->value = eq != NULL ? eq + 1 : argv[++*i];
	return true;
}

static void add_url(struct buf *out, const struct translation *t, int i)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*";
	const struct side *s = &t->side[i];
	bool starttls = s->ssl == OFF || (s->ssl == UNSAID && (s->tls == ON || (s->port != NULL && strcmp(s->port, "143") == 0)));

	buf_addf(out, " \\\n    --%s '%s://", i == 0 ? "from" : "to", starttls ? "imap" : "imaps");
	for (const char *c = s->admin != NULL ? s->admin : s->user; *c != '\0'; c++) {
		if (strchr(plain, *c) != NULL)
			buf_addc(out, *c);
		else
			buf_addf(out, "%%%02X", (unsigned char)*c);
	}
	buf_addf(out, "@%s", s->host);
	if (s->port != NULL && strcmp(s->port, starttls ? "143" : "993") != 0)
		buf_addf(out, ":%s", s->port);
	buf_addc(out, '\'');
	if (starttls && s->ssl == OFF && s->tls == OFF)
		printf("# --nossl%d --notls%d: STARTTLS is used; passwords never go in the clear (--allow-plaintext is for loopback)\n",
			i + 1, i + 1);
}

static void add_secret(struct buf *out, const struct translation *t, int i)
{
	const struct side *s = &t->side[i];
	const char *dir = i == 0 ? "from" : "to";
	char *spec;

	buf_addf(out, " --%s-secret ", dir);
	add_quoted(out, s->file != NULL ? s->file : i == 0 ? "SECRET1" : "SECRET2");
	if (s->file == NULL)
		printf("# put the %s into a file that only you can read, and name it instead of SECRET%d\n",
			s->token || s->xoauth ? "access token" : "password", i + 1);
	if (s->secret)
		printf("# --password%d: passwords are never given on a command line, where everybody can read them\n", i + 1);
	if (s->xoauth) {
		buf_addf(out, " --%s-auth xoauth2", dir);
	} else if (s->admin != NULL) {
		spec = xasprintf("plain:%s", s->user);
		buf_addf(out, " --%s-auth ", dir);
		add_quoted(out, spec);
		free(spec);
	}
}

static bool complete(const struct translation *t)
{
	for (int i = 0; i < 2; i++)
		if (t->side[i].host == NULL || t->side[i].user == NULL) {
			fprintf(stderr, "mailmover: --%s%d is missing\n", t->side[i].host == NULL ? "host" : "user", i + 1);
			return false;
		}
	return true;
}

static void print_command(struct translation *t)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, t->check ? "mailmover check" : "mailmover copy");
	for (int i = 0; i < 2; i++) {
		add_url(&out, t, i);
		add_secret(&out, t, i);
	}
	if (t->check) {
		buf_adds(&out, " \\\n    --no-write-probe");
	} else {
		buf_adds(&out, " \\\n    --state mailbox.state --quarantine refused");
		if (!t->no_flags)
			buf_adds(&out, " --flags-sync");
		add_ages(t);
		buf_add(&out, t->options.ptr, t->options.len);
		printf("# --state: one file for each pair of mailboxes; keep it between runs\n");
	}
	printf("%s\n", out.ptr);
	buf_free(&out);
}

int imapsync_args(int argc, char **argv)
{
	struct translation t = {.options = BUF_INIT, .min_age = -1, .max_age = -1};
	int status = 2;

	for (int i = argc > 0 && strcmp(argv[0], "--") == 0 ? 1 : 0; i < argc; i++) {
		struct word w;

		if (strcmp(argv[i], "imapsync") == 0 || str_ends(argv[i], "/imapsync"))
			continue;
		if (!read_word(argc, argv, &i, &w))
			goto done;
		translate(&t, &w);
		if (w.value != NULL && is_secret(w.row->action) && w.value != t.side[w.side].file)
			sodium_memzero((char *)(uintptr_t)w.value, strlen(w.value));
	}
	if (!complete(&t))
		goto done;
	print_command(&t);
	status = t.lost ? 1 : 0;
done:
	buf_free(&t.options);
	return status;
}
