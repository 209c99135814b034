#include "scanner.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "fs.h"
#include "log.h"
#include "mem.h"
#include "run.h"
#include "str.h"
#include "supervisor.h"

#include "banned.h"

#define YOUNG_MS 3000 /* a file that cannot be read may still be written by a careless hand */

/* A file without run_id on its way to POST /runs; its lock keeps other workers away. */
struct adoption {
	struct adoption *next;
	struct scanner *scanner;
	char *name;
	int fd;
	struct http_call *call;
};

struct scanner {
	struct supervisor *sup;
	int inotify;
	struct watch *watch;
	struct timer *timer;
	struct adoption *adoptions;
};

static bool run_name(const char *name, const char *suffix, int64_t *id)
{
	char *stem;
	bool ok;

	if (!str_ends(name, suffix))
		return false;
	stem = xstrndup(name, strlen(name) - strlen(suffix));
	ok = str_i64(stem, 1, INT64_MAX, id);
	free(stem);
	return ok;
}

static struct run *find_run(const struct supervisor *sup, int64_t id)
{
	struct run *r = sup->runs;

	while (r != NULL && run_id(r) != id)
		r = run_next(r);
	return r;
}

static void complain(const char *what, const char *name, const struct err *e)
{
	log_error("spool: %s%s: %s", what, name, e->msg);
}

/* Another worker on this spool may be about to come back: its claim is worth nothing to us, so it is left alone
 * for as long as its lease lasts. */
static bool is_anothers(struct scanner *s, const struct spool_run *own)
{
	char *path = xasprintf("%s/owner", own->dir);
	struct buf owner = BUF_INIT;
	struct stat st;
	bool other = false;

	if (access(path, F_OK) == 0 && fs_read(path, 256, &owner) == NULL)
		other = strcmp(str_trim(owner.ptr), api_worker(s->sup->api)) != 0;
	if (other && fstat(own->lock, &st) == 0)
		other = clock_now_ms() / 1000 - st.st_mtim.tv_sec <= conf_int(s->sup->conf, CONF_LEASE_SECONDS);
	buf_free(&owner);
	free(path);
	return other;
}

/* --- outbox/ --- */

static void on_outbox(void *arg, const char *name)
{
	struct scanner *s = arg;
	struct spool_run own;
	const struct err *e;
	int64_t id;
	bool owned;

	if (!run_name(name, ".json", &id) || find_run(s->sup, id) != NULL)
		return;
	e = spool_own(s->sup->spool, id, true, &own, &owned);
	if (e != NULL)
		complain("outbox/", name, e);
	else if (owned && is_anothers(s, &own))
		spool_release(&own);
	else if (owned)
		run_deliver(s->sup, &own);
}

/* --- running/ --- */

static void write_owner(struct scanner *s, const struct spool_run *own)
{
	char *path = xasprintf("%s/owner", own->dir);
	const struct err *e = fs_write(path, api_worker(s->sup->api), strlen(api_worker(s->sup->api)), 0600);

	if (e != NULL)
		complain(path, "", e);
	free(path);
}

static void take_up(struct scanner *s, struct spool_run *own)
{
	char *path = xasprintf("%s/run.json", own->dir);
	struct runfile file = {0};
	const struct err *e = runfile_read(path, &file);
	bool gone;

	free(path);
	if (e == NULL)
		e = spool_take(s->sup->spool, own, NULL, &gone); /* a nonce, should there be none */
	if (e != NULL) {
		complain("running/ (left to its lease): ", own->dir, e);
		runfile_free(&file);
		e = spool_drop(s->sup->spool, own);
		if (e != NULL)
			complain("running/", "", e);
		return;
	}
	log_info("run %lld: taken up again", (long long)own->id);
	write_owner(s, own);
	run_claim(s->sup, own, &file);
}

