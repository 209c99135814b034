/* The handlers of the route table, one file a resource. Each reads c->req, fills c->res, and returns NULL or
 * the error that becomes a problem; what is wrong with the input goes to c->bad. */
#ifndef API_H
#define API_H

#include "call.h"
#include "err.h"

#define HANDLER(name) const struct err *name(struct call *c)

/* api_service.c */
HANDLER(api_health);
HANDLER(api_ready);
HANDLER(api_version);
HANDLER(api_openapi);
HANDLER(api_settings);
/* api_metrics.c */
HANDLER(api_metrics);
/* api_session.c */
HANDLER(api_session_create);
HANDLER(api_session_delete);
HANDLER(api_me);
/* api_users.c */
HANDLER(api_users_list);
HANDLER(api_users_create);
HANDLER(api_users_update);
HANDLER(api_users_delete);
/* api_jobs.c */
HANDLER(api_jobs_list);
HANDLER(api_jobs_create);
HANDLER(api_jobs_get);
HANDLER(api_jobs_update);
HANDLER(api_jobs_close);
/* api_mailboxes.c */
HANDLER(api_mailboxes_list);
HANDLER(api_mailboxes_create);
HANDLER(api_mailboxes_get);
HANDLER(api_mailboxes_update);
HANDLER(api_mailboxes_remove);
/* api_starts.c */
HANDLER(api_preflight);
HANDLER(api_discover);
HANDLER(api_sync);
HANDLER(api_verify);
/* api_runs.c */
HANDLER(api_runs_list);
HANDLER(api_runs_get);
HANDLER(api_runs_log);
HANDLER(api_runs_cancel);
HANDLER(api_runs_pause);
HANDLER(api_runs_resume);
HANDLER(api_runs_retry);
/* api_evidence.c */
HANDLER(api_job_verification);
HANDLER(api_mailbox_verification);
/* api_missing.c */
HANDLER(api_missing_list);
HANDLER(api_missing_recopy);
HANDLER(api_missing_accept);
/* api_accounts.c */
HANDLER(api_accounts_get);
HANDLER(api_accounts_put);
HANDLER(api_accounts_read);
HANDLER(api_accounts_accept);
/* api_uploads.c */
HANDLER(api_uploads_options);
HANDLER(api_uploads_list);
HANDLER(api_uploads_create);
HANDLER(api_uploads_get);
HANDLER(api_uploads_patch);
HANDLER(api_uploads_delete);
/* api_quarantine.c */
HANDLER(api_quarantine_list);
HANDLER(api_quarantine_get);
HANDLER(api_quarantine_retry);
/* api_gate.c */
HANDLER(api_gate);
HANDLER(api_gate_approve);
HANDLER(api_gate_revoke);
HANDLER(api_gate_override);
/* api_report.c */
HANDLER(api_report_make);
HANDLER(api_report_pdf);
HANDLER(api_report_csv);
HANDLER(api_certificate);
/* api_worker.c */
HANDLER(api_runs_adopt);
HANDLER(api_runs_claim);
HANDLER(api_runs_beat);
HANDLER(api_runs_report);
HANDLER(api_credential_replace);
/* api_files.c */
HANDLER(api_file_put);
/* api_retention.c */
HANDLER(api_retention);
/* api_dns.c */
HANDLER(api_dns);
HANDLER(api_dns_plan);
HANDLER(api_dns_read);
/* api_dns_apply.c */
HANDLER(api_dns_apply);
HANDLER(api_dns_rollback);
HANDLER(api_dns_permit);
/* api_webhook.c */
HANDLER(api_webhook_dns);
/* api_rollback.c */
HANDLER(api_rollback);
/* api_cutover.c */
HANDLER(api_cutover);
/* api_audit.c */
HANDLER(api_audit);

#endif
