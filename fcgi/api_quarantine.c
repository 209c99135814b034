/* Messages that a destination refused: the list, each as .eml, and another try. */
#include "api.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artefacts.h"
#include "fs.h"
#include "mem.h"
#include "recopy.h"
#include "store_quarantine.h"
#include "str.h"
#include "view.h"

#include "banned.h"

#define NOTE_MAX 65536

/* The note beside the message: NAME.json for NAME.eml. NULL when it was not handed over, or is no JSON. */
static json_t *read_note(struct call *c, const struct refusal_row *r)
{
	size_t n = strlen(r->file);
	char *name, *text = NULL;
	json_t *note = NULL;
	off_t size = 0;
	int fd = -1;

	if (n < 5 || strcmp(r->file + n - 4, ".eml") != 0 || !fs_safe_name(r->file))
		return NULL;
	name = xasprintf("%.*s.json", (int)(n - 4), r->file);
	if (artefact_open(c->app, r->run_id, name, &fd, &size) == NULL && size > 0 && size <= NOTE_MAX) {
		text = xmalloc((size_t)size);
		if (pread(fd, text, (size_t)size, 0) != (ssize_t)size || js_parse(&note, text, (size_t)size) != NULL)
			note = NULL;
	}
	if (fd >= 0)
		close(fd);
	free(text);
	free(name);
	return note;
}

static void item(struct writer *w, struct call *c, const struct quarantine *q)
{
	static const char *const texts[] = {"dest", "date", "from", "subject", "message_id", "internaldate"};
	static const char *const members[] = {"destination", "date", "from", "subject", "message_id", "internaldate"};
	const struct refusal_row *r = &q->refusal;
	const struct err_row *row = err_row_by_code(r->code);
	json_t *note = read_note(c, r);
	bool pt = c->req.lang == LANG_PT;

	w_object(w, NULL);
	w_i64(w, "n", r->id);
	w_i64(w, "run_id", r->run_id);
	w_str(w, "state", quarantine_state_name(q->state));
	w_str(w, "folder", r->folder);
	w_i64(w, "uid", r->uid);
	w_i64(w, "size", r->size);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		w_text(w, members[i], json_string_value(json_object_get(note, texts[i])));
	w_str(w, "code", r->code);
	w_str(w, "title", row == NULL ? NULL : pt ? row->pt : row->en);
	w_str(w, "remedy", row == NULL ? NULL : pt ? row->remedy_pt : row->remedy_en);
	w_text(w, "server", r->server);
	w_bool(w, "kept", *r->file != '\0' && artefact_exists(c->app, r->run_id, r->file));
	w_time(w, "at", r->at);
	w_object_end(w);
	json_decref(note);
}

const struct err *api_quarantine_list(struct call *c)
{
	const char *word = request_query(&c->req, "state");
	enum quarantine_state state = QUARANTINE_STATE_COUNT;
	struct quarantine *v = NULL;
	struct mailbox m = {0};
	const struct err *e;
	struct writer w;
	int64_t after;
	size_t n = 0, limit;

	if (word != NULL && !quarantine_state_parse(word, &state))
		call_problem(c, "?state", "open, retrying or moved");
	call_page(c, &limit, &after);
	e = call_bad(c);
	if (e == NULL)
		e = mailbox_get(c->app->store, c->args.id, call_org(c), &m);
	if (e == NULL)
		e = quarantine_list(c->app->store, m.id, word != NULL ? (int)state : -1, after, limit, &v, &n);
	w_init(&w, &c->res.body);
	w_object(&w, NULL);
	w_array(&w, "items");
	for (size_t i = 0; i < n; i++)
		item(&w, c, &v[i]);
	w_array_end(&w);
	view_next(&w, n > 0 && n == limit ? v[n - 1].refusal.id : 0);
	w_object_end(&w);
	quarantine_free(v, n);
	mailbox_free(&m);
	if (e == NULL)
		call_etag_body(c, "");
	return e;
}

/* The mailbox of the path and its message number n. */
static const struct err *find(struct call *c, struct mailbox *m, struct quarantine **q)
{
	const struct err *e = mailbox_get(c->app->store, c->args.id, call_org(c), m);

	return e != NULL ? e : quarantine_get(c->app->store, m->id, c->args.n, q);
}

const struct err *api_quarantine_get(struct call *c)
{
	struct quarantine *q = NULL;
	struct mailbox m = {0};
	const struct err *e = find(c, &m, &q);
	off_t size = 0;

	if (e == NULL && (*q->refusal.file == '\0' || !fs_safe_name(q->refusal.file)))
		e = err_new(ERR_NOT_FOUND, "the bytes of this message could not be kept");
	if (e == NULL)
		e = artefact_open(c->app, q->refusal.run_id, q->refusal.file, &c->res.fd, &size);
	if (e == NULL) {
		c->res.type = "message/rfc822";
		c->res.length = size;
		response_header(&c->res, "Content-Disposition", "attachment; filename=\"quarantine-%lld.eml\"",
			(long long)q->refusal.id);
		/* somebody else's text: no browser may take it for a page of ours */
		response_header(&c->res, "Content-Security-Policy", "sandbox");
	}
	quarantine_free(q, q != NULL);
	mailbox_free(&m);
	return e;
}

const struct err *api_quarantine_retry(struct call *c)
{
	struct quarantine *q = NULL;
	struct mailbox m = {0};
	bool queue = false;
	const struct err *e = call_flag(c, "queue", &queue);

	if (e == NULL)
		e = find(c, &m, &q);
	if (e == NULL && q->state == QUARANTINE_MOVED)
		e = err_new(ERR_CONFLICT, "a later run has moved this message");
	if (e == NULL)
		e = recopy_start(c, &m,
			&(struct recopy_message){.folder = q->refusal.folder, .uid = q->refusal.uid, .refusal = q->refusal.id},
			1, queue);
	quarantine_free(q, q != NULL);
	mailbox_free(&m);
	return e;
}
