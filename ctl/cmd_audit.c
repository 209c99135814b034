/* migrationctl audit: the trail, checked against itself and against the certificates that have seen it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "ctl.h"
#include "fs.h"
#include "mem.h"
#include "store_artefact.h"
#include "store_audit.h"

#include "banned.h"

#define FILE_MAX (512u << 20)

/* What a chain alone cannot show is that its end was cut off: a certificate says how long it once was. */
struct anchors {
	struct ctl_keys keys;
	int64_t rows; /* of the whole trail now */
	int checked, bad;
};

static void bad(struct anchors *a, const char *file, const char *what)
{
	a->bad++;
	printf("audit trail: BROKEN: ");
	ctl_print(what);
	printf(" (says ");
	ctl_print(file);
	printf(")\n");
}

/* The row that the certificate has seen last must be there, with its hash. */
static const struct err *compare(struct ctl *c, struct anchors *a, const char *file, const json_t *statement)
{
	const json_t *audit = json_object_get(statement, "audit");
	int64_t rows = json_integer_value(json_object_get(audit, "rows"));
	const char *head = json_string_value(json_object_get(audit, "head"));
	char hash[AUDIT_HASH], *what;
	const struct err *e = audit_hash_of(c->store, rows, hash);

	if (e != NULL)
		return e;
	if (hash[0] == '\0')
		what = xasprintf("rows %lld to %lld are missing at the end", (long long)a->rows + 1, (long long)rows);
	else if (head == NULL || strcmp(head, hash) != 0)
		what = xasprintf("row %lld or one before it was replaced", (long long)rows);
	else
		return NULL;
	bad(a, file, what);
	free(what);
	return NULL;
}

static const struct err *check_file(struct ctl *c, struct anchors *a, const char *file)
{
	struct certificate_check check = {0};
	struct buf text = BUF_INIT;
	const struct err *e = fs_read(file, FILE_MAX, &text);

	if (e != NULL)
		return e;
	certificate_check(text.ptr, text.len, (const unsigned char (*)[CERTIFICATE_KEY])a->keys.v, a->keys.n, &check);
	a->checked++;
	/* one that was tampered with anchors nothing, and is itself a finding */
	if (check.n_faults > 0)
		bad(a, file, check.faults[0].what);
	else
		e = compare(c, a, file, json_object_get(check.doc, "statement"));
	certificate_check_free(&check);
	buf_free(&text);
	return e;
}

/* The certificates that the service keeps. */
static const struct err *check_kept(struct ctl *c, struct anchors *a)
{
	char *top = conf_data_path(c->conf, "artefacts");
	struct artefact *v = NULL;
	size_t n = 0;
	const struct err *e = artefact_list_named(c->store, "certificate.json", &v, &n);

	for (size_t i = 0; e == NULL && i < n; i++) {
		char *path = xasprintf("%s/%lld/%s", top, (long long)v[i].run_id, v[i].name);

		e = check_file(c, a, path);
		if (e != NULL && e->id == ERR_NOT_FOUND) {
			bad(a, path, "the certificate is gone");
			e = NULL;
		}
		free(path);
	}
	artefacts_free(v, n);
	free(top);
	return e;
}

static const struct err *check_chain(struct ctl *c, struct anchors *a)
{
	struct audit_check check;
	const struct err *e = audit_verify(c->store, &check);

	if (e != NULL)
		return e;
	a->rows = check.rows;
	if (check.ok)
		return NULL;
	printf("audit trail: BROKEN: %s (%lld rows before it are sound)\n", check.what, (long long)check.rows);
	a->bad++;
	return NULL;
}

const struct err *cmd_audit_verify(struct ctl *c, int argc, char **argv, int *status)
{
	const struct ctl_option options[] = {{NULL, NULL, NULL}};
	struct anchors a = {0};
	const struct err *e = ctl_options(&argc, argv, options, 0, 1000);

	if (e == NULL)
		e = ctl_keys_of_settings(c, &a.keys);
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = check_chain(c, &a);
	if (e == NULL && a.keys.n > 0)
		e = check_kept(c, &a);
	if (e == NULL && argc > 0 && a.keys.n == 0)
		e = err_new(ERR_USAGE, "MIGRATION_SIGNING_PUBLIC_KEYS is not set: no certificate can be checked");
	for (int i = 0; e == NULL && i < argc; i++)
		e = check_file(c, &a, argv[i]);
	if (e == NULL && a.bad == 0)
		printf("audit trail: %lld rows, unbroken; %d certificates agree\n", (long long)a.rows, a.checked);
	*status = a.bad > 0;
	ctl_keys_free(&a.keys);
	return e;
}

const struct err *cmd_audit_list(struct ctl *c, int argc, char **argv, int *status)
{
	const char *job = "0", *limit = "50";
	const struct ctl_option options[] = {
	        {"--job-id", &job, NULL}, {"--limit", &limit, NULL}, {NULL, NULL, NULL}};
	struct audit_row *v = NULL;
	size_t n = 0;
	int64_t job_id = 0, most = 0;
	char at[24];
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL)
		e = ctl_number("--job-id", job, 0, INT64_MAX, &job_id);
	if (e == NULL)
		e = ctl_number("--limit", limit, 1, 1000000, &most);
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = audit_list(c->store, job_id, 0, (size_t)most, &v, &n);
	for (size_t i = n; e == NULL && i > 0; i--) {
		printf("%6lld %s ", (long long)v[i - 1].id, ctl_time(v[i - 1].at, at));
		ctl_print(v[i - 1].actor);
		printf(" %s %s ", v[i - 1].action, v[i - 1].subject);
		ctl_print(v[i - 1].detail);
		putchar('\n');
	}
	audit_rows_free(v, n);
	return e;
}
