#include "uploads.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "fs.h"
#include "log.h"
#include "mem.h"
#include "upload_file.h"

#include "banned.h"

#define HOUR_MS INT64_C(3600000)
#define PAGE 100
#define HASH_STEP (8u << 20)   /* bytes between looks at who wants the file */
#define HASH_TURN_MS 250
#define STRAY_MS HOUR_MS       /* a file without a row for so long: its creation did not come to an end */

char *uploads_dir(const struct app *app)
{
	return conf_data_path(app->service->conf, "uploads");
}

int64_t uploads_max(const struct app *app)
{
	return conf_int(app->service->conf, CONF_MAX_PST_GB) << 30;
}

static int64_t lifetime_ms(const struct app *app)
{
	return conf_int(app->service->conf, CONF_UPLOAD_EXPIRE_HOURS) * HOUR_MS;
}

int64_t uploads_expiry(const struct app *app, int64_t now_ms)
{
	return now_ms + lifetime_ms(app);
}

/* Bytes announced that have not come yet. */
static const struct err *outstanding(struct app *app, const char *dir, int64_t *sum)
{
	const struct err *e = NULL;
	int64_t after = 0;
	size_t n;

	*sum = 0;
	do {
		struct upload *v;

		e = upload_list(app->store, NULL, UPLOAD_RECEIVING, after, PAGE, &v, &n);
		for (size_t i = 0; e == NULL && i < n; i++) {
			int64_t here = (int64_t)upload_file_offset(dir, v[i].token);

			*sum += v[i].size > here ? v[i].size - here : 0;
			after = v[i].id;
		}
		uploads_free(v, n);
	} while (e == NULL && n == PAGE);
	return e;
}

static const struct err *check_free(const struct app *app, const char *dir, int64_t bytes)
{
	int64_t reserve = conf_int(app->service->conf, CONF_DISK_RESERVE_MB) * 1048576;
	const struct err *e;
	uint64_t left;

	if ((e = fs_free_bytes(dir, &left)) != NULL)
		return e;
	if (left < (uint64_t)reserve || left - (uint64_t)reserve < (uint64_t)bytes)
		return err_new(ERR_DISK_LOW,
			"%lld MiB are wanted, %llu MiB are free, of which MIGRATION_DISK_RESERVE_MB keeps %lld",
			(long long)(bytes >> 20), (unsigned long long)(left >> 20), (long long)(reserve >> 20));
	return NULL;
}

const struct err *uploads_room(struct app *app, int64_t more)
{
	char *dir = uploads_dir(app);
	int64_t promised = 0;
	const struct err *e = outstanding(app, dir, &promised);

	if (e == NULL)
		e = check_free(app, dir, promised + more);
	free(dir);
	return e;
}

const struct err *uploads_reserve(const struct app *app)
{
	char *dir = uploads_dir(app);
	const struct err *e = check_free(app, dir, 0);

	free(dir);
	return e;
}

/* --- hashing --- */

static const struct err *hash_turn(struct app *app, const struct upload *u, struct upload_file *f)
{
	int64_t until = clock_mono_ms() + HASH_TURN_MS;
	const struct err *e = NULL, *kept;
	char *sha256;

	while (e == NULL && upload_file_behind(f) > 0 && clock_mono_ms() < until && !pool_stopping(app->pool)) {
		e = upload_file_hash(f, HASH_STEP);
		if (e == NULL && upload_file_wanted(f))
			e = err_new(ERR_UPLOAD_LOCKED, "another request asks for this upload");
	}
	kept = upload_file_keep(f);
	if (e != NULL || kept != NULL)
		return e != NULL ? e : kept;
	if ((sha256 = upload_file_sha256(f)) != NULL)
		e = upload_hashed(app->store, u->id, sha256, &actor_system, clock_now_ms());
	free(sha256);
	return e;
}

