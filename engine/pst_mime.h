/*
 * A PST's item as a message of RFC 5322: the original transport header where there is one, a body of text, HTML or
 * RTF, attachments with their bytes as they are, embedded messages as message/rfc822. The same item gives the
 * same bytes each time. Runs in a helper that may die: libpst does (source_pst.c).
 */
#ifndef PST_MIME_H
#define PST_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpst/libpst.h>

void pst_mime_prepare(void); /* before the cage closes */

/* Called with the next bytes, lines ended by LF. */
typedef void pst_mime_fn(void *arg, const void *p, size_t n);
struct pst_mime_end {
	bool lost;        /* an attachment that cannot be read */
	unsigned no_mail; /* contacts and the like among the attachments: in their place stands a note */
};
/* `id` tells the item from all others of the file: boundaries are made of it. */
struct pst_mime_end pst_mime_write(pst_file *pf, pst_item *item, uint64_t id, pst_mime_fn *fn, void *arg);

int64_t pst_mime_time(const FILETIME *t); /* seconds since 1970; INT64_MIN for NULL and nonsense */

#endif
