/* The life of a run as a table: every event, retry class, attempt, kind and wish. */
#include "unit.h"

#include "lifecycle.h"

static void transitions(void **state)
{
	/* rows: from; columns: queued running paused waiting succeeded partial failed cancelled */
	static const char *const table[RUN_STATUS_COUNT] = {[RUN_QUEUED] = ".r....fc",
	        [RUN_RUNNING] = "q.pwsPfc",
	        [RUN_PAUSED] = "qr.wsPfc",
	        [RUN_WAITING] = "qrp.sPfc",
	        [RUN_SUCCEEDED] = "q.......",
	        [RUN_PARTIAL] = "q.......",
	        [RUN_FAILED] = "q.......",
	        [RUN_CANCELLED] = "q......."};

	(void)state;
	for (int a = 0; a < RUN_STATUS_COUNT; a++)
		for (int b = 0; b < RUN_STATUS_COUNT; b++)
			if (lifecycle_may((enum run_status)a, (enum run_status)b) != (table[a][b] != '.'))
				fail_msg("%s to %s", run_status_name((enum run_status)a),
				        run_status_name((enum run_status)b));
}

static void what_comes_next(void **state)
{
	static const struct {
		enum lifecycle_event ev;
		enum run_kind kind;
		const char *code;
		int64_t attempt, max;
		bool cancel;
		enum run_status want;
		const char *want_code;
		int64_t delay;
	} cases[] = {
	        {LIFE_FAILED, RUN_SYNC, "auth.rejected", 1, 3, false, RUN_FAILED, "auth.rejected", 0},
	        {LIFE_FAILED, RUN_SYNC, "line.lost", 1, 3, false, RUN_QUEUED, NULL, 5000},
	        {LIFE_FAILED, RUN_DNS_APPLY, "line.lost", 1, 3, false, RUN_FAILED, "line.lost", 0},
	        {LIFE_FAILED, RUN_SYNC, "line.lost", 2, 3, false, RUN_QUEUED, NULL, 20000},
	        {LIFE_FAILED, RUN_SYNC, "line.lost", 3, 3, false, RUN_FAILED, "line.lost", 0},
	        {LIFE_FAILED, RUN_SYNC, "line.lost", 9, 10, false, RUN_QUEUED, NULL, 600000},
	        {LIFE_FAILED, RUN_SYNC, "line.lost", 99, 100, false, RUN_QUEUED, NULL, 600000},
	        {LIFE_FAILED, RUN_VERIFY, "source.changed", 1, 3, false, RUN_QUEUED, NULL, 5000},
	        {LIFE_FAILED, RUN_VERIFY, "source.changed", 2, 3, false, RUN_FAILED, "source.changed", 0},
	        {LIFE_FAILED, RUN_VERIFY, "source.changed", 1, 1, false, RUN_FAILED, "source.changed", 0},
	        {LIFE_FAILED, RUN_SYNC, "made.up", 1, 3, false, RUN_FAILED, "made.up", 0},
	        {LIFE_FAILED, RUN_SYNC, NULL, 1, 3, false, RUN_FAILED, "internal", 0},
	        {LIFE_FAILED, RUN_SYNC, "line.lost", 1, 3, true, RUN_CANCELLED, "run.cancelled", 0},
	        {LIFE_FAILED, RUN_PREFLIGHT, "host.unreachable", 1, 3, false, RUN_FAILED, "host.unreachable",
	                0},
	        {LIFE_FAILED, RUN_DISCOVER, "host.unreachable", 1, 3, false, RUN_FAILED, "host.unreachable",
	                0},
	        {LIFE_GIVEN_BACK, RUN_SYNC, NULL, 99, 3, false, RUN_QUEUED, NULL, 0},
	        {LIFE_GIVEN_BACK, RUN_SYNC, "service.unavailable", 99, 3, false, RUN_QUEUED, NULL, 5000},
	        {LIFE_GIVEN_BACK, RUN_SYNC, "throttled", 1, 3, false, RUN_QUEUED, NULL, 5000},
	        {LIFE_GIVEN_BACK, RUN_SYNC, "throttled", 3, 3, false, RUN_FAILED, "throttled", 0},
	        {LIFE_GIVEN_BACK, RUN_SYNC, NULL, 1, 3, true, RUN_CANCELLED, "run.cancelled", 0},
	        {LIFE_LEASE, RUN_SYNC, NULL, 1, 3, false, RUN_QUEUED, NULL, 0},
	        {LIFE_LEASE, RUN_PREFLIGHT, NULL, 1, 3, false, RUN_QUEUED, NULL, 0},
	        {LIFE_LEASE, RUN_SYNC, NULL, 3, 3, false, RUN_FAILED, "run.lost", 0},
	        {LIFE_LEASE, RUN_SYNC, NULL, 3, 3, true, RUN_CANCELLED, "run.cancelled", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lifecycle_next n = lifecycle_next(cases[i].ev, cases[i].kind, cases[i].code,
		        cases[i].attempt, cases[i].max, cases[i].cancel);

		if (n.status != cases[i].want || n.delay_ms != cases[i].delay ||
		        (n.code == NULL) != (cases[i].want_code == NULL) ||
		        (n.code != NULL && strcmp(n.code, cases[i].want_code) != 0))
			fail_msg("case %zu: %s %s after %lld ms", i, run_status_name(n.status),
			        n.code != NULL ? n.code : "-", (long long)n.delay_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(transitions), cmocka_unit_test(what_comes_next)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
