/* What is wrong gets a name: the header of each message in question is read once more, at the very end. */
#include <stdlib.h>
#include <string.h>

#include "verify.h"

#include "banned.h"

static int extra_by_key(const void *a, const void *b)
{
	const struct vextra *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* A message that is missing in its folder and left over in another one was put, or moved, there. Each one left
 * over answers for one missing. */
void verify_name_elsewhere(struct verify *vf)
{
	struct vextra key, *e;

	if (vf->nextra > 1)
		qsort(vf->extra, vf->nextra, sizeof(*vf->extra), extra_by_key);
	for (size_t i = 0; i < vf->nitem && vf->nextra > 0; i++) {
		struct vitem *it = &vf->item[i];

		if (it->kind != V_ITEM_MISSING || it->unreadable)
			continue;
		key.key = it->key;
		e = bsearch(&key, vf->extra, vf->nextra, sizeof(key), extra_by_key);
		if (e == NULL)
			continue;
		while (e > vf->extra && extra_by_key(e - 1, &key) == 0)
			e--;
		for (; e < vf->extra + vf->nextra && extra_by_key(e, &key) == 0; e++)
			if (e->uid != 0) {
				it->elsewhere = 1 + e->folder;
				it->dest_uid = e->uid;
				e->uid = 0;
				break;
			}
	}
}

static int by_place(const void *a, const void *b)
{
	const struct vitem *x = a, *y = b;

	if (x->folder != y->folder)
		return x->folder < y->folder ? -1 : 1;
	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* The first item of that place or behind it. */
static size_t find(const struct verify *vf, uint32_t folder, uint32_t uid)
{
	size_t lo = 0, hi = vf->nitem;
	struct vitem key = {.folder = folder, .uid = uid};

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_place(&vf->item[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void verify_name_start(struct verify *vf)
{
	struct uidset uids = UIDSET_INIT;

	if (vf->nitem > 1)
		qsort(vf->item, vf->nitem, sizeof(*vf->item), by_place);
	for (size_t i = 0; i < vf->nitem;) {
		struct vfolder *f = &vf->folder[vf->item[i].folder];

		uidset_clear(&uids);
		for (; i < vf->nitem && vf->item[i].folder == f->index; i++)
			uidset_add(&uids, vf->item[i].uid, vf->item[i].uid);
		f->phase = V_NAMES;
		vf->naming++;
		vpool_add(vf->pool[MATCH_SOURCE], f, V_NAMES, &uids, false);
	}
	uidset_free(&uids);
}

void verify_name_message(struct verify *vf, struct vfolder *f, uint32_t uid, const struct ident_reader *r)
{
	for (size_t i = find(vf, f->index, uid); i < vf->nitem; i++) {
		struct vitem *it = &vf->item[i];

		if (it->folder != f->index || it->uid != uid)
			break;
		if (!it->told)
			verify_report_item(vf, it, r);
		it->told = true;
	}
}

bool verify_name_untold(struct verify *vf, struct vfolder *f, struct uidset *out)
{
	for (size_t i = find(vf, f->index, 0); i < vf->nitem && vf->item[i].folder == f->index; i++)
		if (!vf->item[i].told)
			uidset_add(out, vf->item[i].uid, vf->item[i].uid);
	return out->n > 0;
}

void verify_name_rest(struct verify *vf, struct vfolder *f)
{
	const struct vside *src = &f->side[MATCH_SOURCE];

	for (size_t i = find(vf, f->index, 0); i < vf->nitem && vf->item[i].folder == f->index; i++) {
		struct vitem *it = &vf->item[i];

		if (it->told)
			continue;
		it->gone = !src->failed && !uidset_has(&src->found, it->uid);
		it->told = true;
		verify_report_item(vf, it, NULL);
	}
}
