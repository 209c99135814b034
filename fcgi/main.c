/* migration-fcgi: one of the three pools (migration-fcgi(8)). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "app.h"
#include "keeper.h"
#include "log.h"
#include "pool.h"
#include "router.h"
#include "secrecy.h"
#include "serve.h"
#include "socket.h"
#include "str.h"

#include "banned.h"

struct options {
	enum pool_kind pool;
	const char *settings, *socket;
	int64_t processes; /* 0: from the settings */
	bool check, routes;
};

static const char usage[] =
	"usage: migration-fcgi -p api|worker|upload [-c FILE] [-s SOCKET] [-n PROCESSES] [-t]\n"
	"       migration-fcgi -h | -V\n";

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"routes", no_argument, NULL, 'R'}, {NULL, 0, NULL, 0}};
	bool ok = true, pool = false;
	int c;

	while (ok && (c = getopt_long(argc, argv, "p:c:s:n:thV", longs, NULL)) != -1)
		switch (c) {
		case 'p':
			ok = pool = pool_kind_parse(optarg, &o->pool);
			break;
		case 'c':
			o->settings = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'n':
			ok = str_i64(optarg, 1, POOL_MAX, &o->processes);
			break;
		case 't':
			o->check = true;
			break;
		case 'R':
			o->routes = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'V':
			puts("migration-fcgi " PACKAGE_VERSION);
			exit(0);
		default:
			ok = false;
		}
	return ok && optind == argc && (pool || o->routes || o->check);
}

static int print_routes(void)
{
	struct buf out = BUF_INIT;

	routes_json(&out);
	fputs(out.ptr, stdout);
	buf_free(&out);
	return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

static const struct err *load(const struct options *o, struct service *service)
{
	const struct conf_source src = {.settings = o->settings};
	struct buf mistakes = BUF_INIT;
	struct conf *conf = NULL;
	const struct err *e;

	e = conf_load(&conf, &src, &mistakes);
	if (e != NULL)
		fprintf(stderr, "%s", mistakes.ptr);
	buf_free(&mistakes);
	if (e == NULL)
		e = secrecy_check(conf);
	if (e != NULL) {
		conf_free(conf);
		return e;
	}
	log_open("migration-fcgi", (enum log_level)conf_int(conf, CONF_LOG_LEVEL));
	return service_load(service, conf);
}

static int processes(const struct options *o, const struct conf *conf)
{
	static const enum conf_key keys[POOL_COUNT] = {
		CONF_API_PROCESSES, CONF_WORKER_PROCESSES, CONF_UPLOAD_PROCESSES};

	return (int)(o->processes > 0 ? o->processes : conf_int(conf, keys[o->pool]));
}

static int run(const struct options *o, struct service *service)
{
	struct pool pool = {.name = pool_kind_name(o->pool), .serve = serve, .context = service};
	const struct err *e;
	int own, status;

	if ((e = socket_listen(o->socket, &pool.listen_fd, &own)) != NULL) {
		log_error("%s", e->msg);
		return err_exit(e);
	}
	pool.processes = processes(o, service->conf);
	pool.keep = o->pool == POOL_API ? keeper : NULL;
	status = pool_run(&pool);
	if (own)
		unlink(o->socket);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {.settings = SYSCONFDIR "/migration.env"};
	struct service service = {0};
	const struct err *e;
	int status = 0;

	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	if (o.routes)
		return print_routes();
	log_open("migration-fcgi", LOG_INFO_);
	secrecy_harden();
	umask(0027);
	if ((e = load(&o, &service)) != NULL) {
		log_error("%s", e->msg);
		status = err_exit(e);
	} else if (!o.check) {
		status = run(&o, &service);
	}
	service_free(&service);
	return status;
}
