/*
 * The source as a read-only IMAP server on one connection: what the engine asks of a source and no more (LIST, LSUB,
 * STATUS, EXAMINE, UID FETCH, UID SEARCH, CAPABILITY, NOOP, LOGOUT). Runs in the confined child, blocking.
 *
 * What a person must know goes before or between answers as
 *	* OK [DESKNOTE damage FOLDER] text      FOLDER percent-encoded; also "omitted", "progress"
 *	* BYE [DESKERR code] text               the source cannot be read at all
 */
#ifndef SOURCE_SERVE_H
#define SOURCE_SERVE_H

#include "source.h"

/* Until the peer has gone. landlock false: the kernel confines system calls, not files; the notes say so. */
void source_serve(int fd, const struct source_kind *kind, const char *path, bool landlock);

#endif
