/*
 * JSON from strangers: parsed strictly with jansson (UTF-8, no duplicate keys, no NUL, bounded depth), then
 * read with getters that collect every mistake with a JSON Pointer (RFC 6901) to the field, so that all can
 * be told at once.
 *
 *   struct js_problems bad = {0};
 *   struct js_at root = js_root(value, &bad), src;
 *   js_str(&root, "ticket", JS_OPTIONAL, 0, 64, &ticket);
 *   if (js_object(&root, "source", JS_REQUIRED, &src)) js_int(&src, "port", JS_OPTIONAL, 1, 65535, &port);
 *   js_known(&root, (const char *const[]){"ticket", "source", NULL});
 *   if (bad.n > 0) ...
 *
 * Texts that getters return live as long as the json_t.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define JS_DEPTH_MAX 32
#define JS_PROBLEMS_MAX 100 /* what is found beyond is counted, not kept */

/* One object or array and nothing after it but white space. ERR_JSON (line and what) or ERR_TOO_LARGE
 * (depth). */
const struct err *js_parse(json_t **out, const char *p, size_t n);
/* Compact, keys in the order of insertion. */
void js_write(struct buf *out, const json_t *v);
/* js_write as a string of the caller's. */
char *js_text(const json_t *v);
/* The object in s, or a new empty one when s is NULL, empty or not an object: for columns that hold JSON. */
json_t *js_column(const char *s);

struct js_problem {
	char *pointer; /* "/mailboxes/0/source/host"; "" is the document */
	char *code;    /* "input.invalid" */
	char *detail;
};
struct js_problems {
	struct js_problem *v;
	size_t n, dropped;
};
void js_problems_free(struct js_problems *p);
void js_problems_add(struct js_problems *p, const char *pointer, const char *code, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
/* NULL when there is none, else ERR_INPUT: "/source/port: must be between 1 and 65535". */
const struct err *js_problems_err(const struct js_problems *p);

/* A place in a document. Lives on the stack; `up` must outlive it. */
struct js_at {
	const json_t *v; /* NULL: not there */
	const struct js_at *up;
	const char *key; /* or NULL: index */
	size_t index;
	struct js_problems *bad;
};
struct js_at js_root(const json_t *v, struct js_problems *bad);
struct js_at js_item(const struct js_at *array, size_t i); /* i < json_array_size(array->v) */
void js_pointer(const struct js_at *at, struct buf *out);
/* A problem at `at`, or at its member `key` when that is not NULL. */
void js_problem(const struct js_at *at, const char *key, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

enum js_need { JS_OPTIONAL, JS_REQUIRED };

/* Each returns true when the member is there and valid, and only then sets *out. null counts as absent. A
 * text is measured in bytes; js_str refuses control characters, js_multiline allows line feeds and tabs. */
bool js_str(const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max,
        const char **out);
bool js_multiline(const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max,
        const char **out);
bool js_int(
        const struct js_at *obj, const char *key, enum js_need need, int64_t min, int64_t max, int64_t *out);
bool js_bool(const struct js_at *obj, const char *key, enum js_need need, bool *out);
bool js_object(const struct js_at *obj, const char *key, enum js_need need, struct js_at *out);
bool js_array(const struct js_at *obj, const char *key, enum js_need need, size_t min, size_t max,
        struct js_at *out);
/* A word that parse(text, &value) knows, such as run_kind_parse: js_word(&root, "kind", JS_REQUIRED,
 * run_kind_parse, &kind). */
#define js_word(obj, key, need, parse, out)                                                                  \
	({                                                                                                   \
		const char *js_word_;                                                                        \
		js_str((obj), (key), (need), 1, 64, &js_word_) &&                                            \
		        (parse(js_word_, (out)) || js_unknown_word((obj), (key), js_word_));                 \
	})
bool js_unknown_word(
        const struct js_at *obj, const char *key, const char *word); /* adds the problem; always false */
/* A text as an item of an array, checked like js_str. */
bool js_str_item(const struct js_at *item, size_t min, size_t max, const char **out);
/* Every member whose name is not in the NULL-terminated list is a problem. */
void js_known(const struct js_at *obj, const char *const *keys);

#endif
