/*
 * The trial before the first bulk pass: the first messages of the largest folders are copied like all others, then read
 * back and compared with the source. What a server does to mail is known before there is much of it: the weakest rung
 * of the ladder that was needed, and which header fields it adds, go into the state, and reconcile.c recognises messages
 * by them. Only folders with nothing in flight take part; what is left of their todo waits in `held`. The first pair of
 * connections does it, and the others begin with other folders meanwhile; reading back is asked for right behind the
 * APPENDs, so that it costs no round trip of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "log.h"
#include "match.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

enum {
	MESSAGES = 20,    /* copied for the trial, more or less */
	FOLDERS = 4,
	WORTH_IT = 60,    /* fewer to copy than that is no bulk */
	ADDED_MAX = 16,   /* names of added fields that are kept */
	HEAD_MAX = 65536, /* bytes of a header that are searched for field names */
};

/* A message as one side gave it. */
struct seen {
	uint32_t uid;
	struct ident id;
	char *names; /* " received x-a subject ": field names, lower case */
};

struct half {
	struct trial *t;
	struct trial_folder *f;
	bool dest;
	struct ident_reader *reader;
	struct buf head;
	struct ident id;
	bool has_id;
	struct seen *v;
	size_t n;
};

struct trial_folder {
	struct job *j;
	struct uidset sample;
	uint32_t floor; /* copies are there from this UID on */
	bool asked;     /* for both sides' messages */
	bool unsure;    /* what was read back may not be all: it counts for nothing */
	struct half half[MATCH_SIDES];
};

/* Most servers change nothing, and the exact key is the cheapest: the others are asked for when it did not do. */
enum reading { BY_EXACT, BY_ALL, WITHOUT_ADDED };

struct trial {
	struct copy *cp;
	struct trial_folder f[FOLDERS];
	unsigned nf, copying; /* folders whose sample is still on its way */
	enum reading reading;
	unsigned left; /* commands unanswered */
	unsigned count[IDENT_RUNGS + 1]; /* the last: not recognised */
	uint8_t rung;                    /* of the pairing under way */
	struct trial_folder *pairing;
	struct buf added;
};

/* --- what the state remembers ------------------------------------------------------------------------------- */

/* "X-A X-B" as the list that readers take. */
static void set_ignore(struct copy *cp, const char *names)
{
	char *save = NULL, *text = xstrdup(names);
	size_t n = 0;

	cp->ignore = xcalloc(ADDED_MAX + 1, sizeof(char *));
	for (char *p = strtok_r(text, " ", &save); p != NULL && n < ADDED_MAX; p = strtok_r(NULL, " ", &save))
		cp->ignore[n++] = xstrdup(p);
	free(text);
}

void trial_forget(struct copy *cp)
{
	for (size_t i = 0; cp->ignore != NULL && cp->ignore[i] != NULL; i++)
		free(cp->ignore[i]);
	free(cp->ignore);
	cp->ignore = NULL;
}

/* True: an earlier pass has tried. */
static bool recall(struct copy *cp)
{
	char *rung = NULL, *added = NULL;
	const struct err *e = state_noted(cp->state, "rung", &rung);

	cp->lowest = IDENT_DECODED;
	if (e == NULL && rung != NULL)
		e = state_noted(cp->state, "added", &added);
	copy_check(cp, e);
	if (rung != NULL && strcmp(rung, ident_rung_name(IDENT_HEADER)) == 0)
		cp->lowest = IDENT_HEADER;
	if (added != NULL && added[0] != '\0')
		set_ignore(cp, added);
	free(added);
	free(rung);
	return rung != NULL || e != NULL;
}

/* --- choosing ----------------------------------------------------------------------------------------------- */

/* The first UIDs of todo that hold about n messages. */
static void take_sample(struct job *j, uint64_t n, struct uidset *out)
{
	uint64_t uids = uidset_count(&j->todo), have = j->src->messages > 0 ? j->src->messages : 1;
	uint32_t last = uidset_at(&j->todo, uids > have ? n * (uids / have) - 1 : n - 1);

	uidset_add_set(out, &j->todo);
	if (last != 0)
		uidset_clip(out, 1, last);
	uidset_clear(&j->held);
	uidset_add_set(&j->held, &j->todo);
	uidset_sub(&j->held, out);
	uidset_clear(&j->todo);
	uidset_add_set(&j->todo, out);
}

static bool fit(const struct job *j)
{
	return j->phase == JOB_WAITING && !j->failed && !j->reconcile && !j->search && j->todo.n > 0 && j->src->messages >= 5;
}

