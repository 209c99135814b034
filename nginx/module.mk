# nginx: what the web server includes; paths are filled in at build time
nginxdir = $(pkgdatadir)/nginx
rundir = /run/desk-migration
nodist_nginx_DATA = nginx/desk-migration.conf nginx/server.conf nginx/site.conf
EXTRA_DIST += nginx/desk-migration.conf.in nginx/site.conf.in
CLEANFILES += $(nodist_nginx_DATA)
nginx/desk-migration.conf: $(srcdir)/nginx/desk-migration.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) nginx && sed \
		-e 's|@listen@|127.0.0.1:8080|' \
		-e 's|@wwwdir@|$(pkgdatadir)/www|' \
		-e 's|@api_socket@|$(rundir)/api.sock|' \
		-e 's|@worker_socket@|$(rundir)/worker.sock|' \
		-e 's|@upload_socket@|$(rundir)/upload.sock|' $(srcdir)/nginx/desk-migration.conf.in >$@
nginx/server.conf: nginx/desk-migration.conf
	$(AM_V_GEN)sed -n '/^# server.conf begins/,/^# server.conf ends/p' nginx/desk-migration.conf | sed 's/^	//' >$@
nginx/site.conf: $(srcdir)/nginx/site.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) nginx && sed -e 's|@nginxdir@|$(nginxdir)|' $(srcdir)/nginx/site.conf.in >$@
