/*
 * Messages that could not be moved: each is told in an event, remembered in the state (so that the next pass
 * tries it again), and kept as NAME.eml with NAME.json beside it where there is a quarantine.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "copy.h"
#include "fs.h"
#include "mem.h"

#include "banned.h"

void refuse(struct job *j, uint32_t uid, const struct err *e, bool unreadable)
{
	struct refusal *r;
	enum err_id id = e->id == ERR_SERVER_NO ? ERR_MESSAGE_REFUSED : e->id;

	for (size_t i = 0; i < j->nrefused; i++)
		if (j->refused[i].uid == uid)
			return;
	j->refused = xreallocarray(j->refused, j->nrefused + 1, sizeof(*j->refused));
	r = &j->refused[j->nrefused++];
	*r = (struct refusal){uid, unreadable ? ERR_SOURCE_DAMAGED : id, xstrdup(e->msg), unreadable, false};
	j->cp->refused++;
	copy_check(j->cp, state_pending_add(j->cp->state, j->row.id, uid, STATE_REFUSED,
				  err_row(r->id)->code, r->words));
	copy_dirty(j->cp);
}

void refuse_take_back(struct job *j, const struct uidset *uids)
{
	size_t kept = j->kept;

	for (size_t i = j->kept; i < j->nrefused; i++) {
		if (uidset_has(uids, j->refused[i].uid)) {
			free(j->refused[i].words);
			j->cp->refused--;
		} else {
			j->refused[kept++] = j->refused[i];
		}
	}
	if (kept < j->nrefused)
		copy_check(j->cp, state_pending_drop(j->cp->state, j->row.id, uids));
	j->nrefused = kept;
}

static struct refusal *find(struct job *j, uint32_t uid)
{
	for (size_t i = 0; i < j->nrefused; i++)
		if (j->refused[i].uid == uid)
			return &j->refused[i];
	return NULL;
}

static void tell(struct job *j, const struct refusal *r, uint64_t size, const char *file)
{
	json_t *o = json_pack("{s:I, s:I, s:s, s:s}", "uid", (json_int_t)r->uid, "size", (json_int_t)size, "code",
		err_row(r->id)->code, "file", file);

	event_name(o, "folder", j->name, strlen(j->name));
	event_name(o, "server", r->words, strlen(r->words));
	event(j->cp->ev, "refused", o);
}

static char *base_name(const struct job *j, uint32_t uid)
{
	return xasprintf("%lld-%u-%u", (long long)j->row.id, j->src->uidvalidity, uid);
}

void refuse_begin(struct pair *p, struct message *m)
{
	const char *dir = p->cp->o->quarantine;
	const struct err *e = fs_mkdir_p(dir, 0700);
	char *base = base_name(m->job, m->uid);

	free(p->keep_name);
	p->keep_name = xasprintf("%s/%s.eml.part", dir, base);
	free(base);
	if (e == NULL) {
		p->keep_fd = open(p->keep_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (p->keep_fd < 0)
			e = err_errno("%s", p->keep_name);
	}
	if (p->keep_reader == NULL)
		p->keep_reader = ident_reader_new(IDENT_WANT_ALL, NULL);
	ident_reader_reset(p->keep_reader);
	copy_check(p->cp, e);
}

void refuse_data(struct pair *p, const void *data, size_t n)
{
	if (p->keep_fd >= 0)
		copy_check(p->cp, fs_write_all(p->keep_fd, data, n));
	ident_reader_feed(p->keep_reader, data, n);
}

/* The server's words beside the message, so that a person can judge. */
static void note_header(json_t *o, const struct ident_reader *header)
{
	static const struct {
		const char *key;
		enum ident_field field;
	} fields[] = {{"date", IDENT_FIELD_DATE}, {"from", IDENT_FIELD_FROM}, {"subject", IDENT_FIELD_SUBJECT},
		{"message_id", IDENT_FIELD_MESSAGE_ID}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *text = ident_reader_field(header, fields[i].field);

		event_name(o, fields[i].key, text, strlen(text));
	}
}

static const struct err *write_note(const struct pair *p, const struct job *j, const struct refusal *r, const struct message *m, const char *path)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:s}", "uid", (json_int_t)m->uid, "uidvalidity",
		(json_int_t)j->src->uidvalidity, "size", (json_int_t)m->size, "code", err_row(r->id)->code);
	const struct err *e;
	char *text;

	event_name(o, "folder", j->name, strlen(j->name));
	event_name(o, "dest", j->dst_name, strlen(j->dst_name));
	event_name(o, "server", r->words, strlen(r->words));
	event_name(o, "flags", m->flags != NULL ? m->flags : "", m->flags != NULL ? strlen(m->flags) : 0);
	event_name(o, "internaldate", m->date != NULL ? m->date : "", m->date != NULL ? strlen(m->date) : 0);
	note_header(o, p->keep_reader);
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	e = fs_write(path, text, strlen(text), 0600);
	free(text);
	return e;
}

void refuse_end(struct pair *p, struct message *m)
{
	struct job *j = m->job;
	struct refusal *r = find(j, m->uid);
	char *base = base_name(j, m->uid), *eml = xasprintf("%s/%s.eml", p->cp->o->quarantine, base);
	char *note = xasprintf("%s/%s.json", p->cp->o->quarantine, base), *file = xasprintf("%s.eml", base);
	const struct err *e = NULL;
	struct ident id;

	ident_reader_end(p->keep_reader, &id);
	if (p->keep_fd >= 0 && fsync(p->keep_fd) != 0)
		e = err_errno("%s", p->keep_name);
	if (p->keep_fd >= 0)
		close(p->keep_fd);
	p->keep_fd = -1;
	if (e == NULL && rename(p->keep_name, eml) != 0)
		e = err_errno("%s", eml);
	free(p->keep_name);
	p->keep_name = NULL;
	if (e == NULL && r != NULL)
		e = write_note(p, j, r, m, note);
	if (r != NULL) {
		tell(j, r, m->size, e == NULL ? file : "");
		r->told = true;
	}
	copy_check(p->cp, e);
	free(base);
	free(eml);
	free(note);
	free(file);
}

void refuse_rest(struct pair *p, struct job *j)
{
	(void)p;
	for (; j->kept < j->nrefused; j->kept++)
		if (!j->refused[j->kept].told)
			tell(j, &j->refused[j->kept], 0, "");
}