void trial_start(struct copy *cp)
{
	struct trial *t;
	uint64_t all = 0;
	unsigned folders = 0;

	if (recall(cp) || cp->only != NULL)
		return;
	for (size_t i = 0; i < cp->njobs; i++)
		if (fit(&cp->jobs[i])) {
			all += cp->jobs[i].src->messages;
			folders += folders < FOLDERS;
		}
	if (all < WORTH_IT)
		return;
	t = cp->trial = xcalloc(1, sizeof(*t));
	t->cp = cp;
	buf_init(&t->added);
	for (size_t i = 0; i < cp->njobs && t->nf < folders; i++) {
		struct job *j = &cp->jobs[cp->order[i]];
		struct trial_folder *f = &t->f[t->nf];

		if (!fit(j))
			continue;
		f->j = j;
		f->floor = j->row.floor;
		take_sample(j, MESSAGES / folders, &f->sample);
		j->trial = true;
		t->nf++;
	}
	t->copying = t->nf;
}

bool trial_holds(const struct trial *t, const struct job *j)
{
	for (unsigned i = 0; i < t->nf; i++)
		if (t->f[i].j == j)
			return true;
	return false;
}

/* --- reading back ------------------------------------------------------------------------------------------- */

static void forget_half(struct half *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i].names);
	free(h->v);
	h->v = NULL;
	h->n = 0;
	ident_reader_free(h->reader);
	h->reader = NULL;
	buf_free(&h->head);
}

static void forget_halves(struct trial *t)
{
	for (unsigned i = 0; i < t->nf; i++)
		for (int s = 0; s < MATCH_SIDES; s++)
			forget_half(&t->f[i].half[s]);
}

void trial_free(struct trial *t)
{
	if (t == NULL)
		return;
	forget_halves(t);
	for (unsigned i = 0; i < t->nf; i++)
		uidset_free(&t->f[i].sample);
	buf_free(&t->added);
	free(t);
}

static void on_body(void *arg, const struct imap_fetch *fetch, const char *section, uint64_t size)
{
	struct half *h = arg;

	(void)fetch;
	(void)section;
	(void)size;
	h->has_id = false;
	buf_reset(&h->head);
	ident_reader_reset(h->reader);
}

static void on_body_data(void *arg, const void *p, size_t n)
{
	struct half *h = arg;

	ident_reader_feed(h->reader, p, n);
	if (h->head.len < HEAD_MAX)
		buf_add(&h->head, p, n < HEAD_MAX - h->head.len ? n : HEAD_MAX - h->head.len);
}

static void on_body_end(void *arg)
{
	struct half *h = arg;

	ident_reader_end(h->reader, &h->id);
	h->has_id = true;
}

/* The field names of a header, each with a space on either side. */
static char *field_names(const struct buf *head)
{
	const char *p = head->ptr, *end = head->ptr + head->len;
	struct buf out = BUF_INIT;

	while (p < end && *p != '\r' && *p != '\n') {
		const char *line = memchr(p, '\n', (size_t)(end - p)), *colon;

		if (line == NULL)
			break;
		colon = memchr(p, ':', (size_t)(line - p));
		if (*p != ' ' && *p != '\t' && colon != NULL && memchr(p, ' ', (size_t)(colon - p)) == NULL && colon - p < 64) {
			buf_addc(&out, ' ');
			buf_add(&out, p, (size_t)(colon - p));
			buf_addc(&out, ' ');
		}
		p = line + 1;
	}
	str_lower(out.ptr);
	return buf_detach(&out);
}

static void on_message(void *arg, const struct imap_resp *r)
{
	struct half *h = arg;
	const struct trial_folder *f = h->f;
	uint32_t uid = r->fetch.uid;

	if (r->kind != IMAP_FETCH || !h->has_id || uid == 0 || (h->dest ? uid < f->floor : !uidset_has(&f->sample, uid)))
		return;
	h->has_id = false;
	h->v = xreallocarray(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n++] = (struct seen){.uid = uid, .id = h->id, .names = field_names(&h->head)};
}

static void compare(struct trial *t);

static void check_end(struct trial *t)
{
	if (t->copying == 0 && t->left == 0)
		compare(t);
}

static void on_done(void *arg, const struct imap_result *res)
{
	struct half *h = arg;

	if (res->lost || res->kind != IMAP_OK)
		h->f->unsure = true;
	if (!res->lost && res->kind != IMAP_OK)
		log_info("%s: the trial cannot read: %s", h->f->j->name, res->err->msg);
	h->t->left--;
	check_end(h->t);
}

