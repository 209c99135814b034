#include "retention.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artefacts.h"
#include "clock.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "store_artefact.h"
#include "store_retention.h"
#include "store_upload.h"
#include "upload_file.h"
#include "uploads.h"

#include "banned.h"

#define TURN_MS 200 /* of one look: leases are waiting */
#define PAGE 100    /* runs asked for at a time */
#define CERTIFICATE_MAX (64u << 20)

/* How far the job is: there is one keeper, and it forgets this without harm. */
static struct {
	int64_t job, after; /* runs up to `after` are done */
	int64_t files, bytes;
	bool known;     /* cited is filled in */
	bool unread;    /* a certificate could not be read: it may name any run */
	int64_t *cited; /* runs that certificates of the job name */
	size_t n_cited;
} at;
static int64_t failed; /* the job that could not be done last: others come first */

static void begin(int64_t job)
{
	free(at.cited);
	memset(&at, 0, sizeof(at));
	at.job = job;
}

/* --- what certificates name --- */

static void cite(const json_t *certificate)
{
	json_t *section, *ledger;
	const char *name;
	size_t i;

	json_object_foreach (json_object_get(certificate, "sections"), name, section) {
		json_array_foreach (json_object_get(section, "ledgers"), i, ledger) {
			at.cited = xreallocarray(at.cited, at.n_cited + 1, sizeof(*at.cited));
			at.cited[at.n_cited++] = json_integer_value(json_object_get(ledger, "run_id"));
		}
	}
}

static void read_certificate(struct app *app, int64_t run, const char *name)
{
	struct buf text = BUF_INIT;
	json_t *doc = NULL;
	off_t size = 0;
	int fd = -1;
	const struct err *e = artefact_open(app, run, name, &fd, &size);

	if (e == NULL)
		e = fs_read_fd(fd, name, CERTIFICATE_MAX, &text);
	if (e == NULL)
		e = js_parse(&doc, text.ptr, text.len);
	if (e != NULL) {
		log_error("retention: job %lld keeps the logs of all runs: %s of run %lld: %s",
			(long long)at.job, name, (long long)run, e->msg);
		at.unread = true;
	}
	cite(doc);
	json_decref(doc);
	buf_free(&text);
	if (fd >= 0)
		close(fd);
}

static const struct err *read_certificates(struct app *app)
{
	const struct err *e = NULL;
	int64_t after = 0;
	size_t n;

	at.n_cited = 0;
	do {
		struct retention_run *v = NULL;

		e = retention_runs(app->store, at.job, after, PAGE, &v, &n);
		for (size_t i = 0; e == NULL && i < n; i++) {
			struct artefact *files = NULL;
			size_t m = 0;

			after = v[i].id;
			if (v[i].keep != KEEP_ALL)
				continue;
			e = artefact_list(app->store, v[i].id, &files, &m);
			for (size_t k = 0; e == NULL && k < m; k++)
				if (strstr(files[k].name, "certificate.json") != NULL)
					read_certificate(app, v[i].id, files[k].name);
			artefacts_free(files, m);
		}
		free(v);
	} while (e == NULL && n == PAGE);
	at.known = e == NULL;
	return e;
}

static bool is_cited(int64_t run)
{
	bool found = at.unread;

	for (size_t i = 0; i < at.n_cited && !found; i++)
		found = at.cited[i] == run;
	return found;
}

/* --- one job --- */

/* In a transaction: who opens the job again waits for it, or comes first. */
static const struct err *clear_run(struct app *app, const struct retention_run *r, int64_t before, bool *due)
{
	const struct err *e;

	if ((e = store_begin(app->store)) != NULL)
		return e;
	e = retention_due(app->store, at.job, before, due);
	if (e == NULL && *due && r->keep != KEEP_ALL)
		e = artefacts_remove(
			app, r->id, r->keep == KEEP_LEDGER || is_cited(r->id), &at.files, &at.bytes);
	return store_end(app->store, e);
}

static const struct err *clear_runs(struct app *app, int64_t before, int64_t until, bool *done)
{
	struct retention_run *v = NULL;
	const struct err *e = NULL;
	bool due = true;
	size_t n;

	do {
		e = retention_runs(app->store, at.job, at.after, PAGE, &v, &n);
		*done = n < PAGE;
		for (size_t i = 0; e == NULL && due && i < n; i++) {
			if (clock_mono_ms() >= until) {
				*done = false;
				break;
			}
			e = clear_run(app, &v[i], before, &due);
			at.after = v[i].id;
		}
		free(v);
	} while (e == NULL && due && !*done && clock_mono_ms() < until);
	if (!due)
		begin(0); /* opened again */
	*done = *done && due;
	return e;
}

/* The row first: what a crash leaves behind of the file is a stray. */
static const struct err *clear_upload(struct app *app, const char *dir, const struct upload *u)
{
	struct upload_file *f = NULL;
	const struct err *e = upload_file_open(&f, dir, u->token, 0);

	if (e != NULL && e->id == ERR_NOT_FOUND)
		e = NULL; /* gone already: the row shall follow */
	if (e == NULL)
		e = upload_remove(app->store, u->id, "retention", &actor_system, clock_now_ms());
	if (e == NULL)
		e = upload_file_remove(dir, u->token);
	upload_file_close(f);
	if (e == NULL) {
		at.files++;
		at.bytes += u->size;
	}
	return e;
}

static const struct err *clear_uploads(struct app *app, int64_t before, int64_t until, bool *done)
{
	char *dir = uploads_dir(app);
	struct upload *v = NULL;
	size_t n = 0;
	const struct err *e = upload_list_closed(app->store, at.job, before, &v, &n);

	*done = n == 0;
	for (size_t i = 0; e == NULL && i < n && clock_mono_ms() < until; i++)
		e = clear_upload(app, dir, &v[i]);
	uploads_free(v, n);
	free(dir);
	return e;
}

static const struct err *finish(struct app *app)
{
	const struct err *e = artefacts_sync(app);

	if (e == NULL)
		e = retention_done(app->store, at.job, at.files, at.bytes, &actor_system, clock_now_ms());
	if (e == NULL)
		log_info("retention: job %lld: %lld files removed, %lld bytes", (long long)at.job,
			(long long)at.files, (long long)at.bytes);
	begin(0);
	return e;
}

const struct err *retention_tick(struct app *app)
{
	int64_t before = conf_retention_before(app->service->conf, clock_now_ms()), until = clock_mono_ms() + TURN_MS, job = 0;
	const struct err *e = NULL;
	bool done = true;

	while (before != 0 && e == NULL && done && clock_mono_ms() < until) {
		e = retention_next(app->store, before, failed, &job);
		if (e != NULL || job == 0)
			break;
		if (job != at.job)
			begin(job);
		if (!at.known)
			e = read_certificates(app);
		if (e == NULL)
			e = clear_runs(app, before, until, &done);
		if (e == NULL && done)
			e = clear_uploads(app, before, until, &done);
		if (e == NULL && done)
			e = finish(app);
	}
	if (e != NULL) {
		e = err_wrap(e, "job %lld", (long long)at.job);
		failed = at.job;
		begin(0);
	} else if (job == 0) {
		failed = 0; /* once more the next time */
	}
	return e;
}
