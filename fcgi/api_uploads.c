/* Files that hold mail come in by tus 1.0: HEAD says how far, PATCH goes on from there, whatever broke in between. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "str.h"
#include "tus.h"
#include "upload_file.h"
#include "uploads.h"
#include "view.h"

#include "banned.h"

#define TICK_MS 1000        /* how often a silent line is looked after */
#define IDLE_MS 120000      /* a line that brings nothing for so long is given up */
#define TAKE_OVER_MS 4000   /* who has the file puts it down within a tick */
#define LOOK (4u << 20)     /* bytes between looks at who wants the file, and at the disk */
#define FAST 400            /* bytes a microsecond: on a line that brings as many, the hash would be in the way */
#define SHORT (16u << 20)   /* bytes that are hashed before the answer, rather than after it by the keeper */
#define KEEP (32u << 20)    /* bytes after which what came is made safe, */
#define KEEP_MS 2000        /* though not more often than this: the disk is to write, not to wait */

/* --- headers --- */

static void say_offset(struct call *c, uint64_t offset)
{
	response_header(&c->res, "Upload-Offset", "%llu", (unsigned long long)offset);
}

static void say_expiry(struct call *c, int64_t ms)
{
	char text[40];
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (ms == 0)
		return;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	response_header(&c->res, "Upload-Expires", "%s", text);
}

/* The version that the client speaks; every answer says ours. */
static const struct err *check_version(struct call *c)
{
	const char *version = request_header(&c->req, "TUS_RESUMABLE");

	response_header(&c->res, "Tus-Resumable", TUS_VERSION);
	if (version != NULL && strcmp(version, TUS_VERSION) == 0)
		return NULL;
	response_header(&c->res, "Tus-Version", TUS_VERSION);
	return err_new(ERR_TUS_VERSION, "Tus-Resumable: " TUS_VERSION " is expected");
}

static bool number_header(struct call *c, const char *name, const char *shown, int64_t *out)
{
	const char *s = request_header(&c->req, name);
	char pointer[40];

	if (s != NULL && str_i64(s, 0, INT64_MAX / 4, out))
		return true;
	snprintf(pointer, sizeof(pointer), "header:%s", shown);
	call_problem(c, pointer, "a number of bytes is required");
	return false;
}

const struct err *api_uploads_options(struct call *c)
{
	response_header(&c->res, "Tus-Resumable", TUS_VERSION);
	response_header(&c->res, "Tus-Version", TUS_VERSION);
	response_header(&c->res, "Tus-Extension", TUS_EXTENSIONS);
	response_header(&c->res, "Tus-Checksum-Algorithm", TUS_CHECKSUMS);
	response_header(&c->res, "Tus-Max-Size", "%lld", (long long)uploads_max(c->app));
	c->res.status = 204;
	return NULL;
}

/* --- the upload of the path --- */

static const struct err *find(struct call *c, struct upload *u)
{
	const struct err *e = upload_token_ok(c->args.name) ? upload_find(c->app->store, c->args.name, call_org(c), u)
							    : err_new(ERR_NOT_FOUND, "there is no such upload");

	if (e != NULL)
		return e;
	if (u->status == UPLOAD_REMOVED)
		return err_new(ERR_UPLOAD_GONE, "this upload was removed");
	if (u->status == UPLOAD_RECEIVING && u->expires_at <= c->now_ms)
		return err_new(ERR_UPLOAD_GONE, "this upload has expired");
	return NULL;
}

static const struct err *open_file(struct call *c, const struct upload *u, struct upload_file **f)
{
	char *dir = uploads_dir(c->app);
	const struct err *e = upload_file_open(f, dir, u->token, TAKE_OVER_MS);

	free(dir);
	return e;
}

static int64_t received(struct call *c, const struct upload *u)
{
	char *dir = uploads_dir(c->app);
	int64_t n = u->status == UPLOAD_COMPLETE ? u->size : (int64_t)upload_file_offset(dir, u->token);

	free(dir);
	return n;
}

/* --- receiving --- */

struct intake {
	struct call *c;
	const struct upload *u;
	struct upload_file *f;
	struct tus_sum *sum; /* NULL: none was announced */
	uint64_t looked;     /* length at the last look */
	int64_t looked_us;   /* monotonic: the end of the last look */
	int64_t kept_ms;     /* monotonic: what came was last made safe, or began to come */
};