static void on_running(void *arg, const char *name)
{
	struct scanner *s = arg;
	struct spool_run own;
	const struct err *e;
	int64_t id;
	bool owned;

	if (!str_i64(name, 1, INT64_MAX, &id) || find_run(s->sup, id) != NULL || !supervisor_slot_free(s->sup))
		return;
	e = spool_own(s->sup->spool, id, false, &own, &owned);
	if (e != NULL) {
		complain("running/", name, e);
		return;
	}
	if (!owned)
		return;
	if (!own.has_file) {
		/* died before the run file was moved: it is still in incoming/ */
		e = spool_drop(s->sup->spool, &own);
		if (e != NULL)
			complain("running/", name, e);
	} else if (is_anothers(s, &own)) {
		spool_release(&own);
	} else {
		take_up(s, &own);
	}
}

/* --- incoming/: a file without run_id --- */

static void adoption_free(struct adoption *a)
{
	for (struct adoption **p = &a->scanner->adoptions; *p != NULL; p = &(*p)->next)
		if (*p == a) {
			*p = a->next;
			break;
		}
	api_cancel(a->call);
	close(a->fd);
	free(a->name);
	free(a);
}

static void adopted(void *arg, const struct api_answer *answer)
{
	struct adoption *a = arg;
	const struct spool *spool = a->scanner->sup->spool;
	char *path = spool_file(spool, SPOOL_INCOMING, a->name);
	const struct err *e = NULL;

	a->call = NULL;
	FAULT("adopt.answered");
	if (answer->e == NULL) {
		log_info("run file %s adopted as run %lld", a->name,
			(long long)json_integer_value(json_object_get(answer->doc, "id")));
		if (unlink(path) != 0)
			e = err_errno("remove %s", path);
	} else if (!answer->away) {
		e = spool_reject(spool, a->name, answer->e);
	} /* away: the next look tries again */
	if (e != NULL)
		complain("", a->name, e);
	free(path);
	adoption_free(a);
}

/* The same file gives the same key, so that a lost answer, or another worker after one that died before it could remove
 * the file, makes no second run; dropped anew, it is another. */
static void idempotency_key(const struct stat *st, const char *name, char out[33])
{
	unsigned char hash[16];
	char *text = xasprintf("%s %llu %lld.%09ld", name, (unsigned long long)st->st_ino,
		(long long)st->st_mtim.tv_sec, (long)st->st_mtim.tv_nsec);

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(out, 33, hash, sizeof(hash));
	free(text);
}

static void adopt(struct scanner *s, const char *name, const struct runfile *f)
{
	struct adoption *a = s->adoptions;
	struct stat st, there;
	char *path, key[33];
	json_t *body;
	int fd;

	while (a != NULL && strcmp(a->name, name) != 0)
		a = a->next;
	if (a != NULL)
		return;
	path = spool_file(s->sup->spool, SPOOL_INCOMING, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0 || stat(path, &there) != 0 ||
		st.st_ino != there.st_ino) {
		if (fd >= 0)
			close(fd);
		free(path);
		return;
	}
	free(path);
	a = xcalloc(1, sizeof(*a));
	*a = (struct adoption){.next = s->adoptions, .scanner = s, .name = xstrdup(name), .fd = fd};
	s->adoptions = a;
	idempotency_key(&st, name, key);
	body = runfile_request(f);
	a->call = api_send(s->sup->api, "POST", "/runs", body, key, adopted, a);
	json_decref(body);
}

/* --- incoming/: a run file --- */

/* A run that is ours already: the same file again is dropped, a newer attempt waits until the old one is gone. */
static void duplicate(struct scanner *s, const char *name, const struct runfile *f, const struct run *ours)
{
	char *path;

	if (f->attempt > run_file_attempt(ours))
		return;
	path = spool_file(s->sup->spool, SPOOL_INCOMING, name);
	log_info("run file %s is a duplicate, dropped", name);
	if (unlink(path) != 0 && errno != ENOENT)
		complain("", name, err_errno("remove"));
	free(path);
}

