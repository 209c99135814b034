/* A tree of files, in an order that is always the same. Links are not followed. */
#ifndef SOURCE_WALK_H
#define SOURCE_WALK_H

#include <stdint.h>

#include "err.h"

#define WALK_DEPTH 64

struct walk_file {
	const char *path;  /* to open it */
	const char *below; /* the same without the tree's own path: "Sent.sbd/2020" */
	uint64_t size;
	int64_t mtime;
};

/* An error of fn ends the walk. A folder that cannot be read is told to `trouble` and passed over. */
typedef const struct err *walk_fn(void *arg, const struct walk_file *f);
typedef void walk_trouble_fn(void *arg, const char *below, const struct err *e);
const struct err *walk_tree(const char *root, walk_fn *fn, walk_trouble_fn *trouble, void *arg);

#endif
