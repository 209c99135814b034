/* PUT /runs/{id}/files/{name}: ledgers, logs, refused messages, piece by piece, checked and kept. */
#include "api.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artefacts.h"
#include "fs.h"
#include "mem.h"
#include "store_artefact.h"
#include "str.h"
#include "writer.h"

#include "banned.h"

struct piece {
	int64_t offset, attempt;
	bool complete;
};

/* sha-256=:BASE64: (RFC 9530); other algorithms beside it are not looked at. */
static bool digest_fits(const char *header, const struct buf *body)
{
	const char *s = header != NULL ? strstr(header, "sha-256=:") : NULL;
	unsigned char digest[crypto_hash_sha256_BYTES];
	struct buf want = BUF_INIT;
	bool ok;

	if (s == NULL)
		return false;
	s += strlen("sha-256=:");
	crypto_hash_sha256(digest, (const unsigned char *)body->ptr, body->len);
	ok = str_unbase64(&want, s, strcspn(s, ":"), BASE64) && want.len == sizeof(digest) &&
	     memcmp(want.ptr, digest, sizeof(digest)) == 0;
	buf_free(&want);
	return ok;
}

static const struct err *read_headers(struct call *c, struct piece *p)
{
	const char *offset = request_header(&c->req, "UPLOAD_OFFSET"),
		   *complete = request_header(&c->req, "UPLOAD_COMPLETE");
	const char *attempt = request_header(&c->req, "X_RUN_ATTEMPT");

	if (offset == NULL || !str_i64(offset, 0, INT64_MAX / 2, &p->offset))
		call_problem(c, "header:Upload-Offset", "a number of bytes is required");
	if (attempt == NULL || !str_i64(attempt, 1, INT64_MAX, &p->attempt))
		call_problem(c, "header:X-Run-Attempt", "a number is required");
	p->complete = complete != NULL && strcmp(complete, "?1") == 0;
	if (!p->complete && (complete == NULL || strcmp(complete, "?0") != 0))
		call_problem(c, "header:Upload-Complete", "?0 or ?1 is required");
	if (!digest_fits(request_header(&c->req, "CONTENT_DIGEST"), &c->req.body))
		call_problem(c, "header:Content-Digest", "sha-256=:…: of this body is required");
	return call_bad(c);
}

/* Before anything is written: an old attempt must not touch the files of the new one. */
static const struct err *check_run(struct call *c, const struct piece *p)
{
	struct run r = {0};
	const struct err *e = run_get(c->app->store, c->args.id, NULL, &r);

	if (e == NULL && (r.attempt != p->attempt || strcmp(r.worker, c->who.sub) != 0))
		e = err_new(
			ERR_RUN_STALE, "run %lld is at attempt %lld", (long long)r.id, (long long)r.attempt);
	run_free(&r);
	return e;
}

static const struct err *append(struct call *c, const struct piece *p, int fd)
{
	int64_t reserve = conf_int(c->app->service->conf, CONF_DISK_RESERVE_MB) * 1048576;
	const struct err *e = NULL;
	uint64_t left;
	char *base;

	if (c->req.body.len == 0)
		return NULL;
	base = conf_data_path(c->app->service->conf, "artefacts");
	if (fs_free_bytes(base, &left) == NULL && left < (uint64_t)reserve + c->req.body.len)
		e = err_new(ERR_DISK_LOW, "MIGRATION_DISK_RESERVE_MB would not be left free");
	free(base);
	if (e == NULL && lseek(fd, (off_t)p->offset, SEEK_SET) < 0)
		e = err_errno("lseek");
	return e != NULL ? e : fs_write_all(fd, c->req.body.ptr, c->req.body.len);
}

static const struct err *finish(struct call *c, const struct piece *p, int fd, int64_t size)
{
	const struct err *e = NULL;
	char *sha256 = NULL;

	if (p->complete) {
		if (fsync(fd) != 0)
			e = err_errno("fsync");
		else
			e = artefact_sha256(fd, &sha256);
	}
	if (e == NULL)
		e = artefact_put(c->app->store, c->args.id, c->who.sub, p->attempt, c->args.name, size,
			p->complete, sha256, conf_int(c->app->service->conf, CONF_LEASE_SECONDS) * 1000, c->now_ms);
	free(sha256);
	return e;
}

static const struct err *put(struct call *c, const struct piece *p, int fd, off_t size)
{
	struct writer w;
	const struct err *e;

	if (p->offset != size) {
		c->extra = xasprintf("\"offset\":%lld", (long long)size);
		return err_new(
			ERR_CONFLICT, "%lld bytes are here, not %lld", (long long)size, (long long)p->offset);
	}
	e = append(c, p, fd);
	if (e == NULL)
		e = finish(c, p, fd, (int64_t)size + (int64_t)c->req.body.len);
	if (e != NULL)
		return e;
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_i64(&w, "offset", (int64_t)size + (int64_t)c->req.body.len);
	w_object_end(&w);
	return NULL;
}

/* A file that is complete takes nothing more; its end may be told again. */
static const struct err *check_complete(struct call *c, const struct piece *p, off_t size)
{
	struct artefact a = {0};
	const struct err *e = artefact_get(c->app->store, c->args.id, c->args.name, &a);

	if (e != NULL && e->id == ERR_NOT_FOUND)
		e = NULL;
	else if (e == NULL && a.complete && p->offset == size && c->req.body.len > 0)
		e = err_new(ERR_CONFLICT, "the file is complete");
	artefact_free(&a);
	return e;
}

const struct err *api_file_put(struct call *c)
{
	struct piece p = {0};
	const struct err *e;
	off_t size;
	int fd;

	if ((e = read_headers(c, &p)) != NULL || (e = check_run(c, &p)) != NULL)
		return e;
	if ((e = artefact_open_write(c->app, c->args.id, c->args.name, &fd, &size)) != NULL)
		return e;
	e = check_complete(c, &p, size);
	if (e == NULL)
		e = put(c, &p, fd, size);
	close(fd);
	return e;
}
