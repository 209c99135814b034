/* Folder names as text: what they say of a folder's use, and plain forms that every server takes. Pure. */
#ifndef MAP_TEXT_H
#define MAP_TEXT_H

#include <stdint.h>

/* The special use ("\\Sent" …) that a path's name tells in one of many languages; NULL: none. *rank (from 1): the
 * lower, the more usual the name. */
const char *map_role_of_name(const char *path, unsigned *rank);

/* The path in plain form ('/' between levels): 1 without the characters that servers refuse most, 2 letters, digits
 * and little more, levels of at most 60 bytes, 3 one level named by the path's hash. free() it. */
char *map_plain_name(const char *path, unsigned level);

uint64_t map_name_hash(const char *path);

#endif
