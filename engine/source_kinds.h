/* The readers, one a file. */
#ifndef SOURCE_KINDS_H
#define SOURCE_KINDS_H

#include "source.h"

extern const struct source_kind source_mbox;    /* a file, or a tree as readpst, Thunderbird and Takeout leave it */
extern const struct source_kind source_maildir; /* Maildir, Maildir++ */
extern const struct source_kind source_zip;     /* a zip of .eml files, or a folder of them */
extern const struct source_kind source_pst;     /* PST and OST of Outlook */
extern const struct source_kind source_tgz;     /* an export of Zimbra or Carbonio */

#endif
