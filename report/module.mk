# report: the writer of reports and certificates
pkglibexec_PROGRAMS += migration-report
migration_report_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/report $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(PANGOCAIRO_CFLAGS)
migration_report_LDADD = $(MIGRATION_LIBS) $(PANGOCAIRO_LIBS)
migration_report_SOURCES = \
	report/attach.c \
	report/attach.h \
	report/dns.c \
	report/document.c \
	report/document.h \
	report/main.c \
	report/mailbox.c \
	report/sheet.c \
	report/sheet.h \
	report/table.c \
	report/table.h \
	report/words.c \
	report/words.h \
	report/words_table.h
