/*
 * --dry-run: the plan, folder by folder. What STATUS has not told (how many messages a rule or an earlier pass leaves
 * to do, and their sizes) is asked of the source, which is only EXAMINEd.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "mem.h"
#include "table.h"

#include "banned.h"

struct preview {
	struct copy *cp;
	size_t at;
	int step;
	unsigned left;
	struct uidset found; /* by the filters */
	uint64_t n, bytes;   /* to be copied of this folder */
	uint64_t sum, sum_bytes;
	unsigned create, subscribe;
	size_t width[2]; /* columns of names: source, destination */
};

static void next_step(struct preview *v);

void preview_free(struct preview *v)
{
	if (v == NULL)
		return;
	uidset_free(&v->found);
	free(v);
}

static void on_done(void *arg, const struct imap_result *res)
{
	struct preview *v = arg;
	struct job *j = &v->cp->jobs[v->at];

	if (res->lost) /* the pair starts over, and this with it */
		return;
	if (res->kind != IMAP_OK && !j->failed) {
		j->failed = true;
		v->cp->partial = true;
		copy_warn(v->cp, j, err_wrap(res->err, "the source does not say what it holds"));
	}
	if (--v->left == 0)
		next_step(v);
}

static void on_search(void *arg, const struct imap_resp *r)
{
	if (r->kind == IMAP_SEARCH || r->kind == IMAP_ESEARCH)
		uidset_add_set(&((struct preview *)arg)->found, &r->uids);
}

static void on_size(void *arg, const struct imap_resp *r)
{
	struct preview *v = arg;

	if (r->kind != IMAP_FETCH || !r->fetch.has_size || !uidset_has(&v->cp->jobs[v->at].todo, r->fetch.uid))
		return;
	v->n++;
	v->bytes += r->fetch.size;
}

static void examine(struct preview *v, const struct job *j)
{
	static const struct imap_handler h = {.done = on_done}, search = {.untagged = on_search, .done = on_done};
	struct pair *p = &v->cp->pairs[0];
	struct buf filter = BUF_INIT;

	v->left++;
	p->selected = NULL;
	imap_begin(p->src, &h, v);
	imap_text(p->src, "EXAMINE ");
	imap_mailbox(p->src, j->src->raw, j->src->len);
	imap_end(p->src);
	if (!j->search)
		return;
	v->left++;
	plan_filter(v->cp->o, &filter);
	imap_command(p->src, &search, v, "UID SEARCH %s", filter.ptr);
	buf_free(&filter);
}

static void ask_sizes(struct preview *v, struct job *j)
{
	static const struct imap_handler h = {.untagged = on_size, .done = on_done};
	struct uidset out = UIDSET_INIT;
	struct buf text = BUF_INIT;

	if (j->search) {
		uidset_add_set(&out, &j->todo);
		uidset_sub(&out, &v->found);
		uidset_sub(&j->todo, &out);
	}
	for (size_t at = 0; !j->failed && (buf_reset(&text), uidset_format(&j->todo, &at, 7000, &text));) {
		v->left++;
		imap_command(v->cp->pairs[0].src, &h, v, "UID FETCH %s (UID RFC822.SIZE)", text.ptr);
	}
	uidset_free(&out);
	buf_free(&text);
}

static void tell(struct preview *v, const struct job *j)
{
	const struct folder *there = folders_find(&v->cp->dst, j->dst_raw, strlen(j->dst_raw));
	bool subscribe = j->src->subscribed && (there == NULL || !there->subscribed);
	char sep[2] = {j->src->sep, '\0'};
	json_t *o = json_object();

	event_name(o, "folder", j->name, strlen(j->name));
	event_name(o, "dest", j->dst_name, strlen(j->dst_name));
	json_object_set_new(o, "sep", json_string(sep));
	json_object_set_new(o, "messages", json_integer((json_int_t)j->src->messages));
	json_object_set_new(o, "bytes", json_integer((json_int_t)j->src->size));
	json_object_set_new(o, "to_copy", json_integer((json_int_t)v->n));
	json_object_set_new(o, "to_copy_bytes", json_integer((json_int_t)v->bytes));
	json_object_set_new(o, "create", json_boolean(!j->created));
	json_object_set_new(o, "subscribe", json_boolean(subscribe));
	json_object_set_new(o, "compare", json_boolean(j->reconcile));
	event(v->cp->ev, "plan_folder", o);
	table_text(j->name, v->width[0]);
	printf(" -> ");
	table_text(j->dst_name, v->width[1]);
	printf(" %8" PRIu64 " %8" PRIu64 " %12" PRIu64 "%s%s%s\n", j->src->messages, v->n, v->bytes,
		j->created ? "" : "  create", subscribe ? "  subscribe" : "",
		j->reconcile ? "  compare first: some may be there" : "");
	v->sum += v->n;
	v->sum_bytes += v->bytes;
	v->create += !j->created;
	v->subscribe += subscribe;
}