/* Without a sum, what has come is good. With one nothing is until all of it is there. */
static const struct err *keep(struct intake *in)
{
	return in->sum != NULL ? upload_file_back(in->f) : upload_file_keep(in->f);
}

/* The hash goes along with a line that leaves time for it, at up to double pace where it is behind. */
static const struct err *hash_along(struct intake *in, uint64_t came)
{
	if (came > (uint64_t)(clock_mono_us() - in->looked_us) * FAST)
		return NULL;
	return upload_file_hash(in->f, 2 * came + LOOK);
}

static const struct err *look(struct intake *in)
{
	uint64_t came = upload_file_length(in->f) - in->looked;
	const struct err *e;

	in->looked += came;
	if (upload_file_wanted(in->f) || pool_stopping(in->c->app->pool))
		return err_new(ERR_UPLOAD_LOCKED, "another request goes on with this upload");
	e = hash_along(in, came);
	if (e == NULL && in->sum == NULL && upload_file_length(in->f) - upload_file_kept(in->f) >= KEEP &&
		clock_mono_ms() - in->kept_ms >= KEEP_MS) {
		e = upload_file_keep(in->f);
		in->kept_ms = clock_mono_ms();
	}
	if (e == NULL)
		e = uploads_reserve(in->c->app);
	in->looked_us = clock_mono_us();
	return e;
}

static const struct err *take_piece(struct intake *in, const char *p, size_t n)
{
	const struct err *e;

	if (n > (uint64_t)in->u->size - upload_file_length(in->f))
		return err_new(ERR_TOO_LARGE, "more bytes came than Upload-Length announced: %lld",
			(long long)in->u->size);
	tus_sum_feed(in->sum, p, n);
	e = upload_file_write(in->f, p, n);
	if (e == NULL && upload_file_length(in->f) - in->looked >= LOOK)
		e = look(in);
	return e;
}

static const struct err *take_body(struct intake *in)
{
	const struct body *body = in->c->in;
	const struct err *e = NULL;
	int64_t silent = 0;
	const char *p;
	size_t n = 1;

	while (e == NULL && n > 0) {
		e = body->next(body->stream, TICK_MS, &p, &n);
		if (e != NULL && e->id == ERR_TIMEOUT && silent < IDLE_MS) {
			silent += TICK_MS;
			n = 1;
			e = upload_file_flush(in->f); /* not at every gap: a block that is full costs half as much */
			if (e == NULL)
				e = look(in);
		} else if (e == NULL && n > 0) {
			silent = 0;
			e = take_piece(in, p, n);
		}
	}
	return e;
}

static const struct err *complete(struct call *c, const struct upload *u, struct upload_file *f)
{
	enum upload_kind kind;
	const char *about;
	const struct err *e = upload_kind_find(upload_file_fd(f), &kind, &about);
	char *sha256 = upload_file_sha256(f);

	if (e == NULL)
		e = upload_complete(c->app->store, u->id, sha256, kind, &c->by, c->now_ms);
	free(sha256);
	return e;
}

static const struct err *finish(struct upload_file *f)
{
	const struct err *e = upload_file_flush(f);

	if (e == NULL && upload_file_behind(f) <= SHORT)
		e = upload_file_hash(f, SHORT);
	return e != NULL ? e : upload_file_keep(f);
}

/* The body of PATCH, or of a POST that brings the first bytes along. On an error what was acknowledged stands. */
static const struct err *receive(struct call *c, const struct upload *u, struct upload_file *f)
{
	struct intake in = {.c = c, .u = u, .f = f, .looked = upload_file_length(f),
		.looked_us = clock_mono_us(), .kept_ms = clock_mono_ms()};
	const struct err *e, *cleanup;
	int64_t expires = uploads_expiry(c->app, c->now_ms);

	if ((e = tus_sum_new(&in.sum, request_header(&c->req, "UPLOAD_CHECKSUM"))) != NULL)
		return e;
	if (c->req.content_length > u->size - (int64_t)upload_file_length(f))
		e = err_new(ERR_TOO_LARGE, "the body goes beyond the Upload-Length of %lld", (long long)u->size);
	if (e == NULL)
		e = uploads_reserve(c->app);
	if (e == NULL)
		e = take_body(&in);
	if (e == NULL && !tus_sum_fits(in.sum))
		e = err_new(ERR_UPLOAD_CHECKSUM, "the bytes that came do not have the sum of Upload-Checksum");
	if (e == NULL)
		e = finish(f);
	else if (e->id == ERR_TOO_LARGE || e->id == ERR_UPLOAD_CHECKSUM || (cleanup = keep(&in)) != NULL)
		cleanup = upload_file_back(f);
	tus_sum_free(in.sum);
	if (e == NULL && upload_file_kept(f) == (uint64_t)u->size)
		e = complete(c, u, f);
	else if (upload_file_kept(f) > 0 && u->expires_at < expires - (expires - c->now_ms) / 2)
		upload_extend(c->app->store, u->id, expires, c->now_ms);
	return e;
}

