#include "retention.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "fs.h"
#include "log.h"
#include "mem.h"
#include "str.h"
#include "supervisor.h"

#include "banned.h"

#define HOUR_MS (3600 * 1000)
#define RETRY_MS (60 * 1000)
#define BATCH 200 /* names in one question */
#define REMOVED ".removed-"

struct item {
	enum spool_dir dir;
	char *name;
	int64_t id; /* of the run; in state/ of the mailbox; 0: neither */
};

struct retention {
	struct supervisor *sup;
	struct timer *timer;
	struct http_call *call;
	struct item *v; /* what was found, n items; up to `at` they are dealt with */
	size_t n, at, asked;
	enum spool_dir dir; /* that is being listed */
	int64_t removed, bytes;
};

static void forget(struct retention *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].name);
	free(r->v);
	r->v = NULL;
	r->n = r->at = r->asked = 0;
	r->removed = r->bytes = 0;
}

/* --- finding --- */

/* "31.json", "31-a2-log", "31"; in state/ "7-HASH". */
static int64_t id_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	char number[20];
	int64_t id = 0;

	if (digits == 0 || digits >= sizeof(number) || strchr(".-", name[digits]) == NULL)
		return 0;
	memcpy(number, name, digits);
	number[digits] = '\0';
	return str_i64(number, 1, INT64_MAX, &id) ? id : 0;
}

static void found(void *arg, const char *name)
{
	struct retention *r = arg;
	struct item i = {.dir = r->dir, .id = id_of(name)};

	if (i.id == 0 && r->dir != SPOOL_FAILED)
		return; /* not ours */
	i.name = xstrdup(name);
	if ((r->n & (r->n - 1)) == 0)
		r->v = xreallocarray(r->v, r->n == 0 ? 1 : r->n * 2, sizeof(*r->v));
	r->v[r->n++] = i;
}

/* What a worker that was killed had begun to remove. */
static void clear_rest(const struct spool *s, enum spool_dir d)
{
	DIR *dir = opendir(spool_path(s, d));
	const struct err *e = NULL;
	struct dirent *ent;

	while (dir != NULL && (ent = readdir(dir)) != NULL) {
		char *path;

		if (!str_starts(ent->d_name, REMOVED))
			continue;
		path = spool_file(s, d, ent->d_name);
		if ((e = fs_remove_tree(path)) != NULL)
			log_error("retention: %s", e->msg);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
}

static void collect(struct retention *r)
{
	static const enum spool_dir dirs[] = {SPOOL_DONE, SPOOL_FAILED, SPOOL_WORK, SPOOL_STATE};

	forget(r);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		const struct err *e;

		r->dir = dirs[i];
		clear_rest(r->sup->spool, dirs[i]);
		if ((e = spool_each(r->sup->spool, dirs[i], found, r)) != NULL)
			log_error("retention: %s", e->msg);
	}
}

/* --- removing --- */

