/*
 * The IMAP tokenizer (RFC 9051 section 9, RFC 3501): pure, bytes in; a token, "need more" or an error out.
 * It works on whatever contiguous bytes the caller has, keeps no copy, allocates nothing. A token's text points
 * into those bytes and lives until the caller moves them.
 *
 * A line is a tag (or "*", "+") and then values; after OK NO BAD BYE PREAUTH, and after "+", the rest of the
 * line is one TEXT token. An atom swallows a bracketed section: BODY[HEADER.FIELDS (DATE)]<0> is one atom.
 * A literal comes as LITERAL (its size), LITERAL_DATA as often as bytes arrive, LITERAL_END.
 */
#ifndef IMAP_PARSE_H
#define IMAP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A token other than literal data that is longer is an error: nothing a server says makes us hold more. */
#define IMAP_TOKEN_MAX (256u << 10)
#define IMAP_DEPTH_MAX 32

enum imap_tok {
	TOK_MORE, /* nothing complete in these bytes: come back with them and more */
	TOK_ERROR, /* see error */
	TOK_ATOM, /* also numbers, flags, tags, "*", "+" */
	TOK_STRING, /* quoted: text is between the quotes, still escaped when `escaped` */
	TOK_LITERAL, TOK_LITERAL_DATA, TOK_LITERAL_END,
	TOK_OPEN, TOK_CLOSE,
	TOK_TEXT,
	TOK_EOL
};

struct imap_token {
	enum imap_tok type;
	const char *p;
	size_t n;
	bool escaped;
	uint64_t size; /* TOK_LITERAL */
};

struct imap_parser {
	uint64_t literal_left;
	size_t scanned; /* bytes of the unfinished token already looked at */
	unsigned nth, depth; /* tokens so far in this line; open parentheses */
	bool in_literal, text_next, status_possible, after_literal;
	const char *error;
};

void imap_parser_init(struct imap_parser *p);

/* Takes one token from the n bytes at p. Returns how many bytes it used (0 with TOK_MORE or TOK_ERROR;
 * TOK_LITERAL_END uses 0 too). */
size_t imap_parse(struct imap_parser *ps, const char *p, size_t n, struct imap_token *tok);

/* number64 of RFC 9051, at most 19 digits: all n bytes at p, or false. */
bool imap_number(const char *p, size_t n, uint64_t *out);

#endif
