#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "source_kinds.h"
#include "str.h"
#include "url.h"

#include "banned.h"

#define FOLDERS_MAX 200000
#define WORDS_MAX 100000
#define NOTES_MAX 1000 /* a hostile file must not fill a disk with complaints */
#define LEVEL_MAX 200

const struct source_kind *source_kind_find(int url_kind)
{
	switch (url_kind) {
	case URL_MBOX:
		return &source_mbox;
	case URL_MAILDIR:
		return &source_maildir;
	case URL_ZIP:
		return &source_zip;
	case URL_TGZ:
		return &source_tgz;
	case URL_PST:
		return &source_pst;
	default:
		return NULL;
	}
}

void source_init(struct source *s, const struct source_kind *kind, source_note_fn *note, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->note = note;
	s->note_arg = arg;
	s->words = xcalloc(1, sizeof(char *));
	s->words[0] = xstrdup("");
	s->nwords = 1;
}

void source_free(struct source *s)
{
	if (s->kind->close != NULL && s->priv != NULL)
		s->kind->close(s);
	for (size_t i = 0; i < s->nf; i++) {
		free(s->f[i].name);
		free(s->f[i].m);
	}
	for (uint32_t i = 0; i < s->nwords; i++)
		free(s->words[i]);
	free(s->f);
	free(s->words);
	memset(s, 0, sizeof(*s));
}

void source_say(struct source *s, enum source_note kind, const char *folder, const char *fmt, ...)
{
	char text[ERR_MSG_SIZE];
	va_list ap;

	if (kind != SOURCE_PROGRESS && s->notes++ >= NOTES_MAX && s->notes != NOTES_MAX + 1)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->notes == NOTES_MAX + 1)
		snprintf(text, sizeof(text), "there is more to say of this file than is said here");
	if (s->note != NULL)
		s->note(s->note_arg, kind, folder, text);
}

/* --- folders, messages, keywords --- */

size_t source_folder(struct source *s, const char *name)
{
	if (str_ieq(name, "INBOX"))
		name = "INBOX";
	for (size_t i = s->nf; i-- > 0;) /* the one asked for last is asked for again */
		if (strcmp(s->f[i].name, name) == 0)
			return i;
	if (s->nf >= FOLDERS_MAX)
		return 0;
	if (s->nf == s->capf) {
		s->capf = s->capf * 2 + 32;
		s->f = xreallocarray(s->f, s->capf, sizeof(*s->f));
	}
	s->f[s->nf] = (struct source_folder){.name = xstrdup(name)};
	return s->nf++;
}

struct source_msg *source_add(struct source *s, size_t folder)
{
	struct source_folder *f = &s->f[folder];

	if (f->n == f->cap) {
		f->cap += f->cap / 4 + 64;
		f->m = xreallocarray(f->m, f->cap, sizeof(*f->m));
	}
	f->m[f->n] = (struct source_msg){0};
	return &f->m[f->n++];
}

uint32_t source_words(struct source *s, const char *set)
{
	for (uint32_t i = s->nwords; i-- > 0;)
		if (strcmp(s->words[i], set) == 0)
			return i;
	if (s->nwords >= WORDS_MAX)
		return 0;
	s->words = xreallocarray(s->words, s->nwords + 1, sizeof(char *));
	s->words[s->nwords] = xstrdup(set);
	return s->nwords++;
}

/* --- names --- */

void source_level(struct buf *out, const char *p, size_t n)
{
	size_t from = out->len;

	while (n > 0 && p[n - 1] == ' ')
		n--;
	if (n > LEVEL_MAX)
		for (n = LEVEL_MAX; n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80;)
			n--;
	str_to_utf8(out, p, n);
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f || out->ptr[i] == '/')
			out->ptr[i] = '_';
	if (out->len == from)
		buf_adds(out, "_");
	else if (strcmp(out->ptr + from, ".") == 0 || strcmp(out->ptr + from, "..") == 0)
		memset(out->ptr + from, '_', out->len - from);
}

struct known_row {
	const char *name, *folder, *role;
};

static const struct known_row known[] = {
	{"inbox", "INBOX", NULL}, {"caixa de entrada", "INBOX", NULL}, {"bandeja de entrada", "INBOX", NULL},
	{"boîte de réception", "INBOX", NULL}, {"posteingang", "INBOX", NULL}, {"posta in arrivo", "INBOX", NULL},
	{"a receber", "INBOX", NULL}, {"postvak in", "INBOX", NULL},
	{"sent", NULL, "\\Sent"}, {"sent items", NULL, "\\Sent"}, {"sent mail", NULL, "\\Sent"},
	{"enviados", NULL, "\\Sent"}, {"itens enviados", NULL, "\\Sent"}, {"elementos enviados", NULL, "\\Sent"},
	{"éléments envoyés", NULL, "\\Sent"}, {"gesendete elemente", NULL, "\\Sent"}, {"gesendet", NULL, "\\Sent"},
	{"posta inviata", NULL, "\\Sent"}, {"drafts", NULL, "\\Drafts"}, {"rascunhos", NULL, "\\Drafts"},
	{"borradores", NULL, "\\Drafts"}, {"brouillons", NULL, "\\Drafts"}, {"entwürfe", NULL, "\\Drafts"},
	{"bozze", NULL, "\\Drafts"}, {"trash", NULL, "\\Trash"}, {"deleted items", NULL, "\\Trash"},
	{"lixo", NULL, "\\Trash"}, {"lixeira", NULL, "\\Trash"}, {"itens eliminados", NULL, "\\Trash"},
	{"itens excluídos", NULL, "\\Trash"}, {"elementos eliminados", NULL, "\\Trash"},
	{"éléments supprimés", NULL, "\\Trash"}, {"gelöschte elemente", NULL, "\\Trash"},
	{"posta eliminata", NULL, "\\Trash"}, {"junk", NULL, "\\Junk"}, {"junk e-mail", NULL, "\\Junk"},
	{"spam", NULL, "\\Junk"}, {"lixo eletrônico", NULL, "\\Junk"}, {"correio eletrónico não solicitado", NULL, "\\Junk"},
	{"correo no deseado", NULL, "\\Junk"}, {"courrier indésirable", NULL, "\\Junk"},
	{"archive", NULL, "\\Archive"}, {"archives", NULL, "\\Archive"}, {"arquivo", NULL, "\\Archive"},
};

