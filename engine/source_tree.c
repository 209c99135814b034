/*
 * A message a file: Maildir with its sub-folders (.A.B or A/B), and folders of .eml files. A message's `at` is its
 * file's number in the list of paths.
 */
#include "source_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "imap_utf7.h"
#include "mail_head.h"
#include "mem.h"
#include "source_kinds.h"
#include "source_walk.h"
#include "str.h"

#include "banned.h"

#define PIECE (128u << 10)

struct tree {
	struct source *s;
	char *root;
	char **file; /* below the root */
	size_t n, cap;
	char *piece;
	struct mail_head head;
	uint64_t left_out;
};

static size_t keep_path(struct tree *t, const char *below)
{
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 256;
		t->file = xreallocarray(t->file, t->cap, sizeof(char *));
	}
	t->file[t->n] = xstrdup(below);
	return t->n++;
}

static int open_below(const struct tree *t, const char *below)
{
	char *path = xasprintf("%s/%s", t->root, below);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	free(path);
	return fd;
}

static struct source_msg *add(struct tree *t, size_t folder, const struct walk_file *f)
{
	struct source_msg *m = source_add(t->s, folder);

	m->at = keep_path(t, f->below);
	m->raw = m->size = f->size;
	m->date = f->mtime;
	m->flags = SOURCE_DATED;
	if (t->n % 256 == 0)
		source_say(t->s, SOURCE_PROGRESS, NULL, "%zu files", t->n);
	return m;
}

/* --- Maildir --- */

static uint32_t maildir_flags(const char *name)
{
	static const struct {
		char c;
		uint32_t flag;
	} rows[] = {{'S', SOURCE_SEEN}, {'R', SOURCE_ANSWERED}, {'F', SOURCE_FLAGGED}, {'D', SOURCE_DRAFT},
		{'T', SOURCE_DELETED}, {'P', SOURCE_FORWARDED}};
	const char *info = strrchr(name, ':');
	uint32_t flags = 0;

	if (info == NULL || strncmp(info, ":2,", 3) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strchr(info + 3, rows[i].c) != NULL)
			flags |= rows[i].flag;
	return flags;
}

/* Modified UTF-7 as servers write it, or plain text. */
static void add_level(struct buf *out, const char *p, size_t n)
{
	struct buf text = BUF_INIT;

	if (!utf7_decode(&text, p, n)) {
		buf_reset(&text);
		buf_add(&text, p, n);
	}
	if (out->len > 0)
		buf_addc(out, '/');
	source_level(out, text.ptr, text.len);
	buf_free(&text);
}

/* ".A.B" and "A/B": the folder; "" is the inbox. */
static void maildir_folder(const char *p, size_t n, struct buf *out)
{
	const char *end = p + n;

	while (p < end) {
		const char *stop = p, *last = end;

		if (*p == '.') { /* Maildir++: dots between levels up to the next slash */
			last = memchr(p, '/', (size_t)(end - p));
			last = last != NULL ? last : end;
			for (p++; p < last; p = stop + 1) {
				stop = memchr(p, '.', (size_t)(last - p));
				stop = stop != NULL ? stop : last;
				if (stop > p)
					add_level(out, p, (size_t)(stop - p));
			}
			p = last + 1;
			continue;
		}
		stop = memchr(p, '/', (size_t)(end - p));
		stop = stop != NULL ? stop : end;
		add_level(out, p, (size_t)(stop - p));
		p = stop + 1;
	}
	if (out->len == 0)
		buf_adds(out, "INBOX");
}

static const struct err *on_maildir_file(void *arg, const struct walk_file *f)
{
	struct tree *t = arg;
	struct buf folder = BUF_INIT;
	const char *name = strrchr(f->below, '/');
	size_t dir = name != NULL ? (size_t)(name - f->below) : 0;

	if (dir < 3 || (memcmp(name - 3, "cur", 3) != 0 && memcmp(name - 3, "new", 3) != 0) ||
		(dir > 3 && name[-4] != '/') || name[1] == '.')
		return NULL; /* indexes and what else servers keep there */
	maildir_folder(f->below, dir > 3 ? dir - 4 : 0, &folder);
	add(t, source_folder(t->s, folder.ptr), f)->flags |= maildir_flags(name + 1);
	buf_free(&folder);
	return NULL;
}

