#include "imapsync_log.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"

#include "banned.h"

/* --- words of failure --- */

/* In this order: the first that stands in the text wins. */
static const struct {
	const char *words;
	enum err_id code;
} meanings[] = {
	{"throttled", ERR_THROTTLED},
	{"Suggested Backoff Time", ERR_THROTTLED},
	{"bandwidth limits", ERR_THROTTLED},
	{"Too many simultaneous connections", ERR_THROTTLED},
	{"Too many commands", ERR_THROTTLED},
	{"User is authenticated but not connected", ERR_THROTTLED},
	{"[INUSE]", ERR_THROTTLED},
	{"[LIMIT]", ERR_THROTTLED},
	{"maximum message size", ERR_MESSAGE_TOO_LARGE},
	{"Maximum size of appendable message", ERR_MESSAGE_TOO_LARGE},
	{"Message too large", ERR_MESSAGE_TOO_LARGE},
	{"message too large", ERR_MESSAGE_TOO_LARGE},
	{"[TOOBIG]", ERR_MESSAGE_TOO_LARGE},
	{"OVERQUOTA", ERR_QUOTA},
	{"Quota limit will be exceeded", ERR_QUOTA},
	{"Quota exceeded", ERR_QUOTA},
	{"quota exceeded", ERR_QUOTA},
	{"full: it is time to find a bigger place", ERR_QUOTA},
	{"certificate verify failed", ERR_TLS_UNTRUSTED},
	{"hostname verification failed", ERR_TLS_NAME},
	{"Can not go to tls encryption", ERR_TLS_FAILED},
	{"Error login", ERR_AUTH_REJECTED},
	{"AUTHENTICATIONFAILED", ERR_AUTH_REJECTED},
	{"can not open imap connection", ERR_HOST_UNREACHABLE},
	{"NOT connected", ERR_LINE_LOST},
	{"Broken pipe", ERR_LINE_LOST},
	{"Connection reset", ERR_LINE_LOST},
	{"timeout waiting", ERR_TIMEOUT},
	{"could not be fetched", ERR_SOURCE_DAMAGED},
	{"Could not fetch_hash", ERR_SOURCE_DAMAGED},
	{"Could not select", ERR_FOLDER_DENIED},
	{"ould not create folder", ERR_FOLDER_DENIED},
	{"Couldn't create folder", ERR_FOLDER_DENIED},
	{"Permission denied", ERR_FOLDER_DENIED},
};

enum err_id imapsync_code(const char *words)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strstr(words, meanings[i].words) != NULL)
			return meanings[i].code;
	return ERR_MESSAGE_REFUSED;
}

/* --- pieces of lines --- */

/* A number at *p after blanks; *p moves behind it. */
static bool number(const char **p, int64_t *out)
{
	const char *s = *p;
	int64_t n = 0;

	while (*s == ' ')
		s++;
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return false;
	*out = n;
	*p = s;
	return true;
}

/* After the label and the colon that follows it, wherever that stands. */
static bool value(const char *line, const char *label, int64_t *out)
{
	size_t n = strlen(label);

	if (strncmp(line, label, n) != 0)
		return false;
	line += n + strspn(line + n, " ");
	if (*line++ != ':')
		return false;
	return number(&line, out);
}

static void say(struct imapsync_log *l, struct imapsync_item item)
{
	item.folder = item.folder != NULL ? item.folder : "";
	item.words = item.words != NULL ? item.words : "";
	if (item.code == ERR_THROTTLED)
		l->counts.throttled = true;
	l->fn(l->arg, &item);
}

/* "… 10/100 msgs left": how many are still to be looked at. */
static bool take_left(struct imapsync_log *l, const char *line, size_t n)
{
	static const char tail[] = " msgs left";
	const char *p = line + n - (sizeof(tail) - 1), *q;
	int64_t left, total;

	if (n < sizeof(tail) || strcmp(p, tail) != 0)
		return false;
	while (p > line && ((p[-1] >= '0' && p[-1] <= '9') || p[-1] == '/'))
		p--;
	q = p;
	if (!number(&q, &left) || *q++ != '/' || !number(&q, &total) || left > total)
		return false;
	l->counts.total = total;
	l->counts.done = total - left;
	return true;
}

