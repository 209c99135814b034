#include "upload_kind.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#include "banned.h"

#define HEAD 4096
#define TAR_BLOCK 512
#define ZIP_END 22 /* bytes of the end of the central directory, without its comment */
#define ZIP_ENTRY 46

struct head {
	int fd;
	unsigned char p[HEAD];
	size_t n;
};

static const char *const names[UPLOAD_KIND_COUNT] = {"pst", "mbox", "tgz", "zip", "unknown"};

const char *upload_kind_name(enum upload_kind k)
{
	return names[k];
}

bool upload_kind_parse(const char *s, enum upload_kind *out)
{
	for (int i = 0; i < UPLOAD_KIND_COUNT; i++)
		if (strcmp(names[i], s) == 0) {
			*out = (enum upload_kind)i;
			return true;
		}
	return false;
}

bool upload_kind_serves(enum upload_kind k, enum source_kind source)
{
	switch (source) {
	case SOURCE_PST:
		return k == UPLOAD_PST;
	case SOURCE_MBOX: /* a zip holds .eml files, mboxes or a Maildir */
		return k == UPLOAD_MBOX || k == UPLOAD_ZIP;
	case SOURCE_TGZ:
		return k == UPLOAD_TGZ;
	default:
		return false;
	}
}

/* [MS-PST] 2.2.2.6: "!BDN", then at 8 the client's mark and at 10 the version. */
static bool is_pst(const struct head *h, const char **about)
{
	unsigned version = h->n >= 12 ? h->p[10] | (unsigned)h->p[11] << 8 : 0;

	if (h->n < 512 || memcmp(h->p, "!BDN", 4) != 0)
		return false;
	if (memcmp(h->p + 8, "SO", 2) == 0)
		*about = "OST, Outlook's cache of an account";
	else if (memcmp(h->p + 8, "SM", 2) != 0)
		return false;
	else
		*about = version >= 23 ? "Unicode PST" : "ANSI PST";
	return true;
}

/* RFC 4155: "From " and on the same line a date; then a header. */
static bool is_mbox(const struct head *h, const char **about)
{
	const unsigned char *end = memchr(h->p, '\n', h->n);

	if (h->n < 6 || memcmp(h->p, "From ", 5) != 0 || end == NULL || end - h->p > 1000)
		return false;
	*about = "mbox";
	return true;
}

static bool is_tar(const unsigned char *p, size_t n)
{
	return n >= TAR_BLOCK && memcmp(p + 257, "ustar", 5) == 0;
}

/* The first block of what gzip holds; bounded whatever the file claims. */
static bool is_tgz(const struct head *h, const char **about)
{
	unsigned char out[TAR_BLOCK] = {0};
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)h->p, .avail_in = (unsigned)h->n, .next_out = out,
	        .avail_out = sizeof(out)};
	bool tar;

	if (h->n < 18 || h->p[0] != 0x1f || h->p[1] != 0x8b || inflateInit2(&z, 15 + 16) != Z_OK)
		return false;
	inflate(&z, Z_SYNC_FLUSH);
	tar = is_tar(out, sizeof(out) - z.avail_out);
	inflateEnd(&z);
	*about = "a tar archive, compressed by gzip";
	return tar;
}

static unsigned le16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static bool ends_with(const unsigned char *s, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && strncasecmp((const char *)s + n - k, end, k) == 0;
}

/* The names in the first part of the central directory say what the archive is of. */
static const char *zip_holds(int fd, off_t at)
{
	unsigned char dir[HEAD * 4];
	ssize_t n = pread(fd, dir, sizeof(dir), at);
	size_t size = n > 0 ? (size_t)n : 0, pos = 0;
	const char *about = "a zip archive";

	while (pos + ZIP_ENTRY <= size && memcmp(dir + pos, "PK\1\2", 4) == 0) {
		size_t len = le16(dir + pos + 28), more = (size_t)le16(dir + pos + 30) + le16(dir + pos + 32);
		const unsigned char *name = dir + pos + ZIP_ENTRY;

		if (len > size - pos - ZIP_ENTRY)
			break;
		if (ends_with(name, len, ".eml"))
			return "a zip archive of .eml files";
		if (memmem(name, len, "cur/", 4) != NULL || memmem(name, len, "new/", 4) != NULL)
			return "a zip archive of a Maildir";
		if (ends_with(name, len, ".mbox") || ends_with(name, len, "/mbox"))
			return "a zip archive of mbox files";
		if (ends_with(name, len, ".pst"))
			about = "a zip archive that holds a PST: unpack it and send the PST";
		pos += ZIP_ENTRY + len + more;
	}
	return about;
}

static bool is_zip(const struct head *h, const char **about)
{
	unsigned char tail[HEAD];
	off_t size = lseek(h->fd, 0, SEEK_END), from;
	ssize_t n;

	if (h->n < 30 || memcmp(h->p, "PK\3\4", 4) != 0)
		return false;
	*about = "a zip archive whose end is missing";
	from = size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0;
	n = pread(h->fd, tail, sizeof(tail), from);
	for (ssize_t i = n - ZIP_END; i >= 0; i--)
		if (memcmp(tail + i, "PK\5\6", 4) == 0) {
			*about = zip_holds(h->fd, (off_t)le32(tail + i + 16));
			break;
		}
	return true;
}

static bool is_other(const struct head *h, const char **about)
{
	*about = h->n == 0 ? "an empty file" : "of no kind that can be read here";
	if (is_tar(h->p, h->n))
		*about = "a tar archive that is not compressed: compress it by gzip";
	else if (h->n > 2 && h->p[0] == 0x1f && h->p[1] == 0x8b)
		*about = "compressed by gzip, but no tar archive";
	else if (h->n > 6 && memcmp(h->p, "7z\274\257\047\034", 6) == 0)
		*about = "a 7-Zip archive: send a zip";
	return true;
}

static const struct {
	enum upload_kind kind;
	bool (*is)(const struct head *h, const char **about);
} kinds[] = {
	{UPLOAD_PST, is_pst},
	{UPLOAD_ZIP, is_zip},
	{UPLOAD_TGZ, is_tgz},
	{UPLOAD_MBOX, is_mbox},
	{UPLOAD_UNKNOWN, is_other},
};

const struct err *upload_kind_find(int fd, enum upload_kind *out, const char **about)
{
	struct head h = {.fd = fd};
	ssize_t n = pread(fd, h.p, sizeof(h.p), 0);
	size_t i = 0;

	if (n < 0)
		return err_errno("reading an upload");
	h.n = (size_t)n;
	while (!kinds[i].is(&h, about))
		i++;
	*out = kinds[i].kind;
	return NULL;
}
