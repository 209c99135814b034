/*
 * A source being shown as an account: what source_serve.c (folders and commands), serve_answer.c (what goes out),
 * serve_body.c (a message's bytes), serve_fetch.c and serve_search.c share.
 */
#ifndef SERVE_H
#define SERVE_H

#include "buf.h"
#include "source.h"
#include "uidset.h"

#define SERVE_OUT (256u << 10)
#define SERVE_HOLD (1u << 20) /* of a message whose size is not known: longer ones are read twice */

struct serve {
	int fd;
	struct source src;
	struct buf out, in;
	size_t in_at;
	struct source_folder *open; /* EXAMINEd */
	int64_t told;
	bool over;
	bool in_literal; /* nothing but the message may go out */
};

/* serve_answer.c; the process ends when the engine has gone */
void serve_flush(struct serve *sv);
void serve_put(struct serve *sv, const void *p, size_t n);
void serve_text(struct serve *sv, const char *text);  /* ends the line; bounded: it may come from the file */
void serve_name(struct serve *sv, const char *utf8);  /* quoted, in modified UTF-7 */
void serve_note(void *arg, enum source_note kind, const char *folder, const char *text); /* a source_note_fn */
/* How many of a folder's messages each turn brings it to: "turn:last", rising (feed.h). */
void serve_turns(struct serve *sv, const struct source_folder *f);

/* serve_body.c */
enum part { WHOLE, HEADER, COUNT };

struct reading {
	struct serve *sv;
	enum part part;
	uint64_t size;    /* so far, lines ended by CRLF */
	bool cr;          /* the last byte was CR */
	struct buf *hold; /* NULL: straight out */
	bool overflow;    /* it was longer than SERVE_HOLD: hold is useless */
	bool text;        /* HEADER: the line at work holds something */
	bool stopped;
};

/* A message of the open folder; r says what of it and where to. */
const struct err *serve_read(struct serve *sv, const struct source_msg *m, struct reading *r);
const struct err *serve_learn_size(struct serve *sv, struct source_msg *m); /* reads it when need be */

/* serve_fetch.c */
void serve_fetch(struct serve *sv, const char *tag, const char *args);
bool serve_uids(const struct serve *sv, const char *p, size_t n, struct uidset *out); /* "3:*" too */

/* serve_search.c */
void serve_search(struct serve *sv, const char *tag, char *args);

/* source_serve.c: cuts the next word off */
char *serve_word(char **at);

#endif
