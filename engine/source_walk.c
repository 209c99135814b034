#include "source_walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "mem.h"
#include "url.h"

#include "banned.h"

struct walk {
	walk_fn *fn;
	walk_trouble_fn *trouble;
	void *arg;
	size_t root; /* bytes of the path that are not told */
	struct buf path;
};

static int by_text(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static const struct err *walk_folder(struct walk *w, int depth);

static const struct err *walk_one(struct walk *w, const char *name, int depth)
{
	size_t before = w->path.len;
	const struct err *e = NULL;
	struct stat st;

	buf_addf(&w->path, "/%s", name);
	if (lstat(w->path.ptr, &st) != 0) {
		w->trouble(w->arg, w->path.ptr + w->root, err_errno("%s", w->path.ptr));
	} else if (S_ISDIR(st.st_mode)) {
		e = walk_folder(w, depth + 1);
	} else if (S_ISREG(st.st_mode)) {
		struct walk_file f = {w->path.ptr, w->path.ptr + w->root, (uint64_t)st.st_size, st.st_mtime};

		e = w->fn(w->arg, &f);
	} else {
		w->trouble(w->arg, w->path.ptr + w->root,
			err_new(ERR_UNSUPPORTED, "%s: neither file nor folder: it is left alone", w->path.ptr + w->root));
	}
	buf_truncate(&w->path, before);
	return e;
}

static const struct err *walk_folder(struct walk *w, int depth)
{
	struct dirent **list = NULL;
	const struct err *e = NULL;
	int n;

	if (depth > WALK_DEPTH) {
		w->trouble(w->arg, w->path.ptr + w->root, err_new(ERR_SOURCE_DAMAGED, "folders deeper than %d", WALK_DEPTH));
		return NULL;
	}
	n = scandir(w->path.ptr, &list, no_dots, by_text);
	if (n < 0) {
		w->trouble(w->arg, w->path.len > w->root ? w->path.ptr + w->root : "", err_errno("%s", w->path.ptr));
		return NULL;
	}
	for (int i = 0; i < n; i++) {
		if (e == NULL)
			e = walk_one(w, list[i]->d_name, depth);
		free(list[i]);
	}
	free(list);
	return e;
}

const struct err *walk_tree(const char *root, walk_fn *fn, walk_trouble_fn *trouble, void *arg)
{
	struct walk w = {.fn = fn, .trouble = trouble, .arg = arg, .path = BUF_INIT};
	const struct err *e;

	buf_adds(&w.path, root);
	while (w.path.len > 1 && w.path.ptr[w.path.len - 1] == '/')
		buf_truncate(&w.path, w.path.len - 1);
	w.root = w.path.len + 1;
	e = walk_folder(&w, 0);
	buf_free(&w.path);
	return e;
}
