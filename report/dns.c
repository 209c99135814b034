/* DNS in the report: MX before and after on each name server, who changed it, and the watch for late mail. */
#include <stdlib.h>
#include <string.h>

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

/* The server of the same address in another read; NULL: it was not there. */
static const json_t *same_server(const json_t *read, const json_t *server)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(read, "seen"), "servers"), i, v)
		if (strcmp(text_of(v, "address"), text_of(server, "address")) == 0 &&
			strcmp(text_of(v, "role"), text_of(server, "role")) == 0)
			return v;
	return NULL;
}

/* Its MX records; what it said instead. The caller's. */
static char *mx_of(const json_t *server)
{
	const json_t *mx = json_object_get(server, "mx");
	struct buf b = BUF_INIT;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(mx, "values"), i, v)
		buf_addf(&b, "%s%s", i > 0 ? ", " : "", json_string_value(v) != NULL ? json_string_value(v) : "");
	if (b.len == 0 && server != NULL)
		buf_adds(&b, strcmp(text_of(server, "status"), "ok") == 0 ? text_of(mx, "rcode") : text_of(server, "status"));
	return buf_detach(&b);
}

static const char *ttl_of(const json_t *server)
{
	const json_t *ttl = json_object_get(json_object_get(server, "mx"), "ttl");

	return json_is_integer(ttl) ? number_text(json_integer_value(ttl)) : "";
}

static void server_row(struct table *t, const json_t *name, const json_t *before, const json_t *after)
{
	char *old = mx_of(before), *new = mx_of(after);
	bool resolver = strcmp(text_of(name, "role"), "resolver") == 0;

	table_row(t, (const char *[]){format("%.200s %.60s", resolver ? word(W_RESOLVER) : text_of(name, "name"),
					      text_of(name, "address")), old,
		ttl_of(before), new, ttl_of(after)});
	free(old);
	free(new);
}

static void one_domain(struct sheet *s, const json_t *d)
{
	static const struct column columns[] = {{W_NAME_SERVER, 3, false}, {W_MX_BEFORE, 3, false}, {W_TTL, 0.8, true},
		{W_MX_AFTER, 3, false}, {W_TTL, 0.8, true}};
	const json_t *before = json_object_get(d, "before"), *after = json_object_get(d, "after");
	struct table t;
	json_t *v;
	size_t i;

	if (!json_is_object(after)) {
		filled(s, W_DNS_NEVER, (const char *[]){text_of(d, "domain"), NULL});
		return;
	}
	sheet_text(s, STYLE_SUBHEADING, text_of(d, "domain"));
	filled(s, W_DNS_READ, (const char *[]){when_of(before, "at"), when_of(after, "at"), NULL});
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(json_object_get(json_object_get(after, "seen"), "servers"), i, v)
		server_row(&t, v, same_server(before, v), v);
	json_array_foreach(json_object_get(json_object_get(before, "seen"), "servers"), i, v)
		if (same_server(after, v) == NULL)
			server_row(&t, v, v, NULL);
	table_end(&t);
}

static void changes(struct sheet *s, const json_t *list)
{
	static const struct column columns[] = {
		{W_WHEN, 1.4, false}, {W_WHAT, 1.2, false}, {W_HOW_CHANGED, 3, false}, {W_WHY, 3, false}};
	struct table t;
	json_t *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_CHANGES));
	table_begin(&t, s, columns, COUNT(columns));
	json_array_foreach(list, i, v) {
		const json_t *detail = json_object_get(v, "detail");
		const char *by = text_of(detail, "by");
		bool taken_back = strcmp(text_of(v, "what"), "rolled_back") == 0;

		table_row(&t, (const char *[]){when_of(v, "at"), word(taken_back ? W_TAKEN_BACK : W_APPLIED), word_of_code(text_of(v, "how")),
			format("%.300s%s%.600s", by, *by != '\0' ? ": " : "", text_of(detail, "reason"))});
	}
	table_end(&t);
}

static void stragglers(struct sheet *s, const json_t *watch)
{
	const char *why = text_of(watch, "why");

	if (!json_is_object(watch))
		return;
	sheet_text(s, STYLE_SUBHEADING, word(W_STRAGGLERS));
	filled(s, W_STRAGGLERS_LINE, (const char *[]){
		when_of(watch, "started_at"), count_of(watch, "arrived"), count_of(watch, "quiet_seconds"), NULL});
	if (*text_of(watch, "ended_at") == '\0')
		sheet_text(s, STYLE_BODY, word(W_STRAGGLERS_GOES_ON));
	else
		filled(s, W_STRAGGLERS_ENDED,
			(const char *[]){when_of(watch, "ended_at"),
				strcmp(why, "rolled_back") == 0 ? word(W_WAY_BACK) : word_of_code(why), NULL});
}

void dns_pages(struct sheet *s, const json_t *dns)
{
	json_t *v;
	size_t i;

	if (!json_is_object(dns))
		return;
	sheet_text(s, STYLE_HEADING, word(W_DNS));
	json_array_foreach(json_object_get(dns, "domains"), i, v)
		one_domain(s, v);
	changes(s, json_object_get(dns, "changes"));
	stragglers(s, json_object_get(dns, "stragglers"));
}
