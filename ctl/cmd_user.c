/* migrationctl user: local accounts. */
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"
#include "fs.h"
#include "mem.h"
#include "store_user.h"

#include "banned.h"

/* One line from standard input, without echo on a terminal. */
static const struct err *read_line(const char *prompt, struct buf *out)
{
	struct termios old, quiet;
	bool tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
	const struct err *e = NULL;
	char ch;
	ssize_t n;

	if (tty) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
		fputs(prompt, stderr);
	}
	buf_reserve(out, USER_PASSWORD_MAX + 2);
	while (((n = read(STDIN_FILENO, &ch, 1)) == 1 && ch != '\n') || (n < 0 && errno == EINTR))
		if (n == 1 && out->len <= USER_PASSWORD_MAX)
			buf_addc(out, ch);
	if (n < 0)
		e = err_errno("standard input");
	if (tty) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
	}
	return e;
}

static const struct err *read_password(const char *file, struct buf *out)
{
	struct buf again = BUF_INIT;
	const struct err *e;

	if (file != NULL)
		e = fs_read_secret(file, USER_PASSWORD_MAX + 2, out);
	else
		e = read_line("Password: ", out);
	if (e == NULL && file == NULL && isatty(STDIN_FILENO)) {
		e = read_line("Again: ", &again);
		if (e == NULL && strcmp(again.ptr, out->ptr) != 0)
			e = err_new(ERR_INPUT, "the two passwords differ");
	}
	if (e == NULL && strlen(out->ptr) != out->len)
		e = err_new(ERR_INPUT, "the password contains NUL");
	buf_wipe(&again);
	return e;
}

const struct err *cmd_user_add(struct ctl *c, int argc, char **argv, int *status)
{
	const char *role = NULL, *display = "", *org = "", *file = NULL;
	const struct ctl_option options[] = {{"--role", &role, NULL}, {"--display-name", &display, NULL},
	        {"--org", &org, NULL}, {"--password-file", &file, NULL}, {NULL, NULL, NULL}};
	struct buf password = BUF_INIT;
	struct user u = {0};
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	(void)status;
	if (e == NULL && (role == NULL || !role_parse(role, &u.role)))
		e = err_new(ERR_USAGE, "--role is super_admin, ops_lead, technician or gate_reader");
	if (e == NULL)
		e = read_password(file, &password);
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL) {
		u.name = xstrdup(argv[0]);
		u.display_name = xstrdup(display);
		u.org = xstrdup(org);
		e = user_insert(c->store, &u, password.ptr, &c->by);
	}
	if (e == NULL)
		printf("user %s (%s)\n", u.name, role);
	if (e == NULL && !conf_bool(c->conf, CONF_LOCAL_ACCOUNTS))
		fprintf(stderr, "migrationctl: warning: local accounts cannot sign in: "
		                "MIGRATION_LOCAL_ACCOUNTS is false\n");
	user_free(&u);
	buf_wipe(&password);
	return e;
}

static void print_json(const struct user *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		        list, json_pack("{s:I, s:s, s:s, s:s, s:s, s:b}", "id", (json_int_t)v[i].id, "name",
		                      v[i].name, "display_name", v[i].display_name, "role",
		                      role_name(v[i].role), "org", v[i].org, "disabled", v[i].disabled));
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
}

const struct err *cmd_user_list(struct ctl *c, int argc, char **argv, int *status)
{
	bool json = false;
	const struct ctl_option options[] = {{"--json", NULL, &json}, {NULL, NULL, NULL}};
	struct user *v = NULL;
	size_t n = 0;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = user_list(c->store, 0, 100000, NULL, &v, &n);
	if (e == NULL && json)
		print_json(v, n);
	for (size_t i = 0; e == NULL && !json && i < n; i++) {
		printf("%-24s %-12s %-9s ", v[i].name, role_name(v[i].role), v[i].disabled ? "disabled" : "");
		ctl_print(v[i].display_name);
		putchar('\n');
	}
	users_free(v, n);
	return e;
}

const struct err *cmd_user_passwd(struct ctl *c, int argc, char **argv, int *status)
{
	const char *file = NULL;
	const struct ctl_option options[] = {{"--password-file", &file, NULL}, {NULL, NULL, NULL}};
	struct buf password = BUF_INIT;
	struct user u = {0};
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	(void)status;
	if (e == NULL)
		e = read_password(file, &password);
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = user_find(c->store, argv[0], &u);
	if (e == NULL)
		e = user_update(c->store, &u, password.ptr, &c->by);
	if (e == NULL)
		printf("user %s has a new password; its sessions have ended\n", u.name);
	user_free(&u);
	buf_wipe(&password);
	return e;
}

static const struct err *set_disabled(struct ctl *c, int argc, char **argv, bool disabled)
{
	const struct ctl_option options[] = {{NULL, NULL, NULL}};
	struct user u = {0};
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = user_find(c->store, argv[0], &u);
	if (e == NULL) {
		u.disabled = disabled;
		e = user_update(c->store, &u, NULL, &c->by);
	}
	user_free(&u);
	return e;
}

const struct err *cmd_user_disable(struct ctl *c, int argc, char **argv, int *status)
{
	(void)status;
	return set_disabled(c, argc, argv, true);
}

const struct err *cmd_user_enable(struct ctl *c, int argc, char **argv, int *status)
{
	(void)status;
	return set_disabled(c, argc, argv, false);
}

const struct err *cmd_user_delete(struct ctl *c, int argc, char **argv, int *status)
{
	const struct ctl_option options[] = {{NULL, NULL, NULL}};
	struct user u = {0};
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	(void)status;
	if (e == NULL)
		e = ctl_store(c, STORE_USE);
	if (e == NULL)
		e = user_find(c->store, argv[0], &u);
	if (e == NULL)
		e = user_delete(c->store, u.id, &c->by);
	user_free(&u);
	return e;
}
