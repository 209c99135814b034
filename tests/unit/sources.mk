# tests of the readers of files
if HAVE_CMOCKA
SOURCE_TESTS = \
	tests/unit/test_mbox \
	tests/unit/test_pst_heap
check_PROGRAMS += $(SOURCE_TESTS)
TESTS += $(SOURCE_TESTS)
tests_unit_test_mbox_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine $(CMOCKA_CFLAGS)
tests_unit_test_mbox_LDADD = $(SOURCE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_pst_heap_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine $(CMOCKA_CFLAGS)
tests_unit_test_pst_heap_LDADD = $(SOURCE_LIBS) $(CMOCKA_LIBS)
endif
