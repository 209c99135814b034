/* A mailbox's part of the report. */
#include <stdlib.h>

#include "document.h"
#include "mem.h"

#include "banned.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void filled(struct sheet *s, enum word w, const char *const *values)
{
	char *text = words_fill(w, values);

	sheet_text(s, STYLE_BODY, text);
	free(text);
}

/* What the facts have left out, in a job too large to list everything. */
static void left_out(struct sheet *s, const json_t *mailbox, const char *key)
{
	if (number_of(mailbox, key) > 0)
		filled(s, W_LEFT_OUT, (const char *[]){count_of(mailbox, key), NULL});
}

static void passes(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_WHEN, 1.5, false}, {W_RUN, 0.95, true}, {W_PASS, 1.1, false},
		{W_STATUS, 1.2, false}, {W_MESSAGES, 1.1, true}, {W_COPIED, 1, true}, {W_REFUSED, 1.1, true},
		{W_BY, 2, false}};
	struct table t;
	json_t *p;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_PASSES));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, p) {
		const char *pass = text_of(p, "pass");

		table_row(&t, (const char *[]){when_of(p, "at"), count_of(p, "run_id"),
			word_of_code(*pass != '\0' ? pass : text_of(p, "kind")), word_of_code(text_of(p, "status")),
			count_of(p, "messages"), count_of(p, "copied"), count_of(p, "refused"), text_of(p, "by")});
	}
	table_end(&t);
}

static void folders(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_FOLDER, 3, false}, {W_DESTINATION, 3, false}, {W_EXPECTED, 1.1, true},
		{W_FOUND, 1.4, true}, {W_WEAK, 0.9, true}, {W_MISSING, 1, true}, {W_DIFFERING, 1.1, true},
		{W_EXTRA, 0.8, true}};
	struct table t;
	json_t *f;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_FOLDERS));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, f)
		table_row(&t, (const char *[]){text_of(f, "folder"), text_of(f, "destination"), count_of(f, "expected"),
			count_of(f, "found"), count_of(f, "found_weak"), count_of(f, "missing"),
			count_of(f, "differing"), count_of(f, "extra")});
	table_end(&t);
}

static void verification(struct sheet *s, const json_t *v)
{
	const char *how;

	sheet_text(s, STYLE_SUBHEADING, word(W_VERIFIED));
	if (!json_is_object(v)) {
		sheet_text(s, STYLE_BODY, word(W_NOT_VERIFIED));
		return;
	}
	how = !json_is_true(json_object_get(v, "complete")) ? word(W_INCOMPLETE)
		: json_is_true(json_object_get(v, "deep"))  ? word(W_DEEP)
							    : word(W_QUICK);
	filled(s, W_VERIFIED_LINE, (const char *[]){when_of(v, "at"), how, count_of(v, "expected"), count_of(v, "found"),
		count_of(v, "found_weak"), count_of(v, "missing"), count_of(v, "late"), count_of(v, "excluded"), NULL});
	folders(s, json_object_get(v, "folders"));
	if (json_is_true(json_object_get(v, "folders_left_out")))
		sheet_text(s, STYLE_BODY, word(W_FOLDERS_LEFT_OUT));
}

static void missing(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_FOLDER, 2, false}, {W_DATE, 1.7, false}, {W_FROM, 2, false},
		{W_SUBJECT, 3, false}, {W_SIZE, 1.05, true}, {W_CLASS, 1.3, false}, {W_SERVER, 2, false}};
	struct table t;
	json_t *m;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_MISSING_LIST));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, m)
		table_row(&t, (const char *[]){text_of(m, "folder"), text_of(m, "date"), text_of(m, "from"),
			text_of(m, "subject"), count_of(m, "size"), word_of_code(text_of(m, "class")),
			text_of(m, "detail")});
	table_end(&t);
}

static void refused(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_WHEN, 1.5, false}, {W_FOLDER, 2, false}, {W_SIZE, 1, true},
		{W_CODE, 1.5, false}, {W_SERVER, 4, false}};
	struct table t;
	json_t *r;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_REFUSED_LIST));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, r)
		table_row(&t, (const char *[]){when_of(r, "at"), text_of(r, "folder"), count_of(r, "size"), text_of(r, "code"),
			text_of(r, "server")});
	table_end(&t);
}

static void accepted(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_WHEN, 1.4, false}, {W_WHO, 2, false}, {W_WHAT, 2, false},
		{W_COUNT, 0.7, true}, {W_WHY, 3, false}};
	struct table t;
	json_t *a;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_ACCEPTED_LIST));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, a)
		table_row(&t, (const char *[]){when_of(a, "at"),
			format("%.200s (%.40s)", text_of(a, "by"), text_of(a, "role")), word_of_code(text_of(a, "what")),
			count_of(a, "count"), text_of(a, "reason")});
	table_end(&t);
}

static void ledgers(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_RUN, 0.8, true}, {W_FILE, 1.6, false}, {W_SIZE, 1.05, true}, {W_DIGEST, 5, false}};
	struct table t;
	json_t *l;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_LEDGERS));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, l)
		table_row(&t, (const char *[]){
			count_of(l, "run_id"), text_of(l, "name"), count_of(l, "size"), text_of(l, "sha256")});
	table_end(&t);
}

void mailbox_pages(struct sheet *s, const json_t *mailbox)
{
	const json_t *from = json_object_get(mailbox, "source"), *to = json_object_get(mailbox, "destination");
	const json_t *removed = json_object_get(mailbox, "removed");
	char *head = xasprintf("%s %lld: %s \xe2\x86\x92 %s", word(W_MAILBOX), (long long)number_of(mailbox, "id"),
		text_of(from, "user"), text_of(to, "user"));
	char *hosts = xasprintf("%s:%lld \xe2\x86\x92 %s:%lld", text_of(from, "host"), (long long)number_of(from, "port"),
		text_of(to, "host"), (long long)number_of(to, "port"));

	sheet_text(s, STYLE_HEADING, head);
	sheet_text(s, STYLE_BODY, hosts);
	free(head);
	free(hosts);
	if (json_is_object(removed))
		filled(s, W_REMOVED, (const char *[]){
			when_of(removed, "at"), text_of(removed, "by"), text_of(removed, "reason"), NULL});
	passes(s, json_object_get(mailbox, "passes"));
	left_out(s, mailbox, "passes_left_out");
	verification(s, json_object_get(mailbox, "verification"));
	missing(s, json_object_get(mailbox, "missing"));
	left_out(s, mailbox, "missing_left_out");
	refused(s, json_object_get(mailbox, "refused"));
	left_out(s, mailbox, "refused_left_out");
	accepted(s, json_object_get(mailbox, "accepted"));
	ledgers(s, json_object_get(mailbox, "ledgers"));
}
