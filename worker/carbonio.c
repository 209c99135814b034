#include "carbonio.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "mem.h"
#include "str.h"
#include "tool.h"

#include "banned.h"

#define SSH_OWN 10 /* rows: ssh's own words */
static const struct {
	const char *words;
	enum err_id code;
} meanings[] = {
	{"Host key verification failed", ERR_TLS_UNTRUSTED},
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", ERR_TLS_UNTRUSTED},
	{"Permission denied (", ERR_AUTH_REJECTED},
	{"Could not resolve hostname", ERR_HOST_UNKNOWN},
	{"Connection refused", ERR_HOST_REFUSED},
	{"Connection timed out", ERR_HOST_UNREACHABLE},
	{"No route to host", ERR_HOST_UNREACHABLE},
	{"Connection closed by", ERR_LINE_LOST},
	{"Connection reset", ERR_LINE_LOST},
	{"client_loop", ERR_LINE_LOST},
	{"carbonio-shell:", ERR_PERMISSION},
	{"command not found", ERR_TOOL_MISSING},
	{": not found", ERR_TOOL_MISSING},
	{"QUOTA_EXCEEDED", ERR_QUOTA},
	{"NO_SUCH_ACCOUNT", ERR_NOT_FOUND},
	{"NO_SUCH_DOMAIN", ERR_NOT_FOUND},
	{"status=401", ERR_AUTH_REJECTED},
	{"ERROR: ", ERR_TOOL_FAILED},
};

const struct err *carbonio_ready(const struct conf *c, char **ssh)
{
	if (*conf_str(c, CONF_CARBONIO_SSH) == '\0')
		return err_new(ERR_CONFIG, "MIGRATION_CARBONIO_SSH is not set: user@host of the new server");
	if (*conf_str(c, CONF_SSH_KNOWN_HOSTS) == '\0')
		return err_new(ERR_CONFIG, "MIGRATION_SSH_KNOWN_HOSTS is not set: the file with the servers' host keys");
	return tool_program(c, CONF_COUNT, "ssh", ssh);
}

bool carbonio_plain(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+=-@");

	return *s != '-' && *s != '\0' && s[n] == '\0' && n <= 320;
}

/* "user@host" in parts; without a user: that of zmmailbox. */
static const struct err *add_target(struct spawn *s, const struct conf *c, const char *given, int64_t port, bool *same)
{
	const char *target = given != NULL ? given : conf_str(c, CONF_CARBONIO_SSH);
	const char *at = strrchr(target, '@'), *zm = conf_str(c, CONF_ZMMAILBOX_USER), *colon;
	const char *host = at != NULL ? at + 1 : target;
	char *user = at != NULL ? xasprintf("%.*s", (int)(at - target), target) : xstrdup(zm);
	const struct err *e = NULL;

	colon = given == NULL ? strrchr(host, ':') : NULL; /* the setting may hold a port */
	if (colon != NULL && !str_i64(colon + 1, 1, 65535, &port))
		colon = NULL;
	*same = strcmp(user, zm) == 0;
	if (!carbonio_plain(user) || *host == '-' || *host == '\0')
		e = err_new(ERR_CONFIG, "%s is no user@host for ssh", target);
	if (e == NULL && port > 0) {
		spawn_arg(s, "-p");
		spawn_argf(s, "%lld", (long long)port);
	}
	if (e == NULL) {
		spawn_arg(s, "-l");
		spawn_arg(s, user);
		spawn_arg(s, "--");
		spawn_argf(s, "%.*s", colon != NULL ? (int)(colon - host) : (int)strlen(host), host);
	}
	free(user);
	return e;
}

static void add_options(struct spawn *s, const struct conf *c)
{
	const char *known = conf_str(c, CONF_SSH_KNOWN_HOSTS), *key = conf_str(c, CONF_SSH_KEY_FILE);
	static const char *const always[] = {"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
		"ConnectTimeout=30", "ServerAliveInterval=30", "ServerAliveCountMax=6", "ForwardAgent=no", "ForwardX11=no",
		"PermitLocalCommand=no", "ControlMaster=no", "ControlPath=none", "GlobalKnownHostsFile=/dev/null"};

	spawn_arg(s, "-F");
	spawn_arg(s, "/dev/null");
	spawn_arg(s, "-T");
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		spawn_arg(s, "-o");
		spawn_arg(s, always[i]);
	}
	spawn_arg(s, "-o");
	spawn_argf(s, "UserKnownHostsFile=%s", known);
	spawn_readable(s, known);
	if (*key != '\0') {
		spawn_arg(s, "-o");
		spawn_arg(s, "IdentitiesOnly=yes");
		spawn_arg(s, "-i");
		spawn_arg(s, key);
		spawn_readable(s, key);
	} else if (getenv("SSH_AUTH_SOCK") != NULL) {
		spawn_env(s, "SSH_AUTH_SOCK", getenv("SSH_AUTH_SOCK"));
	}
}

/* As its user's log-in shell, so that the program is found and has what it needs. carbonio-shell knows this form. */
const struct err *carbonio_ssh(
	const struct conf *c, const char *ssh, const char *target, int64_t port, const char *command, struct spawn **out)
{
	struct spawn *s = spawn_new(ssh);
	bool same = false;
	const struct err *e;

	add_options(s, c);
	if ((e = add_target(s, c, target, port, &same)) != NULL) {
		spawn_free(s);
		return e;
	}
	if (same)
		spawn_argf(s, "bash -lc \"%s\"", command);
	else
		spawn_argf(s, "su - %s -c \"%s\"", conf_str(c, CONF_ZMMAILBOX_USER), command);
	*out = s;
	return NULL;
}

const struct err *carbonio_into(struct spawn *s, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno("create %s", path);
	spawn_stdout(s, fd);
	return NULL;
}

void carbonio_words(const char *line, const char *server, struct err *failure)
{
	/* what stands after ERROR: are Zimbra's words, also of hosts and ports of its own */
	for (size_t i = str_starts(line, "ERROR: ") ? SSH_OWN : 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strstr(line, meanings[i].words) != NULL && (failure->id == ERR_NONE || i < 2)) {
			*failure = *err_new(meanings[i].code, "%s: %.300s", server, line);
			return;
		}
}

const struct err *carbonio_ended(const char *program, int status, const struct err *failure)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		/* their interactive mode prints errors and ends with 0 all the same */
		return failure->id == ERR_TOOL_FAILED ? failure : NULL;
	if (failure->id != ERR_NONE)
		return failure;
	if (WIFSIGNALED(status))
		return err_new(ERR_TOOL_FAILED, "ssh was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_new(WEXITSTATUS(status) == 255 ? ERR_HOST_UNREACHABLE : ERR_TOOL_FAILED,
		"%s ended with status %d and said nothing of it", program, WEXITSTATUS(status));
}