/* "FOLDER/UID {SIZE}…" or "FOLDER/UID size SIZE …" into an item. A folder's name may hold anything: the last '/'
 * before the brace parts it. */
static void take_message(char *p, struct imapsync_item *item)
{
	char *brace = strstr(p, " {"), *slash;
	const char *q;

	if (brace == NULL)
		brace = strstr(p, " size ");
	if (brace == NULL)
		brace = p + strcspn(p, " ");
	if (*brace != '\0') {
		q = brace + (brace[1] == '{' ? 2 : 6);
		if (brace[1] == '{' || strncmp(brace, " size ", 6) == 0)
			number(&q, &item->size);
		*brace = '\0';
	}
	slash = strrchr(p, '/');
	if (slash != NULL) {
		q = slash + 1;
		number(&q, &item->uid);
		*slash = '\0';
	}
	item->folder = p;
}

/* --- kinds of lines: each returns whether the line was its own --- */

/* "Folder    1/10 [raw] = [utf8]   -> [INBOX]" */
static bool on_folder(struct imapsync_log *l, char *line)
{
	const char *p = line + 6;
	int64_t done, total;
	char *name, *end, *utf8;

	if (strncmp(line, "Folder ", 7) != 0 || !number(&p, &done) || *p++ != '/' || !number(&p, &total) || *p != ' ' ||
		p[1] != '[')
		return false;
	name = line + (p - line) + 2;
	end = strstr(name, "-> [");
	if (end == NULL)
		return false;
	while (end > name && end[-1] == ' ')
		end--;
	if (end == name || end[-1] != ']')
		return false;
	end[-1] = '\0';
	utf8 = strstr(name, "] = [");
	name = utf8 != NULL ? utf8 + 5 : name;
	l->counts.folders = total;
	l->counts.folders_done = done - 1;
	if (strlen(name) < sizeof(l->folder))
		memcpy(l->folder, name, strlen(name) + 1);
	say(l, (struct imapsync_item){.said = IMAPSYNC_FOLDER, .folder = name});
	return true;
}

/* "msg INBOX/123 {4567}   copied to …", "msg INBOX/123 skipped (… exceeds maxsize limit …)" */
static bool on_msg(struct imapsync_log *l, char *line, size_t n)
{
	struct imapsync_item item = {.said = IMAPSYNC_PROGRESS};
	char *brace;
	const char *q;

	if (strncmp(line, "msg ", 4) != 0)
		return false;
	if (strstr(line, " skipped (") != NULL && strstr(line, " exceeds ") != NULL) {
		l->counts.ignored++;
		item = (struct imapsync_item){.said = IMAPSYNC_REFUSED, .code = ERR_MESSAGE_TOO_LARGE,
			.words = strstr(line, " skipped (") + 1};
		take_message(line + 4, &item);
		say(l, item);
		return true;
	}
	brace = strstr(line, "} ");
	if (brace == NULL || strncmp(brace + 1 + strspn(brace + 1, " "), "copied to ", 10) != 0)
		return false;
	take_left(l, line, n);
	while (brace > line && *brace != '{')
		brace--;
	q = brace + 1;
	l->counts.copied++;
	if (number(&q, &item.size))
		l->counts.copied_bytes += item.size;
	item.folder = l->folder;
	say(l, item);
	return true;
}

/* What was answered: a subject in between may hold the very words that part it. */
static const char *words_after(const char *line)
{
	static const char *const marks[] = {"] ) to folder ", " ) to folder ", " could not be fetched", " skipped "};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *at = strstr(line, marks[i]), *colon;

		if (at == NULL)
			continue;
		if (i == 3)
			return at + 1;
		colon = strstr(at, ": ");
		return colon != NULL ? colon + 2 : at + 1;
	}
	return line;
}

/* "- msg F/UID {len} could not append ( … ) to folder F2: words", "… couldn't append …" of older releases,
 * "- msg F/UID {len} … could not be fetched: words", "- msg … skipped … (line length exceeds maxlinelength …)" */
