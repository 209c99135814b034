/* Archives of Zimbra and Carbonio: PATH.meta (one line of JSON), then PATH, the message. The folder is the meta's
 * "Path" alone; names in the archive repeat and lie. */
#include "inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "str.h"
#include "tar_read.h"

#include "banned.h"

#define META_MAX (1u << 20)
#define DIGEST crypto_hash_sha256_BYTES
enum { ITEM_MESSAGE = 5 };

struct folder {
	char *path;
	int64_t messages, bytes, found;
};

struct key { /* a message in its folder */
	uint32_t folder;
	unsigned char digest[DIGEST];
};

struct archive {
	struct folder *folders;
	size_t n_folders;
	struct key *keys;
	size_t n_keys, cap_keys;
	int64_t messages, others;
	bool gzip;
};

/* What the last .meta said; it belongs to the entry that follows. */
struct meta {
	bool present;
	int64_t type;
	char *path, *digest;
};

static void meta_clear(struct meta *m)
{
	free(m->path);
	free(m->digest);
	memset(m, 0, sizeof(*m));
}

static void archive_free(struct archive *a)
{
	for (size_t i = 0; i < a->n_folders; i++)
		free(a->folders[i].path);
	free(a->folders);
	free(a->keys);
}

static uint32_t folder_of(struct archive *a, const char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[0] == '/') {
		path++;
		n--;
	}
	for (size_t i = a->n_folders; i > 0; i--)
		if (strncmp(a->folders[i - 1].path, path, n) == 0 && a->folders[i - 1].path[n] == '\0')
			return (uint32_t)(i - 1);
	a->folders = xreallocarray(a->folders, a->n_folders + 1, sizeof(*a->folders));
	a->folders[a->n_folders] = (struct folder){.path = xasprintf("%.*s", (int)n, path)};
	return (uint32_t)a->n_folders++;
}

static void add_message(struct archive *a, const char *path, int64_t bytes, const unsigned char *digest)
{
	uint32_t folder = folder_of(a, path);

	if (a->n_keys == a->cap_keys) {
		a->cap_keys = a->cap_keys * 2 + 1024;
		a->keys = xreallocarray(a->keys, a->cap_keys, sizeof(*a->keys));
	}
	a->keys[a->n_keys].folder = folder;
	memcpy(a->keys[a->n_keys++].digest, digest, DIGEST);
	a->folders[folder].messages++;
	a->folders[folder].bytes += bytes;
	a->messages++;
}

/* Zimbra's way of writing it: base64 with ',' for '/'. False for the SHA-1 of old releases. */
static bool digest_of(const char *text, unsigned char *out)
{
	struct buf b = BUF_INIT;
	char *plain = xstrdup(text);
	bool good;

	for (char *p = plain; *p != '\0'; p++)
		if (*p == ',')
			*p = '/';
	good = str_unbase64(&b, plain, strlen(plain), BASE64) && b.len == DIGEST;
	if (good)
		memcpy(out, b.ptr, DIGEST);
	buf_free(&b);
	free(plain);
	return good;
}

static const struct err *read_meta(struct tar_read *t, const struct tar_entry *entry, struct meta *m)
{
	char *text;
	json_t *doc = NULL;
	const struct err *e = NULL;
	size_t got = 0, at = 0;

	if (entry->size > META_MAX)
		return err_new(ERR_SOURCE_DAMAGED, "a .meta of %llu bytes", (unsigned long long)entry->size);
	text = xcalloc(1, entry->size + 1);
	while (e == NULL && at < entry->size) {
		e = tar_data(t, text + at, entry->size - at, &got);
		at += got;
	}
	if (e == NULL)
		doc = json_loadb(text, entry->size, JSON_ALLOW_NUL, NULL); /* as Zimbra reads it, which is not strict */
	free(text);
	if (e != NULL)
		return e;
	if (!json_is_object(doc))
		return err_new(ERR_SOURCE_DAMAGED, "an item's .meta cannot be read");
	m->present = true;
	m->type = json_integer_value(json_object_get(doc, "type"));
	if (json_is_string(json_object_get(doc, "Path")))
		m->path = xstrdup(json_string_value(json_object_get(doc, "Path")));
	if (json_is_string(json_object_get(doc, "blob_digest")))
		m->digest = xstrdup(json_string_value(json_object_get(doc, "blob_digest")));
	json_decref(doc);
	return NULL;
}

