/* The databases, the audit trail, the workers. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "doctor.h"
#include "queue.h"
#include "store_audit.h"
#include "store_retention.h"
#include "store_worker.h"

#include "banned.h"

static void check_integrity(struct doctor *d)
{
	char *report = NULL;
	const struct err *e = store_integrity(d->ctl->store, &report);

	if (e != NULL)
		doctor_add(d, FOUND_WRONG, "database", "restore the last backup", "%s", e->msg);
	else if (strcmp(report, "ok") != 0)
		doctor_add(d, FOUND_WRONG, "database", "restore the last backup", "%s", report);
	else
		doctor_add(d, FOUND_OK, "database", NULL, "sound, version %d", store_version());
	free(report);
}

static void check_audit(struct doctor *d)
{
	struct audit_check check;
	const struct err *e = audit_verify(d->ctl->store, &check);

	if (e != NULL)
		doctor_add(d, FOUND_WRONG, "audit", NULL, "%s", e->msg);
	else if (!check.ok)
		doctor_add(d, FOUND_WRONG, "audit", "find out who writes to the database besides the service",
		        "%s", check.what);
	else
		doctor_add(d, FOUND_OK, "audit", NULL, "%lld rows, unbroken", (long long)check.rows);
}

static void check_workers(struct doctor *d)
{
	struct worker *v;
	size_t n, active = 0;
	char seen[24];
	const struct err *e = worker_list(d->ctl->store, &v, &n);

	if (e != NULL) {
		doctor_add(d, FOUND_WRONG, "workers", NULL, "%s", e->msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (v[i].revoked)
			continue;
		active++;
		doctor_add(d, v[i].seen_at != 0 ? FOUND_OK : FOUND_NOTE, "workers",
		        v[i].seen_at != 0 ? NULL : "is migration-worker running there?",
		        "%s, last heard of: %s", v[i].name, ctl_time(v[i].seen_at, seen));
	}
	if (active == 0)
		doctor_add(d, FOUND_WRONG, "workers",
		        "migrationctl worker key, migrationctl worker add NAME --public-key FILE",
		        "no worker is registered: nothing can run");
	workers_free(v, n);
}

/* What MIGRATION_RETENTION_DAYS does. */
static void check_retention(struct doctor *d)
{
	int64_t days = conf_int(d->ctl->conf, CONF_RETENTION_DAYS), due = 0, pruned = 0;
	const struct err *e;

	if (days == 0) {
		doctor_add(d, FOUND_OK, "retention", NULL, "files of closed jobs are kept (MIGRATION_RETENTION_DAYS)");
		return;
	}
	e = retention_count(d->ctl->store, conf_retention_before(d->ctl->conf, clock_now_ms()), &due, &pruned);
	if (e != NULL)
		doctor_add(d, FOUND_WRONG, "retention", NULL, "%s", e->msg);
	else if (due > 0)
		doctor_add(d, FOUND_NOTE, "retention", "is migration-fcgi running? Its log says what stands in the way",
		        "%lld days; the files of %lld closed jobs are still to go, of %lld are gone", (long long)days,
		        (long long)due, (long long)pruned);
	else
		doctor_add(d, FOUND_OK, "retention", NULL, "%lld days; the files of %lld closed jobs are gone", (long long)days,
		        (long long)pruned);
}

void doctor_data(struct doctor *d)
{
	struct queue *q = NULL;
	const struct err *e = ctl_store(d->ctl, STORE_USE);

	if (e != NULL) {
		doctor_add(d, FOUND_WRONG, "database", err_row(e->id)->remedy_en, "%s", e->msg);
		return;
	}
	check_integrity(d);
	check_audit(d);
	check_workers(d);
	check_retention(d);
	e = queue_open(&q, d->ctl->conf);
	if (e != NULL)
		doctor_add(d, FOUND_WRONG, "queue", "systemd-tmpfiles --create", "%s", e->msg);
	else
		doctor_add(d, FOUND_OK, "queue", NULL, "run files can be written");
	queue_close(q);
}
