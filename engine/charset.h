/* Character sets that messages name, opened for conversion to UTF-8. */
#ifndef CHARSET_H
#define CHARSET_H

#include <iconv.h>
#include <stdbool.h>

#define CHARSET_MAX 40 /* longest name, with the NUL */

/* UTF-8 and US-ASCII: bytes pass as they are. */
bool charset_is_utf8(const char *name);

/* (iconv_t)-1 when it is unknown. Names that hold anything but letters, digits and "-_.:+()" are unknown: the
 * C library would take '/' as options or a path. */
iconv_t charset_open(const char *name);

#endif
