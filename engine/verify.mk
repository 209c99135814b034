# who a message is: pure, also linked by the unit tests and the fuzz targets
noinst_LIBRARIES += libident.a
libident_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
libident_a_SOURCES = \
	engine/canon.c \
	engine/canon.h \
	engine/charset.c \
	engine/charset.h \
	engine/flagset.c \
	engine/flagset.h \
	engine/ident.c \
	engine/ident.h \
	engine/match.c \
	engine/match.h \
	engine/mime.c \
	engine/mime.h \
	engine/mime_leaf.c \
	engine/mime_leaf.h \
	engine/rfc2047.c \
	engine/rfc2047.h
IDENT_LIBS = libident.a $(BASE_LIBS) $(OPENSSL_LIBS)

libengine_a_SOURCES += \
	engine/check.c \
	engine/check.h \
	engine/check_advice.c \
	engine/check_probe.c \
	engine/survey.c \
	engine/survey.h \
	engine/verify.c \
	engine/verify.h \
	engine/verify_baseline.c \
	engine/verify_ledger.c \
	engine/verify_match.c \
	engine/verify_name.c \
	engine/verify_plan.c \
	engine/verify_pool.c \
	engine/verify_pool.h \
	engine/verify_record.c \
	engine/verify_report.c \
	engine/verify_task.c