/* Not one whose state was lost: opening that would cut it off. */
static const struct err *hash_one(struct app *app, const char *dir, const struct upload *u)
{
	uint64_t safe = upload_file_offset(dir, u->token);
	struct upload_file *f = NULL;
	const struct err *e;

	if (safe != (uint64_t)u->size)
		return err_new(ERR_IO, "%llu of its %lld bytes are safe", (unsigned long long)safe, (long long)u->size);
	if ((e = upload_file_open(&f, dir, u->token, 0)) == NULL)
		e = hash_turn(app, u, f);
	upload_file_close(f);
	return e;
}

const struct err *uploads_hash(struct app *app, bool *more)
{
	static int64_t told; /* failures of uploads up to this one were logged: once will do */
	char *dir = uploads_dir(app);
	struct upload *v;
	size_t n;
	const struct err *e = upload_unhashed(app->store, &v, &n);

	*more = false;
	for (size_t i = 0; e == NULL && i < n && !*more && !pool_stopping(app->pool); i++) {
		const struct err *one = hash_one(app, dir, &v[i]);

		if (one == NULL) {
			*more = true;
		} else if (one->id != ERR_UPLOAD_LOCKED && v[i].id > told) { /* whoever has it lets go in a moment */
			told = v[i].id;
			log_error("SHA-256 of upload %lld: %s", (long long)v[i].id, one->msg);
		}
	}
	uploads_free(v, n);
	free(dir);
	return e;
}

/* --- sweeping --- */

static const struct err *expire(struct app *app, const char *dir)
{
	int64_t now = clock_now_ms();
	struct upload *v;
	const struct err *e;
	size_t n;

	e = upload_overdue(app->store, now, now - lifetime_ms(app), &v, &n);
	for (size_t i = 0; e == NULL && i < n; i++) {
		struct upload_file *f = NULL;

		/* one that is just being written to lives on */
		e = upload_file_open(&f, dir, v[i].token, 0);
		if (e != NULL && e->id == ERR_UPLOAD_LOCKED) {
			e = NULL;
			continue;
		}
		if (e != NULL && e->id == ERR_NOT_FOUND)
			e = NULL; /* the file is gone already: the row shall follow */
		if (e == NULL)
			e = upload_remove(app->store, v[i].id, "expired", &actor_system, now);
		if (e == NULL)
			e = upload_file_remove(dir, v[i].token);
		upload_file_close(f);
		if (e == NULL)
			log_info("upload %lld expired", (long long)v[i].id);
		else if (e->id == ERR_CONFLICT)
			e = NULL; /* a mailbox was given it this moment */
	}
	uploads_free(v, n);
	return e;
}

/* A crash between the file and the row, or between the row's removal and the file's. */
static const struct err *remove_stray(struct app *app, const char *dir, const char *token)
{
	char *path = xasprintf("%s/%s", dir, token);
	struct upload u = {0};
	struct stat st;
	const struct err *e = NULL;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtime * 1000LL < clock_now_ms() - STRAY_MS) {
		e = upload_find(app->store, token, NULL, &u);
		if ((e == NULL && u.status == UPLOAD_REMOVED) || (e != NULL && e->id == ERR_NOT_FOUND))
			e = upload_file_remove(dir, token);
		upload_free(&u);
	}
	free(path);
	return e;
}

static const struct err *remove_strays(struct app *app, const char *dir)
{
	const struct err *e = NULL;
	struct dirent *entry;
	DIR *d = opendir(dir);

	if (d == NULL)
		return err_errno("%s", dir);
	while (e == NULL && (entry = readdir(d)) != NULL)
		if (upload_token_ok(entry->d_name))
			e = remove_stray(app, dir, entry->d_name);
	closedir(d);
	return e;
}

const struct err *uploads_sweep(struct app *app)
{
	char *dir = uploads_dir(app);
	const struct err *e = expire(app, dir);

	if (e == NULL)
		e = remove_strays(app, dir);
	free(dir);
	return e;
}
