/* The one table of routes. The first row is the one asked most. */
#include "router.h"

#include "api.h"

#include "banned.h"

#define KB 1024u
#define MB 1048576u
#define PAGE "limit cursor"

/* clang-format off: a row a line */
const struct route routes[] = {
	{"gate", METHOD_GET, "/gate", ROLES_G, 0, 0, POOL_API, "domain", api_gate},
	/* workers */
	{"runs.beat", METHOD_PATCH, "/runs", ROLES_W, 0, MB, POOL_WORKER, NULL, api_runs_beat},
	{"runs.adopt", METHOD_POST, "/runs", ROLES_W, ROUTE_IDEMPOTENT, 64 * KB, POOL_WORKER, NULL, api_runs_adopt},
	{"runs.claim", METHOD_POST, "/runs/{id}/claim", ROLES_W, 0, 4 * KB, POOL_WORKER, NULL, api_runs_claim},
	{"runs.report", METHOD_PATCH, "/runs/{id}", ROLES_W, 0, 8 * MB, POOL_WORKER, NULL, api_runs_report},
	{"files.put", METHOD_PUT, "/runs/{id}/files/{name}", ROLES_W, ROUTE_RAW, 8 * MB, POOL_WORKER, NULL, api_file_put},
	{"credentials.replace", METHOD_PUT, "/credentials/{id}", ROLES_W, ROUTE_IF_MATCH, 64 * KB, POOL_WORKER, NULL, api_credential_replace},
	{"retention", METHOD_POST, "/retention", ROLES_W, 0, 64 * KB, POOL_WORKER, NULL, api_retention},
	/* the service itself */
	{"health", METHOD_GET, "/health", ROLES_NONE, ROUTE_ALWAYS | ROUTE_NO_DB, 0, POOL_API, NULL, api_health},
	{"ready", METHOD_GET, "/ready", ROLES_NONE, ROUTE_NO_DB, 0, POOL_API, NULL, api_ready},
	{"version", METHOD_GET, "/version", ROLES_NONE, ROUTE_NO_DB, 0, POOL_API, NULL, api_version},
	{"openapi", METHOD_GET, "/openapi.json", ROLES_NONE, ROUTE_NO_DB, 0, POOL_API, NULL, api_openapi},
	{"metrics", METHOD_GET, "/metrics", ROLES_NONE, ROUTE_LOOPBACK, 0, POOL_API, NULL, api_metrics},
	{"settings", METHOD_GET, "/settings", ROLES_T, 0, 0, POOL_API, NULL, api_settings},
	{"audit", METHOD_GET, "/audit", ROLES_L, 0, 0, POOL_API, "job_id " PAGE, api_audit},
	/* who */
	{"session.create", METHOD_POST, "/session", ROLES_NONE, 0, 4 * KB, POOL_API, NULL, api_session_create},
	{"session.delete", METHOD_DELETE, "/session", ROLES_NONE, 0, 0, POOL_API, NULL, api_session_delete},
	{"me", METHOD_GET, "/me", ROLES_ANY, 0, 0, POOL_API, NULL, api_me},
	{"users.list", METHOD_GET, "/users", ROLES_S, 0, 0, POOL_API, PAGE, api_users_list},
	{"users.create", METHOD_POST, "/users", ROLES_S, 0, 16 * KB, POOL_API, NULL, api_users_create},
	{"users.update", METHOD_PATCH, "/users/{id}", ROLES_S, ROUTE_IF_MATCH, 16 * KB, POOL_API, NULL, api_users_update},
	{"users.delete", METHOD_DELETE, "/users/{id}", ROLES_S, 0, 0, POOL_API, NULL, api_users_delete},
	/* jobs */
	{"jobs.list", METHOD_GET, "/jobs", ROLES_T, 0, 0, POOL_API, "status domain q " PAGE, api_jobs_list},
	{"jobs.create", METHOD_POST, "/jobs", ROLES_T, ROUTE_IDEMPOTENT, MB, POOL_API, NULL, api_jobs_create},
	{"jobs.get", METHOD_GET, "/jobs/{id}", ROLES_T, 0, 0, POOL_API, NULL, api_jobs_get},
	{"jobs.update", METHOD_PATCH, "/jobs/{id}", ROLES_T, ROUTE_IF_MATCH, MB, POOL_API, NULL, api_jobs_update},
	{"jobs.close", METHOD_DELETE, "/jobs/{id}", ROLES_T, 0, 0, POOL_API, NULL, api_jobs_close},
	/* mailboxes */
	{"mailboxes.list", METHOD_GET, "/jobs/{id}/mailboxes", ROLES_T, 0, 0, POOL_API, "removed " PAGE, api_mailboxes_list},
	{"mailboxes.create", METHOD_POST, "/jobs/{id}/mailboxes", ROLES_T, ROUTE_IDEMPOTENT | ROUTE_CSV, MB, POOL_API, NULL, api_mailboxes_create},
	{"mailboxes.get", METHOD_GET, "/mailboxes/{id}", ROLES_T, 0, 0, POOL_API, NULL, api_mailboxes_get},
	{"mailboxes.update", METHOD_PATCH, "/mailboxes/{id}", ROLES_T, ROUTE_IF_MATCH, MB, POOL_API, NULL, api_mailboxes_update},
	{"mailboxes.remove", METHOD_DELETE, "/mailboxes/{id}", ROLES_T, 0, 4 * KB, POOL_API, NULL, api_mailboxes_remove},
	/* runs */
	{"jobs.preflight", METHOD_POST, "/jobs/{id}/preflight", ROLES_T, ROUTE_IDEMPOTENT, MB, POOL_API, NULL, api_preflight},
	{"jobs.discover", METHOD_POST, "/jobs/{id}/discover", ROLES_T, ROUTE_IDEMPOTENT, MB, POOL_API, NULL, api_discover},
	{"jobs.sync", METHOD_POST, "/jobs/{id}/sync", ROLES_T, ROUTE_IDEMPOTENT, MB, POOL_API, NULL, api_sync},
	{"jobs.verify", METHOD_POST, "/jobs/{id}/verify", ROLES_T, ROUTE_IDEMPOTENT, MB, POOL_API, NULL, api_verify},
	{"runs.list", METHOD_GET, "/jobs/{id}/runs", ROLES_T, 0, 0, POOL_API, "status mailbox_id kind " PAGE, api_runs_list},
	{"runs.get", METHOD_GET, "/runs/{id}", ROLES_T, 0, 0, POOL_API, NULL, api_runs_get},
	{"runs.log", METHOD_GET, "/runs/{id}/log", ROLES_T, 0, 0, POOL_API, NULL, api_runs_log},
	{"runs.cancel", METHOD_POST, "/runs/{id}/cancel", ROLES_T, 0, 4 * KB, POOL_API, NULL, api_runs_cancel},
	{"runs.pause", METHOD_POST, "/runs/{id}/pause", ROLES_T, 0, 4 * KB, POOL_API, NULL, api_runs_pause},
	{"runs.resume", METHOD_POST, "/runs/{id}/resume", ROLES_T, 0, 4 * KB, POOL_API, NULL, api_runs_resume},
	{"runs.retry", METHOD_POST, "/runs/{id}/retry", ROLES_T, ROUTE_IDEMPOTENT, 4 * KB, POOL_API, NULL, api_runs_retry},
	/* uploads */
	{"uploads.options", METHOD_OPTIONS, "/uploads", ROLES_NONE, ROUTE_NO_DB, 0, POOL_API, NULL, api_uploads_options},
	{"uploads.list", METHOD_GET, "/uploads", ROLES_T, 0, 0, POOL_API, PAGE, api_uploads_list},
	{"uploads.create", METHOD_POST, "/uploads", ROLES_T, ROUTE_STREAM, SIZE_MAX, POOL_UPLOAD, NULL, api_uploads_create},
	{"uploads.get", METHOD_GET, "/uploads/{name}", ROLES_T, 0, 0, POOL_API, NULL, api_uploads_get},
	{"uploads.patch", METHOD_PATCH, "/uploads/{name}", ROLES_T, ROUTE_STREAM, SIZE_MAX, POOL_UPLOAD, NULL, api_uploads_patch},
	{"uploads.delete", METHOD_DELETE, "/uploads/{name}", ROLES_T, 0, 0, POOL_API, NULL, api_uploads_delete},
	/* evidence and gate */
	{"jobs.verification", METHOD_GET, "/jobs/{id}/verify", ROLES_T, 0, 0, POOL_API, "folders", api_job_verification},
	{"mailboxes.verification", METHOD_GET, "/mailboxes/{id}/verification", ROLES_T, 0, 0, POOL_API, NULL, api_mailbox_verification},
	{"missing.list", METHOD_GET, "/mailboxes/{id}/missing", ROLES_T, 0, 0, POOL_API, "class format " PAGE, api_missing_list},
	{"missing.recopy", METHOD_POST, "/mailboxes/{id}/missing/recopy", ROLES_T, ROUTE_IDEMPOTENT, MB, POOL_API, NULL, api_missing_recopy},
	{"missing.accept", METHOD_POST, "/mailboxes/{id}/missing/accept", ROLES_L, ROUTE_IDEMPOTENT, 16 * KB, POOL_API, NULL, api_missing_accept},
	{"quarantine.list", METHOD_GET, "/mailboxes/{id}/quarantine", ROLES_T, 0, 0, POOL_API, "state " PAGE, api_quarantine_list},
	{"quarantine.get", METHOD_GET, "/mailboxes/{id}/quarantine/{n}", ROLES_T, 0, 0, POOL_API, NULL, api_quarantine_get},
	{"quarantine.retry", METHOD_POST, "/mailboxes/{id}/quarantine/{n}/retry", ROLES_T, ROUTE_IDEMPOTENT, 4 * KB, POOL_API, NULL, api_quarantine_retry},
	{"accounts.get", METHOD_GET, "/jobs/{id}/accounts", ROLES_T, 0, 0, POOL_API, NULL, api_accounts_get},
	{"accounts.put", METHOD_POST, "/jobs/{id}/accounts", ROLES_T, ROUTE_CSV, MB, POOL_API, NULL, api_accounts_put},
	{"accounts.read", METHOD_POST, "/jobs/{id}/accounts/read", ROLES_T, ROUTE_IDEMPOTENT, 4 * KB, POOL_API, NULL, api_accounts_read},
	{"accounts.accept", METHOD_POST, "/jobs/{id}/accounts/accept", ROLES_L, 0, MB, POOL_API, NULL, api_accounts_accept},
	{"report.make", METHOD_POST, "/jobs/{id}/report", ROLES_T, ROUTE_IDEMPOTENT, 4 * KB, POOL_API, NULL, api_report_make},
	{"report.pdf", METHOD_GET, "/jobs/{id}/report.pdf", ROLES_T, 0, 0, POOL_API, NULL, api_report_pdf},
	{"report.csv", METHOD_GET, "/jobs/{id}/report.csv", ROLES_T, 0, 0, POOL_API, NULL, api_report_csv},
	{"certificate", METHOD_GET, "/jobs/{id}/certificate.json", ROLES_T, 0, 0, POOL_API, NULL, api_certificate},
	{"gate.approve", METHOD_POST, "/jobs/{id}/approve-gate", ROLES_L, ROUTE_IF_MATCH, 16 * KB, POOL_API, NULL, api_gate_approve},
	{"gate.revoke", METHOD_POST, "/jobs/{id}/revoke-gate", ROLES_L, 0, 16 * KB, POOL_API, NULL, api_gate_revoke},
	{"gate.override", METHOD_POST, "/jobs/{id}/override-gate", ROLES_S, ROUTE_IF_MATCH | ROUTE_OVERRIDE, 16 * KB, POOL_API, NULL, api_gate_override},
	/* the switch */
	{"dns.get", METHOD_GET, "/jobs/{id}/dns", ROLES_T, 0, 0, POOL_API, NULL, api_dns},
	{"dns.plan", METHOD_PUT, "/jobs/{id}/dns", ROLES_T, 0, 64 * KB, POOL_API, NULL, api_dns_plan},
	{"dns.read", METHOD_POST, "/jobs/{id}/dns/read", ROLES_T, ROUTE_IDEMPOTENT, 4 * KB, POOL_API, NULL, api_dns_read},
	{"dns.apply", METHOD_POST, "/jobs/{id}/dns/apply", ROLES_L, ROUTE_IF_MATCH, 4 * KB, POOL_API, NULL, api_dns_apply},
	{"dns.rollback", METHOD_POST, "/jobs/{id}/dns/rollback", ROLES_L, 0, 4 * KB, POOL_API, NULL, api_dns_rollback},
	{"dns.permit", METHOD_POST, "/runs/{id}/permit", ROLES_NONE, 0, 64 * KB, POOL_WORKER, NULL, api_dns_permit},
	{"webhooks.dns", METHOD_POST, "/webhooks/dns", ROLES_NONE, 0, 16 * KB, POOL_API, NULL, api_webhook_dns},
	{"jobs.rollback", METHOD_POST, "/jobs/{id}/rollback", ROLES_L, ROUTE_IDEMPOTENT, 16 * KB, POOL_API, NULL, api_rollback},
	{"jobs.cutover", METHOD_GET, "/jobs/{id}/cutover", ROLES_T, 0, 0, POOL_API, NULL, api_cutover},
};
/* clang-format on */
const size_t routes_count = sizeof(routes) / sizeof(routes[0]);
