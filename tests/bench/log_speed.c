/* log_speed - how many lines of imapsync's log a second are understood, and whether memory grows with it.
 *
 *   make bench-log
 *
 * 100 MB of log in the forms that imapsync writes, dates in three languages, handed over in pieces of 64 KiB as the
 * worker reads them from a pipe; the best of three. Asked for: 200,000 lines a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "buf.h"
#include "clock.h"
#include "imapsync_log.h"

#include "banned.h"

#define TOTAL (100u << 20)
#define PIECE (64u << 10)

static const char *const dates[] = {"Sunday 22 November", "domingo 22 noviembre", "dimanche 22 novembre"};

/* One folder of a log: what stands there by the thousand, and a refusal now and then. */
static size_t add_folder(struct buf *b, int number)
{
	const char *date = dates[number % 3];
	size_t lines = 2;

	buf_addf(b, "Folder %4d/9999 [Archive/%d]                         -> [Archive/%d]                          \n", number,
		number, number);
	buf_addf(b, "Host1: folder [Archive/%d] selected 100 messages, duplicates 1\n", number);
	for (int i = 0; i < 100; i++, lines++)
		if (i % 25 == 24)
			buf_addf(b, "- msg Archive/%d/%d {9000} could not append ( Subject:[a: b], Date:[\"29-Nov-2016 03:21:10 -0800\"], "
				    "Size:[9000], Flags:[\\Seen] ) to folder Archive/%d: 12 NO [OVERQUOTA] Not enough disk quota\n",
				number, i, number);
		else
			buf_addf(b, "msg Archive/%d/%d {4000}          copied to Archive/%d/%d         1.23 msgs/s  10.0 KiB/s 1.2 MiB "
				    "copied ETA: %s 2026-11-22 16:38:32 +0000 UTC  60 s  11/12 msgs left\n",
				number, i, number, i, date);
	return lines;
}

static void count(void *arg, const struct imapsync_item *item)
{
	(void)item;
	++*(size_t *)arg;
}

static double once(const struct buf *log, size_t *items)
{
	struct imapsync_log l;
	int64_t began = clock_mono_ms();
	size_t fed = 0;

	*items = 0;
	imapsync_log_init(&l, count, items);
	for (; fed < TOTAL; fed += log->len)
		for (size_t at = 0; at < log->len; at += PIECE)
			imapsync_log_feed(&l, log->ptr + at, log->len - at < PIECE ? log->len - at : PIECE);
	imapsync_log_free(&l);
	return (double)(clock_mono_ms() - began) / 1000;
}

int main(void)
{
	struct buf log = BUF_INIT;
	struct rusage before, after;
	size_t lines = 0, items = 0;
	double best = 1e9;

	for (int i = 1; log.len < 1u << 20; i++)
		lines += add_folder(&log, i);
	once(&log, &items);
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < 3; i++) {
		double seconds = once(&log, &items);

		best = seconds < best ? seconds : best;
	}
	getrusage(RUSAGE_SELF, &after);
	lines *= (TOTAL + log.len - 1) / log.len;
	printf("%zu lines of 100 MB in %.2f s: %.0f lines/s, %.1f times the 200,000 that are asked for; %zu were of use; memory grew by "
	       "%ld KiB\n",
		lines, best, (double)lines / best, (double)lines / best / 200000, items, after.ru_maxrss - before.ru_maxrss);
	buf_free(&log);
	return 0;
}
