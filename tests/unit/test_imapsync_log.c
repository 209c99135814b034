#include "unit.h"

#include <sys/resource.h>

#include "buf.h"
#include "imapsync_log.h"

/* Written after the documented forms of its lines. %s: a date as the locale writes it. */
static const char log_text[] =
	"Host1: imap connection\r\n"
	"Host2: Quota current storage is 1048576 bytes. Limit is 104857600 bytes. So 1 % full\n"
	"Host1 folder    1/4 [INBOX]                             Size:      4600 Messages:     3 Biggest:      4000\n"
	"Host1 Nb folders:                     4 folders\n"
	"Host1 Nb messages:                   12 messages\n"
	"Host2 Nb messages:                    0 messages\n"
	"Host1 Total size:                 54321 bytes (53.048 KiB)\n"
	"Host2 Total size:                     0 bytes (0.000 KiB)\n"
	"++++ Looping on each one of 4 folders to sync\n"
	"ETA: %s 2026-11-22 16:38:32 +0000 UTC  0 s  12/12 msgs left\n"
	"Folder    1/4 [INBOX]                             -> [INBOX]                            \n"
	"Host1: folder [INBOX] selected 3 messages, duplicates 1\n"
	"msg INBOX/123 {4000}          copied to INBOX/45         1.23 msgs/s  10.0 KiB/s 1.2 MiB copied ETA: %s "
	"2026-11-22 16:38:32 +0000 UTC  60 s  11/12 msgs left\n"
	"msg INBOX/124 {600}           copied to INBOX/46         1.23 msgs/s  10.0 KiB/s 1.2 MiB copied\n"
	"Folder    2/4 [S&AOM-o Paulo/x -> y] = [São Paulo/x -> y]             -> [S&AOM-o Paulo] = [São Paulo]  \n"
	"- msg S&AOM-o Paulo/x -> y/7 {9000} could not append ( Subject:[a: b] to folder c], Date:[\"29-Nov-2016 03:21:10 "
	"-0800\"], Size:[9000], Flags:[\\Seen] ) to folder S&AOM-o Paulo: 12 NO [OVERQUOTA] Not enough disk quota\n"
	"- msg INBOX/8 {99} couldn't append  ( Subject:[x] ) to folder INBOX: 13 BAD maximum message size exceeded\n"
	"- msg INBOX/9 {0} S[10] F[] I[d] could not be fetched: 14 NO [SERVERBUG] Internal error\n"
	"Host1: INBOX/10 size 77 ignored (no wanted headers so we ignore this message. To solve this: use --addheader)\n"
	"msg INBOX/11 skipped (123456 exceeds maxsize limit 1000 bytes)\n"
	"- msg INBOX/12 {50} skipped (Subject:[y]) (line length exceeds maxlinelength 9000 bytes)\n"
	"Folder    3/4 [Archive]                           -> [Archive]                          \n"
	"Could not create folder [Archive] from [Archive]: 15 NO [NOPERM] Permission denied\n"
	"Host1: folder Trash : Could not fetch_hash 3 msgs: 16 NO Server Unavailable\n"
	"Host2: flags msg INBOX/3 could not add flags [\\Foo]: 17 NO what is that\n"
	"18 NO Request is throttled. Suggested Backoff Time: 299961 milliseconds\n"
	"ETA: %s 2026-11-22 16:38:39 +0000 UTC  7 s  0/12 msgs left\n"
	"++++ Statistics\n"
	"Messages transferred                    : 99 \n"
	"Detected 99 errors\n"
	"++++ Statistics\n"
	"Transfer started on                     : %s 2026-11-22 16:38:30 +0000 UTC\n"
	"Transfer time                           : 5.9 sec\n"
	"Folders synced                          : 4/4 synced\n"
	"Messages transferred                    : 2 \n"
	"Messages skipped                        : 4\n"
	"Messages found duplicate on host1       : 1\n"
	"Messages found duplicate on host2       : 0\n"
	"Messages found crossduplicate on host2  : 0\n"
	"Messages void (noheader) on host1       : 1  \n"
	"Messages found in host1 not in host2    : 3 messages\n"
	"Messages found in host2 not in host1    : 0 messages\n"
	"Total bytes transferred                 : 4600 (4.492 KiB)\n"
	"Start difference host2 - host1          : -12 messages, -54321 bytes (-53.048 KiB)\n"
	"The sync is not finished, there are 3 among 10 identified messages in host1 that are not on host2.\n"
	"There are 1 unidentified messages (usually Sent or Draft messages). To sync them add option --addheader\n"
	"++++ Listing 6 errors encountered during the sync ( avoid this listing with --noerrorsdump ).\n"
	"Err 1/6: - msg S&AOM-o Paulo/x -> y/7 {9000} could not append ( Subject:[a: b] ) to folder S&AOM-o Paulo: 12 NO "
	"[OVERQUOTA] Not enough disk quota\n"
	"Err 2/6: Could not create folder [Archive] from [Archive]: 15 NO [NOPERM] Permission denied\n"
	"Detected 6 errors\n"
	"The most frequent error is ERR_APPEND_SIZE. Most of the time it means what it says.\n"
	"Exiting with return value 114 (EXIT_WITH_ERRORS_APPEND) 6/100 nb_errors/max_errors PID 301\n";
