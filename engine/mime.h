/*
 * A MIME message taken apart while it streams by: the header fields of the message (and of messages inside it)
 * and its leaf parts, decoded. Structure that only groups parts (multipart, preamble, epilogue) is left out, so
 * that re-nesting does not show. Pure; never fails: what is broken is read the way lenient mail programs do.
 *
 * Leaf data: transfer encoding removed; text/ parts as UTF-8 with LF line ends and no line ends at their end;
 * other parts that came as lines with CRLF. Memory: one header field (MIME_FIELD_MAX), the boundaries of the
 * open multiparts (MIME_DEPTH_MAX of them), small fixed buffers.
 */
#ifndef MIME_H
#define MIME_H

#include <stddef.h>

#define MIME_FIELD_MAX (64 * 1024) /* more of one field is not looked at */
#define MIME_DEPTH_MAX 50          /* open multiparts, and messages inside; beyond that a part is a leaf */

struct mime_sink {
	/* A field of a message's header (not of a part's): `message` is 0 for the message itself, n for the n-th
	 * message/rfc822 inside. `body` as it stands, folding (with LF) included. */
	void (*field)(void *arg, unsigned message, const char *name, size_t nname, const char *body, size_t n);
	/* type: "text/plain", in lower case; filename: decoded, "" when none. */
	void (*leaf_begin)(void *arg, const char *type, const char *filename);
	void (*leaf_data)(void *arg, const void *p, size_t n);
	void (*leaf_end)(void *arg);
};

struct mime;
struct mime *mime_new(const struct mime_sink *sink, void *arg);
void mime_free(struct mime *m); /* NULL is fine */
void mime_feed(struct mime *m, const void *p, size_t n);
void mime_end(struct mime *m);   /* closes what is open; ready for the next message */
void mime_reset(struct mime *m); /* the same without telling the sink */

#endif
