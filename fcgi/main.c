/* migration-fcgi: one of the three pools (migration-fcgi(8)). */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "pool.h"
#include "router.h"
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

static const char usage[] = "usage: migration-fcgi -p api|worker|upload [-c FILE] [-s SOCKET] [-n PROCESSES] [-t]\n";

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"routes", no_argument, NULL, 'R'}, {NULL, 0, NULL, 0}};
	bool ok = true, pool = false;
	int c;

	while (ok && (c = getopt_long(argc, argv, "p:c:s:n:t", longs, NULL)) != -1)
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

int main(int argc, char **argv)
{
	struct options o = {.settings = SYSCONFDIR "/migration.env"};
	struct pool pool = {.serve = serve};
	const struct err *e;
	int own, status;

	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	if (o.routes)
		return print_routes();
	log_open("migration-fcgi", LOG_INFO_);
	pool.name = pool_kind_name(o.pool);
	pool.processes = o.processes > 0 ? (int)o.processes : 4;
	e = socket_listen(o.socket, &pool.listen_fd, &own);
	if (e != NULL) {
		log_error("%s", e->msg);
		return err_exit(e);
	}
	status = pool_run(&pool);
	if (own)
		unlink(o.socket);
	return status;
}
