#include "secrecy.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mem.h"

#include "banned.h"

static const struct err *check_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	close(fd);
	return err_new(ERR_CONFIG,
		"%s can be read by this user: it holds the key that opens credentials, and this program must "
		"not be able to see it. Give the file to the worker's user only (mode 0640, "
		"root:migration-worker)",
		path);
}

const struct err *secrecy_check(const struct conf *conf)
{
	const char *settings = conf_settings_path(conf), *slash = strrchr(settings, '/');
	const struct err *e;
	char *beside;

	if (getenv("MIGRATION_CREDENTIALS_KEY") != NULL)
		return err_new(ERR_CONFIG, "MIGRATION_CREDENTIALS_KEY is in the environment: this program "
					   "must not be able to see it");
	beside = slash != NULL ? xasprintf("%.*s/worker.env", (int)(slash - settings), settings)
			       : xstrdup("worker.env");
	e = check_file(beside);
	free(beside);
	return e != NULL ? e : check_file(SYSCONFDIR "/worker.env");
}

static void wiping_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void secrecy_harden(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	json_set_alloc_funcs(xmalloc, wiping_free);
}