static bool on_dash(struct imapsync_log *l, char *line)
{
	struct imapsync_item item = {.said = IMAPSYNC_REFUSED};
	bool skipped;

	if (strncmp(line, "- msg ", 6) != 0)
		return false;
	skipped = strstr(line, " skipped ") != NULL && strstr(line, " exceeds ") != NULL;
	if (skipped) {
		l->counts.ignored++;
		item.code = ERR_MESSAGE_REFUSED;
	} else if (strstr(line, "could not ") != NULL || strstr(line, "couldn't ") != NULL) {
		l->counts.errors++;
		item.code = imapsync_code(line);
	} else {
		return false;
	}
	item.words = words_after(line);
	take_message(line + 6, &item);
	say(l, item);
	return true;
}

/* What counts as an error but is no message of its own. */
static bool on_failure(struct imapsync_log *l, char *line)
{
	static const char *const forms[] = {"Host1 failure:", "Host2 failure:", "Could not select", "Could not create folder",
		"Couldn't create folder", "Could not fetch_hash", "could not add flags", "Maximum bytes transferred reached"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strstr(line, forms[i]) != NULL) {
			l->counts.errors++;
			say(l, (struct imapsync_item){.said = IMAPSYNC_FAILED, .words = line, .code = imapsync_code(line)});
			return true;
		}
	return false;
}

/* "Host1: INBOX/7 size 1234 ignored (no wanted headers …" */
static bool on_ignored(struct imapsync_log *l, char *line)
{
	struct imapsync_item item = {.said = IMAPSYNC_REFUSED, .code = ERR_MESSAGE_REFUSED,
		.words = "ignored: no header by which imapsync knows messages"};

	if (strncmp(line, "Host1: ", 7) != 0 || strstr(line, " ignored (no wanted headers") == NULL)
		return false;
	l->counts.ignored++;
	take_message(line + 7, &item);
	say(l, item);
	return true;
}

static bool on_quota(struct imapsync_log *l, const char *line)
{
	static const char form[] = "Host2: Quota current storage is ";
	const char *limit = strstr(line, " Limit is "), *p = line + sizeof(form) - 1;
	int64_t used, max;

	if (strncmp(line, form, sizeof(form) - 1) != 0 || limit == NULL || !number(&p, &used))
		return false;
	p = limit + 10;
	if (!number(&p, &max))
		return false;
	l->counts.quota_used = used;
	l->counts.quota_limit = max;
	return true;
}

static bool on_sizes(struct imapsync_log *l, const char *line)
{
	struct imapsync_counts *c = &l->counts;
	int64_t n;

	if (value(line, "Host1 Nb messages", &n)) {
		if (c->source_messages < 0)
			c->source_messages = n;
	} else if (value(line, "Host1 Total size", &n)) {
		if (c->source_bytes < 0)
			c->source_bytes = n;
	} else if (value(line, "Host2 Total size", &n)) {
		if (c->dest_bytes < 0)
			c->dest_bytes = n;
	} else {
		return false;
	}
	return true;
}

static void begin_statistics(struct imapsync_log *l)
{
	struct imapsync_counts *c = &l->counts;

	c->transferred = c->skipped = c->void1 = c->duplicate1 = c->cross2 = c->not_in2 = c->detected = c->unsynced = -1;
	l->statistics = true;
}

static const struct {
	const char *word;
	enum err_id code;
} types[] = {
	{"ERR_APPEND_SIZE", ERR_MESSAGE_TOO_LARGE}, {"ERR_OVERQUOTA", ERR_QUOTA}, {"ERR_APPEND_VIRUS", ERR_MESSAGE_REFUSED},
	{"ERR_APPEND", ERR_MESSAGE_REFUSED}, {"ERR_CREATE", ERR_FOLDER_DENIED}, {"ERR_SELECT", ERR_FOLDER_DENIED},
	{"ERR_Host1_FETCH", ERR_SOURCE_DAMAGED}, {"ERR_FLAGS", ERR_SERVER_NO}, {"ERR_TRANSFER_EXCEEDED", ERR_THROTTLED},
	{"ERR_CONNECTION_FAILURE", ERR_HOST_UNREACHABLE}, {"ERR_AUTHENTICATION_FAILURE", ERR_AUTH_REJECTED},
	{"ERR_EXIT_TLS_FAILURE", ERR_TLS_FAILED}, {"ERR_", ERR_TOOL_FAILED},
};

