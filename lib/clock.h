/* Time. Instants are milliseconds since 1970-01-01T00:00:00Z; durations come from the monotonic clock. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

int64_t clock_now_ms(void);  /* wall clock */
int64_t clock_mono_ms(void); /* monotonic, for time-outs and rates */
int64_t clock_mono_us(void); /* the same in microseconds, for what is counted by the request */

/* RFC 3339 in UTC with milliseconds, "2026-11-22T13:00:00.000Z"; returns out (CLOCK_TEXT_SIZE bytes). */
char *clock_text(int64_t ms, char *out);
/* The inverse: RFC 3339 with any offset, fraction optional. */
bool clock_parse(const char *s, int64_t *ms);

#endif
