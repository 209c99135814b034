# systemd: units, users and folders of an installed system; paths are filled in at build time
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
SYSTEMD_POOLS = api worker upload
SYSTEMD_FCGI = $(SYSTEMD_POOLS:%=systemd/migration-fcgi-%.socket) $(SYSTEMD_POOLS:%=systemd/migration-fcgi-%.service)
nodist_systemdsystemunit_DATA = $(SYSTEMD_FCGI) systemd/migration-worker.service
nodist_sysusers_DATA = systemd/sysusers/desk-migration.conf
nodist_tmpfiles_DATA = systemd/tmpfiles/desk-migration.conf
EXTRA_DIST += \
	systemd/migration-fcgi.service.in \
	systemd/migration-fcgi.socket.in \
	systemd/migration-worker.service.in \
	systemd/sysusers.conf \
	systemd/tmpfiles.conf.in
CLEANFILES += $(nodist_systemdsystemunit_DATA) $(nodist_sysusers_DATA) $(nodist_tmpfiles_DATA)
SYSTEMD_FILL = sed \
	-e 's|@sbin@|$(sbindir)|g' \
	-e 's|@conf@|$(sysconfdir)/desk-migration|g' \
	-e 's|@data@|/var/lib/desk-migration|g' \
	-e 's|@run@|$(rundir)|g'

$(SYSTEMD_FCGI): systemd/module.stamp
	$(AM_V_GEN)kind=$(@:systemd/migration-fcgi-%=%) && pool=$${kind%.*} && \
	$(SYSTEMD_FILL) -e "s|@pool@|$$pool|g" $(srcdir)/systemd/migration-fcgi.$${kind#*.}.in >$@
systemd/migration-worker.service: systemd/module.stamp
	$(AM_V_GEN)$(SYSTEMD_FILL) $(srcdir)/systemd/migration-worker.service.in >$@
systemd/sysusers/desk-migration.conf: systemd/module.stamp
	$(AM_V_GEN)$(MKDIR_P) systemd/sysusers && cat $(srcdir)/systemd/sysusers.conf >$@
systemd/tmpfiles/desk-migration.conf: systemd/module.stamp
	$(AM_V_GEN)$(MKDIR_P) systemd/tmpfiles && $(SYSTEMD_FILL) $(srcdir)/systemd/tmpfiles.conf.in >$@
systemd/module.stamp: $(srcdir)/systemd/migration-fcgi.service.in $(srcdir)/systemd/migration-fcgi.socket.in \
		$(srcdir)/systemd/migration-worker.service.in $(srcdir)/systemd/sysusers.conf \
		$(srcdir)/systemd/tmpfiles.conf.in Makefile
	@$(MKDIR_P) systemd && touch $@
CLEANFILES += systemd/module.stamp
