# worker: sources, one a line; all but main.c are a library of their own, for the unit tests
noinst_LIBRARIES += libworker.a
libworker_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/worker $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libworker_a_SOURCES = \
	worker/api.c \
	worker/api.h \
	worker/carbonio.c \
	worker/carbonio.h \
	worker/child.c \
	worker/child.h \
	worker/claim.c \
	worker/claim.h \
	worker/confine.c \
	worker/confine.h \
	worker/deliver.c \
	worker/deliver.h \
	worker/execution.c \
	worker/execution.h \
	worker/fault.c \
	worker/fault.h \
	worker/findings.c \
	worker/findings.h \
	worker/heartbeat.c \
	worker/heartbeat.h \
	worker/hosts.c \
	worker/hosts.h \
	worker/http.c \
	worker/http.h \
	worker/imapsync_log.c \
	worker/imapsync_log.h \
	worker/inspect.c \
	worker/inspect.h \
	worker/inspect_address.c \
	worker/inspect_mbox.c \
	worker/inspect_tgz.c \
	worker/lines.c \
	worker/lines.h \
	worker/loop.c \
	worker/loop.h \
	worker/mask.c \
	worker/mask.h \
	worker/progress.c \
	worker/progress.h \
	worker/piece.c \
	worker/piece.h \
	worker/rawlog.c \
	worker/rawlog.h \
	worker/room.c \
	worker/room.h \
	worker/retention.c \
	worker/retention.h \
	worker/run.c \
	worker/run_claim.c \
	worker/run_end.c \
	worker/run_impl.h \
	worker/run.h \
	worker/runfile.c \
	worker/runfile.h \
	worker/scanner.c \
	worker/scanner.h \
	worker/spawn.c \
	worker/spawn.h \
	worker/spool.c \
	worker/spool.h \
	worker/supervisor.c \
	worker/supervisor.h \
	worker/tar_read.c \
	worker/tar_read.h \
	worker/tail.c \
	worker/tail.h \
	worker/terminal.c \
	worker/terminal.h \
	worker/tool.h \
	worker/tool_account.c \
	worker/tool_account.h \
	worker/tool_carbonio.c \
	worker/tool_dns.c \
	worker/tool_imap_upload.c \
	worker/tool_imapsync.c \
	worker/tool_mailmover.c \
	worker/tool_readpst.c \
	worker/tool_readpst_impl.h \
	worker/tool_report.c \
	worker/tool_table.c \
	worker/tool_zmmailbox.c \
	worker/unseal.c \
	worker/upload_log.c \
	worker/upload_log.h \
	worker/unseal.h
WORKER_LIBS = libworker.a $(MIGRATION_LIBS) $(CURL_LIBS) $(ZLIB_LIBS)

sbin_PROGRAMS += migration-worker
migration_worker_CPPFLAGS = $(libworker_a_CPPFLAGS) $(SYSTEMD_CFLAGS)
migration_worker_SOURCES = worker/main.c
migration_worker_LDADD = $(WORKER_LIBS) $(SYSTEMD_LIBS)

# asks name servers, changes records: a child of the worker, confined like the other tools
pkglibexec_PROGRAMS += migration-dns
migration_dns_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/worker $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS) $(EXPAT_CFLAGS)
migration_dns_SOURCES = \
	worker/dns_apply.c \
	worker/dns_apply.h \
	worker/dns_exchange.c \
	worker/dns_exchange.h \
	worker/dns_http.c \
	worker/dns_http.h \
	worker/dns_main.c \
	worker/dns_probe.c \
	worker/dns_probe.h \
	worker/dns_provider.c \
	worker/dns_provider.h \
	worker/dns_provider_cloudflare.c \
	worker/dns_provider_pfsense.c \
	worker/dns_provider_rfc2136.c \
	worker/dns_read.c \
	worker/dns_read.h \
	worker/dns_settings.c \
	worker/dns_settings.h \
	worker/autoconfig.c \
	worker/autoconfig.h
migration_dns_LDADD = $(MIGRATION_LIBS) $(CURL_LIBS) $(LDNS_LIBS) $(EXPAT_LIBS)
