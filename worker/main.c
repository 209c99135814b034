/*
 * migration-worker: takes run files from the spool, claims their runs from the API, lets tools do the work and
 * reports what came of it. One process, one thread, one event loop (migration-worker.8).
 */
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "api.h"
#include "child.h"
#include "conf.h"
#include "fault.h"
#include "hosts.h"
#include "inspect.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "spool.h"
#include "supervisor.h"
#include "unseal.h"

#include "banned.h"

struct options {
	const char *settings, *worker;
	bool check;
};

struct program {
	struct loop *loop;
	struct timer *watchdog;
	int64_t watchdog_ms;
	struct supervisor sup;
};

static void usage(FILE *to)
{
	fputs("usage: migration-worker [-c FILE] [-k FILE|fd:N] [-t]\n"
	      "  -c FILE        settings (default " SYSCONFDIR "/migration.env)\n"
	      "  -k FILE|fd:N   the worker's own settings (default " SYSCONFDIR "/worker.env)\n"
	      "  -t             check settings, keys and spool, and exit\n"
	      "  -h, -V         this help, the version\n",
		to);
}

static int parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "c:k:tF:hV")) != -1) {
		switch (c) {
		case 'c':
			o->settings = optarg;
			break;
		case 'k':
			o->worker = optarg;
			break;
		case 't':
			o->check = true;
			break;
		case 'F':
#ifdef FAULT_POINTS
			fault_arm(optarg);
			break;
#else
			fputs("migration-worker: -F needs a build with --enable-fault-points\n", stderr);
			return 64;
#endif
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("migration-worker " PACKAGE_VERSION);
			return 0;
		default:
			usage(stderr);
			return 64;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 64;
	}
	return -1;
}

static int fail(const struct err *e)
{
	log_error("%s", e->msg);
	return err_exit(e);
}

static const struct err *load_settings(const struct options *o, struct conf **out)
{
	/* migration.env is the service's; a worker on another host may have all it needs in worker.env */
	struct conf_source src = {.settings = o->settings, .settings_optional = true, .worker = o->worker};
	struct buf mistakes = BUF_INIT;
	const struct err *e = conf_load(out, &src, &mistakes);

	if (e != NULL && mistakes.len > 0)
		fputs(mistakes.ptr, stderr);
	buf_free(&mistakes);
	return e;
}

static char *spool_of(const struct conf *c)
{
	const char *queue = conf_str(c, CONF_QUEUE);

	if (strncmp(queue, "spool:/", 7) == 0)
		return xstrdup(queue + 6);
	if (*conf_str(c, CONF_SPOOL_PATH) != '\0')
		return xstrdup(conf_str(c, CONF_SPOOL_PATH));
	return conf_data_path(c, "spool");
}

static void stopped(void *arg)
{
	struct program *p = arg;

	loop_stop(p->loop);
}

static void on_signal(void *arg, int signo)
{
	struct program *p = arg;

	if (signo == SIGCHLD) {
		child_reap();
		return;
	}
	if (p->sup.stopping)
		return;
	log_info("%s: stopping", strsignal(signo));
	sd_notify(0, "STOPPING=1");
	supervisor_stop(&p->sup);
}

static void on_watchdog(void *arg)
{
	struct program *p = arg;

	sd_notify(0, "WATCHDOG=1");
	timer_set(p->watchdog, p->watchdog_ms);
}

static void start_watchdog(struct program *p)
{
	uint64_t usec;

	p->watchdog = timer_new(p->loop, on_watchdog, p);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	p->watchdog_ms = (int64_t)(usec / 3000);
	on_watchdog(p);
}

static const struct err *serve(struct program *p)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	const struct err *e;

	e = child_init();
	if (e == NULL)
		e = loop_signals(p->loop, signals, (int)(sizeof(signals) / sizeof(signals[0])), on_signal, p);
	if (e == NULL)
		e = supervisor_start(&p->sup);
	if (e != NULL)
		return e;
	start_watchdog(p);
	log_info("version %s, worker %s, %lld slots, API %s", PACKAGE_VERSION, api_worker(p->sup.api),
		(long long)conf_int(p->sup.conf, CONF_WORKER_SLOTS), conf_str(p->sup.conf, CONF_API_URL));
	sd_notify(0, "READY=1");
	e = loop_run(p->loop);
	supervisor_end(&p->sup);
	timer_free(p->watchdog);
	return e;
}

static const struct err *run_program(const struct options *o, struct conf *c)
{
	struct program p = {.sup = {.conf = c}};
	struct keyring *keys = NULL;
	char *spool = spool_of(c);
	const struct err *e;

	p.sup.stopped = stopped;
	p.sup.arg = &p;
	e = keyring_new(&keys, conf_list(c, CONF_CREDENTIALS_KEY));
	if (e == NULL)
		e = loop_new(&p.loop);
	p.sup.loop = p.loop;
	p.sup.keys = keys;
	if (e == NULL)
		e = api_new(&p.sup.api, p.loop, c);
	if (e == NULL)
		e = spool_open(&p.sup.spool, spool);
	p.sup.hosts = hosts_new((int)conf_int(c, CONF_HOST_CONNECTIONS));
	if (e == NULL && !o->check)
		e = serve(&p);
	hosts_free(p.sup.hosts);
	spool_close(p.sup.spool);
	api_free(p.sup.api);
	loop_free(p.loop);
	keyring_free(keys);
	free(spool);
	return e;
}

int main(int argc, char **argv)
{
	struct options o = {.settings = SYSCONFDIR "/migration.env", .worker = SYSCONFDIR "/worker.env"};
	const struct err *e;
	struct conf *c = NULL;
	int status;

	if (argc > 1 && strcmp(argv[1], "inspect") == 0)
		return inspect_main(argc - 1, argv + 1);
	status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	log_open("migration-worker", LOG_INFO_);
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		return fail(err_new(ERR_INTERNAL, "libsodium cannot start"));
#ifndef WITH_SANITIZERS /* the leak checker traces its own process */
	/* no core file, no debugger and no /proc/PID/mem of a process that holds keys */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return fail(err_errno("prctl(PR_SET_DUMPABLE)"));
#endif
	e = load_settings(&o, &c);
	if (e == NULL)
		log_open("migration-worker", (enum log_level)conf_int(c, CONF_LOG_LEVEL));
	if (e == NULL)
		e = run_program(&o, c);
	conf_free(c);
	if (e == NULL && o.check)
		puts("settings, keys and spool are in order");
	return e != NULL ? fail(e) : 0;
}
