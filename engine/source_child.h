/* What mailmover-source does: feed.c starts it with the engine's end of a socket as standard input. */
#ifndef SOURCE_CHILD_H
#define SOURCE_CHILD_H

int source_child(const char *kind, const char *path); /* exit status */

#endif
