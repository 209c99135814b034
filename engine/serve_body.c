/* The bytes of one message, each line ended by CRLF: all of them, the header alone, or only their number. */
#include "serve.h"

#include <inttypes.h>
#include <string.h>

#include "lines.h"

#include "banned.h"

/* Of a header into what is held (there always is one); of the rest only the number. */
static void emit(struct reading *r, const char *p, size_t n)
{
	r->size += n;
	if (r->part != HEADER || r->overflow)
		return;
	if (r->hold->len + n <= SERVE_HOLD)
		buf_add(r->hold, p, n);
	else
		r->overflow = true;
}

/* All of it, in one go, out or into what is held. */
static void emit_whole(struct reading *r, const char *p, size_t n)
{
	struct buf *to = r->hold != NULL ? r->hold : &r->sv->out;
	size_t got;

	buf_reserve(to, LINES_ROOM(n));
	got = lines_to_crlf(to->ptr + to->len, p, n, &r->cr);
	r->size += got;
	if (r->hold != NULL && to->len + got > SERVE_HOLD)
		r->overflow = true;
	else
		to->len += got;
	to->ptr[to->len] = '\0';
	if (r->hold == NULL && to->len >= SERVE_OUT)
		serve_flush(r->sv);
}

/* Each line ended by CRLF; of a header no more than it. */
static bool on_bytes(void *arg, const void *data, size_t n)
{
	struct reading *r = arg;
	const char *p = data, *end = p + n;

	if (r->part == WHOLE && !r->overflow) {
		emit_whole(r, p, n);
		return true;
	}
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;
		bool had_cr = stop > p ? stop[-1] == '\r' : r->cr;

		if (r->part == HEADER) {
			size_t text = (size_t)(stop - p) - (stop > p && stop[-1] == '\r' && lf != NULL);

			r->text = r->text || text > 1 || (text == 1 && (*p != '\r' || lf != NULL));
		}
		emit(r, p, (size_t)(stop - p));
		if (lf == NULL) {
			r->cr = had_cr;
			return true;
		}
		emit(r, had_cr ? "\n" : "\r\n", had_cr ? 1 : 2);
		r->cr = false;
		p = lf + 1;
		if (r->part == HEADER) {
			if (!r->text) {
				r->stopped = true;
				return false;
			}
			r->text = false;
		}
	}
	return true;
}

const struct err *serve_read(struct serve *sv, const struct source_msg *m, struct reading *r)
{
	r->sv = sv;
	if (m->flags & SOURCE_BROKEN)
		return err_new(ERR_SOURCE_DAMAGED, "item %" PRIu64 " of the file cannot be read", m->at);
	return sv->src.kind->read(&sv->src, sv->open, m, on_bytes, r);
}

const struct err *serve_learn_size(struct serve *sv, struct source_msg *m)
{
	struct reading r = {.part = COUNT};
	const struct err *e;

	if (m->flags & SOURCE_SIZED)
		return NULL;
	e = serve_read(sv, m, &r);
	if (e == NULL) {
		m->size = r.size;
		m->flags |= SOURCE_SIZED;
	}
	return e;
}
