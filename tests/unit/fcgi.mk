# tests of fcgi/
if HAVE_CMOCKA
FCGI_TESTS = \
	tests/unit/test_csv \
	tests/unit/test_fastcgi \
	tests/unit/test_range \
	tests/unit/test_request \
	tests/unit/test_router \
	tests/unit/test_tus \
	tests/unit/test_writer
check_PROGRAMS += $(FCGI_TESTS)
TESTS += $(FCGI_TESTS)
FCGI_TEST_CPPFLAGS = $(FCGI_CPPFLAGS) $(CMOCKA_CFLAGS)
FCGI_TEST_LIBS = $(API_LIBS) $(CMOCKA_LIBS)
tests_unit_test_csv_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_csv_LDADD = $(FCGI_TEST_LIBS)
tests_unit_test_fastcgi_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_fastcgi_LDADD = $(FCGI_TEST_LIBS)
tests_unit_test_range_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_range_LDADD = $(FCGI_TEST_LIBS)
tests_unit_test_request_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_request_LDADD = $(FCGI_TEST_LIBS)
tests_unit_test_router_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_router_LDADD = $(FCGI_TEST_LIBS)
tests_unit_test_tus_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_tus_LDADD = $(FCGI_TEST_LIBS)
tests_unit_test_writer_CPPFLAGS = $(FCGI_TEST_CPPFLAGS)
tests_unit_test_writer_LDADD = $(FCGI_TEST_LIBS)
endif