/* --- creation --- */

static const struct err *read_creation(struct call *c, struct upload *u)
{
	const char *metadata = request_header(&c->req, "UPLOAD_METADATA");
	const struct err *e;
	json_t *o = NULL;

	if (request_header(&c->req, "UPLOAD_DEFER_LENGTH") != NULL)
		call_problem(c, "header:Upload-Defer-Length", "the length must be known from the start");
	number_header(c, "UPLOAD_LENGTH", "Upload-Length", &u->size);
	e = tus_metadata(metadata, &o);
	if (e != NULL)
		call_problem(c, "header:Upload-Metadata", "%s", e->msg);
	if ((e = call_bad(c)) != NULL) {
		json_decref(o);
		return e;
	}
	u->name = tus_name(o);
	u->metadata = js_text(o);
	json_decref(o);
	if (u->size > uploads_max(c->app))
		return err_new(ERR_TOO_LARGE, "%lld bytes; MIGRATION_MAX_PST_GB allows %lld GiB", (long long)u->size,
			(long long)(uploads_max(c->app) >> 30));
	return NULL;
}

/* Room and row in one transaction: nobody else may count on the same room. */
static const struct err *create(struct call *c, struct upload *u)
{
	char *dir = uploads_dir(c->app);
	const struct err *e;

	u->token = upload_token();
	u->org = xstrdup(c->who.org);
	u->expires_at = uploads_expiry(c->app, c->now_ms);
	if ((e = store_begin(c->app->store)) == NULL) {
		e = uploads_room(c->app, u->size);
		if (e == NULL)
			e = upload_insert(c->app->store, u, &c->by, c->now_ms);
		if (e == NULL)
			e = upload_file_create(dir, u->token);
		e = store_end(c->app->store, e);
	}
	free(dir);
	return e;
}

static void view(struct writer *w, struct call *c, const struct upload *u)
{
	w_object(w, NULL);
	w_i64(w, "id", u->id);
	w_str(w, "token", u->token);
	w_str(w, "name", u->name);
	w_str(w, "status", upload_status_name(u->status));
	w_i64(w, "size", u->size);
	w_i64(w, "received", received(c, u));
	w_text(w, "kind", u->kind);
	w_text(w, "sha256", u->sha256);
	w_time(w, "expires_at", u->expires_at);
	w_str(w, "created_by", u->created_by);
	w_time(w, "created_at", u->created_at);
	w_time(w, "updated_at", u->updated_at);
	w_object_end(w);
}

static const struct err *say(struct call *c, int64_t id)
{
	struct upload u = {0};
	const struct err *e = upload_get(c->app->store, id, &u);
	struct writer w;

	if (e == NULL) {
		w_init(&w, &c->res.body);
		view(&w, c, &u);
		say_expiry(c, u.expires_at);
	}
	upload_free(&u);
	return e;
}

const struct err *api_uploads_create(struct call *c)
{
	struct upload_file *f = NULL;
	struct upload u = {0};
	const struct err *e = check_version(c);
	bool with_body = request_is_type(&c->req, "application/offset+octet-stream");

	if (e == NULL)
		e = read_creation(c, &u);
	if (e == NULL)
		e = create(c, &u);
	if (e == NULL)
		e = open_file(c, &u, &f);
	if (e == NULL && with_body) {
		/* created it is, whatever becomes of its first bytes */
		if (receive(c, &u, f) != NULL)
			js_problems_free(&c->bad);
		say_offset(c, upload_file_kept(f));
	} else if (e == NULL && u.size == 0) {
		e = complete(c, &u, f);
	}
	upload_file_close(f);
	if (e == NULL) {
		e = say(c, u.id);
		call_created(c, "/uploads/%s", u.token);
	}
	upload_free(&u);
	return e;
}

