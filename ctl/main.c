#include <getopt.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "mem.h"

#include "banned.h"

static const struct {
	const char *group, *name; /* name NULL: the group is the command */
	ctl_command *run;
	const char *usage;
} commands[] = {
        {"doctor", NULL, cmd_doctor, "[--json]"},
        {"database", "init", cmd_database_init, ""},
        {"key", "generate", cmd_key_generate, "[--worker-env FILE] [--settings FILE] [--show]"},
        {"key", "signing", cmd_key_signing, "[--worker-env FILE] [--settings FILE] [--show]"},
        {"key", "issuer", cmd_key_issuer, "[--out FILE] [--issuer NAME]"},
        {"worker", "key", cmd_worker_key, "[--out FILE]"},
        {"worker", "add", cmd_worker_add, "NAME --public-key FILE"},
        {"worker", "list", cmd_worker_list, "[--json]"},
        {"worker", "revoke", cmd_worker_revoke, "NAME"},
        {"token", "issue", cmd_token_issue,
                "--role ROLE [--sub SUBJECT] [--name NAME] [--org ORG] [--days N] [--issuer ISS] [--key "
                "FILE] [--audience AUD]"},
        {"user", "add", cmd_user_add,
                "NAME --role ROLE [--display-name TEXT] [--org ORG] [--password-file FILE]"},
        {"user", "list", cmd_user_list, "[--json]"},
        {"user", "passwd", cmd_user_passwd, "NAME [--password-file FILE]"},
        {"user", "disable", cmd_user_disable, "NAME"},
        {"user", "enable", cmd_user_enable, "NAME"},
        {"user", "delete", cmd_user_delete, "NAME"},
        {"job", "list", cmd_job_list, "[--all] [--json]"},
        {"verify", NULL, cmd_verify, "--job-id N --mailbox-id M [--deep] [--last]"},
        {"certificate", "verify", cmd_certificate_verify, "FILE [--public-key KEY|FILE]"},
        {"audit", "verify", cmd_audit_verify, "[CERTIFICATE …]"},
        {"audit", "list", cmd_audit_list, "[--job-id N] [--limit N]"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *f)
{
	fprintf(f, "usage: migrationctl [-c SETTINGS] [-k WORKER-SETTINGS] COMMAND …\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  %s%s%s %s\n", commands[i].group, commands[i].name != NULL ? " " : "",
		        commands[i].name != NULL ? commands[i].name : "", commands[i].usage);
	fprintf(f, "\nSee migrationctl(8).\n");
}

const struct err *ctl_conf(struct ctl *c)
{
	struct conf_source src = {.settings = c->settings, .worker = c->worker, .worker_optional = true};
	struct buf mistakes = BUF_INIT;
	const struct err *e;

	if (c->conf != NULL)
		return NULL;
	e = conf_load(&c->conf, &src, &mistakes);
	if (e != NULL)
		fputs(mistakes.ptr, stderr);
	buf_free(&mistakes);
	return e != NULL ? err_new(ERR_CONFIG, "the settings are not valid") : NULL;
}

static const struct err *become_owner(const char *path)
{
	const struct passwd *pw;
	struct stat st;

	if (geteuid() != 0)
		return NULL;
	if (stat(path, &st) != 0)
		return err_errno("%s", path);
	if (st.st_uid == 0)
		return NULL;
	pw = getpwuid(st.st_uid);
	if (pw != NULL ? initgroups(pw->pw_name, st.st_gid) != 0 : setgroups(1, &st.st_gid) != 0)
		return err_errno("groups of the owner of %s", path);
	if (setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
	        setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)
		return err_errno("become the owner of %s", path);
	return NULL;
}

const struct err *ctl_store(struct ctl *c, enum store_mode mode)
{
	const char *path;
	const struct err *e;

	if ((e = ctl_conf(c)) != NULL)
		return e;
	path = conf_str(c->conf, CONF_DATA_PATH);
	e = become_owner(path);
	if (e == NULL)
		e = store_open(&c->store, path, mode);
	if (e != NULL && mode != STORE_MIGRATE && (e->id == ERR_DB || e->id == ERR_NOT_FOUND))
		e = err_wrap(e, "is the database there? (migrationctl database init)");
	return e;
}

/* Who types: also behind sudo. */
static char *who_types(void)
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *pw = getpwuid(getuid());

	if (sudo != NULL && *sudo != '\0')
		return xasprintf("ctl|%.64s", sudo);
	return pw != NULL ? xasprintf("ctl|%s", pw->pw_name) : xasprintf("ctl|uid %u", (unsigned)getuid());
}

static int find(int argc, char **argv, int *used)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (argc < 1 || strcmp(argv[0], commands[i].group) != 0)
			continue;
		*used = commands[i].name != NULL ? 2 : 1;
		if (commands[i].name == NULL || (argc > 1 && strcmp(argv[1], commands[i].name) == 0))
			return (int)i;
	}
	return -1;
}

static int run(struct ctl *c, int argc, char **argv)
{
	int used = 0, at = find(argc, argv, &used), status = 0;
	const struct err *e;

	if (at < 0) {
		usage(stderr);
		return 64;
	}
	e = commands[at].run(c, argc - used, argv + used, &status);
	if (e == NULL)
		return status;
	fprintf(stderr, "migrationctl: %s\n", e->msg);
	if (e->id == ERR_USAGE)
		fprintf(stderr, "usage: migrationctl %s%s%s %s\n", commands[at].group,
		        commands[at].name != NULL ? " " : "",
		        commands[at].name != NULL ? commands[at].name : "", commands[at].usage);
	else
		fprintf(stderr, "%s\n", err_row(e->id)->remedy_en);
	return err_exit(e);
}

/* worker.env stands beside the settings. */
static char *beside(const char *settings)
{
	char *copy = xstrdup(settings), *path = xasprintf("%s/worker.env", dirname(copy));

	free(copy);
	return path;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
	        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct ctl c = {.settings = SYSCONFDIR "/migration.env"};
	char *worker = NULL;
	int opt, status;

	log_open("migrationctl", LOG_WARN_);
	if (sodium_init() < 0)
		return 70;
	while ((opt = getopt_long(argc, argv, "+c:k:h", longs, NULL)) != -1) {
		if (opt == 'c')
			c.settings = optarg;
		else if (opt == 'k')
			c.worker = optarg;
		else if (opt == 'V')
			return printf("migrationctl " PACKAGE_VERSION "\n") < 0;
		else
			return usage(opt == 'h' ? stdout : stderr), opt == 'h' ? 0 : 64;
	}
	worker = beside(c.settings);
	if (c.worker == NULL)
		c.worker = worker;
	c.who = who_types();
	c.by = (struct actor){.who = c.who, .role = ""};
	status = run(&c, argc - optind, argv + optind);
	store_close(c.store);
	conf_free(c.conf);
	free(worker);
	free(c.who);
	if (fflush(stdout) != 0 && status == 0)
		status = 74;
	return status;
}
