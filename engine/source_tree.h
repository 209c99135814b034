/* A folder of .eml files: what source_zip does when its path is no zip. */
#ifndef SOURCE_TREE_H
#define SOURCE_TREE_H

#include "source.h"

const struct err *source_tree_open_eml(struct source *s, const char *path);
const struct err *source_tree_read(struct source *s, const struct source_folder *f, const struct source_msg *m,
	source_sink *sink, void *arg);
void source_tree_close(struct source *s);

#endif
