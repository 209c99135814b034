/* What comes in: each message's keys, flags and date, noted with its side of the folder. */
#include <stdlib.h>
#include <string.h>

#include "imap_date.h"
#include "mem.h"
#include "verify_pool.h"

#include "banned.h"

/* What finds no partner by its exact key is read again for all of them. Where that would be most of the messages,
 * the canonical key, which costs a sixth of the processor, is computed at once. */
static struct ident_reader *reader_for(const struct vtask *t)
{
	if (t->phase >= V_BODIES)
		return t->conn->full;
	return t->f->canonical || t->pool->vf->rewritten ? t->conn->canonical : t->conn->exact;
}

void vrecord_begin(void *arg, const struct imap_fetch *fetch, const char *section, uint64_t size)
{
	struct vconn *vc = ((struct vtask *)arg)->conn;

	(void)fetch;
	(void)section;
	(void)size;
	vc->reader = reader_for(arg);
	vc->has_body = false;
	ident_reader_reset(vc->reader);
}

void vrecord_data(void *arg, const void *p, size_t n)
{
	struct vconn *vc = ((struct vtask *)arg)->conn;

	vc->pool->vf->bytes_read += n;
	ident_reader_feed(vc->reader, p, n);
}

void vrecord_end(void *arg)
{
	struct vconn *vc = ((struct vtask *)arg)->conn;

	ident_reader_end(vc->reader, &vc->id);
	vc->has_body = true;
}

static enum verify_when when_of(const struct verify *vf, const struct vfolder *f, uint32_t uid, int32_t day,
	uint64_t size)
{
	if ((vf->since != 0 && day < vf->since) || (vf->before != 0 && day >= vf->before) ||
		(vf->app->opts.max_size != 0 && size > vf->app->opts.max_size))
		return V_EXCLUDED;
	if (vf->baseline != NULL && (!f->has_baseline || uid >= f->base_uidnext))
		return V_LATE;
	return V_EXPECTED;
}

static struct vmsg *add_msg(struct vside *s)
{
	if (s->n == s->cap) {
		/* STATUS says how many to expect, but a server's word never makes us take memory at once */
		s->cap += s->cap / 2 + 64;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	return &s->v[s->n++];
}

static void record_listed(struct vtask *t, const struct imap_fetch *f)
{
	struct verify *vf = t->pool->vf;
	struct vconn *vc = t->conn;
	struct vside *s = &t->f->side[t->pool->side];
	struct vmsg *m = add_msg(s);
	uint64_t size = vf->deep ? vc->id.size : f->size;
	int64_t date = 0;
	int32_t day = 0;
	bool dated = f->has_date && imap_date_parse(f->date, &date) && imap_date_as_written(f->date, &day);

	*m = (struct vmsg){.uid = f->uid, .size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX, .rung = V_NONE,
		.date_hi = (uint32_t)((uint64_t)date >> 32), .date_lo = (uint32_t)date,
		.flags = f->has_flags ? flagset_of(vf->flags, f->flags) : 0, .no_date = !dated};
	if (t->pool->side == MATCH_SOURCE)
		m->when = (uint8_t)when_of(vf, t->f, f->uid, day, size);
	if (!vf->deep) {
		ident_summary_key(&vc->id, size, &m->key);
	} else {
		m->key = vc->id.key[IDENT_EXACT];
		if (!(vc->id.have & IDENT_WANT_CANONICAL)) {
			s->exact_only = true;
		} else if (!vc->id.canonical_same) {
			if (s->nalt == s->cap_alt) {
				s->cap_alt += s->cap_alt / 2 + 64;
				s->alt = xreallocarray(s->alt, s->cap_alt, sizeof(*s->alt));
			}
			s->alt[s->nalt++] = (struct valt){.uid = f->uid, .key = vc->id.key[IDENT_CANONICAL]};
		}
	}
	if (t->pool->side == MATCH_SOURCE)
		vf->messages_done++;
}

static void record_body(struct vtask *t, uint32_t uid)
{
	struct vside *s = &t->f->side[t->pool->side];
	struct vdeep *d;

	if (s->ndeep == s->cap_deep) {
		s->cap_deep += s->cap_deep / 2 + 64;
		s->deep = xreallocarray(s->deep, s->cap_deep, sizeof(*s->deep));
	}
	d = &s->deep[s->ndeep++];
	d->uid = uid;
	d->have = t->conn->id.have;
	memcpy(d->key, t->conn->id.key, sizeof(d->key));
}

/* Whose message is it? A server may work on several commands at a time: what it sends is no answer to the oldest
 * one, only to one that asked for that UID. NULL: nobody's, or had already. */
static struct vtask *asked_for(const struct vconn *vc, const struct vtask *oldest, uint32_t uid)
{
	for (struct vtask *t = vc->first; t != NULL; t = t->next)
		if (t->f == oldest->f && t->phase == oldest->phase && uidset_has(&t->uids, uid))
			return uidset_has(&t->done, uid) ? NULL : t;
	return NULL;
}

/* A FETCH response is complete: its body, if it has one, went through the callbacks above. */
void vrecord_fetch(void *arg, const struct imap_resp *r)
{
	struct vtask *t = arg;
	struct vconn *vc = t->conn;
	const struct imap_fetch *f = &r->fetch;
	bool has_body = vc->has_body;

	if (r->kind != IMAP_FETCH)
		return;
	vc->has_body = false;
	/* Without a body it is news of flags that nobody asked for. */
	if (!has_body || f->uid == 0 || (t = asked_for(vc, t, f->uid)) == NULL)
		return;
	if (t->phase < V_BODIES && !f->has_size && !t->pool->vf->deep)
		return;
	uidset_add(&t->done, f->uid, f->uid);
	t->pool->losses = t->pool->breaks = t->pool->throttled = t->pool->refusals = 0;
	t->pool->vf->moved = true;
	if (t->phase == V_LIST || t->phase == V_RECHECK)
		record_listed(t, f);
	else if (t->phase == V_BODIES)
		record_body(t, f->uid);
	else
		verify_name_message(t->pool->vf, t->f, f->uid, vc->full);
}

void vrecord_search(void *arg, const struct imap_resp *r)
{
	struct vtask *t = arg;

	if (r->kind == IMAP_SEARCH || r->kind == IMAP_ESEARCH)
		uidset_add_set(&t->f->side[t->pool->side].found, &r->uids);
}
