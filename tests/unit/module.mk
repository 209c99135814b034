# tests of libmigration and migrationctl
if HAVE_CMOCKA
LIB_TESTS = \
	tests/unit/test_audit \
	tests/unit/test_certificate \
	tests/unit/test_conf \
	tests/unit/test_dns_clock \
	tests/unit/test_facts \
	tests/unit/test_gate \
	tests/unit/test_gate_model \
	tests/unit/test_json \
	tests/unit/test_lifecycle \
	tests/unit/test_queue \
	tests/unit/test_report \
	tests/unit/test_retention \
	tests/unit/test_seal \
	tests/unit/test_store \
	tests/unit/test_store_run \
	tests/unit/test_token \
	tests/unit/test_upload_file \
	tests/unit/test_user
check_PROGRAMS += $(LIB_TESTS)
TESTS += $(LIB_TESTS)
LIB_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(SODIUM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) \
	-DSRCDIR='"$(abs_srcdir)"' -DBUILDDIR='"$(abs_builddir)"'
LIB_TEST_LDADD = $(MIGRATION_LIBS) $(CMOCKA_LIBS)
tests_unit_test_audit_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_audit_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_certificate_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_certificate_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_conf_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_conf_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_dns_clock_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_dns_clock_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_facts_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_facts_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_gate_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_gate_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_gate_model_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_gate_model_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_json_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_json_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_lifecycle_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_lifecycle_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_queue_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_queue_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_report_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_report_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_retention_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_retention_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_seal_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_seal_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_store_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_store_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_store_run_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_store_run_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_token_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_token_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_upload_file_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_upload_file_LDADD = $(LIB_TEST_LDADD)
tests_unit_test_user_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_user_LDADD = $(LIB_TEST_LDADD)
endif
EXTRA_DIST += tests/unit/store_unit.h
