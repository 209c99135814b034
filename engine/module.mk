# engine: mailmover; everything but main in an archive of its own, so that tests link the same objects
noinst_LIBRARIES += libengine.a
libengine_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)
libengine_a_SOURCES = \
	engine/app.h \
	engine/event.c \
	engine/event.h \
	engine/imap_auth.c \
	engine/imap_auth.h \
	engine/imap_conn.c \
	engine/imap_conn.h \
	engine/imap_parse.c \
	engine/imap_parse.h \
	engine/imap_quirk.c \
	engine/imap_quirk.h \
	engine/imap_resp.c \
	engine/imap_resp.h \
	engine/imap_utf7.c \
	engine/imap_utf7.h \
	engine/loop.c \
	engine/loop.h \
	engine/map.c \
	engine/map.h \
	engine/net.c \
	engine/net.h \
	engine/opts.c \
	engine/opts.h \
	engine/tls.c \
	engine/tls.h \
	engine/uidset.c \
	engine/uidset.h \
	engine/url.c \
	engine/url.h
ENGINE_LIBS = libengine.a $(BASE_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

include $(srcdir)/engine/verify.mk
