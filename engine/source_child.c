#include "source_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "source_cage.h"
#include "source_serve.h"
#include "url.h"

#include "banned.h"

static const struct source_kind *find(const char *name)
{
	for (int k = 0; k < 16; k++) {
		const struct source_kind *kind = source_kind_find(k);

		if (kind != NULL && strcmp(kind->name, name) == 0)
			return kind;
	}
	return NULL;
}

static void say(const char *text)
{
	if (write(STDIN_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

int source_child(const char *name, const char *path)
{
	const struct source_kind *kind = find(name);
	const struct err *e;
	bool landlock;
	char line[ERR_MSG_SIZE + 80];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kind == NULL) {
		say("* BYE [DESKERR unsupported] no reader of this kind is built in\r\n");
		return 1;
	}
	if (kind->prepare != NULL)
		kind->prepare();
	e = source_cage(path, &landlock);
	if (e != NULL) {
		snprintf(line, sizeof(line), "* BYE [DESKERR %s] the reader cannot be confined: %s\r\n", err_code(e), e->msg);
		say(line);
		return 1;
	}
	source_serve(STDIN_FILENO, kind, path, landlock);
	return 0;
}