/* --- HEAD and GET, PATCH, DELETE --- */

static void say_metadata(struct call *c, const struct upload *u)
{
	json_t *o = js_column(u->metadata), *v;
	struct buf text = BUF_INIT;
	const char *key;

	json_object_foreach(o, key, v) {
		buf_addf(&text, "%s%s", text.len > 0 ? "," : "", key);
		if (json_string_length(v) > 0) {
			buf_addc(&text, ' ');
			str_base64(&text, json_string_value(v), json_string_length(v), BASE64);
		}
	}
	if (text.len > 0)
		response_header(&c->res, "Upload-Metadata", "%s", text.ptr);
	buf_free(&text);
	json_decref(o);
}

/* tus asks by HEAD where to go on: that must be said by who has the file alone, or it is over at once. */
static const struct err *settle(struct call *c, const struct upload *u)
{
	struct upload_file *f = NULL;
	const struct err *e;

	if (!c->req.head || u->status == UPLOAD_COMPLETE)
		return NULL;
	e = open_file(c, u, &f);
	upload_file_close(f);
	return e;
}

const struct err *api_uploads_get(struct call *c)
{
	struct upload u = {0};
	const struct err *e = c->req.head ? check_version(c) : NULL;

	if (e == NULL)
		e = find(c, &u);
	if (e == NULL)
		e = settle(c, &u);
	if (e == NULL) {
		say_offset(c, (uint64_t)received(c, &u));
		response_header(&c->res, "Upload-Length", "%lld", (long long)u.size);
		say_metadata(c, &u);
		e = say(c, u.id);
	}
	upload_free(&u);
	return e;
}

static const struct err *patch(struct call *c, const struct upload *u, struct upload_file *f)
{
	int64_t offset = 0;
	const struct err *e;

	if (!number_header(c, "UPLOAD_OFFSET", "Upload-Offset", &offset))
		return call_bad(c);
	if ((uint64_t)offset != upload_file_kept(f)) {
		say_offset(c, upload_file_kept(f));
		return err_new(ERR_UPLOAD_OFFSET, "%llu bytes are here, not %lld",
			(unsigned long long)upload_file_kept(f), (long long)offset);
	}
	e = receive(c, u, f);
	say_offset(c, upload_file_kept(f));
	return e;
}

const struct err *api_uploads_patch(struct call *c)
{
	struct upload_file *f = NULL;
	struct upload u = {0};
	const struct err *e = check_version(c);

	if (e == NULL && !request_is_type(&c->req, "application/offset+octet-stream"))
		e = err_new(ERR_MEDIA_TYPE, "application/offset+octet-stream is expected");
	if (e == NULL)
		e = find(c, &u);
	if (e == NULL)
		e = open_file(c, &u, &f);
	if (e == NULL)
		e = patch(c, &u, f);
	upload_file_close(f);
	if (e == NULL) {
		c->res.status = 204;
		e = say(c, u.id);
	}
	upload_free(&u);
	return e;
}

const struct err *api_uploads_delete(struct call *c)
{
	struct upload_file *f = NULL;
	struct upload u = {0};
	char *dir = uploads_dir(c->app);
	const struct err *e = check_version(c);

	if (e == NULL)
		e = find(c, &u);
	if (e == NULL)
		e = open_file(c, &u, &f);
	if (e != NULL && e->id == ERR_NOT_FOUND && u.id != 0)
		e = NULL; /* the file is gone already: the row shall follow */
	if (e == NULL)
		e = upload_remove(c->app->store, u.id, "deleted", &c->by, c->now_ms);
	if (e == NULL)
		e = upload_file_remove(dir, u.token);
	if (e == NULL)
		c->res.status = 204;
	upload_file_close(f);
	upload_free(&u);
	free(dir);
	return e;
}

const struct err *api_uploads_list(struct call *c)
{
	struct upload *v = NULL;
	const struct err *e;
	struct writer w;
	int64_t after;
	size_t n = 0, limit;

	call_page(c, &limit, &after);
	e = call_bad(c);
	if (e == NULL)
		e = upload_list(c->app->store, call_org(c), -1, after, limit, &v, &n);
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; i < n; i++)
		view(&w, c, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == limit ? v[n - 1].id : 0);
	w_object_end(&w);
	uploads_free(v, n);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}
