#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#include "banned.h"

#define EVERY_MS 250
#define BAR 24

void progress_start(struct progress *p, bool wanted)
{
	memset(p, 0, sizeof(*p));
	p->bar = wanted && isatty(STDERR_FILENO) == 1;
	p->started = clock_mono_ms();
}

static void eta_text(char *out, size_t size, double left_s)
{
	if (left_s < 0 || left_s > 99 * 3600)
		snprintf(out, size, "--:--");
	else if (left_s >= 3600)
		snprintf(out, size, "%d:%02d:%02d", (int)left_s / 3600, (int)left_s / 60 % 60, (int)left_s % 60);
	else
		snprintf(out, size, "%d:%02d", (int)left_s / 60, (int)left_s % 60);
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
	char bar[BAR + 1], eta[16], line[256];
	int done, pc = percent(n);

	done = pc * BAR / 100;
	for (int i = 0; i < BAR; i++)
		bar[i] = i < done ? '#' : '.';
	bar[BAR] = '\0';
	part = n->messages_total > 0 ? (double)n->messages_done / (double)n->messages_total : 1;
	if (n->bytes_total > 0)
		part = (double)n->bytes_done / (double)n->bytes_total;
	if (part > 0.001 && s > 0.5)
		left = s / part - s;
	eta_text(eta, sizeof(eta), left);
	snprintf(line, sizeof(line), "[%s] %3d%%  %llu/%llu msgs  %.1f MB/s  ETA %s  %.30s", bar, pc,
		(unsigned long long)n->messages_done, (unsigned long long)n->messages_total,
		s > 0 ? (double)n->bytes_moved / s / 1e6 : 0.0, eta, n->folder);
	fprintf(stderr, "\r%-*s", (int)p->width, line);
	p->width = (unsigned)strlen(line);
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
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages_total", (json_int_t)n->messages_total,
		"messages_done", (json_int_t)n->messages_done, "bytes_total", (json_int_t)n->bytes_total, "bytes_done",
		(json_int_t)n->bytes_done, "refused", (json_int_t)n->refused, "folders_total",
		(json_int_t)n->folders_total, "folders_done", (json_int_t)n->folders_done);
	event_name(o, "folder", n->folder, strlen(n->folder));
	event(ev, "progress", o);
}

void progress_end(struct progress *p)
{
	if (p->bar && p->width > 0)
		fprintf(stderr, "\r%*s\r", (int)p->width, "");
	p->bar = false;
}
