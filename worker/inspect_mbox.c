/* mbox files as readpst writes them and as imap_upload.py reads them: every line that starts with "From " begins a
 * message, wherever it stands. */
#include "inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define CHUNK 65536
#define DEPTH_MAX 64
static const char mark[] = "From ";
#define MARK (sizeof(mark) - 1)

/* Gets the bytes of an mbox in parts that never cross a line's end, with the number of their message from 0 on; -1 for
 * what stands before the first. `first`: the part begins a line. */
typedef const struct err *part_fn(void *arg, int64_t number, bool first, const char *p, size_t n);

static const struct err *each_part(const char *path, part_fn *fn, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char b[CHUNK];
	size_t len = 0;
	int64_t number = -1;
	bool start = true, eof = false;
	const struct err *e = fd < 0 ? err_errno("open %s", path) : NULL;

	while (e == NULL && !(eof && len == 0)) {
		ssize_t got = read(fd, b + len, sizeof(b) - len);
		size_t at = 0;

		if (got < 0) {
			e = err_errno("read %s", path);
			break;
		}
		eof = got == 0;
		len += (size_t)got;
		while (e == NULL && at < len && (eof || !start || len - at >= MARK)) {
			const char *end = memchr(b + at, '\n', len - at);
			size_t n = end != NULL ? (size_t)(end + 1 - (b + at)) : len - at;

			if (start && len - at >= MARK && memcmp(b + at, mark, MARK) == 0)
				number++;
			e = fn(arg, number, start, b + at, n);
			start = end != NULL;
			at += n;
		}
		memmove(b, b + at, len - at);
		len -= at;
	}
	if (fd >= 0)
		close(fd);
	return e;
}

/* --- mbox --- */

struct count {
	int64_t messages, bytes;
};

static const struct err *count_part(void *arg, int64_t number, bool first, const char *p, size_t n)
{
	struct count *c = arg;

	(void)first;
	(void)p;
	c->messages = number + 1;
	c->bytes += (int64_t)n;
	return NULL;
}

static const struct err *count_box(const char *path, const char *shown)
{
	struct count c = {0};
	const struct err *e = each_part(path, count_part, &c);

	if (e == NULL)
		inspect_tell(json_pack("{s:s, s:s%, s:I, s:I}", "t", "box", "path", shown, strlen(shown), "messages",
			(json_int_t)c.messages, "bytes", (json_int_t)c.bytes));
	return e;
}

static const struct err *item_part(void *arg, int64_t number, bool first, const char *p, size_t n)
{
	static const char *const begins[] = {"BEGIN:VEVENT", "BEGIN:VCARD", "BEGIN:VJOURNAL", "BEGIN:VTODO"};

	(void)number;
	for (size_t i = 0; first && i < sizeof(begins) / sizeof(begins[0]); i++)
		if (n > strlen(begins[i]) && memcmp(p, begins[i], strlen(begins[i])) == 0)
			++*(int64_t *)arg;
	return NULL;
}

static const struct err *walk(const char *top, const char *below, int depth)
{
	char *path = xasprintf("%s%s%s", top, *below != '\0' ? "/" : "", below);
	DIR *d = depth < DEPTH_MAX ? opendir(path) : NULL;
	const struct err *e = NULL;
	struct dirent *entry;

	if (d == NULL) {
		e = depth < DEPTH_MAX ? err_errno("open %s", path) : err_new(ERR_SOURCE_DAMAGED, "folders nest too deep");
		free(path);
		return e;
	}
	while (e == NULL && (entry = readdir(d)) != NULL) {
		char *name, *full;
		struct stat st;
		int64_t items = 0;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		name = xasprintf("%s%s%s", below, *below != '\0' ? "/" : "", entry->d_name);
		full = xasprintf("%s/%s", top, name);
		if (lstat(full, &st) != 0) {
			e = err_errno("stat %s", full);
		} else if (S_ISDIR(st.st_mode)) {
			e = walk(top, name, depth + 1);
		} else if (S_ISREG(st.st_mode) && st.st_size > 0 && strncmp(entry->d_name, "mbox", 4) == 0) {
			e = count_box(full, name);
		} else if (S_ISREG(st.st_mode) && st.st_size > 0) {
			e = each_part(full, item_part, &items);
			if (e == NULL)
				inspect_tell(json_pack("{s:s, s:I}", "t", "items", "items", (json_int_t)items));
		}
		free(name);
		free(full);
	}
	closedir(d);
	free(path);
	return e;
}

const struct err *inspect_mbox(char **args)
{
	struct stat st;

	if (stat(args[0], &st) != 0)
		return err_errno("stat %s", args[0]);
	return S_ISDIR(st.st_mode) ? walk(args[0], "", 0) : count_box(args[0], "");
}

/* --- rest --- */

struct rest {
	int64_t from;
	int fd;
};

static const struct err *rest_part(void *arg, int64_t number, bool first, const char *p, size_t n)
{
	struct rest *r = arg;

	(void)first;
	return number >= r->from ? fs_write_all(r->fd, p, n) : NULL;
}

const struct err *inspect_rest(char **args)
{
	struct rest r = {0};
	const struct err *e;

	if (!str_i64(args[1], 0, INT64_MAX, &r.from))
		return err_new(ERR_USAGE, "a number is expected");

	r.fd = open(args[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r.fd < 0)
		return err_errno("create %s", args[2]);
	e = each_part(args[0], rest_part, &r);
	if (close(r.fd) != 0 && e == NULL)
		e = err_errno("write %s", args[2]);
	return e;
}

/* --- split --- */

struct split {
	const char *folder, *prefix;
	int64_t number, size;
	int fd;
	char *name;
};

static const struct err *end_eml(struct split *s)
{
	const struct err *e = NULL;

	if (s->fd < 0)
		return NULL;
	if (close(s->fd) != 0)
		e = err_errno("write %s", s->name);
	s->fd = -1;
	if (e == NULL)
		inspect_tell(json_pack("{s:s, s:s, s:I}", "t", "eml", "file", s->name, "size", (json_int_t)s->size));
	free(s->name);
	s->name = NULL;
	return e;
}

static const struct err *begin_eml(struct split *s, int64_t number)
{
	char *path;
	const struct err *e = NULL;

	s->number = number;
	s->size = 0;
	s->name = xasprintf("%s-%lld.eml", s->prefix, (long long)number + 1);
	path = xasprintf("%s/%s", s->folder, s->name);
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		e = err_errno("create %s", path);
	free(path);
	return e;
}

/* Without the From_ line, and with one '>' less where the mbox needed one more. */
static const struct err *split_part(void *arg, int64_t number, bool first, const char *p, size_t n)
{
	struct split *s = arg;
	const struct err *e = NULL;

	if (number < 0)
		return NULL;
	if (number != s->number) {
		e = end_eml(s);
		return e != NULL ? e : begin_eml(s, number);
	}
	if (first && n > 1 && p[0] == '>') {
		size_t quotes = 0;

		while (quotes < n && p[quotes] == '>')
			quotes++;
		if (n - quotes >= MARK && memcmp(p + quotes, mark, MARK) == 0) {
			p++;
			n--;
		}
	}
	s->size += (int64_t)n;
	return fs_write_all(s->fd, p, n);
}

const struct err *inspect_split(char **args)
{
	struct split s = {.folder = args[1], .prefix = args[2], .number = -1, .fd = -1};
	const struct err *e = each_part(args[0], split_part, &s);

	if (e == NULL)
		e = end_eml(&s);
	free(s.name);
	return e;
}
