/* migrationctl job, database and audit: what is there. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ctl.h"
#include "mem.h"
#include "store_audit.h"
#include "store_facts.h"
#include "store_job.h"

#include "banned.h"

struct line {
	const struct job *job;
	struct job_summary sum;
	struct gate gate;
};

static json_t *line_json(const struct line *l)
{
	json_t *domains = json_array(), *ratio;
	double r = gate_ratio(l->gate.found, l->gate.expected);

	for (size_t i = 0; i < l->job->n_domains; i++)
		json_array_append_new(domains, json_string(l->job->domains[i]));
	ratio = r < 0 ? json_null() : json_real(r);
	return json_pack("{s:I, s:o, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s, s:o}", "id",
	        (json_int_t)l->job->id, "domains", domains, "ticket", l->job->ticket, "title", l->job->title,
	        "closed", l->job->closed, "mailboxes", (json_int_t)l->sum.mailboxes, "active_runs",
	        (json_int_t)l->sum.active_runs, "messages_total", (json_int_t)l->sum.messages_total,
	        "messages_done", (json_int_t)l->sum.messages_done, "gate", gate_verdict_name(l->gate.verdict),
	        "ratio", ratio);
}

static void print_line(const struct line *l)
{
	printf("%6lld  %-32s %-10s %3lld mailboxes %3lld active %9lld/%-9lld %-13s ", (long long)l->job->id,
	        l->job->n_domains > 0 ? l->job->domains[0] : "", l->job->closed ? "closed" : "open",
	        (long long)l->sum.mailboxes, (long long)l->sum.active_runs, (long long)l->sum.messages_done,
	        (long long)l->sum.messages_total, gate_verdict_name(l->gate.verdict));
	ctl_print(l->job->ticket);
	putchar('\n');
}

static const struct err *show(struct ctl *c, const struct job *j, json_t *list)
{
	struct gate_policy policy = gate_policy_of(c->conf);
	struct line l = {.job = j};
	const struct err *e = job_summary(c->store, j->id, &l.sum);

	if (e == NULL)
		e = gate_of_job(c->store, j->id, &policy, clock_now_ms(), &l.gate, NULL);
	if (e == NULL && list != NULL)
		json_array_append_new(list, line_json(&l));
	else if (e == NULL)
		print_line(&l);
	gate_free(&l.gate);
	return e;
}

const struct err *cmd_job_list(struct ctl *c, int argc, char **argv, int *status)
{
	bool all = false, json = false;
	const struct ctl_option options[] = {
	        {"--all", NULL, &all}, {"--json", NULL, &json}, {NULL, NULL, NULL}};
	struct job *v = NULL;
	size_t n = 0;
	json_t *list = NULL;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = job_list(
		        c->store, &(struct job_filter){.closed = all ? -1 : 0, .limit = 1000000}, &v, &n);
	if (json)
		list = json_array();
	for (size_t i = 0; e == NULL && i < n; i++)
		e = show(c, &v[i], list);
	if (e == NULL && json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
	jobs_free(v, n);
	return e;
}

const struct err *cmd_database_init(struct ctl *c, int argc, char **argv, int *status)
{
	const struct ctl_option options[] = {{NULL, NULL, NULL}};
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL)
		e = ctl_store(c, STORE_MIGRATE);
	if (e == NULL)
		printf("%s/migration.db: version %d\n", conf_str(c->conf, CONF_DATA_PATH), store_version());
	return e;
}
