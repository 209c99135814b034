#include "lifecycle.h"

#include <stddef.h>
#include <string.h>

#include "err.h"

#include "banned.h"

#define DELAY_FIRST_MS 5000
#define DELAY_MOST_MS 600000

bool lifecycle_may(enum run_status from, enum run_status to)
{
	if (!run_status_active(from))
		return to == RUN_QUEUED; /* only by a run file that was moved back by hand */
	if (from == RUN_QUEUED)
		return to == RUN_RUNNING || to == RUN_CANCELLED || to == RUN_FAILED;
	return to != from;
}

static int64_t delay(int64_t attempt)
{
	int64_t ms = DELAY_FIRST_MS;

	while (attempt-- > 1 && ms < DELAY_MOST_MS)
		ms *= 4;
	return ms < DELAY_MOST_MS ? ms : DELAY_MOST_MS;
}

/* How many attempts a code is worth. */
static int64_t attempts_of(const char *code, int64_t max_attempts)
{
	const struct err_row *row = code != NULL ? err_row_by_code(code) : NULL;

	if (row == NULL || row->retry == RETRY_NEVER)
		return 1;
	if (row->retry == RETRY_ONCE)
		return max_attempts < 2 ? max_attempts : 2;
	return max_attempts;
}

/* "Does it work now?" wants the answer at once; a change of DNS is decided anew by a person. */
static bool is_a_question(enum run_kind kind)
{
	return kind == RUN_PREFLIGHT || kind == RUN_DISCOVER || kind == RUN_DNS_READ || kind == RUN_DNS_APPLY;
}

struct lifecycle_next lifecycle_next(enum lifecycle_event ev, enum run_kind kind, const char *code,
        int64_t attempt, int64_t max_attempts, bool cancel)
{
	bool handed_back =
	        ev == LIFE_GIVEN_BACK && (code == NULL || strcmp(code, "service.unavailable") == 0);

	if (ev == LIFE_LEASE)
		code = "run.lost";
	if (cancel)
		return (struct lifecycle_next){.status = RUN_CANCELLED, .code = "run.cancelled"};
	if (handed_back)
		return (struct lifecycle_next){.status = RUN_QUEUED, .delay_ms = code != NULL ? DELAY_FIRST_MS : 0};
	if ((ev == LIFE_LEASE || !is_a_question(kind)) && attempt < attempts_of(code, max_attempts))
		return (struct lifecycle_next){
		        .status = RUN_QUEUED, .delay_ms = ev == LIFE_LEASE ? 0 : delay(attempt)};
	return (struct lifecycle_next){.status = RUN_FAILED, .code = code != NULL ? code : "internal"};
}
