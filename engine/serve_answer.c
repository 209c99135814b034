/* What goes out: lines, names, notes and bytes, kept until there is enough of it or the engine waits for it. */
#include "serve.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "imap_utf7.h"
#include "str.h"

#include "banned.h"

#define PROGRESS_MS 2000

void serve_flush(struct serve *sv)
{
	if (sv->out.len > 0 && fs_write_all(sv->fd, sv->out.ptr, sv->out.len) != NULL)
		_exit(0); /* the engine has gone: so do we */
	buf_reset(&sv->out);
}

void serve_put(struct serve *sv, const void *p, size_t n)
{
	buf_add(&sv->out, p, n);
	if (sv->out.len >= SERVE_OUT)
		serve_flush(sv);
}

/* Text on one line, bounded: it may come from the file. */
void serve_text(struct serve *sv, const char *text)
{
	for (size_t i = 0; text[i] != '\0' && i < 400; i++)
		buf_addc(&sv->out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
	buf_adds(&sv->out, "\r\n");
}

void serve_name(struct serve *sv, const char *utf8)
{
	struct buf raw = BUF_INIT;

	if (!utf7_encode(&raw, utf8, strlen(utf8)))
		buf_adds(&raw, "_");
	buf_addc(&sv->out, '"');
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '"' || raw.ptr[i] == '\\')
			buf_addc(&sv->out, '\\');
		buf_addc(&sv->out, raw.ptr[i]);
	}
	buf_addc(&sv->out, '"');
	buf_free(&raw);
}

void serve_note(void *arg, enum source_note kind, const char *folder, const char *text)
{
	static const char *const kinds[] = {"damage", "omitted", "progress"};
	struct serve *sv = arg;

	if (sv->in_literal) /* read for the second time: it has been said */
		return;
	if (kind == SOURCE_PROGRESS) {
		int64_t now = clock_mono_ms();

		if (now - sv->told < PROGRESS_MS)
			return;
		sv->told = now;
	}
	buf_addf(&sv->out, "* OK [DESKNOTE %s ", kinds[kind]);
	if (folder != NULL)
		str_percent(&sv->out, folder, strlen(folder));
	buf_adds(&sv->out, "] ");
	serve_text(sv, text);
	if (kind == SOURCE_PROGRESS)
		serve_flush(sv);
}

/* How many of a folder's messages each turn brings it to: "turn:last", rising (feed.h). */
void serve_turns(struct serve *sv, const struct source_folder *f)
{
	uint64_t now = 0;
	unsigned on_line = 0;
	struct buf raw = BUF_INIT;

	if (!utf7_encode(&raw, f->name, strlen(f->name)))
		buf_adds(&raw, "_");
	for (uint32_t i = 0; i < f->n; i++) {
		uint64_t next = i + 1 < f->n ? f->m[i + 1].at / sv->src.turn : UINT64_MAX;

		if (f->m[i].at / sv->src.turn > now)
			now = f->m[i].at / sv->src.turn;
		if (next <= now)
			continue;
		if (on_line == 0) {
			buf_adds(&sv->out, "* OK [DESKTURNS ");
			str_percent(&sv->out, raw.ptr, raw.len);
			buf_addc(&sv->out, ']');
		}
		buf_addf(&sv->out, " %" PRIu64 ":%u", now, i + 1);
		on_line = next == UINT64_MAX ? 0 : (on_line + 1) % 100;
		if (on_line == 0)
			buf_adds(&sv->out, "\r\n");
	}
	buf_free(&raw);
}
