#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "banned.h"

#define LINE_MAX_ 2048

static const char *program = "desk-migration";
static enum log_level threshold = LOG_INFO_;
static const int journal_priority[] = {3, 4, 6, 7};
static const char *const level_name[] = {"error", "warning", "info", "debug"};

void log_open(const char *name, enum log_level level)
{
	program = name;
	threshold = level;
}

/* Appends `in` to out[at..] with control characters made visible; returns the new length. */
static size_t escape(char *out, size_t at, size_t size, const char *in)
{
	for (; *in != '\0' && at + 5 < size; in++) {
		unsigned char c = (unsigned char)*in;

		if (c < 0x20 || c == 0x7f)
			at += (size_t)snprintf(out + at, size - at, "\\x%02x", c);
		else
			out[at++] = (char)c;
	}
	return at;
}

__attribute__((format(printf, 2, 0)))
static void put(enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_MAX_], line[LINE_MAX_ + 256];
	size_t n;

	if (level > threshold)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (getenv("JOURNAL_STREAM") != NULL) {
		n = (size_t)snprintf(line, sizeof(line), "<%d>", journal_priority[level]);
	} else {
		time_t now = time(NULL);
		struct tm tm;
		char stamp[32];

		gmtime_r(&now, &tm);
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
		n = (size_t)snprintf(line, sizeof(line), "%s %s[%d] %s: ", stamp, program, (int)getpid(),
			level_name[level]);
	}
	n = escape(line, n, sizeof(line), text);
	line[n++] = '\n';
	/* one write, so that lines of several processes never mix; a log that cannot be written is no error */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

#define LOG_FUNCTION(name, level)                                                                                      \
	void name(const char *fmt, ...)                                                                                \
	{                                                                                                              \
		va_list ap;                                                                                            \
                                                                                                                       \
		va_start(ap, fmt);                                                                                     \
		put(level, fmt, ap);                                                                                   \
		va_end(ap);                                                                                            \
	}

LOG_FUNCTION(log_error, LOG_ERROR_)
LOG_FUNCTION(log_warn, LOG_WARN_)
LOG_FUNCTION(log_info, LOG_INFO_)
LOG_FUNCTION(log_debug, LOG_DEBUG_)
