# lib: two archives from one flat folder.
# libbase knows nothing of migrations; engine/ uses only this one.
noinst_LIBRARIES += libbase.a libmigration.a
libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(SODIUM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
libbase_a_SOURCES = \
	lib/banned.h \
	lib/buf.c \
	lib/buf.h \
	lib/clock.c \
	lib/clock.h \
	lib/db.c \
	lib/db.h \
	lib/err.c \
	lib/err.h \
	lib/err_table.h \
	lib/fs.c \
	lib/fs.h \
	lib/landlock.c \
	lib/landlock.h \
	lib/log.c \
	lib/log.h \
	lib/mem.c \
	lib/mem.h \
	lib/network.c \
	lib/network.h \
	lib/str.c \
	lib/str.h
BASE_LIBS = libbase.a $(SODIUM_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS)

libmigration_a_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS) $(SODIUM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(JWT_CFLAGS) $(IDN2_CFLAGS) $(OPENSSL_CFLAGS)
libmigration_a_SOURCES = \
	lib/canonical.c \
	lib/canonical.h \
	lib/certificate.c \
	lib/certificate.h \
	lib/conf.c \
	lib/conf.h \
	lib/conf_table.h \
	lib/dns_clock.c \
	lib/dns_clock.h \
	lib/domain.c \
	lib/domain.h \
	lib/gate.c \
	lib/gate.h \
	lib/gate_facts.c \
	lib/gate_names.c \
	lib/issuers.c \
	lib/json.c \
	lib/json.h \
	lib/lifecycle.c \
	lib/lifecycle.h \
	lib/model.c \
	lib/model.h \
	lib/principal.c \
	lib/principal.h \
	lib/queue.c \
	lib/queue.h \
	lib/queue_spool.c \
	lib/queue_spool.h \
	lib/report.c \
	lib/report.h \
	lib/seal.c \
	lib/seal.h \
	lib/store.c \
	lib/store.h \
	lib/store_accept.c \
	lib/store_account.c \
	lib/store_account.h \
	lib/store_artefact.c \
	lib/store_artefact.h \
	lib/store_audit.c \
	lib/store_audit.h \
	lib/store_decide.c \
	lib/store_dns.c \
	lib/store_dns.h \
	lib/store_evidence.c \
	lib/store_evidence.h \
	lib/store_facts.c \
	lib/store_facts.h \
	lib/store_history.c \
	lib/store_history.h \
	lib/store_job.c \
	lib/store_job.h \
	lib/store_mailbox.c \
	lib/store_mailbox.h \
	lib/store_quarantine.c \
	lib/store_quarantine.h \
	lib/store_retention.c \
	lib/store_retention.h \
	lib/store_run.c \
	lib/store_run.h \
	lib/store_run_claim.c \
	lib/store_run_report.c \
	lib/store_run_row.h \
	lib/store_session.c \
	lib/store_upload.c \
	lib/store_upload.h \
	lib/store_user.c \
	lib/store_user.h \
	lib/store_watch.c \
	lib/store_watch.h \
	lib/store_worker.c \
	lib/store_worker.h \
	lib/token.c \
	lib/token.h \
	lib/token_key.c \
	lib/token_key.h \
	lib/upload_file.c \
	lib/upload_file.h \
	lib/upload_hash.c \
	lib/upload_hash.h \
	lib/upload_kind.c \
	lib/upload_kind.h \
	lib/upload_sink.c \
	lib/upload_sink.h \
	lib/upload_state.c \
	lib/upload_state.h
MIGRATION_LIBS = libmigration.a $(BASE_LIBS) $(JWT_LIBS) $(IDN2_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

# The schema, as C: one text a migration.
SCHEMA_SQL = \
	lib/schema/progress.sql \
	lib/schema/0001-first.sql \
	lib/schema/0002-evidence.sql \
	lib/schema/0003-dns.sql \
	lib/schema/0004-retention.sql
EXTRA_DIST += lib/schema/embed.awk $(SCHEMA_SQL)
BUILT_SOURCES += lib/schema_sql.h
CLEANFILES += lib/schema_sql.h
lib/schema_sql.h: lib/schema/embed.awk $(SCHEMA_SQL)
	$(AM_V_GEN)$(MKDIR_P) lib && cd $(srcdir) && $(AWK) -f lib/schema/embed.awk $(SCHEMA_SQL) > $(abs_builddir)/$@.tmp && \
	mv $(abs_builddir)/$@.tmp $(abs_builddir)/$@
lib/libmigration_a-store.$(OBJEXT): lib/schema_sql.h
