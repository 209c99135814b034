#include "document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

/* --- members of the facts --- */

const char *text_of(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? s : "";
}

int64_t number_of(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

#define RING 32

/* Texts that live for a row or two. */
static char *ring_slot(void)
{
	static char ring[RING][1024];
	static int at;

	at = (at + 1) % RING;
	return ring[at];
}

const char *format(const char *fmt, ...)
{
	char *out = ring_slot();
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, 1024, fmt, ap);
	va_end(ap);
	return out;
}

const char *number_text(int64_t n)
{
	return format("%lld", (long long)n);
}

const char *count_of(const json_t *v, const char *key)
{
	return number_text(number_of(v, key));
}

const char *when_of(const json_t *v, const char *key)
{
	const char *s = text_of(v, key);

	return strlen(s) >= 19 ? format("%.10s %.8s", s, s + 11) : "";
}

/* --- first page --- */

static void labelled(struct sheet *s, enum word label, const char *text)
{
	char *line = xasprintf("%s: %s", word(label), text);

	if (*text != '\0')
		sheet_text(s, STYLE_BODY, line);
	free(line);
}

static void labelled_with(struct sheet *s, enum word label, enum word text, const char *const *values)
{
	char *filled = words_fill(text, values);

	labelled(s, label, filled);
	free(filled);
}

static char *domains(const json_t *job)
{
	struct buf b = BUF_INIT;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(job, "domains"), i, v)
		buf_addf(&b, "%s%s", i > 0 ? ", " : "", json_string_value(v) != NULL ? json_string_value(v) : "");
	return buf_detach(&b);
}

static void front(struct sheet *s, const struct document *d)
{
	const json_t *job = json_object_get(d->sections, "job"), *gate = json_object_get(d->sections, "gate");
	const json_t *audit = json_object_get(d->statement, "audit");
	char *names = domains(job);

	sheet_text(s, STYLE_TITLE, word(W_TITLE));
	labelled(s, W_DOMAINS, names);
	labelled(s, W_TICKET, text_of(job, "ticket"));
	labelled(s, W_NAME, text_of(job, "title"));
	labelled(s, W_STARTED, format("%.200s, %s", text_of(job, "created_by"), when_of(job, "created_at")));
	labelled(s, W_ISSUED, when_of(d->statement, "issued_at"));
	sheet_text(s, STYLE_HEADING, word(W_VERDICT));
	sheet_text(s, STYLE_BODY, word_of_code(text_of(gate, "verdict")));
	labelled_with(s, W_MESSAGES, W_OF_FOUND, (const char *[]){count_of(gate, "found"), count_of(gate, "expected"), NULL});
	sheet_text(s, STYLE_HEADING, word(W_CERTIFICATE));
	sheet_text(s, STYLE_BODY, word(W_HASH));
	sheet_text(s, STYLE_CODE, d->sha256);
	sheet_text(s, STYLE_BODY, word(W_KEY));
	sheet_text(s, STYLE_CODE, d->key);
	sheet_text(s, STYLE_BODY, word(W_HOW));
	labelled_with(s, W_AUDIT, W_AUDIT_ROWS, (const char *[]){count_of(audit, "rows"), text_of(audit, "head"), NULL});
	free(names);
}

/* --- the gate --- */

static void reasons(struct sheet *s, const json_t *gate)
{
	static const struct column columns[] = {
		{W_CODE, 3, false}, {W_MAILBOX, 0.8, true}, {W_DETAIL, 3, false}, {W_COVERED, 0.9, false}};
	json_t *list = json_object_get(gate, "reasons"), *r;
	struct table t;
	size_t i;

	sheet_text(s, STYLE_HEADING, word(W_REASONS));
	if (json_array_size(list) == 0)
		sheet_text(s, STYLE_BODY, word(W_NO_REASONS));
	table_begin(&t, s, columns, 4);
	json_array_foreach(list, i, r) {
		int64_t id = number_of(r, "mailbox_id");

		table_row(&t, (const char *[]){word_of_code(text_of(r, "code")), id != 0 ? number_text(id) : "",
			text_of(r, "detail"), word(json_is_true(json_object_get(r, "covered")) ? W_YES : W_NO)});
	}
	table_end(&t);
}

static void decisions(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {
		{W_WHEN, 1.3, false}, {W_WHO, 2, false}, {W_WHAT, 1, false}, {W_COUNT, 0.7, true}, {W_WHY, 3, false}};
	struct table t;
	json_t *d;
	size_t i;

	sheet_text(s, STYLE_HEADING, word(W_DECISIONS));
	if (json_array_size(list) == 0)
		sheet_text(s, STYLE_BODY, word(W_NO_DECISIONS));
	table_begin(&t, s, columns, 5);
	json_array_foreach(list, i, d)
		table_row(&t, (const char *[]){when_of(d, "at"),
			format("%.200s (%.200s, %.40s)", text_of(d, "name"), text_of(d, "by"), text_of(d, "role")),
			word_of_code(text_of(d, "kind")), count_of(d, "mailboxes"), text_of(d, "reason")});
	table_end(&t);
}

