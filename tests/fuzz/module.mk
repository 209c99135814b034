# tests/fuzz: libFuzzer targets (configure --enable-fuzzers CC=clang); tests/data/fuzz/NAME is where each starts
if FUZZERS
FUZZ_TARGETS = \
	tests/fuzz/fuzz_ident \
	tests/fuzz/fuzz_imap
noinst_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_ident_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_ident_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ident_LDADD = $(IDENT_LIBS)
tests_fuzz_fuzz_imap_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/engine
tests_fuzz_fuzz_imap_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_imap_LDADD = $(ENGINE_LIBS)
endif
EXTRA_DIST += \
	tests/fuzz/fuzz_ident.c \
	tests/fuzz/fuzz_imap.c \
	tests/data/fuzz/ident \
	tests/data/fuzz/imap
