/*
 * Where an upload's bytes go: into its file, and through its hash. A thread does both, block by block, while its owner
 * takes in the next ones: of two processors one hashes and writes while the other has the line. The blocks belong to the
 * sink. There are a few, so that neither waits for each turn of the other.
 */
#ifndef UPLOAD_SINK_H
#define UPLOAD_SINK_H

#include "err.h"
#include "upload_hash.h"

#define UPLOAD_BLOCK (256u << 10) /* bytes of one; the disk's cache takes large aligned ones at half the price of small ones */

struct upload_sink;

/* No thread and no block yet: they come with the first use. Nobody may fork while a thread is there. */
struct upload_sink *upload_sink_new(void);
void upload_sink_free(struct upload_sink *s); /* and all blocks; NULL is fine */

/* From here on, at this length of the file; waits for what was put before and forgets its error. */
void upload_sink_set(struct upload_sink *s, int fd, const struct upload_hash *from);
/* A block to fill; waits when all are on their way. */
char *upload_sink_block(struct upload_sink *s);
/* The first n bytes of a block, which is the sink's again. An error may be that of a block before; after one nothing is
 * written any more. */
const struct err *upload_sink_put(struct upload_sink *s, char *block, size_t n);
/* Waits until all that was put is written and hashed. */
const struct err *upload_sink_settle(struct upload_sink *s);
/* After that: the hash of what was written, without any error in between. */
const struct upload_hash *upload_sink_hash(const struct upload_sink *s);

#endif
