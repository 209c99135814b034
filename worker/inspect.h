/*
 * Files of mail looked at in a process of their own, confined like a tool: `migration-worker inspect COMMAND …`, which
 * only the worker itself starts. What is found goes to --events as JSON, one object a line.
 *
 *   mbox FOLDER|FILE         {"t":"box","path","messages","bytes"} for each mbox, {"t":"items","path","items"} for
 *                            readpst's other files
 *   rest FILE N TO           the messages of an mbox from number N on, into the file TO
 *   split FILE FOLDER PREFIX each message of an mbox as FOLDER/PREFIX-N.eml: {"t":"eml","file","size"}
 *   tgz FILE                 {"t":"folder","folder","messages","bytes"}, then {"t":"archive","messages","others"}; status 3
 *                            and {"t":"damage","message"} when it is damaged
 *   address HOSTS NETWORKS   lists with commas: whether a host is an address in one of the networks; status 3 and
 *                            {"t":"damage","message"} when one is
 *   compare FILE LISTING     which messages of FILE stand in LISTING, the destination's export without bodies:
 *                            {"t":"compared","folder","expected","found"} for each folder
 */
#ifndef WORKER_INSPECT_H
#define WORKER_INSPECT_H

#include <jansson.h>

#include "err.h"

#define INSPECT_DAMAGED 3

int inspect_main(int argc, char **argv);

/* --- inspect_mbox.c, inspect_tgz.c --- */

void inspect_tell(json_t *event); /* takes over */
const struct err *inspect_mbox(char **args);
const struct err *inspect_rest(char **args);
const struct err *inspect_split(char **args);
const struct err *inspect_tgz(char **args);
const struct err *inspect_compare(char **args);
const struct err *inspect_address(char **args);

#endif
