/* Programs that move mail: which are there, in which version, and what they can carry. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "doctor.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define PATIENCE_MS 10000
#define OUTPUT_MAX 4096

/* Every tool; a pipeline needs those whose bits it names. */
enum { MAILMOVER, IMAPSYNC, READPST, IMAP_UPLOAD, SSH, TOOL_COUNT };
static const struct {
	const char *name;
	enum conf_key key;   /* CONF_COUNT: only looked for in the path */
	const char *version; /* argument that prints it; NULL: it has none */
} tools[TOOL_COUNT] = {
        [MAILMOVER] = {"mailmover", CONF_MAILMOVER_BIN, "--version"},
        [IMAPSYNC] = {"imapsync", CONF_IMAPSYNC_BIN, "--version"},
        [READPST] = {"readpst", CONF_READPST_BIN, "-V"},
        [IMAP_UPLOAD] = {"imap_upload.py", CONF_IMAP_UPLOAD, NULL},
        [SSH] = {"ssh", CONF_COUNT, "-V"},
};
static const struct {
	const char *source, *engine;
	unsigned needs;
	bool served; /* by the worker of this version */
} pipelines[] = {
        {"imap", "native", 1u << MAILMOVER, true},
        {"imap", "reference", 1u << IMAPSYNC, true},
        {"pst", "native", 1u << MAILMOVER, false},
        {"pst", "reference", 1u << READPST | 1u << IMAP_UPLOAD, true},
        {"mbox", "native", 1u << MAILMOVER, false},
        {"mbox", "reference", 1u << IMAP_UPLOAD, true},
        {"tgz", "native", 1u << MAILMOVER, false},
        {"tgz", "reference", 1u << SSH, true},
};

static char *find(const struct conf *c, int tool)
{
	const char *path = conf_str(c, CONF_TOOLS_PATH);

	if (tools[tool].key != CONF_COUNT && *conf_str(c, tools[tool].key) != '\0')
		return xstrdup(conf_str(c, tools[tool].key));
	while (*path != '\0') {
		size_t len = strcspn(path, ":");
		char *one = xasprintf("%.*s/%s", (int)len, path, tools[tool].name);

		if (len > 0 && access(one, X_OK) == 0)
			return one;
		free(one);
		path += len + (path[len] == ':');
	}
	return NULL;
}

static void drain(int fd, pid_t pid, struct buf *out)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = end - clock_mono_ms();
		char chunk[1024];
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0) {
			kill(pid, SIGKILL);
			return;
		}
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0 || (n < 0 && errno != EINTR))
			return;
		if (n > 0 && out->len < OUTPUT_MAX)
			buf_add(out, chunk, (size_t)n);
	}
}

/* Runs it and takes the first line that it prints, on either stream. */
static bool ask_version(const char *path, const char *argument, struct buf *out)
{
	char *argv[] = {xstrdup(path), xstrdup(argument), NULL};
	char *envp[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin", (char *)(uintptr_t) "LC_ALL=C", NULL};
	posix_spawn_file_actions_t acts;
	int fds[2], status = 0, rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0) {
		free(argv[0]);
		free(argv[1]);
		return false;
	}
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&acts, fds[1], STDERR_FILENO);
	rc = posix_spawn(&pid, path, &acts, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&acts);
	close(fds[1]);
	if (rc == 0) {
		drain(fds[0], pid, out);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(fds[0]);
	free(argv[0]);
	free(argv[1]);
	buf_truncate(out, strcspn(out->ptr, "\r\n"));
	return rc == 0 && WIFEXITED(status) && out->len > 0;
}

static bool check_tool(struct doctor *d, int tool)
{
	bool needed = tool == MAILMOVER, good = true;
	char *path = find(d->ctl->conf, tool);
	struct buf version = BUF_INIT;

	if (path == NULL || access(path, X_OK) != 0) {
		doctor_add(d, needed ? FOUND_WRONG : FOUND_NOTE, "tools",
		        needed ? "install Desk Migration again" : NULL, "%s: not found%s%s", tools[tool].name,
		        path != NULL ? ": " : "", path != NULL ? path : "");
		good = false;
	} else if (tools[tool].version == NULL) {
		doctor_add(d, FOUND_OK, "tools", NULL, "%s: %s", tools[tool].name, path);
	} else if (ask_version(path, tools[tool].version, &version)) {
		doctor_add(d, FOUND_OK, "tools", NULL, "%s: %s: %s", tools[tool].name, path, version.ptr);
	} else {
		doctor_add(d, FOUND_WRONG, "tools", NULL, "%s: %s does not run", tools[tool].name, path);
		good = false;
	}
	buf_free(&version);
	free(path);
	return good;
}

void doctor_tools(struct doctor *d)
{
	struct buf list = BUF_INIT;
	unsigned have = 0;

	for (int i = 0; i < TOOL_COUNT; i++)
		if (check_tool(d, i))
			have |= 1u << i;
	for (size_t i = 0; i < sizeof(pipelines) / sizeof(pipelines[0]); i++)
		if (pipelines[i].served && (have & pipelines[i].needs) == pipelines[i].needs)
			buf_addf(&list, "%s%s (%s)", list.len > 0 ? ", " : "", pipelines[i].source,
			        pipelines[i].engine);
	doctor_add(d, list.len > 0 ? FOUND_OK : FOUND_WRONG, "tools",
	        list.len > 0 ? NULL : "install mailmover", "sources that can be moved: %s",
	        list.len > 0 ? list.ptr : "none");
	buf_free(&list);
}
