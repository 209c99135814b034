/* mailmover: moves and compares mailboxes. See mailmover(1). */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "app.h"
#include "feed.h"
#include "imapsync.h"
#include "log.h"
#include "net.h"

#include "banned.h"

struct command_row {
	const char *name;
	const struct err *(*run)(struct app *app);
};

static const struct command_row commands[] = {
	{"copy", cmd_copy},
	{"verify", cmd_verify},
	{"check", cmd_check},
};

/* Memory of this process holds passwords: no core file, no debugger of the same user. */
static void shut_windows(void)
{
	struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void on_signal(void *arg)
{
	struct app *app = arg;

	app->stop = true;
	if (app->on_stop != NULL)
		app->on_stop(app->on_stop_arg);
}

static const struct err *run(struct app *app)
{
	const struct err *e = events_open(&app->events, app->opts.events);

	if (e != NULL)
		return e;
	if (app->opts.from.kind != URL_IMAP) {
		e = feed_new(&app->opts.from.feed, &app->opts.from, app->events);
		if (e != NULL)
			return e;
	}
	event(app->events, "start", json_pack("{s:s, s:s}", "command", app->opts.command, "version", PACKAGE_VERSION));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, app->opts.command) == 0)
			return commands[i].run(app);
	return err_new(ERR_UNSUPPORTED, "%s: not built in", app->opts.command);
}

int main(int argc, char **argv)
{
	json_t *denied;
	struct app app = {0};
	const struct err *e;
	int status;

	shut_windows();
	if (argc >= 2 && is_help(argv[1]) && opts_usage(NULL))
		return 0;
	if (argc >= 3 && is_help(argv[argc - 1]) && opts_usage(argv[1]))
		return 0;
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		printf("mailmover %s\n", PACKAGE_VERSION);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "imapsync-args") == 0)
		return imapsync_args(argc - 2, argv + 2);
	denied = json_array();
	log_open("mailmover", LOG_WARN_);
	app.loop = loop_new();
	loop_catch_signals(app.loop, on_signal, &app);
	e = opts_parse(&app.opts, argc, argv);
	for (size_t i = 0; i < app.opts.deny_network.n; i++)
		json_array_append_new(denied, json_string(app.opts.deny_network.s[i]));
	net_deny(denied);
	if (e == NULL) {
		log_open("mailmover", app.opts.verbose ? LOG_DEBUG_ : LOG_WARN_);
		e = run(&app);
	}
	status = e != NULL && e->id == ERR_USAGE ? 2 : err_exit(e);
	if (e != NULL && e->id != ERR_PARTIAL)
		fprintf(stderr, "mailmover: %s: %s\n", err_code(e), e->msg);
	loop_free(app.loop); /* closes what is left of connections */
	feed_free(app.opts.from.feed);
	opts_wipe(&app.opts);
	events_close(app.events);
	json_decref(denied);
	return status;
}
