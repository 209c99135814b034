# tests of the engine's pieces
if HAVE_CMOCKA
ENGINE_TESTS = \
	tests/unit/test_deflate \
	tests/unit/test_imap_parse \
	tests/unit/test_imap_resp \
	tests/unit/test_imap_text \
	tests/unit/test_map \
	tests/unit/test_opts \
	tests/unit/test_sorter \
	tests/unit/test_state
check_PROGRAMS += $(ENGINE_TESTS)
TESTS += $(ENGINE_TESTS)
ENGINE_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
ENGINE_TEST_LIBS = $(ENGINE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_deflate_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_deflate_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_imap_parse_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_imap_parse_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_imap_resp_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_imap_resp_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_imap_text_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_imap_text_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_map_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_map_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_opts_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_opts_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_sorter_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_sorter_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_state_CPPFLAGS = $(ENGINE_TEST_CPPFLAGS)
tests_unit_test_state_LDADD = $(ENGINE_TEST_LIBS)
endif
