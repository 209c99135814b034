/*
 * zip and TGZ, streamed through libarchive: nothing is unpacked, and names in archives are only ever names of
 * folders. A message's `at` is the number of its entry. Going back in a TGZ means reading it again from its start:
 * gzip does not seek; folder by folder, in the order of the archive, that is once a folder.
 *
 * gunzip.c and not libarchive takes the gzip off, for it compares the check sums.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "gunzip.h"
#include "mail_head.h"
#include "mem.h"
#include "source_kinds.h"
#include "source_tree.h"
#include "str.h"
#include "tgz_meta.h"

#include "banned.h"

#define PIECE (128u << 10)
#define META_MAX (1u << 20)
#define MESSAGE_MAX (1ull << 30)
#define ENTRIES_MAX 20000000u
#define BOMB_BYTES (1ull << 30) /* this much, */
#define BOMB_RATIO 400          /* and this many times the file's size: nobody's mail */

struct arc {
	struct source *s;
	char *path;
	bool tgz;
	uint64_t file_size;
	struct archive *a;
	struct gunzip *gz;
	struct archive_entry *entry; /* the one at work */
	uint64_t next;               /* number of the entry that comes next */
	char *piece, *gz_piece;
	/* while it is indexed */
	uint64_t bytes;
	struct mail_head head;
	struct buf start; /* the first bytes of an entry */
	struct tgz_meta meta;
	bool has_meta, any_meta, bomb;
	uint64_t others[TGZ_CHAT + 2];
	EVP_MD_CTX *md;
};

/* --- the archive --- */

static la_ssize_t on_read(struct archive *a, void *arg, const void **out)
{
	struct arc *c = arg;
	ssize_t n = gunzip_read(c->gz, c->gz_piece, PIECE);

	*out = c->gz_piece;
	if (n < 0) {
		archive_set_error(a, EIO, "%s", gunzip_why(c->gz));
		return ARCHIVE_FATAL;
	}
	return n;
}

static void shut(struct arc *c)
{
	if (c->a != NULL)
		archive_read_free(c->a);
	gunzip_close(c->gz);
	c->a = NULL;
	c->gz = NULL;
}

static const struct err *from_the_start(struct arc *c)
{
	const struct err *e;
	int rc;

	shut(c);
	c->next = 0;
	c->a = archive_read_new();
	if (c->tgz) {
		archive_read_support_format_tar(c->a);
		if ((e = gunzip_open(&c->gz, c->path)) != NULL)
			return e;
		rc = archive_read_open(c->a, c, NULL, on_read, NULL);
	} else {
		archive_read_support_format_zip(c->a);
		rc = archive_read_open_filename(c->a, c->path, PIECE);
	}
	if (rc != ARCHIVE_OK)
		return err_new(ERR_SOURCE_DAMAGED, "%s: %s", c->path, archive_error_string(c->a));
	return NULL;
}

/* 1: an entry; 0: the end; -1: no further. */
static int next_entry(struct arc *c)
{
	int rc;

	do
		rc = archive_read_next_header(c->a, &c->entry);
	while (rc == ARCHIVE_RETRY);
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return -1;
	c->next++;
	return 1;
}

static const char *why(const struct arc *c)
{
	const char *s = archive_error_string(c->a);

	return s != NULL ? s : "unknown";
}

/* --- reading an entry --- */

struct facts {
	uint64_t raw, size;
	bool whole;
	unsigned char digest[EVP_MAX_MD_SIZE];
};