static const struct err *hash_entry(struct tar_read *t, unsigned char *digest)
{
	crypto_hash_sha256_state h;
	unsigned char chunk[65536];
	const struct err *e;
	size_t got;

	crypto_hash_sha256_init(&h);
	do {
		e = tar_data(t, chunk, sizeof(chunk), &got);
		crypto_hash_sha256_update(&h, chunk, got);
	} while (e == NULL && got > 0);
	crypto_hash_sha256_final(&h, digest);
	return e;
}

/* An archive without any meta: the directory is the folder, .eml a message. */
static char *folder_of_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash == NULL ? xstrdup("Inbox") : xasprintf("%.*s", (int)(slash - name), name);
}

static const struct err *read_item(struct tar_read *t, const struct tar_entry *entry, struct archive *a, struct meta *m,
	bool listing)
{
	char *path = m->path != NULL ? xstrdup(m->path) : folder_of_name(entry->name);
	bool message = m->present ? m->type == ITEM_MESSAGE : str_ends(entry->name, ".eml");
	unsigned char digest[DIGEST] = {0};
	const struct err *e = NULL;

	if (message && (!listing || m->digest == NULL || !digest_of(m->digest, digest)))
		e = hash_entry(t, digest);
	if (e == NULL && message)
		add_message(a, path, (int64_t)entry->size, digest);
	else if (e == NULL)
		a->others++;
	free(path);
	return e;
}

/* `listing`: an export without bodies, whose messages are known by the digest that the server names. */
static const struct err *read_archive(const char *file, bool listing, struct archive *a)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct tar_read *t = NULL;
	struct meta m = {0};
	struct tar_entry entry;
	bool more = true;
	const struct err *e = fd < 0 ? err_errno("open %s", file) : tar_open(&t, fd, "the archive");

	while (e == NULL && (e = tar_next(t, &entry, &more)) == NULL && more) {
		if (entry.type != '0' || strstr(entry.name, "__MACOSX/") != NULL)
			continue;
		if (str_ends(entry.name, ".meta")) {
			meta_clear(&m);
			e = read_meta(t, &entry, &m);
			continue;
		}
		e = read_item(t, &entry, a, &m, listing);
		meta_clear(&m);
	}
	if (e == NULL)
		e = tar_finish(t);
	a->gzip = t != NULL && tar_is_gzip(t);
	meta_clear(&m);
	tar_free(t);
	return e;
}

static json_t *text_of(const char *s)
{
	return str_utf8(s, strlen(s)) ? json_string(s) : json_string("?");
}

const struct err *inspect_tgz(char **args)
{
	struct archive a = {0};
	const struct err *e = read_archive(args[0], false, &a);

	for (size_t i = 0; i < a.n_folders; i++)
		inspect_tell(json_pack("{s:s, s:o, s:I, s:I}", "t", "folder", "folder", text_of(a.folders[i].path), "messages",
			(json_int_t)a.folders[i].messages, "bytes", (json_int_t)a.folders[i].bytes));
	if (e == NULL)
		inspect_tell(json_pack("{s:s, s:I, s:I, s:b}", "t", "archive", "messages", (json_int_t)a.messages, "others",
			(json_int_t)a.others, "gzip", a.gzip));
	archive_free(&a);
	return e;
}

static int by_digest(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->folder != y->folder)
		return x->folder < y->folder ? -1 : 1;
	return memcmp(x->digest, y->digest, DIGEST);
}

/* A folder keeps one of several equal messages: the destination tells them apart by nothing else. */
static void match(struct archive *source, const struct archive *there)
{
	for (size_t i = 0; i < source->n_keys; i++)
		if (bsearch(&source->keys[i], there->keys, there->n_keys, sizeof(struct key), by_digest) != NULL)
			source->folders[source->keys[i].folder].found++;
}

const struct err *inspect_compare(char **args)
{
	struct archive source = {0}, there = {0};
	const struct err *e = read_archive(args[0], false, &source);

	/* the same numbers for the same folders */
	for (size_t i = 0; e == NULL && i < source.n_folders; i++)
		folder_of(&there, source.folders[i].path);
	if (e == NULL)
		e = read_archive(args[1], true, &there);
	if (e == NULL && there.n_keys > 0)
		qsort(there.keys, there.n_keys, sizeof(*there.keys), by_digest);
	if (e == NULL && there.n_keys > 0)
		match(&source, &there);
	for (size_t i = 0; e == NULL && i < source.n_folders; i++)
		inspect_tell(json_pack("{s:s, s:o, s:I, s:I}", "t", "compared", "folder", text_of(source.folders[i].path),
			"expected", (json_int_t)source.folders[i].messages, "found", (json_int_t)source.folders[i].found));
	archive_free(&source);
	archive_free(&there);
	return e;
}
