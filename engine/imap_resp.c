#include "imap_resp.h"

#include <string.h>
#include <strings.h>

#include "imap_parse.h"

#include "banned.h"

static bool same(const struct imap_val *v, const char *word)
{
	return v->type == IMAP_V_ATOM && strcasecmp(v->s, word) == 0;
}

static const char *role_of(const struct imap_val *v)
{
	static const char *const roles[] = {"\\Sent", "\\Drafts", "\\Trash", "\\Junk", "\\Archive", "\\All", "\\Flagged",
		"\\Important"};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (same(v, roles[i]))
			return roles[i];
	return NULL;
}

bool imap_resp_list(const struct imap_resp *r, struct imap_list_item *out)
{
	const struct imap_val *v = r->v, *end;

	memset(out, 0, sizeof(*out));
	if ((r->kind != IMAP_LIST && r->kind != IMAP_LSUB) || r->nv < 3 || v->type != IMAP_V_LIST ||
		v->span + 2 > r->nv)
		return false;
	for (end = v + v->span, v++; v < end; v++) {
		const char *role = role_of(v);

		if (role != NULL)
			out->role = role;
		out->noselect = out->noselect || same(v, "\\Noselect");
		out->nonexistent = out->nonexistent || same(v, "\\NonExistent");
		out->noinferiors = out->noinferiors || same(v, "\\Noinferiors");
		out->subscribed = out->subscribed || same(v, "\\Subscribed");
		out->has_children = out->has_children || same(v, "\\HasChildren");
	}
	out->sep = v[0].type == IMAP_V_NIL || v[0].n == 0 ? '\0' : v[0].s[0];
	out->name = v[1].s;
	out->len = v[1].n;
	return v[1].type != IMAP_V_LIST;
}

bool imap_resp_status(const struct imap_resp *r, struct imap_status_item *out)
{
	const struct imap_val *v = r->v;

	memset(out, 0, sizeof(*out));
	if (r->kind != IMAP_STATUS || r->nv < 2 || v[0].type == IMAP_V_LIST || v[1].type != IMAP_V_LIST)
		return false;
	out->name = v[0].s;
	out->len = v[0].n;
	for (size_t i = 2; i + 1 < 1 + v[1].span; i += 2) {
		uint64_t n;

		if (!imap_number(v[i + 1].s, v[i + 1].n, &n))
			continue;
		if (same(&v[i], "MESSAGES")) {
			out->has_messages = true;
			out->messages = n;
		} else if (same(&v[i], "UIDNEXT") && n <= UINT32_MAX) {
			out->has_uidnext = true;
			out->uidnext = (uint32_t)n;
		} else if (same(&v[i], "UIDVALIDITY") && n <= UINT32_MAX) {
			out->has_uidvalidity = true;
			out->uidvalidity = (uint32_t)n;
		} else if (same(&v[i], "HIGHESTMODSEQ")) {
			out->has_modseq = true;
			out->modseq = n;
		} else if (same(&v[i], "SIZE")) {
			out->has_size = true;
			out->size = n;
		}
	}
	return true;
}

bool imap_resp_code_number(const struct imap_resp *r, const char *code, uint64_t *out)
{
	return strcmp(r->code, code) == 0 && imap_number(r->code_args, strcspn(r->code_args, " "), out);
}

bool imap_resp_appenduid(const struct imap_resp *r, uint32_t *uidvalidity, struct uidset *out)
{
	size_t n = strcspn(r->code_args, " ");
	uint64_t v;

	uidset_clear(out);
	if (strcmp(r->code, "APPENDUID") != 0 || r->code_args[n] != ' ' || !imap_number(r->code_args, n, &v) ||
		v > UINT32_MAX)
		return false;
	*uidvalidity = (uint32_t)v;
	return uidset_parse(out, r->code_args + n + 1, strlen(r->code_args + n + 1));
}
