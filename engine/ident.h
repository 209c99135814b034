/*
 * Who a message is: the identity ladder, computed while its bytes stream by. Pure: bytes in, keys out; no
 * clock, no network, memory bounded whatever the message (one header field and the stack of open parts).
 *
 *   exact      SHA-256 of the bytes
 *   canonical  the same of the message with line ends as CRLF (any CRs before a LF count as one) and without
 *              the header fields that mail stores are known to add or remove (table in canon.c)
 *   decoded    header fields unfolded, decoded and in any order, and the leaf parts after transfer decoding,
 *              text as UTF-8: equal for a message that a server or tool has encoded anew
 *   header     Message-Id, or Date + From + Subject + attachment names where there is none
 *
 * Each rung is weaker than the one before: messages equal on a rung are equal on all the later ones that both
 * have. How keys become pairs is match.h.
 */
#ifndef IDENT_H
#define IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ident_rung { IDENT_EXACT, IDENT_CANONICAL, IDENT_DECODED, IDENT_HEADER, IDENT_RUNGS };

const char *ident_rung_name(enum ident_rung r); /* "exact" … */

/* The first 128 bits of the rung's SHA-256: what is kept of a message. */
#define IDENT_KEY_SIZE 16
struct ident_key {
	uint8_t b[IDENT_KEY_SIZE];
};

struct ident {
	uint64_t size;      /* bytes fed */
	uint8_t sha256[32]; /* of the bytes as they came; its start is key[IDENT_EXACT] */
	struct ident_key key[IDENT_RUNGS];
	unsigned have;       /* bit (1u << rung): that key was asked for and exists */
	bool canonical_same; /* key[IDENT_CANONICAL] equals key[IDENT_EXACT]: no need to keep both */
};

/* exact is always computed and canonical costs next to nothing; decoded and header (they come together) parse
 * MIME. header does not exist for a message without Message-Id, Date, From and Subject. */
#define IDENT_WANT_EXACT (1u << IDENT_EXACT)
#define IDENT_WANT_CANONICAL (1u << IDENT_CANONICAL)
#define IDENT_WANT_DECODED ((1u << IDENT_DECODED) | (1u << IDENT_HEADER))
#define IDENT_WANT_ALL (IDENT_WANT_EXACT | IDENT_WANT_CANONICAL | IDENT_WANT_DECODED)

/* One reader serves any number of messages, one after the other. `ignore` (NULL, or ended by NULL; it must
 * outlive the reader) names further header fields that canonical and decoded leave out on both sides: those
 * that this destination was seen to add. */
struct ident_reader;
struct ident_reader *ident_reader_new(unsigned want, const char *const *ignore);
void ident_reader_free(struct ident_reader *r); /* NULL is fine */

/* The next bytes of the message, cut anywhere; the last piece is followed by ident_reader_end, which gives the
 * keys and makes the reader ready for the next message. ident_reader_reset drops a message half read. */
void ident_reader_feed(struct ident_reader *r, const void *p, size_t n);
void ident_reader_end(struct ident_reader *r, struct ident *out);
void ident_reader_reset(struct ident_reader *r);

/* Header fields for a person, encoded-words decoded, on one line (UTF-8 but for undeclared 8-bit bytes), "" when missing, at most IDENT_TEXT_MAX bytes.
 * With IDENT_WANT_DECODED only; valid until the next message's first feed, or ident_reader_reset. Works on a
 * header fed alone. */
#define IDENT_TEXT_MAX 1000
enum ident_field { IDENT_FIELD_MESSAGE_ID, IDENT_FIELD_DATE, IDENT_FIELD_FROM, IDENT_FIELD_SUBJECT, IDENT_FIELDS };
const char *ident_reader_field(const struct ident_reader *r, enum ident_field f);

/* A message's key when only its header has been read (exact key of the header block) and its size is known. */
void ident_summary_key(const struct ident *header, uint64_t size, struct ident_key *out);

#endif
