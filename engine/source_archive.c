/*
 * zip and TGZ, streamed through libarchive: nothing is unpacked, and names in archives are only ever names of
 * folders. A message's `at` is the number of its entry in a zip; in a TGZ, where its header begins in the tar: reading
 * goes on from there (tape.h). Folders lie mixed in a TGZ, so the engine takes their messages in turns, stretch by
 * stretch of the tar, none longer than the tape keeps: the file is unpacked once, however many folders it has.
 *
 * gunzip.c and not libarchive takes the gzip off, for it compares the check sums.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "mail_head.h"
#include "mem.h"
#include "source_kinds.h"
#include "source_tree.h"
#include "str.h"
#include "tape.h"
#include "tgz_meta.h"

#include "banned.h"

#define PIECE (128u << 10)
#define META_MAX (1u << 20)
#define MESSAGE_MAX (1ull << 30)
#define ENTRIES_MAX 20000000u
#define NEAR (256u << 10)           /* that far ahead, entries are passed by one by one */
#define TAR_BLOCK 512
#define BOMB_BYTES (1ull << 30) /* this much, */
#define BOMB_RATIO 400          /* and this many times the file's size: nobody's mail */

struct arc {
	struct source *s;
	char *path;
	bool tgz;
	uint64_t file_size;
	struct archive *a;
	struct tape *tape; /* tgz */
	uint64_t from;     /* of the tape: where `a` began */
	bool lead;         /* lead_in comes before it */
	struct archive_entry *entry; /* the one at work */
	uint64_t next;               /* number of the entry that comes next */
	char *piece;
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

/*
 * The header of an empty file, put before the entry at which reading begins: what libarchive takes in the middle of a tar,
 * be it not quite in order, it need not take for the beginning of one.
 */
static const char *lead_in(void)
{
	static char block[TAR_BLOCK];
	unsigned sum = 0;

	if (block[0] == '\0') {
		memcpy(block, "lead-in", 7);
		memcpy(block + 100, "0000644\0" "0000000\0" "0000000\0" "00000000000\0" "00000000000\0" "        0", 57);
		memcpy(block + 257, "ustar\00000", 8);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += (unsigned char)block[i];
		snprintf(block + 148, 8, "%06o", sum);
	}
	return block;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **out)
{
	struct arc *c = arg;
	ssize_t n;

	if (c->lead) {
		c->lead = false;
		*out = lead_in();
		return TAR_BLOCK;
	}
	n = tape_read(c->tape, out);
	if (n < 0) {
		archive_set_error(a, EIO, "%s", tape_why(c->tape));
		return ARCHIVE_FATAL;
	}
	return n;
}

static void shut(struct arc *c)
{
	if (c->a != NULL)
		archive_read_free(c->a);
	c->a = NULL;
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

/* at: of a TGZ, where an entry's header begins; of a zip, 0. */
static const struct err *begin(struct arc *c, uint64_t at)
{
	const struct err *e;
	int rc;

	shut(c);
	c->from = at;
	c->lead = at > 0;
	c->a = archive_read_new();
	if (c->tgz) {
		if (c->tape == NULL && (e = tape_open(&c->tape, c->path)) != NULL)
			return e;
		if (!tape_seek(c->tape, at))
			return err_new(ERR_SOURCE_DAMAGED, "%s: %s", c->path, tape_why(c->tape));
		archive_read_support_format_tar(c->a);
		rc = archive_read_open(c->a, c, NULL, on_read, NULL);
	} else {
		archive_read_support_format_zip(c->a);
		rc = archive_read_open_filename(c->a, c->path, PIECE);
	}
	if (rc != ARCHIVE_OK || (at > 0 && next_entry(c) <= 0))
		return err_new(ERR_SOURCE_DAMAGED, "%s: %s", c->path, archive_error_string(c->a));
	c->next = 0; /* the lead-in is none */
	return NULL;
}

/* Of the entry at work. */
static uint64_t place(const struct arc *c)
{
	uint64_t at = c->tgz ? (uint64_t)archive_read_header_position(c->a) : c->next - 1;

	return c->from + at - (c->from > 0 ? TAR_BLOCK : 0);
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

	m->at = place(c);
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
	const void *p;
	ssize_t n;

	while ((n = tape_read(c->tape, &p)) > 0 && (c->bytes += (uint64_t)n) < BOMB_BYTES * BOMB_RATIO)
		;
	if (n < 0)
		source_say(c->s, SOURCE_DAMAGE, NULL, "the end of the file: %s", tape_why(c->tape));
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
	c->md = EVP_MD_CTX_new();
	buf_init(&c->start);
	mail_head_init(&c->head);
	tgz_meta_init(&c->meta);
	if (stat(path, &st) != 0)
		return err_errno("%s", path);
	c->file_size = st.st_size > 0 ? (uint64_t)st.st_size : 1;
	if (tgz)
		s->turn = TAPE_STRETCH;
	e = begin(c, 0);
	return e != NULL ? e : build_index(c);
}

static const struct err *no_entry(const struct arc *c, uint64_t at)
{
	return err_new(ERR_SOURCE_DAMAGED, "%s %llu: %s", c->tgz ? "the entry at byte" : "entry",
		(unsigned long long)at + !c->tgz, why(c));
}

/* Goes on to the entry, or begins anew before it or, in a TGZ, at it. */
static const struct err *find_entry(struct arc *c, uint64_t at)
{
	uint64_t now = c->a != NULL && c->next > 0 ? place(c) : 0;
	const struct err *e = NULL;

	if (c->a == NULL || (c->next > 0 && now >= at) || (c->tgz && at - now > NEAR))
		e = begin(c, c->tgz ? at : 0);
	while (e == NULL && (c->next == 0 || place(c) < at))
		if (next_entry(c) <= 0)
			e = no_entry(c, at);
	return e == NULL && place(c) != at ? err_new(ERR_SOURCE_CHANGED, "%s: it is another file now", c->path) : e;
}

static const struct err *arc_read(struct source *s, const struct source_folder *f, const struct source_msg *m,
	source_sink *sink, void *arg)
{
	struct arc *c = s->priv;
	const struct err *e = find_entry(c, m->at);
	uint64_t left = m->raw;
	la_ssize_t n = 0;

	(void)f;
	while (e == NULL && left > 0 && (n = archive_read_data(c->a, c->piece, PIECE)) > 0) {
		if ((uint64_t)n > left || !sink(arg, c->piece, (size_t)n))
			break;
		left -= (uint64_t)n;
	}
	return n < 0 ? no_entry(c, m->at) : e;
}

static void arc_close(struct source *s)
{
	struct arc *c = s->priv;

	shut(c);
	free(c->path);
	free(c->piece);
	tape_close(c->tape);
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
	const struct err *e;

	if (is_folder(path)) {
		zip_as_tree = (struct source_kind){"zip", false, NULL, source_tree_open_eml, source_tree_read, source_tree_close};
		s->kind = &zip_as_tree;
		e = source_tree_open_eml(s, path);
	} else {
		e = arc_open(s, path, false);
	}
	if (e == NULL && s->nf == 0 && s->notes > 0)
		e = err_new(ERR_SOURCE_DAMAGED, "%s: not one .eml in it", path);
	return e;
}

const struct source_kind source_zip = {"zip", true, prepare, zip_open, arc_read, arc_close};
const struct source_kind source_tgz = {"tgz", true, prepare, tgz_open, arc_read, arc_close};
