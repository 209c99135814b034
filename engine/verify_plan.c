/* Both surveys and the baseline in; the folders that are to be compared out. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "verify.h"

#include "banned.h"

static void set_side(struct vside *s, const struct survey_folder *sf)
{
	s->exists = true;
	s->counted = sf->counted;
	s->messages = sf->messages;
	s->uidnext = sf->uidnext;
	s->uidvalidity = sf->uidvalidity;
}

static struct vfolder *new_folder(struct verify *vf, const char *display)
{
	struct vfolder *f = &vf->folder[vf->nfolder];

	f->index = (unsigned)vf->nfolder++;
	f->display = xstrdup(display);
	return f;
}

/* A name that the destination refuses: the copy has taken one of its substitutes. */
static const struct survey_folder *substitute_of(struct verify *vf, const struct map_folder *mf, struct vfolder *f)
{
	const struct survey_folder *df = NULL;

	for (unsigned level = 1; level <= MAP_SUBSTITUTES && df == NULL; level++) {
		char *raw = map_substitute(vf->map, mf, level);

		df = survey_find(&vf->survey[MATCH_DEST], raw);
		if (df != NULL) {
			free(f->dest_display);
			free(f->side[MATCH_DEST].raw);
			f->dest_display = map_display(raw, strlen(raw), vf->survey[MATCH_DEST].side.utf8);
			f->side[MATCH_DEST].raw = raw;
			raw = NULL;
		}
		free(raw);
	}
	return df;
}

static void plan_folder(struct verify *vf, const struct survey_folder *sf)
{
	struct map_folder mf = survey_map_folder(sf);
	struct vfolder *f = new_folder(vf, sf->display);
	struct vside *src = &f->side[MATCH_SOURCE], *dst = &f->side[MATCH_DEST];
	const struct survey_folder *df;
	const char *dest;

	set_side(src, sf);
	src->raw = xstrdup(sf->raw);
	f->excluded = !map_selected(vf->map, &mf);
	f->has_baseline = vf->baseline != NULL &&
		baseline_find(vf->baseline, sf->display, &f->base_uidvalidity, &f->base_uidnext);
	if (f->excluded)
		return;
	dest = map_name(vf->map, &mf);
	dst->raw = xstrdup(dest);
	f->dest_display = map_display(dest, strlen(dest), vf->survey[MATCH_DEST].side.utf8);
	df = survey_find(&vf->survey[MATCH_DEST], dest);
	if (df == NULL && map_doubtful(vf->map, &mf))
		df = substitute_of(vf, &mf, f);
	if (df != NULL && df->selectable)
		set_side(dst, df);
	/* of another UIDVALIDITY, the baseline's UIDNEXT says nothing: all count, and the folder is not complete */
	if (f->has_baseline && sf->counted && f->base_uidvalidity != sf->uidvalidity)
		f->base_uidnext = UINT32_MAX;
	f->weight = src->messages + dst->messages;
	vf->messages_total += src->messages;
}

static void plan_lost(struct verify *vf, const char *display)
{
	struct vfolder *f = new_folder(vf, display);

	f->lost = true;
	f->dest_display = xstrdup("");
	event_warning(vf->app->events,
		err_new(ERR_SOURCE_CHANGED, "the last pass read this folder; the source has it no longer"), display);
}

static bool is_target(const struct verify *vf, const struct survey_folder *df)
{
	for (size_t i = 0; i < vf->nfolder; i++) {
		const char *raw = vf->folder[i].side[MATCH_DEST].raw;

		if (raw != NULL && survey_find(&vf->survey[MATCH_DEST], raw) == df)
			return true;
	}
	return false;
}

/* Folders that only the destination has: their messages are extra, and nobody is asked to read them. */
static void count_extra_folders(struct verify *vf)
{
	const struct survey *d = &vf->survey[MATCH_DEST];

	for (size_t i = 0; i < d->n; i++)
		if (d->f[i].selectable && d->f[i].messages > 0 && !is_target(vf, &d->f[i])) {
			json_t *o = json_pack("{sI}", "messages", (json_int_t)d->f[i].messages);

			event_name(o, "dest", d->f[i].display, strlen(d->f[i].display));
			event(vf->app->events, "extra_folder", o);
			vf->total.extra += d->f[i].messages;
		}
}

const struct err *verify_plan(struct verify *vf)
{
	const struct survey *src = &vf->survey[MATCH_SOURCE], *dst = &vf->survey[MATCH_DEST];
	const struct err *e = map_new(&vf->map, &vf->app->opts, &src->side, &dst->side);
	const char *gone;
	size_t at = 0, lost = 0;

	if (e != NULL)
		return e;
	for (size_t i = 0; i < dst->n; i++) {
		struct map_folder mf = survey_map_folder(&dst->f[i]);

		map_add_dest(vf->map, &mf);
	}
	for (size_t i = 0; i < src->n; i++) {
		struct map_folder mf = survey_map_folder(&src->f[i]);

		if (src->f[i].selectable)
			map_add_source(vf->map, &mf);
	}
	for (size_t i = 0; i < src->n; i++) {
		struct map_folder mf = survey_map_folder(&src->f[i]);

		if (src->f[i].selectable && map_selected(vf->map, &mf))
			map_name(vf->map, &mf); /* substitutes depend on all names */
	}
	vf->folder = xcalloc(src->n + 1, sizeof(*vf->folder));
	for (size_t i = 0; i < src->n; i++)
		if (src->f[i].selectable)
			plan_folder(vf, &src->f[i]);
	while (vf->baseline != NULL && baseline_unseen(vf->baseline, &at) != NULL)
		lost++;
	vf->folder = xreallocarray(vf->folder, vf->nfolder + lost + 1, sizeof(*vf->folder));
	memset(vf->folder + vf->nfolder, 0, (lost + 1) * sizeof(*vf->folder));
	for (at = 0; lost > 0 && (gone = baseline_unseen(vf->baseline, &at)) != NULL;)
		plan_lost(vf, gone);
	count_extra_folders(vf);
	return NULL;
}
