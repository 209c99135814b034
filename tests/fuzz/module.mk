# tests/fuzz: libFuzzer targets (configure --enable-fuzzers CC=clang); tests/data/fuzz/NAME is where each starts
if FUZZERS
FUZZ_TARGETS = \
	tests/fuzz/fuzz_ident \
	tests/fuzz/fuzz_imap \
	tests/fuzz/fuzz_mbox \
	tests/fuzz/fuzz_pst \
	tests/fuzz/fuzz_pst_item \
	tests/fuzz/fuzz_request \
	tests/fuzz/fuzz_tgz \
	tests/fuzz/fuzz_zip
noinst_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_ident_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_ident_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ident_LDADD = $(IDENT_LIBS)
tests_fuzz_fuzz_imap_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_imap_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_imap_LDADD = $(ENGINE_LIBS)
tests_fuzz_fuzz_mbox_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_mbox_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_mbox_LDADD = $(SOURCE_LIBS)
tests_fuzz_fuzz_pst_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_pst_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_pst_LDADD = $(SOURCE_LIBS)
tests_fuzz_fuzz_pst_item_CPPFLAGS = $(libsource_a_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_pst_item_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_pst_item_LDADD = $(SOURCE_LIBS)
tests_fuzz_fuzz_request_CPPFLAGS = $(FCGI_CPPFLAGS)
tests_fuzz_fuzz_request_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_request_LDADD = $(API_LIBS)
tests_fuzz_fuzz_tgz_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_tgz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_tgz_LDADD = $(SOURCE_LIBS)
tests_fuzz_fuzz_zip_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_zip_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_zip_LDADD = $(SOURCE_LIBS)
endif
EXTRA_DIST += \
	tests/fuzz/fuzz_ident.c \
	tests/fuzz/archive.h \
	tests/fuzz/fuzz_imap.c \
	tests/fuzz/fuzz_mbox.c \
	tests/fuzz/fuzz_pst.c \
	tests/fuzz/fuzz_pst_item.c \
	tests/fuzz/fuzz_request.c \
	tests/fuzz/fuzz_tgz.c \
	tests/fuzz/fuzz_zip.c \
	tests/data/fuzz/ident \
	tests/data/fuzz/imap \
	tests/data/fuzz/mbox \
	tests/data/fuzz/pst \
	tests/data/fuzz/pst_item \
	tests/data/fuzz/request \
	tests/data/fuzz/tgz \
	tests/data/fuzz/zip
