#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "table.h"

#include "banned.h"

#define EVERY_MS 250
#define BAR 24
#define FOLDER 30 /* columns */

void progress_start(struct progress *p, bool wanted)
{
	memset(p, 0, sizeof(*p));
	p->bar = wanted && isatty(STDERR_FILENO) == 1;
	p->started = clock_mono_ms();
}

static void duration_text(char *out, size_t size, double s)
{
	if (s < 0 || s > 99 * 3600)
		snprintf(out, size, "--:--");
	else if (s >= 3600)
		snprintf(out, size, "%d:%02d:%02d", (int)s / 3600, (int)s / 60 % 60, (int)s % 60);
	else
		snprintf(out, size, "%d:%02d", (int)s / 60, (int)s % 60);
}

/* Never 100 % before it is all there. */
static int percent(const struct progress_now *n)
{
	if (n->messages_done >= n->messages_total)
		return 100;
	return (int)(n->messages_done * 100 / n->messages_total);
}

static void draw(struct progress *p, const struct progress_now *n)
{
	double s = (double)(clock_mono_ms() - p->started) / 1000, part, left = -1;
	char bar[BAR + 1], eta[16];
	struct buf line = BUF_INIT;
	int done, pc = percent(n);
	size_t width;

	done = pc * BAR / 100;
	for (int i = 0; i < BAR; i++)
		bar[i] = i < done ? '#' : '.';
	bar[BAR] = '\0';
	part = n->messages_total > 0 ? (double)n->messages_done / (double)n->messages_total : 1;
	if (n->bytes_total > 0)
		part = (double)n->bytes_done / (double)n->bytes_total;
	if (part > 0.001 && s > 0.5)
		left = s / part - s;
	duration_text(eta, sizeof(eta), left);
	buf_addf(&line, "[%s] %3d%%  %llu/%llu msgs  %.1f MB/s  ETA %s  ", bar, pc, (unsigned long long)n->messages_done,
		(unsigned long long)n->messages_total, s > 0 ? (double)n->bytes_moved / s / 1e6 : 0.0, eta);
	width = line.len + table_cut(&line, n->folder, FOLDER);
	fprintf(stderr, "\r%s%*s", line.ptr, p->width > width ? (int)(p->width - width) : 0, "");
	p->width = (unsigned)width;
	buf_free(&line);
}

void progress_show(struct progress *p, struct events *ev, const struct progress_now *n, bool force)
{
	int64_t now = clock_mono_ms();
	json_t *o;

	if (!force && now - p->last < EVERY_MS)
		return;
	p->last = now;
	if (p->bar)
		draw(p, n);
	p->now = *n;
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages_total", (json_int_t)n->messages_total,
		"messages_done", (json_int_t)n->messages_done, "bytes_total", (json_int_t)n->bytes_total, "bytes_done",
		(json_int_t)n->bytes_done, "refused", (json_int_t)n->refused, "folders_total",
		(json_int_t)n->folders_total, "folders_done", (json_int_t)n->folders_done);
	event_name(o, "folder", n->folder, strlen(n->folder));
	event(ev, "progress", o);
}

void progress_wipe(struct progress *p)
{
	if (p->bar && p->width > 0)
		fprintf(stderr, "\r%*s\r", (int)p->width, "");
	p->width = 0;
}

void progress_end(struct progress *p)
{
	const struct progress_now *n = &p->now;
	bool shown = p->width > 0;
	char took[16];

	progress_wipe(p);
	if (shown) {
		duration_text(took, sizeof(took), (double)(clock_mono_ms() - p->started) / 1000);
		fprintf(stderr, "%llu of %llu messages are there, %llu of them copied now (%.1f MB in %s), %llu refused\n",
			(unsigned long long)n->messages_done, (unsigned long long)n->messages_total,
			(unsigned long long)n->messages_moved, (double)n->bytes_moved / 1e6, took,
			(unsigned long long)n->refused);
	}
}
