# fcgi: migration-fcgi, the three pools behind the web server
sbin_PROGRAMS += migration-fcgi
# all but what speaks FastCGI and forks: tests link it
noinst_LIBRARIES += libapi.a
FCGI_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/fcgi $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(OPENSSL_CFLAGS)
libapi_a_CPPFLAGS = $(FCGI_CPPFLAGS)
nodist_libapi_a_SOURCES = fcgi/openapi_json.c
libapi_a_SOURCES = \
	fcgi/api.h \
	fcgi/api_accounts.c \
	fcgi/api_audit.c \
	fcgi/api_cutover.c \
	fcgi/api_dns.c \
	fcgi/api_dns_apply.c \
	fcgi/api_evidence.c \
	fcgi/api_files.c \
	fcgi/api_gate.c \
	fcgi/api_jobs.c \
	fcgi/api_mailboxes.c \
	fcgi/api_metrics.c \
	fcgi/api_missing.c \
	fcgi/api_quarantine.c \
	fcgi/api_report.c \
	fcgi/api_runs.c \
	fcgi/api_service.c \
	fcgi/api_retention.c \
	fcgi/api_rollback.c \
	fcgi/api_session.c \
	fcgi/api_starts.c \
	fcgi/api_uploads.c \
	fcgi/api_users.c \
	fcgi/api_webhook.c \
	fcgi/api_worker.c \
	fcgi/app.c \
	fcgi/app.h \
	fcgi/artefacts.c \
	fcgi/artefacts.h \
	fcgi/auth.c \
	fcgi/auth.h \
	fcgi/body.c \
	fcgi/body.h \
	fcgi/call.c \
	fcgi/call.h \
	fcgi/csv.c \
	fcgi/csv.h \
	fcgi/dns_order.c \
	fcgi/dns_order.h \
	fcgi/dns_plan.c \
	fcgi/dns_plan.h \
	fcgi/endpoint_input.c \
	fcgi/endpoint_input.h \
	fcgi/fastcgi.c \
	fcgi/fastcgi.h \
	fcgi/folders_input.c \
	fcgi/folders_input.h \
	fcgi/gate_cache.c \
	fcgi/gate_cache.h \
	fcgi/idempotency.c \
	fcgi/idempotency.h \
	fcgi/keeper.h \
	fcgi/mailbox_input.c \
	fcgi/mailbox_input.h \
	fcgi/openapi.h \
	fcgi/pool.c \
	fcgi/pool.h \
	fcgi/problem.c \
	fcgi/problem.h \
	fcgi/range.c \
	fcgi/range.h \
	fcgi/recopy.c \
	fcgi/recopy.h \
	fcgi/request.c \
	fcgi/request.h \
	fcgi/response.c \
	fcgi/response.h \
	fcgi/retention.c \
	fcgi/retention.h \
	fcgi/router.c \
	fcgi/router.h \
	fcgi/routes.c \
	fcgi/secrecy.c \
	fcgi/secrecy.h \
	fcgi/serve.h \
	fcgi/socket.c \
	fcgi/socket.h \
	fcgi/tus.c \
	fcgi/tus.h \
	fcgi/uploads.c \
	fcgi/uploads.h \
	fcgi/view.h \
	fcgi/view_gate.c \
	fcgi/view_job.c \
	fcgi/view_list.c \
	fcgi/view_mailbox.c \
	fcgi/view_report.c \
	fcgi/view_report_dns.c \
	fcgi/view_run.c \
	fcgi/view_user.c \
	fcgi/view_verification.c \
	fcgi/writer.c \
	fcgi/writer.h
API_LIBS = libapi.a $(MIGRATION_LIBS)
migration_fcgi_CPPFLAGS = $(FCGI_CPPFLAGS)
migration_fcgi_SOURCES = \
	fcgi/keeper.c \
	fcgi/main.c \
	fcgi/serve.c
migration_fcgi_LDADD = $(API_LIBS)

# the description of the API, compiled in
EXTRA_DIST += fcgi/openapi.json
CLEANFILES += fcgi/openapi_json.c
fcgi/openapi_json.c: $(srcdir)/fcgi/openapi.json
	$(AM_V_GEN)$(MKDIR_P) fcgi && { \
	  echo '#include "openapi.h"'; \
	  echo 'const char openapi_json[] = {'; \
	  od -An -v -tx1 $(srcdir)/fcgi/openapi.json | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'; \
	  echo '0};'; \
	  echo 'const size_t openapi_json_len = sizeof(openapi_json) - 1;'; } >$@
