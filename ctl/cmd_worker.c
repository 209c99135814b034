/* migrationctl worker: who may claim runs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ctl.h"
#include "fs.h"
#include "mem.h"
#include "store_worker.h"

#include "banned.h"

const struct err *cmd_worker_key(struct ctl *c, int argc, char **argv, int *status)
{
	const char *out = NULL;
	const struct ctl_option options[] = {{"--out", &out, NULL}, {NULL, NULL, NULL}};
	struct buf pem = BUF_INIT;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL && out == NULL && (e = ctl_conf(c)) == NULL)
		out = conf_str(c->conf, CONF_WORKER_KEY_FILE);
	if (e == NULL)
		e = ctl_new_pair(out, &pem);
	if (e == NULL)
		printf("private key: %s (owner migration-worker, 0600)\npublic key: %s.pub: migrationctl "
		       "worker add NAME "
		       "--public-key %s.pub\n",
		        out, out, out);
	buf_free(&pem);
	return e;
}

const struct err *cmd_worker_add(struct ctl *c, int argc, char **argv, int *status)
{
	const char *file = NULL;
	const struct ctl_option options[] = {{"--public-key", &file, NULL}, {NULL, NULL, NULL}};
	struct buf pem = BUF_INIT;
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	(void)status;
	if (e == NULL && file == NULL)
		e = err_new(ERR_USAGE, "--public-key is required");
	if (e == NULL)
		e = fs_read(file, 16384, &pem); /* before root's rights are given up */
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = worker_add(c->store, argv[0], pem.ptr, &c->by);
	if (e == NULL)
		printf("worker %s may claim runs now\n", argv[0]);
	buf_free(&pem);
	return e;
}

static void print_json(const struct worker *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		char seen[CLOCK_TEXT_SIZE];

		json_array_append_new(
		        list, json_pack("{s:s, s:b, s:s, s:o}", "name", v[i].name, "revoked", v[i].revoked,
		                      "version", v[i].version, "seen_at",
		                      v[i].seen_at != 0 ? json_string(clock_text(v[i].seen_at, seen))
		                                        : json_null()));
	}
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
}

const struct err *cmd_worker_list(struct ctl *c, int argc, char **argv, int *status)
{
	bool json = false;
	const struct ctl_option options[] = {{"--json", NULL, &json}, {NULL, NULL, NULL}};
	struct worker *v = NULL;
	char seen[24];
	size_t n = 0;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = worker_list(c->store, &v, &n);
	if (e == NULL && json)
		print_json(v, n);
	for (size_t i = 0; e == NULL && !json && i < n; i++)
		printf("%-24s %-10s %-12s last heard of: %s\n", v[i].name,
		        v[i].revoked ? "revoked" : "active", v[i].version, ctl_time(v[i].seen_at, seen));
	workers_free(v, n);
	return e;
}

const struct err *cmd_worker_revoke(struct ctl *c, int argc, char **argv, int *status)
{
	const struct ctl_option options[] = {{NULL, NULL, NULL}};
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	(void)status;
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = worker_revoke(c->store, argv[0], &c->by);
	if (e == NULL)
		printf("worker %s is revoked: its reports are refused from now on\n", argv[0]);
	return e;
}
