/*
 * Folder names that the destination may refuse: they are created before anything else is planned, and one that is
 * refused gets a substitute (map_substitute), the same in every run, with a warning that names both.
 */
#ifndef NAMES_H
#define NAMES_H

struct copy;

/* Both sides are listed and cp->map stands: settles the names, then calls done(cp); at once when all are plain.
 * When the connection is lost meanwhile done does not come: the lists are asked for anew. */
void names_settle(struct copy *cp, void (*done)(struct copy *cp));

#endif
