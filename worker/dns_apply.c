#include "dns_apply.h"

#include <stdlib.h>
#include <string.h>

#include "dns_http.h"

#include "banned.h"

static const struct err *ask_leave(const struct dns_order *o, const json_t *before)
{
	json_t *body = json_pack("{s:s, s:O}", "permit", o->permit, "records", before);
	struct dns_http h = {.method = "POST",
		.url = o->permit_url,
		.body = body,
		.ca_file = o->api_ca_file,
		.deadline = o->change.deadline};
	const struct err *e = dns_http(&h);
	const struct err_row *row;

	if (e == NULL && h.status != 200) {
		row = err_row_by_code(dns_text(h.answer, "code"));
		e = err_new(row != NULL ? row->id : ERR_GATE_CLOSED, "nothing was changed: %s", dns_text(h.answer, "detail"));
	} else if (e == NULL && !json_is_true(json_object_get(h.answer, "go"))) {
		e = err_new(ERR_GATE_CLOSED, "nothing was changed: the API gave no leave");
	}
	json_decref(h.answer);
	json_decref(body);
	return e;
}

static const char *which(const json_t *after, const json_t *before, const json_t *wanted)
{
	if (after == NULL)
		return "unknown";
	if (dns_set_same(after, wanted))
		return "new";
	return dns_set_same(after, before) ? "old" : "mixed";
}

/* What a provider left half done goes back to what it was. */
static const char *repair(const struct dns_provider *p, const struct dns_change *c, json_t **after, const json_t *before)
{
	const struct err *e = p->replace(c, *after, before);

	json_decref(*after);
	*after = NULL;
	(void)e; /* what stands is read, not believed */
	if (p->read(c, after) != NULL)
		return "unknown";
	return dns_set_same(*after, before) ? "old" : "mixed";
}

static const struct err *verdict(const struct err *e, const char *set, const json_t *after)
{
	const struct err *out = e;
	char *text;

	if (strcmp(set, "new") == 0)
		return NULL;
	if (strcmp(set, "old") == 0)
		return e != NULL ? err_wrap(e, "the old records stand")
				 : err_new(ERR_DNS_REFUSED, "the provider said yes, but the old records stand");
	text = dns_set_text(after);
	out = err_new(ERR_DNS_MIXED, "look at the records now (%s): %s", strcmp(set, "mixed") == 0 ? text : "unknown",
		e != NULL ? e->msg : "they are neither the old nor the new ones");
	free(text);
	return out;
}

const struct err *dns_apply(const struct dns_order *o, json_t **doc)
{
	const struct dns_provider *p;
	json_t *before = NULL, *after = NULL;
	const char *set = "unknown";
	const struct err *e = dns_provider_find(o->kind, &p);

	*doc = json_pack("{s:s, s:s, s:s, s:O}", "provider", o->kind, "domain", o->change.domain, "set", "old", "wanted",
		o->wanted);
	if (e == NULL)
		e = p->read(&o->change, &before);
	if (e != NULL)
		return err_wrap(e, "nothing was changed");
	json_object_set(*doc, "before", before);
	if ((e = ask_leave(o, before)) != NULL) {
		json_object_set(*doc, "after", before);
		json_decref(before);
		return e;
	}
	if (!dns_set_same(before, o->wanted))
		e = p->replace(&o->change, before, o->wanted);
	if (p->read(&o->change, &after) == NULL)
		set = which(after, before, o->wanted);
	if (strcmp(set, "mixed") == 0 && (e == NULL || e->id != ERR_DNS_CHANGED))
		set = repair(p, &o->change, &after, before);
	e = verdict(e, set, after);
	json_object_set_new(*doc, "set", json_string(set));
	if (after != NULL)
		json_object_set(*doc, "after", after);
	json_decref(before);
	json_decref(after);
	return e;
}