static void take(struct scanner *s, const char *name, struct runfile *f)
{
	struct spool_run own;
	bool owned, gone = false;
	const struct err *e = spool_own(s->sup->spool, f->run_id, true, &own, &owned);

	if (e == NULL && owned && own.has_file) {
		/* left behind by a worker that died: that attempt comes first */
		if (is_anothers(s, &own))
			spool_release(&own);
		else
			take_up(s, &own);
		return;
	}
	if (e == NULL && owned) {
		e = spool_take(s->sup->spool, &own, name, &gone);
		if (e == NULL && !gone) {
			write_owner(s, &own);
			run_claim(s->sup, &own, f);
			return;
		}
		/* another worker was faster, or it could not be moved */
		if (spool_drop(s->sup->spool, &own) != NULL)
			log_warn("spool: %s stays", own.dir);
	}
	if (e != NULL)
		complain("incoming/", name, e);
}

static bool is_young(const struct spool *spool, const char *name)
{
	char *path = spool_file(spool, SPOOL_INCOMING, name);
	struct stat st;
	bool young = stat(path, &st) == 0 && clock_now_ms() - st.st_mtim.tv_sec * 1000 < YOUNG_MS;

	free(path);
	return young;
}

static void on_incoming(void *arg, const char *name)
{
	struct scanner *s = arg;
	char *path = spool_file(s->sup->spool, SPOOL_INCOMING, name);
	struct runfile f;
	const struct err *e = runfile_read(path, &f);
	struct run *ours;

	free(path);
	if (e != NULL) {
		if (e->id == ERR_NOT_FOUND)
			return; /* another worker took it */
		if (is_young(s->sup->spool, name)) {
			timer_within(s->timer, YOUNG_MS);
			return;
		}
		e = spool_reject(s->sup->spool, name, e);
		if (e != NULL)
			complain("incoming/", name, e);
		return;
	}
	if (f.run_id == 0)
		adopt(s, name, &f);
	else if ((ours = find_run(s->sup, f.run_id)) != NULL)
		duplicate(s, name, &f, ours);
	else if (supervisor_slot_free(s->sup))
		take(s, name, &f);
	runfile_free(&f);
}

static void look(void *arg)
{
	struct scanner *s = arg;
	static const struct {
		enum spool_dir dir;
		void (*fn)(void *arg, const char *name);
	} steps[] = {{SPOOL_OUTBOX, on_outbox}, {SPOOL_RUNNING, on_running}, {SPOOL_INCOMING, on_incoming}};
	const struct err *e;

	if (s->sup->stopping)
		return;
	timer_set(s->timer, SCAN_SECONDS * 1000);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		e = spool_each(s->sup->spool, steps[i].dir, steps[i].fn, s);
		if (e != NULL)
			complain("", "", e);
	}
}

static void notified(void *arg, uint32_t events)
{
	struct scanner *s = arg;
	char chunk[16384];

	(void)events;
	while (read(s->inotify, chunk, sizeof(chunk)) > 0)
		continue; /* what happened does not matter: the folder is looked at as a whole */
	timer_set(s->timer, 0);
}

const struct err *scanner_new(struct scanner **out, struct supervisor *sup)
{
	struct scanner *s = xcalloc(1, sizeof(*s));
	const struct err *e = NULL;

	s->sup = sup;
	s->timer = timer_new(sup->loop, look, s);
	s->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->inotify < 0)
		e = err_errno("inotify_init1");
	else if (inotify_add_watch(s->inotify, spool_path(sup->spool, SPOOL_INCOMING),
			 IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
		e = err_errno("watch %s", spool_path(sup->spool, SPOOL_INCOMING));
	if (e == NULL)
		e = loop_watch(sup->loop, &s->watch, s->inotify, EPOLLIN, notified, s);
	if (e != NULL) {
		scanner_free(s);
		return e;
	}
	timer_set(s->timer, 0);
	*out = s;
	return NULL;
}

void scanner_free(struct scanner *s)
{
	if (s == NULL)
		return;
	while (s->adoptions != NULL)
		adoption_free(s->adoptions);
	loop_unwatch(s->watch);
	timer_free(s->timer);
	if (s->inotify >= 0)
		close(s->inotify);
	free(s);
}

void scanner_look(struct scanner *s)
{
	timer_set(s->timer, 0);
}
