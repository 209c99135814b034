/* Google Takeout: one mbox for all mail, X-Gmail-Labels says where each message belongs. Pure. */
#ifndef MAIL_LABELS_H
#define MAIL_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Takes the field's value apart: the one folder that the message goes to (UTF-8, "/" between levels), its flags
 * (SOURCE_SEEN, SOURCE_FLAGGED, SOURCE_DRAFT), its further labels as a set of keywords. A message has many labels and
 * one place: a copy in each would make twins. */
void mail_labels(const char *value, size_t n, struct buf *folder, uint32_t *flags, struct buf *words);

#endif