const char *source_known(const char *name, const char **role)
{
	*role = NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_ieq(known[i].name, name)) {
			*role = known[i].role;
			return known[i].folder;
		}
	return NULL;
}

/* --- opening --- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* What tells this folder from one that holds other messages; flags may change without making it another. */
static void number(struct source_folder *f)
{
	uint64_t h = mix(0x5eed, f->n);

	f->bytes = 0;
	for (uint32_t i = 0; i < f->n; i++) {
		h = mix(h, f->m[i].at);
		h = mix(h, f->m[i].raw);
		h = mix(h, (uint64_t)f->m[i].date);
		f->bytes += f->m[i].size;
	}
	f->uidvalidity = (uint32_t)(h & 0x7fffffff);
	if (f->uidvalidity == 0)
		f->uidvalidity = 1;
}

static bool is_inbox(const char *name)
{
	const char *role;
	const char *folder = source_known(name, &role);

	return folder != NULL && strcmp(folder, "INBOX") == 0;
}

static size_t level(const char *name)
{
	return strcspn(name, "/");
}

/* "Personal folders/Inbox", as PSTs have it: without the level above the inbox, unless something else stands there. */
static void lift(struct source *s)
{
	size_t above = 0, n;
	const char *top;

	if (s->nf == 0)
		return;
	top = s->f[0].name;
	n = level(top);
	for (size_t i = 0; i < s->nf; i++) {
		const char *name = s->f[i].name;

		if (level(name) != n || memcmp(name, top, n) != 0 || (name[n] == '\0' && s->f[i].n > 0))
			return;
		if (name[n] == '/') {
			char *second = xstrndup(name + n + 1, level(name + n + 1));

			above += is_inbox(second);
			free(second);
		}
	}
	if (above == 0)
		return;
	for (size_t i = s->nf; i-- > 0;) {
		char *name = s->f[i].name;

		if (name[n] == '/') {
			memmove(name, name + n + 1, strlen(name + n + 1) + 1);
		} else { /* the level itself, empty */
			free(name);
			free(s->f[i].m);
			s->f[i] = s->f[--s->nf];
		}
	}
}

/* "Caixa de entrada/Projetos" is below the inbox. */
static void name_inbox(struct source *s)
{
	for (size_t i = 0; i < s->nf; i++) {
		char *name = s->f[i].name, *first = xstrndup(name, level(name));

		if (is_inbox(first) && strcmp(first, "INBOX") != 0) {
			s->f[i].name = xasprintf("INBOX%s", name + strlen(first));
			free(name);
		}
		free(first);
	}
}

/* Two files may have given one folder under two names ("Inbox", "INBOX"). */
static void join_twins(struct source *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nf; i++) {
		struct source_folder *f = &s->f[i], *to = kept > 0 ? &s->f[kept - 1] : NULL;

		if (to == NULL || strcmp(to->name, f->name) != 0) {
			s->f[kept++] = *f;
			continue;
		}
		to->m = xreallocarray(to->m, (size_t)to->n + f->n + 1, sizeof(*to->m));
		memcpy(to->m + to->n, f->m != NULL ? f->m : to->m, f->n * sizeof(*f->m));
		to->n += f->n;
		to->cap = to->n;
		free(f->name);
		free(f->m);
	}
	s->nf = kept;
}

static int by_name(const void *pa, const void *pb)
{
	return strcmp(((const struct source_folder *)pa)->name, ((const struct source_folder *)pb)->name);
}

const struct err *source_open(struct source *s, const char *path)
{
	const struct err *e = s->kind->open(s, path);

	if (e != NULL)
		return e;
	lift(s);
	name_inbox(s);
	if (s->nf > 1)
		qsort(s->f, s->nf, sizeof(*s->f), by_name);
	join_twins(s);
	for (size_t i = 0; i < s->nf; i++) {
		struct source_folder *f = &s->f[i];

		if (f->cap > f->n && f->n > 0)
			f->m = xreallocarray(f->m, f->n, sizeof(*f->m));
		f->cap = f->n;
		number(f);
		if (strchr(f->name, '/') == NULL)
			source_known(f->name, &f->role);
	}
	for (size_t i = 0; i < s->nf; i++) /* a role belongs to one folder */
		for (size_t k = 0; k < i && s->f[i].role != NULL; k++)
			if (s->f[k].role != NULL && strcmp(s->f[k].role, s->f[i].role) == 0)
				s->f[i].role = NULL;
	return NULL;
}
