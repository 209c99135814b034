/* Range: bytes=… of one range (RFC 9110, 14). Pure. */
#ifndef RANGE_H
#define RANGE_H

#include <sys/types.h>

enum range_kind {
	RANGE_WHOLE, /* no header, another unit, several ranges, or not well-formed: the whole is sent */
	RANGE_PART,  /* [from, from + length) */
	RANGE_NONE   /* nothing of it is there: 416 */
};

enum range_kind range_parse(const char *header, off_t size, off_t *from, off_t *length);

#endif
