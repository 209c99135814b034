# tests of the worker's modules
if HAVE_CMOCKA
WORKER_TESTS = \
	tests/unit/test_autoconfig \
	tests/unit/test_child \
	tests/unit/test_findings \
	tests/unit/test_imapsync_log \
	tests/unit/test_mask \
	tests/unit/test_rawlog \
	tests/unit/test_spool \
	tests/unit/test_tool \
	tests/unit/test_unseal
check_PROGRAMS += $(WORKER_TESTS)
TESTS += $(WORKER_TESTS)
WORKER_TEST_CPPFLAGS = $(libworker_a_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_autoconfig_CPPFLAGS = $(WORKER_TEST_CPPFLAGS) $(EXPAT_CFLAGS)
tests_unit_test_autoconfig_SOURCES = tests/unit/test_autoconfig.c worker/autoconfig.c
tests_unit_test_autoconfig_LDADD = $(WORKER_LIBS) $(EXPAT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_child_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_child_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_findings_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_findings_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_imapsync_log_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_imapsync_log_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_mask_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_mask_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_rawlog_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_rawlog_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_spool_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_spool_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tool_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_tool_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_unseal_CPPFLAGS = $(WORKER_TEST_CPPFLAGS)
tests_unit_test_unseal_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)
endif