static int64_t tree_bytes(char *path)
{
	char *const paths[] = {path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *ent;
	int64_t sum = 0;

	while (tree != NULL && (ent = fts_read(tree)) != NULL)
		if (ent->fts_info == FTS_F)
			sum += ent->fts_statp->st_size;
	if (tree != NULL)
		fts_close(tree);
	return sum;
}

static const struct err *remove_folder(const struct retention *r, const struct item *i, const char *path)
{
	char *to = xasprintf("%s/" REMOVED "%s", spool_path(r->sup->spool, i->dir), i->name);
	const struct err *e = fs_remove_tree(to); /* of an earlier one with this name */

	if (e == NULL && rename(path, to) != 0)
		e = err_errno("move %s to %s", path, to);
	if (e == NULL)
		e = fs_sync_dir(spool_path(r->sup->spool, i->dir));
	FAULT("retention.renamed");
	if (e == NULL)
		e = fs_remove_tree(to);
	free(to);
	return e;
}

static void remove_item(struct retention *r, const struct item *i)
{
	char *path = spool_file(r->sup->spool, i->dir, i->name);
	const struct err *e = NULL;
	struct stat st;
	int64_t bytes;

	if (lstat(path, &st) != 0) {
		free(path);
		return;
	}
	bytes = tree_bytes(path);
	if (S_ISDIR(st.st_mode))
		e = remove_folder(r, i, path);
	else if (unlink(path) != 0 && errno != ENOENT)
		e = err_errno("remove %s", path);
	if (e != NULL) {
		log_error("retention: %s", e->msg);
	} else {
		r->removed++;
		r->bytes += bytes;
	}
	free(path);
}

static bool exists(const struct spool *s, enum spool_dir d, int64_t run, const char *suffix)
{
	char *path = spool_run_file(s, d, run, suffix);
	bool yes = access(path, F_OK) == 0;

	free(path);
	return yes;
}

/* Somebody still has to do with the run. */
static bool in_hand(const struct spool *s, int64_t run)
{
	return exists(s, SPOOL_RUNNING, run, "") || exists(s, SPOOL_OUTBOX, run, ".json") ||
	       exists(s, SPOOL_INCOMING, run, ".json");
}

/* A file of no run: as old as the note that says why it is here, or as itself. */
static bool is_old(const struct retention *r, const struct item *i)
{
	size_t stem = strlen(i->name);
	struct stat st;
	char *note, *path = spool_file(r->sup->spool, i->dir, i->name);
	bool old;

	if (str_ends(i->name, ".json"))
		stem -= strlen(".json");
	note = xasprintf("%s/%.*s.why", spool_path(r->sup->spool, i->dir), (int)stem, i->name);
	old = (stat(note, &st) == 0 || lstat(path, &st) == 0) &&
	      st.st_mtim.tv_sec * INT64_C(1000) < conf_retention_before(r->sup->conf, clock_now_ms());
	free(note);
	free(path);
	return old;
}

static bool holds(const json_t *list, int64_t id)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (json_integer_value(v) == id)
			return true;
	return false;
}

/* The API's answer about the items from `at` on. */
static void take_answer(struct retention *r, const json_t *doc)
{
	const json_t *runs = json_object_get(doc, "runs"), *mailboxes = json_object_get(doc, "mailboxes");

	for (; r->at < r->asked; r->at++) {
		const struct item *i = &r->v[r->at];

		if (i->dir == SPOOL_STATE ? holds(mailboxes, i->id)
			: i->id != 0      ? holds(runs, i->id) && !in_hand(r->sup->spool, i->id)
					  : is_old(r, i))
			remove_item(r, i);
	}
}

static void finish(struct retention *r, int64_t again_ms)
{
	if (r->removed > 0)
		log_info(
			"retention: %lld files and folders of closed jobs removed from the spool, %lld bytes",
			(long long)r->removed, (long long)r->bytes);
	forget(r);
	timer_set(r->timer, again_ms);
}

static void answered(void *arg, const struct api_answer *a)
{
	struct retention *r = arg;

	r->call = NULL;
	if (a->e != NULL) {
		if (!a->away)
			log_error("retention: %s", a->e->msg);
		finish(r, a->away ? RETRY_MS : HOUR_MS);
		return;
	}
	take_answer(r, a->doc);
	timer_set(r->timer, 0); /* others first */
}

static void ask(struct retention *r)
{
	json_t *runs = json_array(), *mailboxes = json_array(), *body;

	r->asked = r->n - r->at < BATCH ? r->n : r->at + BATCH;
	for (size_t i = r->at; i < r->asked; i++)
		if (r->v[i].id != 0)
			json_array_append_new(
				r->v[i].dir == SPOOL_STATE ? mailboxes : runs, json_integer(r->v[i].id));
	body = json_pack(
		"{s:s, s:o, s:o}", "worker", api_worker(r->sup->api), "runs", runs, "mailboxes", mailboxes);
	r->call = api_send(r->sup->api, "POST", "/retention", body, NULL, answered, r);
	json_decref(body);
}

static void look(void *arg)
{
	struct retention *r = arg;

	if (r->call != NULL || r->sup->stopping)
		return;
	if (r->v == NULL)
		collect(r);
	if (r->at < r->n)
		ask(r);
	else
		finish(r, HOUR_MS);
}

struct retention *retention_new(struct supervisor *s)
{
	struct retention *r = xcalloc(1, sizeof(*r));

	r->sup = s;
	r->timer = timer_new(s->loop, look, r);
	if (conf_int(s->conf, CONF_RETENTION_DAYS) > 0)
		timer_set(r->timer, 0);
	return r;
}

void retention_free(struct retention *r)
{
	if (r == NULL)
		return;
	api_cancel(r->call);
	timer_free(r->timer);
	forget(r);
	free(r);
}
