/*
 * mailmover check: the preflight. Each side is tried to the end of what can be tried: reach it, TLS, log in, list,
 * count, quota; at the destination a probe folder is created, written, read back and deleted. Both sides are
 * looked at even when the first fails; the first failure in that order gives the exit status.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "feed.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

void check_event(struct check *ck, struct check_side *s, const char *name, const struct err *e, json_t *more,
	const char *text)
{
	json_t *o = json_pack("{ss ss sb ss ss}", "side", s->ep->side, "name", name, "ok", e == NULL, "code", err_code(e),
		"message", "");

	event_name(o, "message", e != NULL ? e->msg : text, strlen(e != NULL ? e->msg : text));
	if (more != NULL) {
		json_object_update(o, more);
		json_decref(more);
	}
	event(ck->app->events, "check", o);
	printf("%-11s  %-10s  %-4s  %s%s%s\n", s->ep->side, name, e == NULL ? "ok" : "FAIL", e != NULL ? err_code(e) : "",
		e != NULL ? ": " : "", e != NULL ? e->msg : text);
	if (e != NULL)
		check_remedy(ck, e);
	fflush(stdout);
	if (e != NULL && !s->failed) {
		s->failed = true;
		s->why = *e;
	}
}

/* --- connect, tls, auth: told by the connection itself ---------------------------------------------------- */

static void on_step(void *arg, const char *name, const struct err *e)
{
	struct check_side *s = arg;
	bool known = strcmp(name, "connect") == 0 || strcmp(name, "tls") == 0 || strcmp(name, "auth") == 0;
	const char *text = strcmp(name, "connect") == 0 ? "the server answers"
		: strcmp(name, "tls") == 0		? "encrypted, and the certificate is trusted"
							: "user name and password are accepted";

	s->stage = known ? name : s->stage;
	if (s->ep->feed != NULL && e == NULL) /* a file: nobody to log in to */
		known = false;
	if (known)
		check_event(s->check, s, name, e, NULL, text);
}

static void on_closed(void *arg, const struct err *e)
{
	struct check_side *s = arg;

	if (e != NULL && !s->failed) /* at a point that no step has told */
		check_event(s->check, s, s->ready ? s->stage : s->stage[0] == 'c' ? "connect" : "auth", e, NULL, "");
	s->lost = true;
}

static void on_ready(void *arg)
{
	struct check_side *s = arg;

	s->ready = true;
}

const struct err *check_connect(struct check *ck, struct check_side *s)
{
	static const struct imap_conn_events ev = {.ready = on_ready, .closed = on_closed, .step = on_step};

	s->check = ck;
	s->stage = "connect";
	s->ready = s->lost = false;
	s->conn = imap_open(ck->app->loop, s->ep, &ev, s);
	return check_wait(ck, s);
}

const struct err *check_wait(struct check *ck, struct check_side *s)
{
	const struct err *e = imap_wait(s->conn);

	if (ck->app->stop && !ck->probing)
		return err_new(ERR_RUN_CANCELLED, "stopped");
	return e;
}

void check_disconnect(struct check_side *s)
{
	if (s->conn != NULL)
		imap_close(s->conn);
	s->conn = NULL;
}

/* --- what the server can do ------------------------------------------------------------------------------- */

static void check_capability(struct check *ck, struct check_side *s)
{
	static const char *const matter[] = {"IMAP4rev2", "UIDPLUS", "LITERAL+", "LITERAL-", "MULTIAPPEND", "CONDSTORE",
		"QRESYNC", "LIST-STATUS", "SPECIAL-USE", "COMPRESS=DEFLATE", "QUOTA", "NAMESPACE"};
	const char *name = imap_server_name(s->conn);
	uint64_t limit = imap_appendlimit(s->conn);
	struct buf text = BUF_INIT;
	json_t *list = json_array();

	buf_addf(&text, "%s offers", name[0] != '\0' ? name : "the server");
	for (size_t i = 0; i < sizeof(matter) / sizeof(matter[0]); i++)
		if (imap_has(s->conn, matter[i])) {
			buf_addf(&text, " %s", matter[i]);
			json_array_append_new(list, json_string(matter[i]));
		}
	if (json_array_size(list) == 0)
		buf_adds(&text, " plain IMAP4rev1: slower, not less exact");
	s->looked = true;
	s->uidplus = imap_has(s->conn, "UIDPLUS");
	s->rtt_ms = imap_rtt_ms(s->conn);
	s->append_limit = limit;
	if (limit > 0)
		buf_addf(&text, "; messages up to %" PRIu64 " bytes", limit);
	check_event(ck, s, "capability", NULL, json_pack("{so ss si}", "capabilities", list, "server", name, "rtt_ms",
		(int)imap_rtt_ms(s->conn)), text.ptr);
	buf_free(&text);
}

/* --- folders and messages --------------------------------------------------------------------------------- */

static void on_size(void *arg, const struct imap_resp *r)
{
	uint64_t *bytes = arg;

	if (r->kind == IMAP_FETCH && r->fetch.has_size)
		*bytes += r->fetch.size;
}