static const char *const dates[] = {"Sunday 22 November", "domingo 22 noviembre", "dimanche 22 novembre",
	"sábado 22 março"};

struct seen {
	struct buf text;
	int64_t n;
};

static void said(void *arg, const struct imapsync_item *i)
{
	static const char *const names[] = {"folder", "progress", "refused", "failed", "throttled"};
	struct seen *s = arg;

	s->n++;
	buf_addf(&s->text, "%s|%s|%lld|%lld|%s|%s\n", names[i->said], i->folder, (long long)i->uid, (long long)i->size,
		i->code != ERR_NONE ? err_row(i->code)->code : "", i->words);
}

static char *dated(const char *date)
{
	struct buf b = BUF_INIT;

	for (const char *p = log_text; *p != '\0'; p++)
		if (p[0] == '%' && p[1] == 's')
			buf_adds(&b, date), p++;
		else
			buf_addc(&b, *p);
	return buf_detach(&b);
}

static void check_counts(const struct imapsync_counts *c)
{
	assert_int_equal(c->source_messages, 12);
	assert_int_equal(c->source_bytes, 54321);
	assert_int_equal(c->dest_bytes, 0);
	assert_int_equal(c->quota_used, 1048576);
	assert_int_equal(c->quota_limit, 104857600);
	assert_int_equal(c->total, 12);
	assert_int_equal(c->done, 12);
	assert_int_equal(c->copied, 2);
	assert_int_equal(c->copied_bytes, 4600);
	assert_int_equal(c->folders, 4);
	assert_int_equal(c->transferred, 2); /* the last block's */
	assert_int_equal(c->skipped, 4);
	assert_int_equal(c->duplicate1, 1);
	assert_int_equal(c->void1, 1);
	assert_int_equal(c->not_in2, 3);
	assert_int_equal(c->detected, 6);
	assert_int_equal(c->errors, 6); /* though printed twice */
	assert_int_equal(c->ignored, 3);
	assert_int_equal(c->unsynced, 3);
	assert_true(c->throttled);
	assert_true(c->ended);
	assert_int_equal(c->exit_value, 114);
	assert_int_equal(c->most_frequent, ERR_MESSAGE_TOO_LARGE);
}

static const char expected[] =
	"progress||0|0||\n"
	"folder|INBOX|0|0||\n"
	"progress|INBOX|0|4000||\n"
	"progress|INBOX|0|600||\n"
	"folder|São Paulo/x -> y|0|0||\n"
	"refused|S&AOM-o Paulo/x -> y|7|9000|quota.exceeded|12 NO [OVERQUOTA] Not enough disk quota\n"
	"refused|INBOX|8|99|message.too_large|13 BAD maximum message size exceeded\n"
	"refused|INBOX|9|0|source.damaged|14 NO [SERVERBUG] Internal error\n"
	"refused|INBOX|10|77|message.refused|ignored: no header by which imapsync knows messages\n"
	"refused|INBOX|11|0|message.too_large|skipped (123456 exceeds maxsize limit 1000 bytes)\n"
	"refused|INBOX|12|50|message.refused|skipped (Subject:[y]) (line length exceeds maxlinelength 9000 bytes)\n"
	"folder|Archive|0|0||\n"
	"failed||0|0|folder.denied|Could not create folder [Archive] from [Archive]: 15 NO [NOPERM] Permission denied\n"
	"failed||0|0|source.damaged|Host1: folder Trash : Could not fetch_hash 3 msgs: 16 NO Server Unavailable\n"
	"failed||0|0|message.refused|Host2: flags msg INBOX/3 could not add flags [\\Foo]: 17 NO what is that\n"
	"throttled||0|0|throttled|18 NO Request is throttled. Suggested Backoff Time: 299961 milliseconds\n"
	"progress|Archive|0|0||\n";

