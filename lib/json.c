#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

/* jansson's own limit is 2048 levels of recursion: too many for a small stack, so the depth is measured
 * first. */
static bool too_deep(const char *p, size_t n)
{
	bool in_text = false;
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		if (in_text) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				in_text = false;
		} else if (p[i] == '"') {
			in_text = true;
		} else if (p[i] == '[' || p[i] == '{') {
			if (++depth > JS_DEPTH_MAX)
				return true;
		} else if ((p[i] == ']' || p[i] == '}') && depth > 0) {
			depth--;
		}
	}
	return false;
}

const struct err *js_parse(json_t **out, const char *p, size_t n)
{
	json_error_t je;

	*out = NULL;
	if (too_deep(p, n))
		return err_new(ERR_TOO_LARGE, "JSON: nested deeper than %d levels", JS_DEPTH_MAX);
	*out = json_loadb(p, n, JSON_REJECT_DUPLICATES, &je);
	if (*out == NULL)
		return err_new(ERR_JSON, "JSON: line %d column %d: %s", je.line, je.column, je.text);
	return NULL;
}

static int write_chunk(const char *p, size_t n, void *arg)
{
	buf_add(arg, p, n);
	return 0;
}

void js_write(struct buf *out, const json_t *v)
{
	json_dump_callback(v, write_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

char *js_text(const json_t *v)
{
	struct buf b = BUF_INIT;

	js_write(&b, v);
	return buf_detach(&b);
}

json_t *js_column(const char *s)
{
	json_t *v = s != NULL && *s != '\0' ? json_loads(s, 0, NULL) : NULL;

	if (json_is_object(v))
		return v;
	json_decref(v);
	return json_object();
}

void js_problems_free(struct js_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].pointer);
		free(p->v[i].code);
		free(p->v[i].detail);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}

__attribute__((format(printf, 4, 0))) static void add_v(struct js_problems *p, const char *pointer,
        const char *code, const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));
static void add_v(struct js_problems *p, const char *pointer, const char *code, const char *fmt, va_list ap)
{
	struct buf b = BUF_INIT;

	if (p->n >= JS_PROBLEMS_MAX) {
		p->dropped++;
		return;
	}
	buf_addv(&b, fmt, ap);
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct js_problem){
	        .pointer = xstrdup(pointer), .code = xstrdup(code), .detail = buf_detach(&b)};
}

void js_problems_add(struct js_problems *p, const char *pointer, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_v(p, pointer, code, fmt, ap);
	va_end(ap);
}

const struct err *js_problems_err(const struct js_problems *p)
{
	if (p->n == 0)
		return NULL;
	return err_new(
	        ERR_INPUT, "%s%s%s", p->v[0].pointer, p->v[0].pointer[0] != '\0' ? ": " : "", p->v[0].detail);
}

struct js_at js_root(const json_t *v, struct js_problems *bad)
{
	return (struct js_at){.v = v, .bad = bad};
}

struct js_at js_item(const struct js_at *array, size_t i)
{
	return (struct js_at){.v = json_array_get(array->v, i), .up = array, .index = i, .bad = array->bad};
}

static struct js_at member(const struct js_at *obj, const char *key)
{
	return (struct js_at){.v = json_object_get(obj->v, key), .up = obj, .key = key, .bad = obj->bad};
}

void js_pointer(const struct js_at *at, struct buf *out)
{
	if (at->up == NULL)
		return;
	js_pointer(at->up, out);
	buf_addc(out, '/');
	if (at->key == NULL) {
		buf_addf(out, "%zu", at->index);
		return;
	}
	for (const char *c = at->key; *c != '\0'; c++) {
		if (*c == '~')
			buf_adds(out, "~0");
		else if (*c == '/')
			buf_adds(out, "~1");
		else
			buf_addc(out, *c);
	}
}

static void problem_v(const struct js_at *at, const char *fmt, va_list ap)
        __attribute__((format(printf, 2, 0)));
__attribute__((format(printf, 2, 0))) static void problem_v(
        const struct js_at *at, const char *fmt, va_list ap)
{
	struct buf b = BUF_INIT;

	js_pointer(at, &b);
	add_v(at->bad, b.ptr, "input.invalid", fmt, ap);
	buf_free(&b);
}

