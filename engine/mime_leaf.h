/* The body of one leaf part on its way out: transfer decoding, character set, line ends. See mime.h. */
#ifndef MIME_LEAF_H
#define MIME_LEAF_H

#include <stdbool.h>
#include <stddef.h>

enum mime_cte { CTE_IDENTITY, CTE_BASE64, CTE_QP };

struct mime_leaf;
typedef void mime_leaf_fn(void *arg, const void *p, size_t n);

struct mime_leaf *mime_leaf_new(mime_leaf_fn *out, void *arg);
void mime_leaf_free(struct mime_leaf *l); /* NULL is fine */

/* charset: of a text part, "" when it names none. */
void mime_leaf_begin(struct mime_leaf *l, enum mime_cte cte, bool text, const char *charset);
void mime_leaf_data(struct mime_leaf *l, const char *p, size_t n); /* a piece of a line */
void mime_leaf_newline(struct mime_leaf *l);                       /* its end, when the end belongs to the part */
void mime_leaf_end(struct mime_leaf *l);

#endif
