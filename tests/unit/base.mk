# tests of libbase
if HAVE_CMOCKA
BASE_TESTS = \
	tests/unit/test_buf \
	tests/unit/test_clock \
	tests/unit/test_db \
	tests/unit/test_err \
	tests/unit/test_fs \
	tests/unit/test_str
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
tests_unit_test_buf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_buf_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_clock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_clock_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_db_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_db_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_err_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_err_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_fs_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_fs_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_str_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_str_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/unit/unit.h
