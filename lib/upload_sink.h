/* A hash that a thread of its own computes while its owner reads and writes: what comes in fast is not held up by it. */
#ifndef UPLOAD_HASHER_H
#define UPLOAD_HASHER_H

#include "upload_hash.h"

struct upload_hasher;

/* No thread yet: that starts with the first piece that is worth it. Nobody may fork while one is there. */
struct upload_hasher *upload_hasher_new(void);
void upload_hasher_free(struct upload_hasher *s); /* NULL is fine */

/* From here on; waits for the piece before. */
void upload_hasher_set(struct upload_hasher *s, const struct upload_hash *from);
/* Waits for the piece before and returns while this one is being hashed: its bytes must stay until the next call. */
void upload_hasher_feed(struct upload_hasher *s, const void *p, size_t n);
/* Waits; the hash of all that was fed. */
const struct upload_hash *upload_hasher_get(struct upload_hasher *s);

#endif
