/* What the report says, page by page, from the facts that the certificate signs. */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include <jansson.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "table.h"

struct document {
	const json_t *statement, *sections;
	const char *sha256; /* of certificate.json */
	const char *key;    /* public key that signed it */
};

/* Appends the PDF. */
const struct err *document_write(const struct document *d, struct buf *out);
/* Appends report.csv: a row a folder of each mailbox. */
void document_csv(const struct document *d, struct buf *out);

/* --- mailbox.c --- */
void mailbox_pages(struct sheet *s, const json_t *mailbox);

/* --- dns.c --- */
void dns_pages(struct sheet *s, const json_t *dns);

/* --- members of the facts --- */
const char *text_of(const json_t *v, const char *key); /* "" when it is not there */
int64_t number_of(const json_t *v, const char *key);
/* The same as text. This and what follows live for a row: in a ring of 32. */
const char *number_text(int64_t n);
const char *count_of(const json_t *v, const char *key);
/* "2026-11-22 13:00:00" of an instant. */
const char *when_of(const json_t *v, const char *key);
const char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