static bool on_end(struct imapsync_log *l, const char *line)
{
	static const char exiting[] = "Exiting with return value ", frequent[] = "The most frequent error is ";
	const char *p = line + sizeof(exiting) - 1;
	int64_t n;

	if (strncmp(line, exiting, sizeof(exiting) - 1) == 0 && number(&p, &n) && n < 256) {
		l->counts.ended = true;
		l->counts.exit_value = (int)n;
		return true;
	}
	if (strncmp(line, frequent, sizeof(frequent) - 1) != 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strncmp(line + sizeof(frequent) - 1, types[i].word, strlen(types[i].word)) == 0) {
			l->counts.most_frequent = types[i].code;
			break;
		}
	return true;
}

static bool on_statistics(struct imapsync_log *l, const char *line)
{
	struct imapsync_counts *c = &l->counts;
	const struct {
		const char *label;
		int64_t *to;
	} rows[] = {
		{"Messages transferred", &c->transferred}, {"Messages skipped", &c->skipped},
		{"Messages found duplicate on host1", &c->duplicate1},
		{"Messages found crossduplicate on host2", &c->cross2},
		{"Messages void (noheader) on host1", &c->void1},
		{"Messages found in host1 not in host2", &c->not_in2},
	};
	static const char detected[] = "Detected ", not_finished[] = "The sync is not finished, there are ";
	const char *p = line;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (value(line, rows[i].label, rows[i].to))
			return true;
	if (strncmp(line, detected, sizeof(detected) - 1) == 0) {
		p += sizeof(detected) - 1;
		number(&p, &c->detected);
	} else if (strncmp(line, not_finished, sizeof(not_finished) - 1) == 0) {
		p += sizeof(not_finished) - 1;
		number(&p, &c->unsynced);
	} else if (strncmp(line, "The sync looks good, ", 21) == 0) {
		c->unsynced = 0;
	} else {
		return on_end(l, line);
	}
	return true;
}

static void on_line(void *arg, const char *text, size_t n)
{
	struct imapsync_log *l = arg;
	char *line = l->lines.rest.ptr; /* ours to cut up: the caller throws it away */

	(void)text;
	switch (line[0]) {
	case 'F':
		if (on_folder(l, line))
			return;
		break;
	case 'm':
		if (on_msg(l, line, n))
			return;
		break;
	case '-':
		if (on_dash(l, line))
			return;
		break;
	case 'H':
		if (on_ignored(l, line) || on_quota(l, line) || on_sizes(l, line))
			return;
		break;
	case '+':
		if (strncmp(line, "++++ Statistics", 15) == 0)
			begin_statistics(l);
		return;
	case 'E':
		if (strncmp(line, "Err ", 4) == 0)
			return; /* said before */
		if (take_left(l, line, n)) {
			say(l, (struct imapsync_item){.said = IMAPSYNC_PROGRESS, .folder = l->folder});
			return;
		}
		break;
	}
	if (l->statistics && on_statistics(l, line))
		return;
	if (on_failure(l, line))
		return;
	if (!l->counts.throttled && imapsync_code(line) == ERR_THROTTLED)
		say(l, (struct imapsync_item){.said = IMAPSYNC_THROTTLED, .words = line, .code = ERR_THROTTLED});
}

void imapsync_log_init(struct imapsync_log *l, imapsync_fn *fn, void *arg)
{
	memset(l, 0, sizeof(*l));
	lines_init(&l->lines, IMAPSYNC_LINE_MAX);
	l->fn = fn;
	l->arg = arg;
	l->counts.source_messages = l->counts.source_bytes = l->counts.dest_bytes = -1;
	l->counts.quota_used = l->counts.quota_limit = -1;
	begin_statistics(l);
	l->statistics = false;
}

void imapsync_log_free(struct imapsync_log *l)
{
	lines_free(&l->lines);
}

void imapsync_log_feed(struct imapsync_log *l, const char *p, size_t n)
{
	lines_feed(&l->lines, p, n, on_line, l);
}
