/*
 * Finds work in the spool: reports that wait in outbox/, folders in running/ that nobody holds, and run files in
 * incoming/ (inotify, and a look every SCAN_SECONDS for what inotify cannot tell).
 */
#ifndef WORKER_SCANNER_H
#define WORKER_SCANNER_H

#include "err.h"

#define SCAN_SECONDS 10

struct scanner;
struct supervisor;

const struct err *scanner_new(struct scanner **out, struct supervisor *s);
void scanner_free(struct scanner *s);
void scanner_look(struct scanner *s); /* soon, from the loop */

#endif
