#include "dns_apply.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "dns_http.h"
#include "mem.h"

#include "banned.h"

#define READS_MAX 5      /* looks at what stands after a change, when the provider does not answer */
#define READ_PAUSE_MS 500
#define SETTLE_MS 2000   /* a change whose answer was lost may still be under way */
#define DOMAINS_MAX 1000

struct step {
	struct dns_change change;
	json_t *provider; /* with this domain's zone */
	const json_t *wanted;
	json_t *before, *after;
	const char *set; /* old, new, mixed, unknown */
};

struct work {
	const struct dns_order *o;
	const struct dns_provider *p;
	struct step *v;
	size_t n;
};

/* --- leave --- */

static json_t *saved_sets(const struct work *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:O, s:O}", "domain", w->v[i].change.domain, "ttl",
			json_object_get(w->v[i].before, "ttl"), "records", json_object_get(w->v[i].before, "records")));
	return json_pack("{s:o}", "domains", list);
}

static const struct err *ask_leave(const struct work *w)
{
	const struct dns_order *o = w->o;
	json_t *body = json_pack("{s:s, s:o}", "permit", o->permit, "records", saved_sets(w));
	struct dns_http h = {.method = "POST",
		.url = o->permit_url,
		.body = body,
		.ca_file = o->api_ca_file,
		.deadline = o->change.deadline};
	const struct err *e = dns_http(&h);
	const struct err_row *row;

	if (e == NULL && h.status != 200) {
		row = err_row_by_code(dns_text(h.answer, "code"));
		e = err_new(row != NULL ? row->id : ERR_GATE_CLOSED, "%s", dns_text(h.answer, "detail"));
	} else if (e == NULL && !json_is_true(json_object_get(h.answer, "go"))) {
		e = err_new(ERR_GATE_CLOSED, "the API gave no leave");
	}
	json_decref(h.answer);
	json_decref(body);
	return e;
}

/* --- one domain --- */

static void pause_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static const char *which(const struct step *s, const json_t *after)
{
	if (after == NULL)
		return "unknown";
	if (dns_set_pending(after))
		return "mixed";
	if (dns_set_same(after, s->wanted))
		return "new";
	return dns_set_same(after, s->before) ? "old" : "mixed";
}

/* What stands now is read, not believed; a provider that does not answer is asked again. */
static void look(const struct work *w, struct step *s)
{
	json_t *after = NULL;

	for (int i = 0; i < READS_MAX && after == NULL; i++) {
		if (i > 0 && clock_mono_ms() + READ_PAUSE_MS > s->change.deadline)
			break;
		if (i > 0)
			pause_ms(READ_PAUSE_MS);
		if (w->p->read(&s->change, &after) != NULL)
			after = NULL;
	}
	json_decref(s->after);
	s->after = after;
	s->set = which(s, after);
}

static bool answer_lost(const struct err *e)
{
	return e != NULL && (e->id == ERR_LINE_LOST || e->id == ERR_TIMEOUT);
}

/* From `from` to `to`, and which set stands then. */
static const struct err *move(const struct work *w, struct step *s, const json_t *from, const json_t *to)
{
	const struct err *e = dns_set_same(from, to) && !dns_set_pending(from) ? NULL : w->p->replace(&s->change, from, to);
	struct err kept = {0};

	if (e != NULL) {
		kept = *e;
		e = &kept;
	}
	look(w, s);
	if (answer_lost(e) && s->after != NULL && dns_set_same(s->after, from)) {
		pause_ms(SETTLE_MS);
		look(w, s);
	}
	return e != NULL ? err_new(e->id, "%s", e->msg) : NULL;
}

/* What a provider left half done goes back to what it was. */
static void take_back(const struct work *w, struct step *s)
{
	json_t *now = s->after != NULL ? json_incref(s->after) : NULL;

	if (now != NULL)
		(void)move(w, s, now, s->before); /* the set that is read tells */
	json_decref(now);
}

static const struct err *change_one(const struct work *w, struct step *s)
{
	const struct err *e = move(w, s, s->before, s->wanted);
	enum err_id id = e != NULL ? e->id : ERR_NONE;
	char *words = xstrdup(e != NULL ? e->msg : "");

	/* of somebody else's change nothing is taken back */
	if (strcmp(s->set, "mixed") == 0 && (id != ERR_DNS_CHANGED || dns_set_pending(s->after)))
		take_back(w, s);
	if (strcmp(s->set, "new") == 0)
		e = NULL;
	else if (id != ERR_NONE)
		e = err_new(id, "%s", words);
	else
		e = err_new(ERR_DNS_REFUSED, "the provider said yes, but the wanted records do not stand");
	free(words);
	return e;
}

/* --- all of them --- */

static void free_steps(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		json_decref(w->v[i].provider);
		json_decref(w->v[i].before);
		json_decref(w->v[i].after);
	}
	free(w->v);
}

