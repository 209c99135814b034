/* migrationctl doctor: is this installation fit to work? Exit status 0 when nothing is wrong. */
#include <jansson.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "mem.h"

#include "banned.h"

static const char *const words[] = {[FOUND_OK] = "ok", [FOUND_NOTE] = "note", [FOUND_WRONG] = "wrong"};

void doctor_add(struct doctor *d, enum finding f, const char *area, const char *remedy, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n].area = xstrdup(area);
	d->v[d->n].what = buf_detach(&b);
	d->v[d->n].remedy = xstrdup(remedy != NULL ? remedy : "");
	d->v[d->n++].finding = f;
}

static void check_settings(struct doctor *d)
{
	struct conf_source src = {
	        .settings = d->ctl->settings, .worker = d->ctl->worker, .worker_optional = true};
	struct buf mistakes = BUF_INIT;
	char *line, *at;

	if (conf_load(&d->ctl->conf, &src, &mistakes) == NULL)
		doctor_add(d, FOUND_OK, "settings", NULL, "%s", d->ctl->settings);
	at = mistakes.ptr;
	while ((line = strsep(&at, "\n")) != NULL)
		if (*line != '\0')
			doctor_add(d, FOUND_WRONG, "settings", "correct the line; see migration.env(5)", "%s",
			        line);
	buf_free(&mistakes);
	if (!conf_bool(d->ctl->conf, CONF_ENABLED))
		doctor_add(d, FOUND_NOTE, "settings", "set MIGRATION_ENABLED=true",
		        "the service is switched off");
}

static void print_text(const struct doctor *d, size_t wrong)
{
	for (size_t i = 0; i < d->n; i++) {
		printf("%-5s %-9s ", words[d->v[i].finding], d->v[i].area);
		ctl_print(d->v[i].what);
		if (*d->v[i].remedy != '\0')
			printf("\n%-15s -> %s", "", d->v[i].remedy);
		putchar('\n');
	}
	if (wrong == 0)
		printf("\nNothing is wrong.\n");
	else
		printf("\n%zu %s wrong.\n", wrong, wrong == 1 ? "thing is" : "things are");
}

static void print_json(const struct doctor *d, size_t wrong)
{
	json_t *o = json_object(), *list = json_array();

	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(
		        list, json_pack("{s:s, s:s, s:s, s:s}", "finding", words[d->v[i].finding], "area",
		                      d->v[i].area, "what", d->v[i].what, "remedy", d->v[i].remedy));
	json_object_set_new(o, "ok", json_boolean(wrong == 0));
	json_object_set_new(o, "checks", list);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

const struct err *cmd_doctor(struct ctl *c, int argc, char **argv, int *status)
{
	bool json = false;
	const struct ctl_option options[] = {{"--json", NULL, &json}, {NULL, NULL, NULL}};
	struct doctor d = {.ctl = c};
	size_t wrong = 0;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	if (e != NULL)
		return e;
	d.users_known = getpwnam("migration") != NULL && getpwnam("migration-worker") != NULL;
	check_settings(&d);
	doctor_paths(&d);
	doctor_keys(&d);
	doctor_tools(&d);
	doctor_data(&d);
	for (size_t i = 0; i < d.n; i++)
		wrong += d.v[i].finding == FOUND_WRONG;
	if (json)
		print_json(&d, wrong);
	else
		print_text(&d, wrong);
	for (size_t i = 0; i < d.n; i++) {
		free(d.v[i].area);
		free(d.v[i].what);
		free(d.v[i].remedy);
	}
	free(d.v);
	*status = wrong == 0 ? 0 : 1;
	return NULL;
}
