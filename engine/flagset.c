#include "flagset.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

/* Distinct sets are few (flags in use times keywords in use), but a server may say anything: hash, not scan. */
struct flagsets {
	char **text; /* by number; [0] is "" */
	uint32_t n, cap;
	uint32_t *slot; /* number + 1; 0: free */
	uint32_t slots; /* a power of two, at least twice n */
	char *last_raw; /* most messages have the flags of the one before */
	uint32_t last;
};

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static void put_slot(struct flagsets *f, uint32_t number)
{
	uint32_t i = hash(f->text[number]) & (f->slots - 1);

	while (f->slot[i] != 0)
		i = (i + 1) & (f->slots - 1);
	f->slot[i] = number + 1;
}

static uint32_t add(struct flagsets *f, const char *text)
{
	if (f->n == f->cap) {
		f->cap = f->cap * 2 + 16;
		f->text = xreallocarray(f->text, f->cap, sizeof(*f->text));
		free(f->slot);
		f->slots = 1;
		while (f->slots < f->cap * 2)
			f->slots *= 2;
		f->slot = xcalloc(f->slots, sizeof(*f->slot));
		for (uint32_t i = 0; i < f->n; i++)
			put_slot(f, i);
	}
	f->text[f->n] = xstrdup(text);
	put_slot(f, f->n);
	return f->n++;
}

struct flagsets *flagsets_new(void)
{
	struct flagsets *f = xcalloc(1, sizeof(*f));

	add(f, "");
	return f;
}

void flagsets_free(struct flagsets *f)
{
	if (f == NULL)
		return;
	for (uint32_t i = 0; i < f->n; i++)
		free(f->text[i]);
	free(f->text);
	free(f->slot);
	free(f->last_raw);
	free(f);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "b \Seen B" -> "\seen b" */
static char *canonical(const char *text)
{
	char *copy = xstrdup(text), *save = NULL, **names = NULL;
	size_t n = 0;
	struct buf out = BUF_INIT;

	str_lower(copy);
	for (char *p = strtok_r(copy, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save)) {
		names = xreallocarray(names, n + 1, sizeof(*names));
		names[n++] = p;
	}
	if (n > 1)
		qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], "\\recent") == 0 || (i > 0 && strcmp(names[i], names[i - 1]) == 0))
			continue;
		if (out.len > 0)
			buf_addc(&out, ' ');
		buf_adds(&out, names[i]);
	}
	free(names);
	free(copy);
	return buf_detach(&out);
}

uint32_t flagset_of(struct flagsets *f, const char *text)
{
	char *set;
	uint32_t i;

	if (f->last_raw != NULL && strcmp(f->last_raw, text) == 0)
		return f->last;
	set = canonical(text);
	for (i = hash(set) & (f->slots - 1); f->slot[i] != 0; i = (i + 1) & (f->slots - 1))
		if (strcmp(f->text[f->slot[i] - 1], set) == 0)
			break;
	f->last = f->slot[i] != 0 ? f->slot[i] - 1 : add(f, set);
	free(set);
	free(f->last_raw);
	f->last_raw = xstrdup(text);
	return f->last;
}

const char *flagset_text(const struct flagsets *f, uint32_t set)
{
	return f->text[set];
}

/* The names that are system flags, or those that are not. */
static void names_of_kind(struct buf *out, const char *text, bool system)
{
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if ((*text == '\\') == system) {
			buf_add(out, text, n);
			buf_addc(out, ' ');
		}
		text += n + (text[n] == ' ');
	}
}

unsigned flagset_compare(const struct flagsets *f, uint32_t a, uint32_t b)
{
	unsigned diff = 0;

	if (a == b)
		return 0;
	for (int kind = 0; kind < 2; kind++) {
		struct buf x = BUF_INIT, y = BUF_INIT;

		names_of_kind(&x, f->text[a], kind == 0);
		names_of_kind(&y, f->text[b], kind == 0);
		if (strcmp(x.ptr, y.ptr) != 0)
			diff |= kind == 0 ? FLAGSET_SYSTEM : FLAGSET_KEYWORDS;
		buf_free(&x);
		buf_free(&y);
	}
	return diff;
}
