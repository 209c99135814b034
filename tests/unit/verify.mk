# tests of the identity ladder and the verifier
if HAVE_CMOCKA
VERIFY_TESTS = \
	tests/unit/test_ident \
	tests/unit/test_match \
	tests/unit/test_verify_parts
check_PROGRAMS += $(VERIFY_TESTS)
TESTS += $(VERIFY_TESTS)
tests_unit_test_ident_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine $(CMOCKA_CFLAGS)
tests_unit_test_ident_LDADD = $(IDENT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_match_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine $(CMOCKA_CFLAGS)
tests_unit_test_match_LDADD = $(IDENT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_verify_parts_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_verify_parts_LDADD = $(ENGINE_LIBS) $(CMOCKA_LIBS)
endif