struct refusal {
	bool refused;
	struct err why;
};

static void on_done(void *arg, const struct imap_result *res)
{
	struct refusal *f = arg;

	if (res->kind != IMAP_OK && !f->refused) {
		f->refused = true;
		f->why = res->err != NULL ? *res->err : *err_new(ERR_SERVER_NO, "refused");
	}
}

/* Without STATUS=SIZE: every message's size, in one pipeline. */
static const struct err *sum_sizes(struct check *ck, struct check_side *s)
{
	static const struct imap_handler examine = {.done = on_done}, fetch = {.untagged = on_size};
	struct refusal *refused = xcalloc(s->survey.n + 1, sizeof(*refused));
	const struct err *e;

	for (size_t i = 0; i < s->survey.n; i++) {
		struct survey_folder *f = &s->survey.f[i];

		if (!f->selectable || f->sized || f->messages == 0)
			continue;
		f->bytes = 0;
		imap_begin(s->conn, &examine, &refused[i]);
		imap_text(s->conn, "EXAMINE ");
		imap_mailbox(s->conn, f->raw, f->len);
		imap_end(s->conn);
		imap_command(s->conn, &fetch, &f->bytes, "FETCH 1:* (RFC822.SIZE)");
	}
	e = check_wait(ck, s);
	for (size_t i = 0; i < s->survey.n; i++)
		if (refused[i].refused && !s->refused) {
			s->refused = true;
			s->why_refused = *err_new(ERR_FOLDER_DENIED, "%s: %s", s->survey.f[i].display, refused[i].why.msg);
		}
	free(refused);
	return e;
}

static void on_survey(void *arg, const struct err *e)
{
	struct check_side *s = arg;

	if (e != NULL) {
		s->refused = true;
		s->why_refused = *e;
	}
}

static void sum_up(struct check_side *s)
{
	for (size_t i = 0; i < s->survey.n; i++) {
		const struct survey_folder *f = &s->survey.f[i];

		if (!f->selectable)
			continue;
		s->folders++;
		s->messages += f->messages;
		s->bytes += f->bytes;
		if (!f->counted && !s->refused) {
			s->refused = true;
			s->why_refused = *err_new(ERR_FOLDER_DENIED, "%s: the server does not say what it holds", f->display);
		}
	}
}

static const struct err *check_list(struct check *ck, struct check_side *s)
{
	const struct err *e;
	char text[160];

	s->stage = "list";
	survey_start(&s->survey, s->conn, true, on_survey, s);
	e = check_wait(ck, s);
	if (e == NULL && !s->refused)
		e = sum_sizes(ck, s);
	if (e != NULL)
		return e;
	sum_up(s);
	snprintf(text, sizeof(text), "%" PRIu64 " folders, %" PRIu64 " messages, %" PRIu64 " bytes", s->folders, s->messages,
		s->bytes);
	check_event(ck, s, "list", s->refused ? &s->why_refused : NULL, json_pack("{sI sI sI}", "folders",
		(json_int_t)s->folders, "messages", (json_int_t)s->messages, "bytes", (json_int_t)s->bytes), text);
	return NULL;
}

/* --- quota ------------------------------------------------------------------------------------------------ */

/* QUOTA "root" (STORAGE 10 512 MESSAGE 3 100): the tightest STORAGE counts, in units of 1024 bytes. */
static void on_quota(void *arg, const struct imap_resp *r)
{
	struct check_side *s = arg;
	const struct imap_val *v = r->v;

	if (r->kind != IMAP_QUOTA || r->nv < 2 || v[1].type != IMAP_V_LIST)
		return;
	for (size_t i = 2; i + 2 < 1 + v[1].span; i += 3) {
		int64_t used, limit;

		if (!str_ieq(v[i].s, "STORAGE") || !str_i64(v[i + 1].s, 0, INT64_MAX / 1024, &used) ||
			!str_i64(v[i + 2].s, 0, INT64_MAX / 1024, &limit))
			continue;
		if (!s->has_quota || limit - used < (s->quota_limit - s->quota_used) / 1024) {
			s->quota_used = used * 1024;
			s->quota_limit = limit * 1024;
		}
		s->has_quota = true;
	}
}

static const struct err *read_quota(struct check *ck, struct check_side *s)
{
	static const struct imap_handler h = {.untagged = on_quota};

	s->stage = "quota";
	if (!imap_has(s->conn, "QUOTA"))
		return NULL;
	imap_command(s->conn, &h, s, "GETQUOTAROOT INBOX");
	return check_wait(ck, s);
}

/* Will what the source holds fit? What is at the destination already has most likely come from there. */
static void check_quota(struct check *ck, struct check_side *s, const struct check_side *source)
{
	const struct err *e = NULL;
	char text[200];
	uint64_t need = source != NULL && source->bytes > s->bytes ? source->bytes - s->bytes : 0;
	int64_t room = s->quota_limit - s->quota_used;

	if (!s->has_quota) {
		check_event(ck, s, "quota", NULL, NULL, "the server tells of no limit");
		return;
	}
	snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64 " bytes used", s->quota_used, s->quota_limit);
	if (room < 0 || need > (uint64_t)room)
		e = err_new(ERR_QUOTA, "%s: %" PRIu64 " bytes are to come, there is room for %" PRId64, s->ep->label, need,
			room < 0 ? 0 : room);
	check_event(ck, s, "quota", e, json_pack("{sI sI}", "quota_used", (json_int_t)s->quota_used, "quota_limit",
		(json_int_t)s->quota_limit), text);
}