static void feed_cut(const char *text, size_t first, size_t step)
{
	struct seen s = {.text = BUF_INIT};
	struct imapsync_log l;
	size_t n = strlen(text);

	imapsync_log_init(&l, said, &s);
	imapsync_log_feed(&l, text, first < n ? first : n);
	for (size_t at = first; at < n; at += step)
		imapsync_log_feed(&l, text + at, at + step < n ? step : n - at);
	check_counts(&l.counts);
	assert_string_equal(s.text.ptr, expected);
	imapsync_log_free(&l);
	buf_free(&s.text);
}

/* Every language of dates; cut in two at every byte (or one in seven: another one in each language); byte by byte. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t d = 0; d < sizeof(dates) / sizeof(dates[0]); d++) {
		char *text = dated(dates[d]);
		size_t n = strlen(text);

		for (size_t at = is_long() ? 0 : d % 7; at <= n; at += is_long() ? 1 : 7)
			feed_cut(text, at, n);
		feed_cut(text, 0, 1);
		feed_cut(text, 0, 7);
		free(text);
	}
}

/* What is no line of imapsync's, or broken, says nothing and breaks nothing. */
static void test_strange(void **state)
{
	static const char *const lines[] = {"", "msg ", "msg x", "msg /{} copied to", "Folder 1/", "Folder 1/2 [", "Folder 1/2 [x",
		"- msg ", "- msg could not append", "ETA: 5/4 msgs left", " msgs left", "ETA: 99999999999999999999/1 msgs left",
		"Exiting with return value", "Exiting with return value x", "Host1: ignored (no wanted headers", "Err 1/2: x",
		"Host2: Quota current storage is x Limit is ", "Detected many errors", "++++ Statistics", "Messages transferred",
		"Messages transferred :", "\xff\xfe\x01", "Host1: / size ignored (no wanted headers"};
	struct seen s = {.text = BUF_INIT};
	struct imapsync_log l;

	(void)state;
	imapsync_log_init(&l, said, &s);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		imapsync_log_feed(&l, lines[i], strlen(lines[i]));
		imapsync_log_feed(&l, "\n", 1);
	}
	assert_false(l.counts.ended);
	assert_int_equal(l.counts.copied, 0);
	assert_int_equal(l.counts.detected, -1);
	imapsync_log_free(&l);
	buf_free(&s.text);
}

static void counted(void *arg, const struct imapsync_item *i)
{
	(void)i;
	++*(int64_t *)arg;
}

/* CHECK_LONG: 100 MB; a line that never ends is passed over, not kept. */
static void test_constant_memory(void **state)
{
	size_t mb = is_long() ? 100 : 1, n, fed = 0;
	struct imapsync_log l;
	struct rusage before, after;
	char *text = dated(dates[1]), *flood = malloc(1 << 20);
	int64_t items = 0;

	(void)state;
	n = strlen(text);
	memset(flood, 'x', 1 << 20);
	imapsync_log_init(&l, counted, &items);
	imapsync_log_feed(&l, text, n);
	for (int i = 0; i < 8; i++)
		imapsync_log_feed(&l, flood, 1 << 20);
	imapsync_log_feed(&l, "\n", 1);
	assert_true(l.lines.rest.cap <= 4 * IMAPSYNC_LINE_MAX);
	getrusage(RUSAGE_SELF, &before);
	for (; fed < mb << 20; fed += n)
		imapsync_log_feed(&l, text, n);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(l.lines.too_long, 1);
	assert_int_equal(l.counts.copied, 2 * (int64_t)(1 + (fed + n - 1) / n));
	assert_true(l.lines.rest.cap <= 4 * IMAPSYNC_LINE_MAX);
#ifndef WITH_SANITIZERS
	assert_true(after.ru_maxrss - before.ru_maxrss < 1024);
#endif
	imapsync_log_free(&l);
	free(text);
	free(flood);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_constant_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
