#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "fs.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

struct spool {
	char *path[SPOOL_DIR_COUNT];
};

static const struct {
	const char *name;
	mode_t mode;
} dirs[SPOOL_DIR_COUNT] = {
	[SPOOL_TMP] = {"tmp", 02770},       [SPOOL_INCOMING] = {"incoming", 02770},
	[SPOOL_RUNNING] = {"running", 0700}, [SPOOL_DONE] = {"done", 0700},
	[SPOOL_FAILED] = {"failed", 0700},   [SPOOL_OUTBOX] = {"outbox", 0700},
	[SPOOL_WORK] = {"work", 0700},       [SPOOL_STATE] = {"state", 0700},
};

const struct err *spool_open(struct spool **out, const char *path)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	const struct err *e = NULL;

	for (int d = 0; d < SPOOL_DIR_COUNT; d++)
		s->path[d] = xasprintf("%s/%s", path, dirs[d].name);
	for (int d = 0; d < SPOOL_DIR_COUNT && e == NULL; d++) {
		if (access(s->path[d], F_OK) != 0)
			e = fs_mkdir_p(s->path[d], dirs[d].mode);
		if (e == NULL && access(s->path[d], R_OK | W_OK | X_OK) != 0)
			e = err_errno("%s must be readable and writable by the worker", s->path[d]);
	}
	if (e != NULL)
		spool_close(s);
	else
		*out = s;
	return e;
}

void spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	for (int d = 0; d < SPOOL_DIR_COUNT; d++)
		free(s->path[d]);
	free(s);
}

const char *spool_path(const struct spool *s, enum spool_dir d)
{
	return s->path[d];
}

char *spool_file(const struct spool *s, enum spool_dir d, const char *name)
{
	return xasprintf("%s/%s", s->path[d], name);
}