static const struct err *make_steps(struct work *w)
{
	json_t *v;
	size_t i;

	w->v = xcalloc(json_array_size(w->o->domains) + 1, sizeof(*w->v));
	if (json_array_size(w->o->domains) == 0 || json_array_size(w->o->domains) > DOMAINS_MAX)
		return err_new(ERR_INPUT, "the order names no domains, or too many");
	json_array_foreach(w->o->domains, i, v) {
		struct step *s = &w->v[w->n++];

		*s = (struct step){.change = w->o->change, .provider = json_copy((json_t *)(uintptr_t)w->o->change.provider),
			.wanted = json_object_get(v, "wanted"), .set = "old"};
		json_object_set_new(s->provider, "zone", json_string(dns_text(v, "zone")));
		s->change.domain = dns_text(v, "domain");
		s->change.provider = s->provider;
		if (*s->change.domain == '\0' || !json_is_array(json_object_get(s->wanted, "records")))
			return err_new(ERR_INPUT, "the order lacks a domain or its records");
	}
	return NULL;
}

static const struct err *read_all(struct work *w)
{
	const struct err *e = make_steps(w);

	for (size_t i = 0; e == NULL && i < w->n; i++) {
		e = w->p->read(&w->v[i].change, &w->v[i].before);
		if (e == NULL && dns_set_pending(w->v[i].before))
			e = err_new(ERR_CONFLICT, "the provider has changes that were not applied: apply or discard them there first");
		if (e == NULL)
			w->v[i].after = json_incref(w->v[i].before);
		else if (w->n > 1)
			e = err_wrap(e, "%s", w->v[i].change.domain);
	}
	return e;
}

static const struct err *change_all(struct work *w)
{
	const struct err *e = NULL;
	struct err kept;
	size_t i;

	for (i = 0; e == NULL && i < w->n; i++) {
		e = ask_leave(w);
		if (e == NULL)
			e = change_one(w, &w->v[i]);
	}
	if (e == NULL)
		return NULL;
	kept = *e;
	while (--i > 0)
		if (!dns_set_same(w->v[i - 1].before, w->v[i - 1].wanted))
			take_back(w, &w->v[i - 1]);
	return err_new(kept.id, "%s", kept.msg);
}

/* Of all domains together; one that wanted what it had is both. */
static const char *overall(const struct work *w)
{
	size_t old = 0, new = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct step *s = &w->v[i];
		bool same = s->before != NULL && dns_set_same(s->before, s->wanted);

		if (strcmp(s->set, "unknown") == 0)
			return "unknown";
		old += strcmp(s->set, "old") == 0 || (same && strcmp(s->set, "new") == 0);
		new += strcmp(s->set, "new") == 0;
	}
	return new == w->n && w->n > 0 ? "new" : old == w->n ? "old" : "mixed";
}

static const struct err *verdict(const struct work *w, const struct err *e, const char *set)
{
	struct buf text = BUF_INIT;
	const struct err *out;

	if (e == NULL)
		return NULL;
	if (strcmp(set, "old") == 0)
		return err_wrap(e, "the old records stand");
	for (size_t i = 0; i < w->n; i++) {
		char *now = w->v[i].after != NULL ? dns_set_text(w->v[i].after) : xstrdup("unknown");

		buf_addf(&text, "%s%s: %s (%s)", i > 0 ? "; " : "", w->v[i].change.domain, w->v[i].set, now);
		free(now);
	}
	out = err_new(ERR_DNS_MIXED, "look at the records now. %s. %s", text.ptr, e->msg);
	buf_free(&text);
	return out;
}

static json_t *document(const struct work *w, const char *set)
{
	json_t *list = json_array(), *doc = json_pack("{s:s, s:s, s:o}", "provider", w->o->kind, "set", set, "domains", list);

	for (size_t i = 0; i < w->n; i++) {
		const struct step *s = &w->v[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:O?, s:O?, s:O?}", "domain", s->change.domain, "set", s->set,
			"before", s->before, "wanted", s->wanted, "after", s->after));
	}
	if (w->n > 0) {
		json_t *first = json_copy(json_array_get(list, 0));

		json_object_del(first, "set");
		json_object_update(doc, first);
		json_decref(first);
	}
	return doc;
}

const struct err *dns_apply(const struct dns_order *o, json_t **doc)
{
	struct work w = {.o = o};
	const char *set = "old";
	const struct err *e = dns_provider_find(o->kind, &w.p);
	struct err kept = {0};

	if (e == NULL)
		e = read_all(&w);
	if (e != NULL) {
		e = err_wrap(e, "nothing was changed");
	} else {
		e = change_all(&w);
		set = overall(&w);
		e = verdict(&w, e, set);
	}
	if (e != NULL)
		kept = *e;
	*doc = document(&w, set);
	free_steps(&w);
	return e != NULL ? err_new(kept.id, "%s", kept.msg) : NULL;
}
