# engine: mailmover; everything but main in an archive of its own, so that tests link the same objects
noinst_LIBRARIES += libengine.a
libengine_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(SECCOMP_CFLAGS)
libengine_a_SOURCES = \
	engine/app.h \
	engine/append.c \
	engine/copy.c \
	engine/copy.h \
	engine/deflate.c \
	engine/deflate.h \
	engine/event.c \
	engine/event.h \
	engine/flags.c \
	engine/fetch.c \
	engine/folders.c \
	engine/folders.h \
	engine/imap_auth.c \
	engine/imap_auth.h \
	engine/imap_conn.c \
	engine/imap_conn.h \
	engine/imap_conn_impl.h \
	engine/imap_date.c \
	engine/imap_date.h \
	engine/imap_login.c \
	engine/imap_out.c \
	engine/imap_parse.c \
	engine/imap_parse.h \
	engine/imap_quirk.c \
	engine/imap_quirk.h \
	engine/imap_reader.c \
	engine/imap_reader.h \
	engine/imap_resp.c \
	engine/imap_resp.h \
	engine/imap_utf7.c \
	engine/imap_utf7.h \
	engine/job.c \
	engine/imapsync.c \
	engine/imapsync.h \
	engine/imapsync_table.h \
	engine/line.c \
	engine/loop.c \
	engine/loop.h \
	engine/claim.c \
	engine/claim.h \
	engine/map.c \
	engine/map_text.c \
	engine/map_text.h \
	engine/names.c \
	engine/names.h \
	engine/map.h \
	engine/net.c \
	engine/net.h \
	engine/only.c \
	engine/only.h \
	engine/opts.c \
	engine/opts.h \
	engine/pair.c \
	engine/plan.c \
	engine/preview.c \
	engine/progress.c \
	engine/progress.h \
	engine/prune.c \
	engine/reconcile.c \
	engine/reconcile_compare.c \
	engine/reconcile_impl.h \
	engine/refuse.c \
	engine/sorter.c \
	engine/sorter.h \
	engine/spool.c \
	engine/spool.h \
	engine/state.c \
	engine/state.h \
	engine/table.c \
	engine/table.h \
	engine/tls.c \
	engine/tls.h \
	engine/trial.c \
	engine/turn.c \
	engine/uidset.c \
	engine/uidset.h \
	engine/url.c \
	engine/url.h
ENGINE_LIBS = libengine.a libident.a $(BASE_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS) $(SECCOMP_LIBS)

bin_PROGRAMS += mailmover
mailmover_SOURCES = engine/main.c
mailmover_CPPFLAGS = $(libengine_a_CPPFLAGS)
mailmover_LDADD = $(ENGINE_LIBS)

include $(srcdir)/engine/verify.mk
include $(srcdir)/engine/source.mk
