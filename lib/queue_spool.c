#include "queue_spool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"

#include "banned.h"

const struct err *queue_spool_check(const char *spool)
{
	static const char *const folders[] = {"tmp", "incoming"};
	const struct err *e = NULL;

	for (size_t i = 0; e == NULL && i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = xasprintf("%s/%s", spool, folders[i]);

		if (access(path, W_OK | X_OK) != 0)
			e = err_errno("spool folder %s", path);
		free(path);
	}
	return e;
}

const struct err *queue_spool_emit(const char *spool, int64_t run_id, const char *text)
{
	char *tmp = xasprintf("%s/tmp", spool);
	char *path = xasprintf("%s/incoming/%lld.json", spool, (long long)run_id);
	bool created = false;
	const struct err *e;

	/* Looked at first: re-emitting what waits must not cost a file and two fsyncs each time. */
	if (access(path, F_OK) == 0)
		e = NULL;
	else
		e = fs_create(tmp, path, text, strlen(text), 0640, &created);
	free(path);
	free(tmp);
	return e;
}
