/*
 * Mail in a file or a folder of files: what its reader (one source_<kind>.c a kind) gives, and the index that it
 * fills. All of this runs in a confined child (feed.h); source_serve.c shows it to the engine as a read-only IMAP
 * server, so that copy, reconcile and verify treat a file as they treat an account: folders, UIDs, sizes, dates,
 * flags, bytes.
 *
 * A message's UID is its place in its folder, from 1; UIDVALIDITY is a hash of what the folder holds, so that a
 * file that has changed is compared anew and one that has not is known to the byte.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum source_flag {
	SOURCE_SEEN = 1,
	SOURCE_ANSWERED = 2,
	SOURCE_FLAGGED = 4,
	SOURCE_DELETED = 8,
	SOURCE_DRAFT = 16,
	SOURCE_FORWARDED = 32,
	SOURCE_MDNSENT = 64,
	SOURCE_SIZED = 256,   /* size is exact: bytes with every line ended by CRLF */
	SOURCE_VERBATIM = 512, /* mbox: nothing in it is quoted */
	SOURCE_BROKEN = 1024, /* it is there and cannot be read: it is named, never left out */
	SOURCE_DATED = 2048,  /* date is known */
};

struct source_msg {
	uint64_t at;    /* the reader's own: an offset, a number */
	uint64_t raw;   /* the reader's own: bytes in the file */
	uint64_t size;
	int64_t date;   /* received, seconds since 1970 */
	uint32_t flags; /* enum source_flag */
	uint32_t words; /* keywords: source_words */
};

struct source_folder {
	char *name;       /* UTF-8, "/" between levels; "INBOX" is the inbox */
	const char *role; /* "\Sent"; NULL */
	struct source_msg *m;
	uint32_t n, cap;
	uint32_t uidvalidity;
	uint64_t bytes;
};

struct source;

/* The next bytes of a message. False: no more is wanted. */
typedef bool source_sink(void *arg, const void *p, size_t n);

struct source_kind {
	const char *name;
	bool sure; /* a size that is known is right: the bytes may go out while they are read */
	void (*prepare)(void); /* before the cage closes; may be NULL */
	/* Fills the index. What is damaged is noted; an error only when nothing can be read at all. */
	const struct err *(*open)(struct source *s, const char *path);
	/* Gives the message's bytes, line ends as they are; more than once the same bytes. */
	const struct err *(*read)(struct source *s, const struct source_folder *f, const struct source_msg *m,
		source_sink *sink, void *arg);
	void (*close)(struct source *s);
};

/* Something that a person must know; folder may be NULL. Damage makes a run partial, an omission does not. */
enum source_note { SOURCE_DAMAGE, SOURCE_OMITTED, SOURCE_PROGRESS };
typedef void source_note_fn(void *arg, enum source_note kind, const char *folder, const char *text);

struct source {
	const struct source_kind *kind;
	void *priv; /* the reader's */
	struct source_folder *f;
	size_t nf, capf;
	char **words; /* " a b": sets of keywords; [0] is "" */
	uint32_t nwords;
	uint64_t turn;  /* not 0: going back by more than this much of `at` is dear, so all folders are read side by side */
	uint32_t notes; /* given so far */
	source_note_fn *note;
	void *note_arg;
};

const struct source_kind *source_kind_find(int url_kind); /* NULL: no reader of that kind */

void source_init(struct source *s, const struct source_kind *kind, source_note_fn *note, void *arg);
const struct err *source_open(struct source *s, const char *path); /* opens, then sorts and numbers */
void source_free(struct source *s);

/* For readers. Names of levels go through source_level first. */
size_t source_folder(struct source *s, const char *name); /* index; made when it is new. May move s->f. */
struct source_msg *source_add(struct source *s, size_t folder);
uint32_t source_words(struct source *s, const char *set); /* number of the set; "" is 0 */
void source_say(struct source *s, enum source_note kind, const char *folder, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct buf;
/* Appends one level of a name: no "/", no control characters, never "." or "..", valid UTF-8, 200 bytes at most. */
void source_level(struct buf *out, const char *p, size_t n);
/* The folder that a well-known name in one of many languages means ("Caixa de entrada": "INBOX"), else NULL;
 * role is set for both ("\Sent"), or NULL. */
const char *source_known(const char *name, const char **role);

#endif
