/*
 * What is known of an upload's file: one line of text, which is replaced as a whole.
 *
 *   HASH          so many bytes are safe as the hash has seen (upload_hash_write)
 *   HASH LENGTH   the hash is behind: this many bytes are safe
 */
#ifndef UPLOAD_STATE_H
#define UPLOAD_STATE_H

#include "err.h"
#include "upload_hash.h"

struct upload_state {
	uint64_t length;         /* bytes that are safe */
	struct upload_hash hash; /* of at most these */
};

/* A file that is not there or not readable: nothing was ever acknowledged. */
void upload_state_read(const char *path, struct upload_state *s);
/* It is on disk after that, and so is the folder. */
const struct err *upload_state_write(const char *path, const struct upload_state *s);

#endif
