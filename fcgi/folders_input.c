#include "folders_input.h"

#include <string.h>

#include "str.h"

#include "banned.h"

#define FOLDER_MAX 1000 /* bytes of a folder's name or a pattern */
#define RULES_MAX 5000

static const char *const lists[] = {"include", "exclude"};

/* A name is a key here, so that js_str cannot look at it. */
static bool good_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= FOLDER_MAX && !str_has_control(s, n);
}

static void read_map(const struct js_at *at, json_t *out)
{
	struct js_at map;
	const char *key, *value;
	json_t *item;

	if (!js_object(at, "map", JS_OPTIONAL, &map))
		return;
	if (json_object_size(map.v) > RULES_MAX) {
		js_problem(at, "map", "more than %d folders", RULES_MAX);
		return;
	}
	json_object_foreach((json_t *)map.v, key, item)
	{
		if (!good_name(key))
			js_problem(&map, key, "a folder's name has 1 to %d bytes and no control characters",
				FOLDER_MAX);
		else if (js_str(&map, key, JS_REQUIRED, 1, FOLDER_MAX, &value))
			json_object_set_new(out, key, json_string(value));
	}
}

static void read_list(const struct js_at *at, const char *name, json_t *out)
{
	struct js_at list, item;
	const char *value;

	if (!js_array(at, name, JS_OPTIONAL, 0, RULES_MAX, &list))
		return;
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		item = js_item(&list, i);
		if (js_str_item(&item, 1, FOLDER_MAX, &value))
			json_array_append_new(out, json_string(value));
	}
}

static json_t *read_folders(const struct js_at *at)
{
	json_t *out = json_object(), *map = json_object();

	read_map(at, map);
	json_object_set_new(out, "map", map);
	for (size_t i = 0; i < 2; i++) {
		json_t *list = json_array();

		read_list(at, lists[i], list);
		json_object_set_new(out, lists[i], list);
	}
	js_known(at, (const char *const[]){"map", "include", "exclude", NULL});
	return out;
}

char *folders_json(const struct js_at *at)
{
	json_t *o = read_folders(at);
	char *text = js_text(o);

	json_decref(o);
	return text;
}

/* "2020-02-29": a calendar day, as IMAP's SINCE wants it. */
static bool is_day(const char *s)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t year, month, day;
	char part[11];

	if (strlen(s) != 10 || s[4] != '-' || s[7] != '-')
		return false;
	memcpy(part, s, 11);
	part[4] = part[7] = '\0';
	if (!str_i64(part, 1970, 9999, &year))
		return false;
	/* str_i64 takes no leading zero away from us: "02" is a number to it */
	return str_i64(part + 5, 1, 12, &month) && str_i64(part + 8, 1, days[month - 1], &day) &&
	       (month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)));
}

static void read_day(const struct js_at *at, const char *name, json_t *out)
{
	const char *s;

	if (!js_str(at, name, JS_OPTIONAL, 1, 32, &s))
		return;
	if (!is_day(s))
		js_problem(at, name, "a day is expected, as 2020-01-31");
	else
		json_object_set_new(out, name, json_string(s));
}

static void read_number(const struct js_at *at, const char *name, int64_t min, int64_t max, json_t *out)
{
	int64_t n;

	if (js_int(at, name, JS_OPTIONAL, min, max, &n))
		json_object_set_new(out, name, json_integer(n));
}

static void read_flag(const struct js_at *at, const char *name, json_t *out)
{
	bool on;

	if (js_bool(at, name, JS_OPTIONAL, &on))
		json_object_set_new(out, name, json_boolean(on));
}

/* SHA-256 of a certificate, with or without colons; kept in lower case without. */
static void read_print(const struct js_at *at, const char *name, json_t *out)
{
	char hex[65];
	const char *s;
	size_t n = 0;

	if (!js_str(at, name, JS_OPTIONAL, 1, 128, &s))
		return;
	for (; *s != '\0' && n < 65; s++)
		if (*s != ':')
			hex[n++] = *s;
	if (n != 64 || *s != '\0') {
		js_problem(at, name, "64 hex digits are expected (SHA-256)");
		return;
	}
	hex[64] = '\0';
	str_lower(hex);
	if (strspn(hex, "0123456789abcdef") != 64)
		js_problem(at, name, "64 hex digits are expected (SHA-256)");
	else
		json_object_set_new(out, name, json_string(hex));
}

char *options_json(const struct js_at *at)
{
	static const char *const flags[] = {"automap", "flags_sync"};
	static const char *const prints[] = {"from_tls_fingerprint", "to_tls_fingerprint"};
	json_t *out = json_object();
	struct js_at folders;
	char *text;

	if (js_object(at, "folders", JS_OPTIONAL, &folders))
		json_object_set_new(out, "folders", read_folders(&folders));
	read_day(at, "since", out);
	read_day(at, "before", out);
	read_number(at, "max_size", 1, INT64_MAX, out);
	read_number(at, "max_connections", 1, 64, out);
	read_number(at, "max_rate", 1024, INT64_MAX, out);
	read_number(at, "deadline_seconds", 60, 31536000, out);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		read_flag(at, flags[i], out);
	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++)
		read_print(at, prints[i], out);
	js_known(at, (const char *const[]){"folders", "since", "before", "max_size", "max_connections",
			     "max_rate", "deadline_seconds", "automap", "flags_sync", "from_tls_fingerprint",
			     "to_tls_fingerprint", NULL});
	text = js_text(out);
	json_decref(out);
	return text;
}

json_t *folders_merge(const char *job_options, const char *mailbox_folders)
{
	json_t *job = js_column(job_options), *own = js_column(mailbox_folders);
	json_t *base = json_object_get(job, "folders"), *out = json_object(), *map = json_object();

	json_object_update(map, json_object_get(base, "map"));
	json_object_update(map, json_object_get(own, "map"));
	json_object_set_new(out, "map", map);
	for (size_t i = 0; i < 2; i++) {
		json_t *list = json_array();

		json_array_extend(list, json_object_get(base, lists[i]));
		json_array_extend(list, json_object_get(own, lists[i]));
		json_object_set_new(out, lists[i], list);
	}
	json_decref(job);
	json_decref(own);
	return out;
}