/* STATUS said it all: everything is to be copied, or nothing. */
static bool known(struct preview *v, const struct job *j)
{
	v->n = v->bytes = 0;
	if (j->phase == JOB_DONE || j->failed)
		return true;
	if (j->search || j->base > 0 || v->cp->only != NULL || !v->cp->src.has_size)
		return false;
	v->n = j->src->messages;
	v->bytes = j->src->size;
	return true;
}

static void finish(struct preview *v)
{
	struct copy *cp = v->cp;

	for (size_t i = 0; i < cp->src.n; i++) {
		const struct folder *f = &cp->src.f[i];
		struct map_folder mf = {f->raw, f->len, f->sep, f->role};
		char *name;

		if (!f->selectable || map_selected(cp->map, &mf))
			continue;
		name = map_display(f->raw, f->len, cp->src.side.utf8);
		table_text(name, v->width[0]);
		printf(" -> %-*s %8" PRIu64 "\n", (int)v->width[1], "(left out)", f->messages);
		free(name);
	}
	printf("%zu folders, %u to be created, %u to be subscribed; %" PRIu64 " messages, %" PRIu64 " bytes to be copied; "
	       "nothing was changed\n", cp->njobs, v->create, v->subscribe, v->sum, v->sum_bytes);
	fflush(stdout);
	cp->previewed = true;
	cp->preview = NULL;
	preview_free(v);
	copy_finish(cp);
}

/* True: the folder is over. */
static bool step(struct preview *v, struct job *j)
{
	v->left = 1; /* so that nothing answered at once ends the step */
	switch (v->step++) {
	case 0:
		plan_only(j);
		if (known(v, j))
			break;
		uidset_clear(&v->found);
		examine(v, j);
		v->left--;
		return false;
	case 1:
		ask_sizes(v, j);
		if (--v->left > 0)
			return false;
		break;
	default:
		break;
	}
	tell(v, j);
	return true;
}

static void next_step(struct preview *v)
{
	const struct pair *p = &v->cp->pairs[0];

	for (; v->at < v->cp->njobs; v->at++, v->step = 0) {
		if (v->cp->failed || p->dead || p->src == NULL)
			return;
		if (!step(v, &v->cp->jobs[v->at]))
			return;
	}
	finish(v);
}

/* Columns as wide as the names want them. */
static void heading(struct preview *v)
{
	const struct folders *src = &v->cp->src;

	v->width[0] = v->width[1] = 12;
	for (size_t i = 0; i < src->n; i++) {
		char *name = map_display(src->f[i].raw, src->f[i].len, src->side.utf8);

		v->width[0] = table_widen(v->width[0], name);
		free(name);
	}
	for (size_t i = 0; i < v->cp->njobs; i++)
		v->width[1] = table_widen(v->width[1], v->cp->jobs[i].dst_name);
	printf("%-*s    %-*s %8s %8s %12s\n", (int)v->width[0], "source", (int)v->width[1], "destination", "messages",
		"to copy", "bytes");
}

bool preview_start(struct copy *cp)
{
	const struct pair *p = &cp->pairs[0];

	if (!cp->o->dry_run || cp->previewed)
		return false;
	if (cp->preview != NULL || p->dead || !p->src_ready)
		return true;
	cp->preview = xcalloc(1, sizeof(*cp->preview));
	cp->preview->cp = cp;
	heading(cp->preview);
	next_step(cp->preview);
	return true;
}