static void ask(struct half *h, struct imap_conn *c, const char *raw, size_t len)
{
	static const struct imap_handler examine = {.done = on_done};
	static const struct imap_handler fetch = {
		.untagged = on_message,
		.body = {.begin = on_body, .data = on_body_data, .end = on_body_end},
		.done = on_done,
	};
	struct buf text = BUF_INIT;
	size_t at = 0;

	h->reader = ident_reader_new(h->t->reading == BY_EXACT ? IDENT_WANT_EXACT : IDENT_WANT_ALL,
		(const char *const *)h->t->cp->ignore);
	h->t->left += 2;
	imap_begin(c, &examine, h);
	imap_text(c, "EXAMINE ");
	imap_mailbox(c, raw, len);
	imap_end(c);
	if (h->dest)
		buf_addf(&text, "%u:*", h->f->floor);
	else
		uidset_format(&h->f->sample, &at, SET_TEXT_MAX, &text);
	imap_command(c, &fetch, h, "UID FETCH %s (UID BODY.PEEK[])", text.ptr);
	buf_free(&text);
}

static void ask_both(struct trial *t, struct trial_folder *f, struct pair *p)
{
	struct job *j = f->j;

	for (int s = 0; s < MATCH_SIDES; s++) {
		forget_half(&f->half[s]);
		f->half[s].t = t;
		f->half[s].f = f;
		f->half[s].dest = s == MATCH_DEST;
	}
	f->asked = true;
	t->left++; /* so that nothing answered at once ends it */
	p->selected = NULL;
	ask(&f->half[MATCH_SOURCE], p->src, j->src->raw, j->src->len);
	ask(&f->half[MATCH_DEST], p->dst, j->dst_raw, strlen(j->dst_raw));
	/* EXAMINEd: CLOSE expunges nothing; APPEND to a folder that is open costs more */
	imap_command(p->dst, NULL, NULL, imap_has(p->dst, "UNSELECT") ? "UNSELECT" : "CLOSE");
	t->left--;
}

static bool can_ask(const struct pair *p)
{
	return !p->dead && p->src_ready && p->dst_ready && p->src != NULL && p->dst != NULL && p->batch == NULL && !p->emitting &&
	       !p->msg.open;
}

static struct trial_folder *folder_of(struct trial *t, const struct job *j)
{
	for (unsigned i = 0; t != NULL && i < t->nf; i++)
		if (t->f[i].j == j)
			return &t->f[i];
	return NULL;
}

void trial_sent(struct pair *p, struct job *j)
{
	struct trial_folder *f = j->trial ? folder_of(p->cp->trial, j) : NULL;

	if (f != NULL && !f->asked && can_ask(p))
		ask_both(p->cp->trial, f, p);
}

void trial_unsure(struct job *j)
{
	struct trial_folder *f = j->trial ? folder_of(j->cp->trial, j) : NULL;

	if (f != NULL)
		f->unsure = true;
}

/* Once more; false: the connections are not there. */
static bool read_again(struct trial *t, enum reading reading)
{
	struct pair *p = &t->cp->pairs[0];

	t->reading = reading;
	if (!can_ask(p))
		return false;
	t->left++;
	for (unsigned i = 0; i < t->nf; i++)
		if (!t->f[i].unsure)
			ask_both(t, &t->f[i], p);
	t->left--;
	return t->left > 0;
}

/* --- comparing ---------------------------------------------------------------------------------------------- */

static unsigned count_of(const char *names, const char *word)
{
	unsigned n = 0;

	for (const char *at = names; (at = strstr(at, word)) != NULL; at++)
		n++;
	return n;
}

/* Names that stand more often in the destination's message than in the source's. */
static void note_added(struct trial *t, const char *src, const char *dst)
{
	char *text = xstrdup(dst), *save = NULL;

	for (char *p = strtok_r(text, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save)) {
		char *word = xasprintf(" %s ", p);

		if (count_of(dst, word) > count_of(src, word) && strstr(t->added.ptr, word) == NULL && t->added.len < 800)
			buf_addf(&t->added, "%s%s ", t->added.len == 0 ? " " : "", p);
		free(word);
	}
	free(text);
}

static void on_pair(void *arg, uint32_t si, uint32_t di)
{
	struct trial *t = arg;
	struct seen *s = &t->pairing->half[MATCH_SOURCE].v[si], *d = &t->pairing->half[MATCH_DEST].v[di];

	t->count[t->rung]++;
	if (t->rung > IDENT_CANONICAL)
		note_added(t, s->names, d->names);
	s->uid = d->uid = 0;
}

/* Climbs down the ladder; a message that neither was refused nor found counts as not recognised. */
static void pair_up(struct trial *t, struct trial_folder *f)
{
	t->pairing = f;
	for (t->rung = IDENT_EXACT; t->rung < IDENT_RUNGS; t->rung++) {
		struct match *m = match_new();

		for (int s = 0; s < MATCH_SIDES; s++)
			for (size_t i = 0; i < f->half[s].n; i++) {
				const struct seen *v = &f->half[s].v[i];

				if (v->uid != 0 && (v->id.have & (1u << t->rung)))
					match_add(m, (enum match_side)s, (uint32_t)i, &v->id.key[t->rung], 0);
			}
		match_run(m, on_pair, t);
		match_free(m);
	}
	for (size_t i = 0; i < f->half[MATCH_SOURCE].n; i++) {
		uint32_t uid = f->half[MATCH_SOURCE].v[i].uid;
		bool refused = false;

		for (size_t k = 0; k < f->j->nrefused; k++)
			refused = refused || f->j->refused[k].uid == uid;
		t->count[IDENT_RUNGS] += uid != 0 && !refused;
	}
}