/* All of the entry's bytes once: sizes, the digest, the start for its header, and whether it is whole. */
static void read_entry(struct arc *c, const EVP_MD *md, struct facts *f)
{
	uint64_t limit = archive_entry_size_is_set(c->entry) ? (uint64_t)archive_entry_size(c->entry) : MESSAGE_MAX;
	bool cr = false;
	la_ssize_t n;

	*f = (struct facts){0};
	buf_reset(&c->start);
	if (limit > MESSAGE_MAX)
		return;
	if (md != NULL)
		EVP_DigestInit_ex(c->md, md, NULL);
	while ((n = archive_read_data(c->a, c->piece, PIECE)) > 0) {
		if (c->start.len < META_MAX && (c->start.len == 0 || limit <= META_MAX))
			buf_add(&c->start, c->piece, (size_t)n);
		if (md != NULL)
			EVP_DigestUpdate(c->md, c->piece, (size_t)n);
		f->raw += (uint64_t)n;
		c->bytes += (uint64_t)n;
		f->size += (uint64_t)n;
		for (const char *p = c->piece, *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
			f->size += p > c->piece ? p[-1] != '\r' : !cr;
		cr = c->piece[n - 1] == '\r';
		if (f->raw > MESSAGE_MAX || (c->bytes > BOMB_BYTES && c->bytes / BOMB_RATIO > c->file_size)) {
			c->bomb = c->bytes > BOMB_BYTES && c->bytes / BOMB_RATIO > c->file_size;
			return;
		}
	}
	f->whole = n == 0 && (!archive_entry_size_is_set(c->entry) || f->raw == limit);
	if (md != NULL)
		EVP_DigestFinal_ex(c->md, f->digest, NULL);
}

/* "./Inbox/Sub!1/0000000261-Subject.eml": the folder; "" for none. */
static void folder_of(struct arc *c, const char *path, struct buf *out)
{
	const char *name = strrchr(path, '/');

	while (name != NULL && path < name) {
		const char *slash = strchr(path, '/');
		size_t n = (size_t)(slash - path), k = n;

		if (c->tgz) { /* folders of more than 500 are split: Sent, Sent!1 … */
			while (k > 0 && path[k - 1] >= '0' && path[k - 1] <= '9')
				k--;
			k = k > 1 && k < n && path[k - 1] == '!' ? k - 1 : n;
		}
		if (n > 0 && !(n == 1 && path[0] == '.')) {
			if (out->len > 0)
				buf_addc(out, '/');
			source_level(out, path, k);
		}
		path = slash + 1;
	}
	if (out->len == 0)
		buf_adds(out, "INBOX");
}

static void add_message(struct arc *c, const char *path, const struct facts *f, const char *folder)
{
	struct source_msg *m = source_add(c->s, source_folder(c->s, folder));
	struct buf words = BUF_INIT;
	int64_t date;
	bool gone;

	m->at = c->next - 1;
	m->raw = f->raw;
	m->size = f->size;
	m->flags = SOURCE_DATED | (f->whole ? SOURCE_SIZED : SOURCE_BROKEN);
	if (c->has_meta) {
		m->date = c->meta.date;
		m->flags |= c->meta.flags;
		m->words = source_words(c->s, c->meta.words.ptr);
	} else {
		mail_head_reset(&c->head);
		mail_head_text(&c->head, c->start.ptr, c->start.len);
		m->date = archive_entry_mtime(c->entry);
		if (!c->tgz && mail_head_date(&c->head, &date))
			m->date = date;
		m->flags |= mail_head_flags(&c->head, &gone);
		if (c->tgz && archive_entry_perm(c->entry) & 0200)
			m->flags |= SOURCE_SEEN;
		mail_head_words(&c->head, &words);
		m->words = source_words(c->s, words.ptr);
	}
	if (!f->whole)
		source_say(c->s, SOURCE_DAMAGE, folder, "%s: it cannot be read whole: %s", path,
			f->raw > MESSAGE_MAX ? "it is larger than 1 GiB" : why(c));
	buf_free(&words);
}

/* --- Zimbra's export --- */

static bool digest_differs(const struct arc *c, const struct facts *f)
{
	return c->has_meta && f->whole && c->meta.digest_size > 0 &&
	       memcmp(f->digest, c->meta.digest, c->meta.digest_size) != 0;
}

static void on_meta(struct arc *c, const char *path)
{
	struct facts f;

	read_entry(c, NULL, &f);
	c->any_meta = true;
	c->has_meta = f.whole && f.raw <= META_MAX && tgz_meta_parse(&c->meta, c->start.ptr, c->start.len);
	if (!c->has_meta) {
		source_say(c->s, SOURCE_DAMAGE, NULL, "%s: cannot be understood; what it describes goes by the archive's own names",
			path);
		return;
	}
	if (c->meta.type == TGZ_FOLDER && c->meta.mail && c->meta.folder.len > 0)
		source_folder(c->s, c->meta.folder.ptr);
	if (c->meta.type != TGZ_MESSAGE && c->meta.type != TGZ_FOLDER && c->meta.type >= 0)
		c->others[c->meta.type <= TGZ_CHAT ? c->meta.type : TGZ_CHAT + 1]++;
}

static void on_tgz_entry(struct arc *c, const char *path)
{
	struct buf folder = BUF_INIT;
	const EVP_MD *md = NULL;
	struct facts f;

	if (str_ends(path, ".meta")) {
		on_meta(c, path);
		return;
	}
	if (str_ends(path, ".err")) { /* Zimbra could not read the blob before it: it filled up with spaces */
		source_say(c->s, SOURCE_DAMAGE, NULL, "%s: the exporting server could not read this item whole", path);
		return;
	}
	if (c->has_meta ? c->meta.type != TGZ_MESSAGE : !str_ends(path, ".eml")) {
		if (!c->has_meta)
			c->others[TGZ_CHAT + 1]++;
		c->has_meta = false;
		return;
	}
	if (c->has_meta && c->meta.digest_size > 0)
		md = c->meta.digest_size == 32 ? EVP_sha256() : EVP_sha1();
	read_entry(c, md, &f);
	if (c->has_meta && c->meta.folder.len > 0)
		buf_adds(&folder, c->meta.folder.ptr);
	else
		folder_of(c, path, &folder);
	if (digest_differs(c, &f))
		source_say(c->s, SOURCE_DAMAGE, folder.ptr,
			"%s: its bytes are not those that the exporting server had (digest): they are moved as they are", path);
	add_message(c, path, &f, folder.ptr);
	c->has_meta = false;
	buf_free(&folder);
}

static void on_zip_entry(struct arc *c, const char *path)
{
	struct buf folder = BUF_INIT;
	struct facts f;

	if (archive_entry_filetype(c->entry) == AE_IFDIR)
		return;
	if (!str_ends(path, ".eml") && !str_ends(path, ".EML")) {
		c->others[TGZ_CHAT + 1]++;
		return;
	}
	read_entry(c, NULL, &f);
	folder_of(c, path, &folder);
	add_message(c, path, &f, folder.ptr);
	buf_free(&folder);
}

static void tell_others(struct arc *c)
{
	static const char *const names[TGZ_CHAT + 2] = {[TGZ_SEARCH] = "saved searches", [TGZ_TAG] = NULL,
		[4] = "conversations", [TGZ_CONTACT] = "contacts", [TGZ_DOCUMENT] = "documents",
		[TGZ_APPOINTMENT] = "appointments", [TGZ_MOUNT] = "links to folders of others", [TGZ_WIKI] = "documents",
		[TGZ_TASK] = "tasks", [TGZ_CHAT] = "chats", [TGZ_CHAT + 1] = "other files"};

	for (int i = 0; i < TGZ_CHAT + 2; i++)
		if (c->others[i] > 0 && i != TGZ_TAG)
			source_say(c->s, SOURCE_OMITTED, NULL, "%llu %s: no mail", (unsigned long long)c->others[i],
				names[i] != NULL ? names[i] : "items of other kinds");
}

/* Behind the end of the tar: the rest must decompress too, for the check sum stands at its end. */
static void drain(struct arc *c)
{
	ssize_t n;

	while ((n = gunzip_read(c->gz, c->gz_piece, PIECE)) > 0 && (c->bytes += (uint64_t)n) < BOMB_BYTES * BOMB_RATIO)
		;
	if (n < 0)
		source_say(c->s, SOURCE_DAMAGE, NULL, "the end of the file: %s", gunzip_why(c->gz));
}

static const struct err *build_index(struct arc *c)
{
	int more = 0;

	while (!c->bomb && c->next < ENTRIES_MAX && (more = next_entry(c)) > 0) {
		const char *path = archive_entry_pathname(c->entry);

		if (path == NULL)
			path = archive_entry_pathname_utf8(c->entry);
		if (path == NULL)
			path = "(a name that cannot be read)";
		if (c->tgz)
			on_tgz_entry(c, path);
		else
			on_zip_entry(c, path);
		source_say(c->s, SOURCE_PROGRESS, NULL, "%llu entries", (unsigned long long)c->next);
	}
	if (c->bomb)
		source_say(c->s, SOURCE_DAMAGE, NULL,
			"entry %llu: the archive unpacks to more than %d times its size: a bomb; nothing behind it is read",
			(unsigned long long)c->next, BOMB_RATIO);
	else if (more < 0 && c->next == 0)
		return err_new(ERR_SOURCE_DAMAGED, "%s: %s", c->path, why(c));
	else if (more < 0)
		source_say(c->s, SOURCE_DAMAGE, NULL, "the archive breaks off or is damaged behind entry %llu: %s",
			(unsigned long long)c->next, why(c));
	else if (c->tgz)
		drain(c);
	if (c->next == 0 && c->tgz && !c->bomb)
		return err_new(ERR_SOURCE_DAMAGED, "%s: no TGZ: not one entry", c->path);
	tell_others(c);
	return NULL;
}

static const struct err *arc_open(struct source *s, const char *path, bool tgz)
{
	struct arc *c = xcalloc(1, sizeof(*c));
	const struct err *e;
	struct stat st;

	s->priv = c;
	c->s = s;
	c->tgz = tgz;
	c->path = xstrdup(path);
	c->piece = xmalloc(PIECE);
	c->gz_piece = xmalloc(PIECE);
	c->md = EVP_MD_CTX_new();
	buf_init(&c->start);
	mail_head_init(&c->head);
	tgz_meta_init(&c->meta);
	if (stat(path, &st) != 0)
		return err_errno("%s", path);
	c->file_size = st.st_size > 0 ? (uint64_t)st.st_size : 1;
	e = from_the_start(c);
	return e != NULL ? e : build_index(c);
}

static const struct err *arc_read(struct source *s, const struct source_folder *f, const struct source_msg *m,
	source_sink *sink, void *arg)
{
	struct arc *c = s->priv;
	const struct err *e = m->at < c->next || c->a == NULL ? from_the_start(c) : NULL;
	uint64_t left = m->raw;
	la_ssize_t n = 0;

	(void)f;
	while (e == NULL && c->next <= m->at) {
		if (next_entry(c) <= 0)
			e = err_new(ERR_SOURCE_DAMAGED, "entry %llu: %s", (unsigned long long)m->at + 1, why(c));
		else if (c->next % 1024 == 0)
			source_say(s, SOURCE_PROGRESS, NULL, "entry %llu", (unsigned long long)c->next);
	}
	while (e == NULL && left > 0 && (n = archive_read_data(c->a, c->piece, PIECE)) > 0) {
		if ((uint64_t)n > left || !sink(arg, c->piece, (size_t)n))
			break;
		left -= (uint64_t)n;
	}
	if (n < 0)
		e = err_new(ERR_SOURCE_DAMAGED, "entry %llu: %s", (unsigned long long)m->at + 1, why(c));
	return e;
}

static void arc_close(struct source *s)
{
	struct arc *c = s->priv;

	shut(c);
	free(c->path);
	free(c->piece);
	free(c->gz_piece);
	EVP_MD_CTX_free(c->md);
	buf_free(&c->start);
	mail_head_free(&c->head);
	tgz_meta_free(&c->meta);
	free(c);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* libarchive turns names of zips into the locale's character set. */
static void prepare(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

static const struct err *tgz_open(struct source *s, const char *path)
{
	return arc_open(s, path, true);
}

/* One kind with two readers: which it is shows when it is opened. */
static struct source_kind zip_as_tree;

static const struct err *zip_open(struct source *s, const char *path)
{
	if (!is_folder(path))
		return arc_open(s, path, false);
	zip_as_tree = (struct source_kind){"zip", false, NULL, source_tree_open_eml, source_tree_read, source_tree_close};
	s->kind = &zip_as_tree;
	return source_tree_open_eml(s, path);
}

const struct source_kind source_zip = {"zip", true, prepare, zip_open, arc_read, arc_close};
const struct source_kind source_tgz = {"tgz", true, prepare, tgz_open, arc_read, arc_close};