void js_problem(const struct js_at *at, const char *key, const char *fmt, ...)
{
	struct js_at there = key != NULL ? member(at, key) : *at;
	va_list ap;

	va_start(ap, fmt);
	problem_v(&there, fmt, ap);
	va_end(ap);
}

static const char *type_name(json_type t)
{
	switch (t) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	default:
		return "null";
	}
}

/* True when the member is there with the type; JSON_TRUE stands for both truth values. */
static bool take(
        const struct js_at *obj, const char *key, enum js_need need, json_type type, struct js_at *out)
{
	*out = member(obj, key);
	if (out->v == NULL || json_is_null(out->v)) {
		if (need == JS_REQUIRED)
			js_problem(out, NULL, "is required");
		return false;
	}
	if (json_typeof(out->v) == type || (type == JSON_TRUE && json_is_boolean(out->v)))
		return true;
	js_problem(out, NULL, "must be %s", type_name(type));
	return false;
}

static bool text_ok(const struct js_at *at, size_t min, size_t max, bool lines)
{
	const char *s = json_string_value(at->v);
	size_t n = json_string_length(at->v);

	if (n < min || n > max) {
		if (n == 0)
			js_problem(at, NULL, "must not be empty");
		else
			js_problem(at, NULL, "must have %zu to %zu bytes, has %zu", min, max, n);
		return false;
	}
	for (size_t from = 0; from < n;) {
		size_t len = lines ? strcspn(s + from, "\n\t") : n - from;

		if (str_has_control(s + from, len)) {
			js_problem(at, NULL, "must not contain control characters");
			return false;
		}
		from += len + 1;
	}
	return true;
}

static bool text(const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max,
        bool lines, const char **out)
{
	struct js_at at;

	if (!take(obj, key, need, JSON_STRING, &at) || !text_ok(&at, min, max, lines))
		return false;
	*out = json_string_value(at.v);
	return true;
}

bool js_str(
        const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max, const char **out)
{
	return text(obj, key, need, min, max, false, out);
}

bool js_multiline(
        const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max, const char **out)
{
	return text(obj, key, need, min, max, true, out);
}

bool js_str_item(const struct js_at *item, size_t min, size_t max, const char **out)
{
	if (!json_is_string(item->v)) {
		js_problem(item, NULL, "must be a text");
		return false;
	}
	if (!text_ok(item, min, max, false))
		return false;
	*out = json_string_value(item->v);
	return true;
}

bool js_int(
        const struct js_at *obj, const char *key, enum js_need need, int64_t min, int64_t max, int64_t *out)
{
	struct js_at at;
	json_int_t v;

	if (!take(obj, key, need, JSON_INTEGER, &at))
		return false;
	v = json_integer_value(at.v);
	if (v < min || v > max) {
		js_problem(&at, NULL, "must be between %lld and %lld", (long long)min, (long long)max);
		return false;
	}
	*out = v;
	return true;
}

bool js_bool(const struct js_at *obj, const char *key, enum js_need need, bool *out)
{
	struct js_at at;

	if (!take(obj, key, need, JSON_TRUE, &at))
		return false;
	*out = json_is_true(at.v);
	return true;
}

bool js_object(const struct js_at *obj, const char *key, enum js_need need, struct js_at *out)
{
	return take(obj, key, need, JSON_OBJECT, out);
}

bool js_array(const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max,
        struct js_at *out)
{
	size_t n;

	if (!take(obj, key, need, JSON_ARRAY, out))
		return false;
	n = json_array_size(out->v);
	if (n < min || n > max) {
		js_problem(out, NULL, "must have %zu to %zu items, has %zu", min, max, n);
		return false;
	}
	return true;
}

bool js_unknown_word(const struct js_at *obj, const char *key, const char *word)
{
	js_problem(obj, key, "\"%s\" is not a word that is known here", word);
	return false;
}

void js_known(const struct js_at *obj, const char *const *keys)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)obj->v, key, v)
	{
		size_t i;

		for (i = 0; keys[i] != NULL && strcmp(keys[i], key) != 0; i++)
			;
		if (keys[i] == NULL)
			js_problem(obj, key, "is not a field that is known here");
	}
}