/* --- .eml --- */

static const struct err *on_eml_file(void *arg, const struct walk_file *f)
{
	struct tree *t = arg;
	struct buf folder = BUF_INIT, words = BUF_INIT;
	const char *name = strrchr(f->below, '/');
	struct source_msg *m;
	ssize_t n;
	bool gone;
	int fd;

	if (!str_ends(f->below, ".eml") && !str_ends(f->below, ".EML")) {
		t->left_out++;
		return NULL;
	}
	maildir_folder("", 0, &folder);
	if (name != NULL) {
		buf_reset(&folder);
		for (const char *p = f->below; p < name;) {
			const char *slash = memchr(p, '/', (size_t)(name - p)), *stop = slash != NULL ? slash : name;

			if (folder.len > 0)
				buf_addc(&folder, '/');
			source_level(&folder, p, (size_t)(stop - p));
			p = stop + 1;
		}
	}
	m = add(t, source_folder(t->s, folder.ptr), f);
	fd = open_below(t, f->below);
	n = fd >= 0 ? read(fd, t->piece, PIECE) : -1;
	if (fd >= 0)
		close(fd);
	mail_head_reset(&t->head);
	if (n > 0)
		mail_head_text(&t->head, t->piece, (size_t)n);
	mail_head_date(&t->head, &m->date);
	m->flags |= mail_head_flags(&t->head, &gone);
	mail_head_words(&t->head, &words);
	m->words = source_words(t->s, words.ptr);
	if (n < 0)
		m->flags |= SOURCE_BROKEN;
	buf_free(&folder);
	buf_free(&words);
	return NULL;
}

static void trouble(void *arg, const char *below, const struct err *e)
{
	struct tree *t = arg;

	(void)below;
	source_say(t->s, e->id == ERR_UNSUPPORTED ? SOURCE_OMITTED : SOURCE_DAMAGE, NULL, "%s", e->msg);
}

static const struct err *open_tree(struct source *s, const char *path, walk_fn *fn)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	const struct err *e;

	s->priv = t;
	t->s = s;
	t->root = xstrdup(path);
	t->piece = xmalloc(PIECE);
	mail_head_init(&t->head);
	e = walk_tree(path, fn, trouble, t);
	if (e == NULL && t->left_out > 0)
		source_say(s, SOURCE_OMITTED, NULL, "%llu files are no .eml", (unsigned long long)t->left_out);
	return e;
}

static const struct err *maildir_open(struct source *s, const char *path)
{
	const struct err *e = open_tree(s, path, on_maildir_file);

	if (e == NULL && s->nf == 0 && s->notes > 0)
		e = err_new(ERR_SOURCE_DAMAGED, "%s: no Maildir: it has neither cur nor new", path);
	return e;
}

const struct err *source_tree_open_eml(struct source *s, const char *path)
{
	return open_tree(s, path, on_eml_file);
}

const struct err *source_tree_read(struct source *s, const struct source_folder *f, const struct source_msg *m,
	source_sink *sink, void *arg)
{
	struct tree *t = s->priv;
	int fd = open_below(t, t->file[m->at]);
	const struct err *e = fd < 0 ? err_errno("%s", t->file[m->at]) : NULL;
	ssize_t n = 0;

	(void)f;
	while (e == NULL && (n = read(fd, t->piece, PIECE)) > 0 && sink(arg, t->piece, (size_t)n))
		;
	if (n < 0)
		e = err_errno("%s", t->file[m->at]);
	if (fd >= 0)
		close(fd);
	return e;
}

void source_tree_close(struct source *s)
{
	struct tree *t = s->priv;

	for (size_t i = 0; i < t->n; i++)
		free(t->file[i]);
	free(t->file);
	free(t->root);
	free(t->piece);
	mail_head_free(&t->head);
	free(t);
}

const struct source_kind source_maildir = {"maildir", false, NULL, maildir_open, source_tree_read, source_tree_close};
