#include "inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fs.h"
#include "json.h"
#include "str.h"

#include "banned.h"

static int events = -1;

void inspect_tell(json_t *event)
{
	struct buf line = BUF_INIT;

	js_write(&line, event);
	buf_addc(&line, '\n');
	/* the worker reads them: without it nobody needs the rest */
	if (fs_write_all(events, line.ptr, line.len) != NULL)
		_exit(1);
	buf_free(&line);
	json_decref(event);
}

int inspect_main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		const struct err *(*run)(char **args);
	} commands[] = {
		{"mbox", 1, inspect_mbox}, {"rest", 3, inspect_rest}, {"split", 3, inspect_split}, {"tgz", 1, inspect_tgz},
		{"compare", 2, inspect_compare}, {"address", 2, inspect_address},
	};
	const struct err *e;
	int64_t fd;

	if (argc < 4 || strcmp(argv[1], "--events") != 0 || strncmp(argv[2], "fd:", 3) != 0)
		return 64;
	if (!str_i64(argv[2] + 3, 3, 1 << 20, &fd))
		return 64;
	events = (int)fd;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[3], commands[i].name) != 0 || argc != 4 + commands[i].args)
			continue;
		e = commands[i].run(argv + 4);
		if (e == NULL)
			return 0;
		inspect_tell(json_pack("{s:s, s:s, s:s}", "t", "damage", "code", err_code(e), "message", e->msg));
		return INSPECT_DAMAGED;
	}
	return 64;
}
