/* What a file is, by its content; its name says nothing. Reads a few kilobytes at both ends, whatever the size. */
#ifndef UPLOAD_KIND_H
#define UPLOAD_KIND_H

#include <stdbool.h>

#include "err.h"
#include "model.h"

enum upload_kind { UPLOAD_PST, UPLOAD_MBOX, UPLOAD_TGZ, UPLOAD_ZIP, UPLOAD_UNKNOWN, UPLOAD_KIND_COUNT };

const char *upload_kind_name(enum upload_kind k);
bool upload_kind_parse(const char *s, enum upload_kind *out);
/* A mailbox whose source is of this kind can be read from such a file. */
bool upload_kind_serves(enum upload_kind k, enum source_kind source);

/* *about (a constant) says more: "Unicode PST", "a tar archive, compressed by gzip" … */
const struct err *upload_kind_find(int fd, enum upload_kind *out, const char **about);

#endif