/* --- what the destination will not take -------------------------------------------------------------------- */

static void on_larger(void *arg, const struct imap_resp *r)
{
	if (r->kind == IMAP_SEARCH || r->kind == IMAP_ESEARCH)
		((struct check_side *)arg)->too_large += uidset_count(&r->uids);
}

/* Asked of the source once the destination's limit is known. What it does not answer is no failure. */
static void count_too_large(struct check *ck, struct check_side *s, uint64_t limit)
{
	static const struct imap_handler search = {.untagged = on_larger};

	if (limit == 0 || s->conn == NULL || s->lost || imap_dead(s->conn))
		return;
	for (size_t i = 0; i < s->survey.n; i++) {
		const struct survey_folder *f = &s->survey.f[i];

		if (!f->selectable || f->messages == 0 || (f->sized && f->bytes <= limit))
			continue;
		imap_begin(s->conn, NULL, NULL);
		imap_text(s->conn, "EXAMINE ");
		imap_mailbox(s->conn, f->raw, f->len);
		imap_end(s->conn);
		imap_command(s->conn, &search, s, "UID SEARCH LARGER %" PRIu64, limit);
	}
	check_wait(ck, s);
}

/* --- the command ------------------------------------------------------------------------------------------ */

/* A file: what it holds; what of it is damaged has been told on the way. */
static bool check_file(struct check *ck, struct check_side *s)
{
	if (check_list(ck, s) != NULL)
		return false;
	check_event(ck, s, "damage", feed_damaged(s->ep->feed)
		? err_new(ERR_PARTIAL, "%s is damaged: each place that is known is named", s->ep->label) : NULL, NULL,
		"no damage found");
	return true;
}

/* What breaks is told by the connection's own events; here only the order of things. */
static bool check_one(struct check *ck, struct check_side *s, const struct check_side *source)
{
	if (s->ep->kind != URL_IMAP && s->ep->feed == NULL) {
		check_event(ck, s, "connect", err_new(ERR_UNSUPPORTED, "%s: mail is copied to IMAP servers only", s->ep->label),
			NULL, "");
		return false;
	}
	if (check_connect(ck, s) != NULL || s->lost)
		return false;
	if (s->ep->feed == NULL)
		check_capability(ck, s);
	if (s->ep->feed != NULL)
		return check_file(ck, s);
	if (check_list(ck, s) != NULL || read_quota(ck, s) != NULL)
		return false;
	check_quota(ck, s, source);
	return true;
}

static void on_stop(void *arg)
{
	struct check *ck = arg;

	if (ck->probing) /* a probe is a few short commands and must take away what it has put there */
		return;
	for (int i = 0; i < 2; i++)
		check_disconnect(&ck->side[i]);
}

static const struct err *finish(struct check *ck)
{
	const struct err *e = NULL;
	json_t *o;

	for (int i = 1; i >= 0; i--)
		if (ck->side[i].failed)
			e = &ck->side[i].why;
	if (ck->app->stop)
		e = err_new(ERR_RUN_CANCELLED, "stopped");
	o = json_pack("{ss si}", "status", e == NULL ? "succeeded" : ck->app->stop ? "cancelled" : "failed", "exit",
		err_exit(e));
	event_err(o, e);
	event(ck->app->events, "done", o);
	return e;
}

const struct err *cmd_check(struct app *app)
{
	struct check ck = {.app = app};
	struct check_side *src = &ck.side[0], *dst = &ck.side[1];
	bool src_ok, dst_ok = false;
	const struct err *e;

	src->ep = &app->opts.from;
	dst->ep = &app->opts.to;
	app->on_stop = on_stop;
	app->on_stop_arg = &ck;
	src_ok = check_one(&ck, src, NULL);
	if (src_ok && src->messages == 0)
		event_warning(app->events, err_new(ERR_SOURCE_EMPTY, "%s holds no messages", src->ep->label), NULL);
	if (app->opts.has_to && !app->stop) {
		dst_ok = check_one(&ck, dst, src);
		if (dst_ok && !app->opts.no_write_probe && !app->stop)
			check_write(&ck, dst);
		if (src_ok && dst_ok && !app->stop)
			count_too_large(&ck, src, dst->append_limit);
		check_disconnect(dst);
	}
	check_disconnect(src);
	if (src_ok && dst_ok && !app->stop)
		check_advise(&ck);
	e = finish(&ck);
	app->on_stop = NULL;
	survey_free(&src->survey);
	survey_free(&dst->survey);
	if (e != NULL)
		e = err_new(e->id, "%s", e->msg);
	return e;
}
