#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "imap_quirk.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

struct names {
	struct copy *cp;
	void (*done)(struct copy *cp);
	size_t left; /* names not settled */
};

struct name {
	struct names *all;
	struct map_folder f; /* of cp->src, which stays as it is while the connection lives */
	char *raw;           /* what is being tried at the destination */
	unsigned attempt;    /* 0: its own name */
	bool made;
};

static void try_name(struct name *n);

static void answered(struct names *all)
{
	struct copy *cp = all->cp;
	void (*done)(struct copy *) = all->done;

	if (--all->left > 0)
		return;
	free(all);
	done(cp);
}

static char *note_key(const struct map_folder *f)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "substitute ");
	str_hex(&b, f->raw, f->len);
	return buf_detach(&b);
}

static void settled(struct name *n)
{
	struct names *all = n->all;
	struct copy *cp = all->cp;

	if (n->made)
		folders_find(&cp->src, n->f.raw, n->f.len)->made = true;
	if (n->attempt > 0) {
		char *key = note_key(&n->f), *was = map_display(n->f.raw, n->f.len, cp->src.side.utf8);
		char *is = map_display(n->raw, strlen(n->raw), cp->dst.side.utf8);

		map_replace(cp->map, &n->f, n->raw);
		event_warning(cp->ev, err_new(ERR_FOLDER_DENIED, "the destination refuses the name \"%s\": the mail goes to \"%s\"",
					      was, is), was);
		copy_check(cp, state_note(cp->state, key, n->raw));
		free(key);
		free(was);
		free(is);
	}
	free(n->raw);
	free(n);
	answered(all);
}

static void on_create(void *arg, const struct imap_result *res)
{
	struct name *n = arg;
	struct names *all = n->all;

	if (res->lost) { /* the pair lists both sides again */
		free(n->raw);
		free(n);
		if (--all->left == 0)
			free(all);
		return;
	}
	if (res->kind == IMAP_OK || quirk_already_exists(res->resp)) {
		n->made = true;
		settled(n);
		return;
	}
	free(n->raw);
	n->raw = quirk_server_failed(res->resp) ? NULL : map_substitute(n->all->cp->map, &n->f, ++n->attempt);
	if (n->raw == NULL) { /* under its own name it will be refused again, and reported */
		free(n);
		answered(all);
		return;
	}
	try_name(n);
}

static void try_name(struct name *n)
{
	static const struct imap_handler h = {.done = on_create};
	struct copy *cp = n->all->cp;
	const struct folder *d = folders_find(&cp->dst, n->raw, strlen(n->raw));

	if (d != NULL && d->selectable) {
		settled(n);
		return;
	}
	imap_begin(cp->pairs[0].dst, &h, n);
	imap_text(cp->pairs[0].dst, "CREATE ");
	imap_mailbox(cp->pairs[0].dst, n->raw, strlen(n->raw));
	imap_end(cp->pairs[0].dst);
}

/* What an earlier run found out is used again while the folder is there. */
static bool known(struct name *n)
{
	struct copy *cp = n->all->cp;
	char *key = note_key(&n->f), *raw = NULL;
	bool there = false;

	copy_check(cp, state_noted(cp->state, key, &raw));
	free(key);
	if (raw != NULL && folders_find(&cp->dst, raw, strlen(raw)) != NULL) {
		free(n->raw);
		n->raw = raw;
		n->attempt = 1;
		settled(n);
		there = true;
	} else {
		free(raw);
	}
	return there;
}

void names_settle(struct copy *cp, void (*done)(struct copy *cp))
{
	struct names *all = xcalloc(1, sizeof(*all));

	*all = (struct names){.cp = cp, .done = done, .left = 1};
	for (size_t i = 0; i < cp->src.n && !cp->o->dry_run; i++) {
		const struct folder *f = &cp->src.f[i];
		struct map_folder mf = {f->raw, f->len, f->sep, f->role};
		const char *dst;
		struct name *n;

		if (!f->selectable || !map_selected(cp->map, &mf) || !map_doubtful(cp->map, &mf))
			continue;
		dst = map_name(cp->map, &mf);
		if (folders_find(&cp->dst, dst, strlen(dst)) != NULL)
			continue;
		n = xcalloc(1, sizeof(*n));
		*n = (struct name){.all = all, .f = mf, .raw = xstrdup(dst)};
		all->left++;
		if (!known(n))
			try_name(n);
	}
	answered(all);
}