static void accounts(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {{W_ACCOUNT, 4, false}, {W_ACCEPTED, 1, false}};
	struct table t;
	json_t *a;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_HEADING, word(W_ACCOUNTS));
	table_begin(&t, s, columns, 2);
	json_array_foreach(list, i, a)
		table_row(&t, (const char *[]){
			text_of(a, "account"), word(json_is_true(json_object_get(a, "accepted")) ? W_YES : W_NO)});
	table_end(&t);
}

/* --- mailboxes --- */

static int by_number(const void *a, const void *b)
{
	int64_t x = number_of(*(json_t *const *)a, "id"), y = number_of(*(json_t *const *)b, "id");

	return (x > y) - (x < y);
}

/* The sections "mailbox N", by N; the caller's to free. */
static json_t **mailboxes_of(const json_t *sections, size_t *n)
{
	json_t **v = xcalloc(json_object_size(sections) + 1, sizeof(*v)), *section;
	const char *name;

	*n = 0;
	json_object_foreach((json_t *)(uintptr_t)sections, name, section)
		if (strncmp(name, "mailbox ", 8) == 0)
			v[(*n)++] = section;
	qsort(v, *n, sizeof(*v), by_number);
	return v;
}

static void summary(struct sheet *s, json_t *const *v, size_t n)
{
	static const struct column columns[] = {{W_MAILBOX, 0.8, true}, {W_SOURCE, 3, false}, {W_DESTINATION, 3, false},
		{W_EXPECTED, 1.1, true}, {W_FOUND, 1.4, true}, {W_WEAK, 0.9, true}, {W_MISSING, 1, true}};
	struct table t;

	sheet_text(s, STYLE_HEADING, word(W_MAILBOXES));
	if (n == 0)
		sheet_text(s, STYLE_BODY, word(W_NONE));
	table_begin(&t, s, columns, 7);
	for (size_t i = 0; i < n; i++) {
		const json_t *ver = json_object_get(v[i], "verification");
		bool has = json_is_object(ver);

		table_row(&t, (const char *[]){count_of(v[i], "id"), text_of(json_object_get(v[i], "source"), "user"),
			text_of(json_object_get(v[i], "destination"), "user"), has ? count_of(ver, "expected") : "",
			has ? count_of(ver, "found") : "", has ? count_of(ver, "found_weak") : "",
			has ? count_of(ver, "missing") : ""});
	}
	table_end(&t);
}

static const struct err *draw(const struct document *d, struct buf *out, int *pages)
{
	struct sheet *s = sheet_new(out, *pages, format("%s · %s", text_of(d->statement, "domain"), d->sha256), word(W_TITLE));
	size_t n;
	json_t **v = mailboxes_of(d->sections, &n);

	front(s, d);
	reasons(s, json_object_get(d->sections, "gate"));
	decisions(s, json_object_get(d->sections, "decisions"));
	accounts(s, json_object_get(d->sections, "accounts_not_in_job"));
	dns_pages(s, json_object_get(d->sections, "dns"));
	summary(s, v, n);
	for (size_t i = 0; i < n; i++)
		mailbox_pages(s, v[i]);
	free(v);
	return sheet_end(s, pages);
}

const struct err *document_write(const struct document *d, struct buf *out)
{
	struct buf once = BUF_INIT;
	int pages = 0;
	const struct err *e = draw(d, &once, &pages); /* the feet say how many pages there are: drawn twice */

	buf_free(&once);
	return e != NULL ? e : draw(d, out, &pages);
}

/* --- CSV --- */

/* What begins like a formula would be computed by a spreadsheet: an apostrophe makes it text. */
static void cell(struct buf *out, const char *s, const char *end)
{
	bool formula = *s != '\0' && strchr("=+-@\t\r", *s) != NULL;

	buf_addc(out, '"');
	if (formula)
		buf_addc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_addc(out, '"');
		buf_addc(out, *s);
	}
	buf_adds(out, end);
}

void document_csv(const struct document *d, struct buf *out)
{
	static const char *const numbers[] = {
		"expected", "found", "found_weak", "missing", "late", "excluded", "differing", "extra"};
	size_t n, k;
	json_t **v = mailboxes_of(d->sections, &n), *f;

	buf_adds(out, "\xef\xbb\xbfmailbox_id,source_user,dest_user,folder,destination,complete,expected,found,found_weak,"
		"missing,late,excluded,differing,extra\r\n");
	for (size_t i = 0; i < n; i++)
		json_array_foreach(json_object_get(json_object_get(v[i], "verification"), "folders"), k, f) {
			buf_addf(out, "%lld,", (long long)number_of(v[i], "id"));
			cell(out, text_of(json_object_get(v[i], "source"), "user"), "\",");
			cell(out, text_of(json_object_get(v[i], "destination"), "user"), "\",");
			cell(out, text_of(f, "folder"), "\",");
			cell(out, text_of(f, "destination"), "\",");
			buf_adds(out, json_is_true(json_object_get(f, "complete")) ? "yes" : "no");
			for (size_t m = 0; m < sizeof(numbers) / sizeof(numbers[0]); m++)
				buf_addf(out, ",%lld", (long long)number_of(f, numbers[m]));
			buf_adds(out, "\r\n");
		}
	free(v);
}
