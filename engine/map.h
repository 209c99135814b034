/*
 * Which destination folder a source folder goes to. Pure. A name on the wire is decoded (modified UTF-7), cut
 * at the source's separator, freed of the source's namespace prefix, and put together again for the
 * destination. The verifier uses the same map, so both always mean the same folder.
 *
 * Order of rules: INBOX is INBOX; a --map row (SRC=DST, UTF-8, '/' or the side's own separator between levels;
 * SRC/... maps a subtree); with --automap the destination's folder of the same special use; else the same name.
 * What the destination cannot hold (its separator inside a level) becomes '_'; two sources that would
 * share a folder only because of that get different ones.
 */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "opts.h"

/* A folder as LIST showed it. */
struct map_folder {
	const char *raw; /* bytes of the wire */
	size_t len;
	char sep;
	const char *role; /* "\Sent" …; NULL */
};

struct map_side {
	const char *prefix; /* personal namespace, "" or "INBOX." as on the wire */
	char sep;           /* of the personal namespace; '\0': flat */
	bool utf8;          /* UTF8=ACCEPT is on */
};

struct map;

const struct err *map_new(struct map **out, const struct opts *o, const struct map_side *src, const struct map_side *dst);
void map_free(struct map *m);
/* Folders of both sides, for --automap: their roles, or what names like "Enviados" or "Sent Items" say where a server
 * tells no roles. Call before the first map_name. */
void map_add_dest(struct map *m, const struct map_folder *f);
void map_add_source(struct map *m, const struct map_folder *f);
/* Selected by --include and --exclude? Patterns are shell globs on the UTF-8 name with '/' between levels. */
bool map_selected(struct map *m, const struct map_folder *f);
/* The destination's raw name, the map's own, the same for the same folder. */
const char *map_name(struct map *m, const struct map_folder *f);

/* Holds the name what some servers refuse (quotes, %, *, backslash, emoji, spaces at an end, great length)? */
bool map_doubtful(struct map *m, const struct map_folder *f);
/* The name to try at the destination when its own was refused, from near to far: level 1 to MAP_SUBSTITUTES; NULL
 * beyond. It depends on the source's names alone, so it is the same in every run; call map_name for every selected
 * folder before, or substitutes of two folders may meet. free() it. */
#define MAP_SUBSTITUTES 3
char *map_substitute(struct map *m, const struct map_folder *f, unsigned level);
void map_replace(struct map *m, const struct map_folder *f, const char *dst); /* what map_name gives from now on */

/* UTF-8 for people: decoded, the folder's own separator kept. Bytes that cannot be decoded stay. free() it. */
char *map_display(const char *raw, size_t len, bool utf8);

#endif
