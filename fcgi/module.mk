# fcgi: migration-fcgi, the three pools behind the web server
sbin_PROGRAMS += migration-fcgi
FCGI_SOURCES = \
	fcgi/api.h \
	fcgi/api_service.c \
	fcgi/app.c \
	fcgi/app.h \
	fcgi/call.c \
	fcgi/call.h \
	fcgi/pool.c \
	fcgi/pool.h \
	fcgi/problem.c \
	fcgi/problem.h \
	fcgi/request.c \
	fcgi/request.h \
	fcgi/response.c \
	fcgi/response.h \
	fcgi/router.c \
	fcgi/router.h \
	fcgi/routes.c \
	fcgi/serve.h \
	fcgi/socket.c \
	fcgi/socket.h \
	fcgi/writer.c \
	fcgi/writer.h
migration_fcgi_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/fcgi $(JANSSON_CFLAGS)
migration_fcgi_SOURCES = \
	$(FCGI_SOURCES) \
	fcgi/main.c \
	fcgi/serve.c
migration_fcgi_LDADD = $(MIGRATION_LIBS) $(FCGI_LIBS)
