/* A file inside a PDF (ISO 32000-1, 7.11.4), put there by an incremental update (7.5.6): cairo cannot do it. */
#ifndef REPORT_ATTACH_H
#define REPORT_ATTACH_H

#include "buf.h"
#include "err.h"

/* pdf: a whole document with a cross-reference table and no name tree of its own, as cairo writes version 1.4.
 * name and about: ASCII without parentheses and backslashes. ERR_INTERNAL when the document has another form. */
const struct err *attach(struct buf *pdf, const char *name, const char *type, const char *about, const struct buf *file);

#endif