char *spool_run_file(const struct spool *s, enum spool_dir d, int64_t run, const char *suffix)
{
	return xasprintf("%s/%lld%s", s->path[d], (long long)run, suffix);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

const struct err *spool_each(const struct spool *s, enum spool_dir d, void (*fn)(void *arg, const char *name),
	void *arg)
{
	struct dirent **list;
	int n = scandir(s->path[d], &list, visible, by_number);

	if (n < 0)
		return err_errno("read %s", s->path[d]);
	for (int i = 0; i < n; i++) {
		fn(arg, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return NULL;
}

/* The lock of a folder that may be removed under our hands: what we locked must still be what is there. */
static const struct err *lock_run(const char *path, int *fd, bool *owned)
{
	struct stat held, there;

	*owned = false;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return errno == ENOENT ? NULL : err_errno("open %s", path);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
		if (fstat(*fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino)
			*owned = true;
	} else if (errno != EWOULDBLOCK) {
		const struct err *e = err_errno("lock %s", path);

		close(*fd);
		*fd = -1;
		return e;
	}
	if (!*owned) {
		close(*fd);
		*fd = -1;
	}
	return NULL;
}

static const struct err *read_nonce(struct spool_run *r)
{
	char *path = xasprintf("%s/claim", r->dir);
	struct buf b = BUF_INIT, raw = BUF_INIT;
	const struct err *e = NULL;

	if (access(path, F_OK) == 0)
		e = fs_read(path, 256, &b);
	/* anything but a whole nonce was cut off by a power failure before it was used */
	if (e == NULL && b.len == SPOOL_NONCE_SIZE - 1 && str_unhex(&raw, b.ptr, b.len))
		memcpy(r->nonce, b.ptr, SPOOL_NONCE_SIZE);
	buf_free(&raw);
	buf_free(&b);
	free(path);
	return e;
}

const struct err *spool_own(const struct spool *s, int64_t run, bool make, struct spool_run *out, bool *owned)
{
	struct spool_run r = {.id = run, .lock = -1};
	const struct err *e = NULL;
	char *lock, *file;

	*owned = false;
	r.dir = spool_run_file(s, SPOOL_RUNNING, run, "");
	lock = xasprintf("%s/lock", r.dir);
	file = xasprintf("%s/run.json", r.dir);
	if (make && mkdir(r.dir, 0700) != 0 && errno != EEXIST)
		e = err_errno("mkdir %s", r.dir);
	FAULT("spool.mkdir");
	if (e == NULL)
		e = lock_run(lock, &r.lock, owned);
	if (e == NULL && *owned) {
		r.has_file = access(file, F_OK) == 0;
		e = read_nonce(&r);
	}
	free(lock);
	free(file);
	if (e != NULL || !*owned) {
		*owned = false;
		spool_release(&r);
	} else {
		*out = r;
	}
	return e;
}

static const struct err *write_nonce(struct spool_run *r)
{
	unsigned char random[(SPOOL_NONCE_SIZE - 1) / 2];
	char *path = xasprintf("%s/claim", r->dir);
	const struct err *e;

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(r->nonce, sizeof(r->nonce), random, sizeof(random));
	e = fs_write(path, r->nonce, strlen(r->nonce), 0600);
	free(path);
	return e;
}

const struct err *spool_take(const struct spool *s, struct spool_run *r, const char *name, bool *gone)
{
	const struct err *e = NULL;
	char *from, *to;

	*gone = false;
	if (r->nonce[0] == '\0' && (e = write_nonce(r)) != NULL)
		return e;
	FAULT("spool.nonce");
	if (name == NULL)
		return NULL;
	from = spool_file(s, SPOOL_INCOMING, name);
	to = xasprintf("%s/run.json", r->dir);
	if (rename(from, to) != 0) {
		if (errno == ENOENT)
			*gone = true;
		else
			e = err_errno("move %s to %s", from, to);
	}
	if (e == NULL && !*gone) {
		r->has_file = true;
		FAULT("spool.renamed");
		/* the new name first: at worst the file is in both folders after a power cut */
		e = fs_sync_dir(r->dir);
		if (e == NULL)
			e = fs_sync_dir(s->path[SPOOL_INCOMING]);
	}
	free(from);
	free(to);
	return e;
}

void spool_release(struct spool_run *r)
{
	if (r->lock >= 0)
		close(r->lock);
	r->lock = -1;
	free(r->dir);
	r->dir = NULL;
}

const struct err *spool_drop(const struct spool *s, struct spool_run *r)
{
	char *work = spool_run_file(s, SPOOL_WORK, r->id, "");
	const struct err *e, *e2;

	e = fs_remove_tree(work);
	e2 = fs_remove_tree(r->dir);
	free(work);
	spool_release(r);
	return e != NULL ? e : e2;
}

const struct err *spool_reject(const struct spool *s, const char *name, const struct err *why)
{
	struct err reason = *why;
	const struct err *e = NULL;
	size_t stem = strlen(name) - (str_ends(name, ".json") ? 5 : 0);
	char *from = spool_file(s, SPOOL_INCOMING, name), *to = spool_file(s, SPOOL_FAILED, name);
	char *note = xasprintf("%s/%.*s.why", s->path[SPOOL_FAILED], (int)stem, name);
	char *text = xasprintf("%s\n%s\n%s\n", reason.msg, err_row(reason.id)->code, err_row(reason.id)->remedy_en);

	/* the words first: a file in failed/ always has its reason beside it */
	e = fs_write(note, text, strlen(text), 0600);
	if (e == NULL && rename(from, to) != 0 && errno != ENOENT)
		e = err_errno("move %s to %s", from, to);
	if (e == NULL)
		log_warn("run file %s moved to failed/: %s", name, reason.msg);
	free(from);
	free(to);
	free(note);
	free(text);
	return e;
}

const struct err *spool_put(const struct spool *s, enum spool_dir d, int64_t run, const json_t *doc)
{
	char *path = spool_run_file(s, d, run, ".json"), *text = json_dumps(doc, JSON_INDENT(1));
	const struct err *e = text != NULL ? fs_write(path, text, strlen(text), 0600) :
					     err_new(ERR_INTERNAL, "a run file that is no JSON");

	free(path);
	free(text);
	return e;
}
