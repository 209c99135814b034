#include "tape.h"

#include <stdlib.h>
#include <string.h>

#include "gunzip.h"
#include "mem.h"

#include "banned.h"

#define PIECE (128u << 10)
#define ROOM (2 * TAPE_KEPT)

struct tape {
	struct gunzip *gz;
	uint64_t lo, at; /* of the first byte kept; of the next one to be given */
	size_t kept;     /* bytes in `byte` */
	bool lost;       /* a seek failed: what is behind them comes from elsewhere */
	char *byte;      /* ROOM, untouched as far as the file is small */
};

const struct err *tape_open(struct tape **out, const char *path)
{
	struct gunzip *gz;
	const struct err *e = gunzip_open(&gz, path);

	if (e != NULL)
		return e;
	*out = xcalloc(1, sizeof(**out));
	(*out)->gz = gz;
	(*out)->byte = xmalloc(ROOM);
	return NULL;
}

void tape_close(struct tape *t)
{
	if (t == NULL)
		return;
	gunzip_close(t->gz);
	free(t->byte);
	free(t);
}

const char *tape_why(const struct tape *t)
{
	return gunzip_why(t->gz);
}

/* More bytes at the end of those that are kept. */
static ssize_t fill(struct tape *t)
{
	ssize_t got;

	if (t->kept + PIECE > ROOM) {
		memmove(t->byte, t->byte + t->kept - TAPE_KEPT, TAPE_KEPT);
		t->lo += t->kept - TAPE_KEPT;
		t->kept = TAPE_KEPT;
	}
	got = gunzip_read(t->gz, t->byte + t->kept, PIECE);
	t->kept += got > 0 ? (size_t)got : 0;
	return got;
}

bool tape_seek(struct tape *t, uint64_t at)
{
	t->at = at;
	if (t->lost || at < t->lo || at > t->lo + t->kept + TAPE_KEPT) {
		t->lo = at - at % TAPE_STRETCH;
		t->kept = 0;
		t->lost = !gunzip_seek(t->gz, t->lo);
		if (t->lost)
			return false;
	}
	while (t->lo + t->kept < at) /* what lies between is likely to be asked for next */
		if (fill(t) <= 0)
			return false;
	return true;
}

ssize_t tape_read(struct tape *t, const void **out)
{
	size_t n;
	ssize_t got;

	if (t->at == t->lo + t->kept && (got = fill(t)) <= 0)
		return got;
	n = (size_t)(t->lo + t->kept - t->at);
	*out = t->byte + (t->at - t->lo);
	n = n < PIECE ? n : PIECE;
	t->at += n;
	return (ssize_t)n;
}
