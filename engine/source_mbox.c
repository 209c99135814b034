/*
 * mbox: one file, or a tree of them: readpst -r (Folder/mbox), Thunderbird (Name beside Name.sbd/), Apple Mail and
 * Takeout (Name.mbox). A message's `at` is its offset, with the number of its file in the upper bits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "mail_labels.h"
#include "mbox_scan.h"
#include "mem.h"
#include "source_kinds.h"
#include "source_walk.h"
#include "str.h"

#include "banned.h"

#define PIECE (256u << 10)
#define FILE_SHIFT 48
#define FILES_MAX 65535

struct mbox {
	struct source *s;
	char **file;
	size_t nfiles;
	int fd; /* of file[at], open; -1 */
	size_t at;
	char *piece;
	/* while a file is scanned */
	size_t folder;
	int64_t mtime;
	uint64_t messages, gone;
	size_t root; /* of a tree: bytes of its path */
};

static const struct err *open_file(struct mbox *b, size_t i)
{
	if (b->fd >= 0 && b->at == i)
		return NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->at = i;
	b->fd = open(b->file[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (b->fd < 0)
		return err_errno("%s", b->file[i]);
	posix_fadvise(b->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return NULL;
}

static size_t peek(void *arg, uint64_t at, void *p, size_t n)
{
	struct mbox *b = arg;
	ssize_t got = pread(b->fd, p, n, (off_t)at);

	return got > 0 ? (size_t)got : 0;
}

/* Into the folder that its labels say. */
static size_t by_labels(struct mbox *b, const struct mail_head *h, uint32_t *flags, struct buf *words)
{
	struct buf folder = BUF_INIT;
	size_t f;

	mail_labels(h->v[MAIL_LABELS].ptr, h->v[MAIL_LABELS].len, &folder, flags, words);
	f = source_folder(b->s, folder.ptr);
	buf_free(&folder);
	return f;
}

static void on_message(void *arg, const struct mbox_message *x)
{
	struct mbox *b = arg;
	struct buf words = BUF_INIT;
	size_t folder = b->folder;
	struct source_msg *m;
	bool gone;
	uint32_t flags = mail_head_flags(x->head, &gone), number;

	if (gone) {
		b->gone++;
		return;
	}
	if (x->head->v[MAIL_LABELS].len > 0)
		folder = by_labels(b, x->head, &flags, &words);
	else
		mail_head_words(x->head, &words);
	number = source_words(b->s, words.ptr);
	m = source_add(b->s, folder);
	m->at = x->at | (uint64_t)(b->nfiles - 1) << FILE_SHIFT;
	m->raw = x->raw;
	m->size = x->size;
	m->date = x->dated ? x->date : b->mtime;
	m->flags = flags | SOURCE_SIZED | SOURCE_DATED | (x->verbatim ? SOURCE_VERBATIM : 0);
	m->words = number;
	b->messages++;
	buf_free(&words);
}

static const struct err *scan(struct mbox *b, const char *path, const char *name)
{
	struct mbox_scan *sc = mbox_scan_new(on_message, peek, b);
	const struct err *e = NULL;
	uint64_t at = 0, before = 0;
	struct stat st;
	ssize_t n = 0;

	b->messages = b->gone = 0;
	if (fstat(b->fd, &st) == 0)
		b->mtime = st.st_mtime;
	while (e == NULL && (n = pread(b->fd, b->piece, PIECE, (off_t)at)) > 0) {
		mbox_scan_feed(sc, b->piece, (size_t)n);
		at += (uint64_t)n;
		source_say(b->s, SOURCE_PROGRESS, NULL, "%s: %llu of %llu bytes", name, (unsigned long long)at,
			(unsigned long long)st.st_size);
	}
	if (n < 0)
		e = err_errno("%s: at byte %llu", path, (unsigned long long)at);
	if (e == NULL)
		mbox_scan_end(sc, &before);
	mbox_scan_free(sc);
	if (e == NULL && before > 0)
		source_say(b->s, SOURCE_DAMAGE, b->s->f[b->folder].name,
			"%s: the first %llu bytes belong to no message: the start is cut off or it is no mbox", name,
			(unsigned long long)before);
	if (e == NULL && b->gone > 0)
		source_say(b->s, SOURCE_OMITTED, b->s->f[b->folder].name,
			"%llu messages were deleted in Thunderbird and are only not yet taken out of the file",
			(unsigned long long)b->gone);
	return e;
}

static const struct err *add_file(struct mbox *b, const char *path)
{
	if (b->nfiles >= FILES_MAX)
		return err_new(ERR_TOO_LARGE, "%s: more than %d files", path, FILES_MAX);
	b->file = xreallocarray(b->file, b->nfiles + 1, sizeof(char *));
	b->file[b->nfiles++] = xstrdup(path);
	return open_file(b, b->nfiles - 1);
}

static bool ends(const char *p, size_t n, const char *suffix)
{
	size_t k = strlen(suffix);

	return n > k && memcmp(p + n - k, suffix, k) == 0;
}

/* "Personal/Inbox/mbox", "Sent.sbd/2020", "Mail/All mail.mbox": the folder. */
static void folder_of(const char *below, struct buf *out)
{
	while (*below != '\0') {
		size_t n = strcspn(below, "/"), k = n;
		bool last = below[n] == '\0';

		if (last && out->len > 0 && n == 4 && memcmp(below, "mbox", 4) == 0)
			break;
		if (!last && ends(below, n, ".sbd"))
			k -= 4;
		else if (ends(below, n, ".mbox"))
			k -= 5;
		else if (last && ends(below, n, ".mbx"))
			k -= 4;
		if (out->len > 0)
			buf_addc(out, '/');
		source_level(out, below, k);
		below += n + !last;
	}
}

/* What mail programs keep beside their mboxes. */
static bool sidecar(const char *name)
{
	static const char *const suffixes[] = {".msf", ".dat", ".html", ".json", ".sqlite", ".type", ".size", ".lock",
		".plist", ".db", ".js", ".ini", ".log", ".txt", "calendar", "contacts", "journal"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (n >= strlen(suffixes[i]) && str_ieq(name + n - strlen(suffixes[i]), suffixes[i]))
			return true;
	return false;
}

static const struct err *on_file(void *arg, const struct walk_file *f)
{
	struct mbox *b = arg;
	struct buf folder = BUF_INIT;
	const struct err *e = add_file(b, f->path);
	char start[5];

	if (e == NULL && (f->size == 0 || peek(b, 0, start, 5) != 5 || memcmp(start, "From ", 5) != 0)) {
		if (!sidecar(f->below) && f->size > 0)
			source_say(b->s, SOURCE_OMITTED, NULL, "%s: no mbox", f->below);
		else if (f->size == 0 && !sidecar(f->below)) { /* Thunderbird's empty folders */
			folder_of(f->below, &folder);
			source_folder(b->s, folder.ptr);
		}
	} else if (e == NULL) {
		folder_of(f->below, &folder);
		b->folder = source_folder(b->s, folder.ptr);
		e = scan(b, f->path, f->below);
	}
	buf_free(&folder);
	if (e != NULL) {
		source_say(b->s, SOURCE_DAMAGE, NULL, "%s", e->msg);
		if (e->id != ERR_TOO_LARGE)
			e = NULL;
	}
	return e;
}

static void trouble(void *arg, const char *below, const struct err *e)
{
	struct mbox *b = arg;

	(void)below;
	source_say(b->s, e->id == ERR_UNSUPPORTED ? SOURCE_OMITTED : SOURCE_DAMAGE, NULL, "%s", e->msg);
}

static const struct err *mbox_open(struct source *s, const char *path)
{
	struct mbox *b = xcalloc(1, sizeof(*b));
	const struct err *e;
	struct stat st;

	s->priv = b;
	b->s = s;
	b->fd = -1;
	b->piece = xmalloc(PIECE);
	if (stat(path, &st) != 0)
		return err_errno("%s", path);
	if (S_ISDIR(st.st_mode))
		return walk_tree(path, on_file, trouble, b);
	e = add_file(b, path);
	if (e != NULL)
		return e;
	b->folder = source_folder(s, "INBOX");
	e = scan(b, path, path);
	if (e == NULL && b->messages == 0 && b->gone == 0 && st.st_size > 0)
		e = err_new(ERR_SOURCE_DAMAGED, "%s: no mbox: not a line of it begins a message (\"From …\")", path);
	return e;
}

struct unquoting {
	struct mbox_unquote u;
	struct buf out;
	source_sink *sink;
	void *arg;
};

static bool pass(struct unquoting *q, const char *p, size_t n)
{
	buf_reset(&q->out);
	if (p != NULL)
		mbox_unquote(&q->u, p, n, &q->out);
	else
		mbox_unquote_end(&q->u, &q->out);
	return q->out.len == 0 || q->sink(q->arg, q->out.ptr, q->out.len);
}

static const struct err *mbox_read(struct source *s, const struct source_folder *f, const struct source_msg *m,
	source_sink *sink, void *arg)
{
	struct mbox *b = s->priv;
	uint64_t at = m->at & ((1ull << FILE_SHIFT) - 1), left = m->raw;
	const struct err *e = open_file(b, (size_t)(m->at >> FILE_SHIFT));
	struct unquoting q = {.sink = sink, .arg = arg, .out = BUF_INIT};
	bool more = true;

	(void)f;
	while (e == NULL && left > 0 && more) {
		ssize_t n = pread(b->fd, b->piece, left < PIECE ? left : PIECE, (off_t)at);

		if (n <= 0) {
			e = n < 0 ? err_errno("%s", b->file[b->at])
				  : err_new(ERR_SOURCE_CHANGED, "%s has become shorter", b->file[b->at]);
			break;
		}
		more = m->flags & SOURCE_VERBATIM ? sink(arg, b->piece, (size_t)n) : pass(&q, b->piece, (size_t)n);
		at += (uint64_t)n;
		left -= (uint64_t)n;
	}
	if (e == NULL && more && !(m->flags & SOURCE_VERBATIM))
		pass(&q, NULL, 0);
	buf_free(&q.out);
	return e;
}

static void mbox_close(struct source *s)
{
	struct mbox *b = s->priv;

	if (b->fd >= 0)
		close(b->fd);
	for (size_t i = 0; i < b->nfiles; i++)
		free(b->file[i]);
	free(b->file);
	free(b->piece);
	free(b);
}

const struct source_kind source_mbox = {"mbox", true, NULL, mbox_open, mbox_read, mbox_close};