static uint8_t weakest(const struct trial *t)
{
	for (uint8_t r = IDENT_RUNGS; r > IDENT_EXACT; r--)
		if (t->count[r] > 0)
			return r;
	return IDENT_EXACT;
}

static json_t *added_list(const struct copy *cp)
{
	json_t *list = json_array();

	for (size_t i = 0; cp->ignore != NULL && cp->ignore[i] != NULL; i++)
		json_array_append_new(list, json_string(cp->ignore[i]));
	return list;
}

static void tell(struct trial *t, uint8_t rung, unsigned messages)
{
	json_t *o = json_pack("{s:i, s:s, s:o}", "messages", (int)messages, "rung",
		rung < IDENT_RUNGS ? ident_rung_name((enum ident_rung)rung) : "none", "added", added_list(t->cp));

	for (int r = 0; r < IDENT_RUNGS; r++)
		json_object_set_new(o, ident_rung_name((enum ident_rung)r), json_integer(t->count[r]));
	json_object_set_new(o, "not_recognised", json_integer(t->count[IDENT_RUNGS]));
	event(t->cp->ev, "trial", o);
	if (rung >= IDENT_HEADER)
		copy_warn(t->cp, NULL, err_new(ERR_DEST_ALTERS, "of %u messages copied for a trial, %u came back with other content "
			"and %u were not recognised", messages, t->count[IDENT_HEADER], t->count[IDENT_RUNGS]));
}

static void finish(struct trial *t)
{
	struct copy *cp = t->cp;
	uint8_t rung = weakest(t);
	unsigned messages = 0;
	const struct err *e;
	struct buf names = BUF_INIT;

	for (int r = 0; r <= IDENT_RUNGS; r++)
		messages += t->count[r];
	for (size_t i = 0; cp->ignore != NULL && cp->ignore[i] != NULL; i++)
		buf_addf(&names, "%s%s", i > 0 ? " " : "", cp->ignore[i]);
	if (messages > 0) {
		tell(t, rung, messages);
		/* what cannot be recognised at all is looked for by the weakest rung there is */
		if (rung >= IDENT_HEADER)
			cp->lowest = IDENT_HEADER;
		e = state_note(cp->state, "rung", ident_rung_name(rung < IDENT_HEADER ? (enum ident_rung)rung : IDENT_HEADER));
		if (e == NULL)
			e = state_note(cp->state, "added", names.ptr);
		copy_check(cp, e);
		copy_dirty(cp);
	}
	buf_free(&names);
	for (unsigned i = 0; i < t->nf; i++)
		t->f[i].j->trial = false;
	cp->trial = NULL;
	trial_free(t);
	for (unsigned i = 0; i < cp->npairs; i++)
		pair_work(&cp->pairs[i]);
	if (cp->unfinished == 0)
		copy_finish(cp);
}

static void compare(struct trial *t)
{
	memset(t->count, 0, sizeof(t->count));
	if (t->reading != WITHOUT_ADDED)
		buf_reset(&t->added);
	for (unsigned i = 0; i < t->nf; i++)
		if (t->f[i].asked && !t->f[i].unsure)
			pair_up(t, &t->f[i]);
	if (t->reading == BY_EXACT && weakest(t) > IDENT_EXACT) {
		if (read_again(t, BY_ALL))
			return;
		memset(t->count, 0, sizeof(t->count)); /* nothing is known */
	}
	/* without what it adds: does that make them equal? */
	if (t->reading == BY_ALL && weakest(t) > IDENT_CANONICAL && t->added.len > 0) {
		set_ignore(t->cp, t->added.ptr);
		if (read_again(t, WITHOUT_ADDED))
			return;
	}
	if (t->reading == WITHOUT_ADDED && weakest(t) > IDENT_CANONICAL)
		log_info("the destination adds %s, and changes messages otherwise too", t->added.ptr);
	finish(t);
}

bool trial_took(struct copy *cp, struct job *j)
{
	struct trial *t = cp->trial;

	if (t == NULL || !j->trial)
		return false;
	j->trial = false;
	t->copying--;
	if (!j->failed) {
		j->phase = JOB_WAITING;
		uidset_clear(&j->todo);
		uidset_add_set(&j->todo, &j->held);
		j->looked = false;
	}
	check_end(t);
	return !j->failed;
}
